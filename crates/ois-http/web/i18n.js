// The language of the page: this module looks words up, fills in numbers and names, and tells listeners.
//
// All words stand in words-en.js and words-zh.js, under the same keys. A key that ends in
// `_one` is used instead of its base when `n` is 1. Nothing here touches the document.

import { en } from './words-en.js';
import { zh } from './words-zh.js';

export const LANGUAGES = { en: { name: 'English', locale: 'en-GB', words: en }, zh: { name: '中文', locale: 'zh-CN', words: zh } };

let current = 'en';
const listeners = new Set();

/** The language in use: `en` or `zh`. */
export const language = () => current;

/** The locale for dates and numbers of the language in use. */
export const locale = () => LANGUAGES[current].locale;

/** Changes the language and tells all listeners. */
export function setLanguage(code) {
  if (!(code in LANGUAGES)) return;
  current = code;
  for (const listener of listeners) listener(code);
}

/** Calls `listener` after each change of language; answers with the way to stop. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The words under `key`, with `{name}` replaced from `values`. */
export function t(key, values = {}) {
  const words = LANGUAGES[current].words;
  const one = values.n === 1 ? words[`${key}_one`] : undefined;
  const text = one ?? words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The language to begin with: the one kept, else the first wish of the browser that we have. */
export function firstLanguage(kept, wishes) {
  if (kept in LANGUAGES) return kept;
  for (const wish of wishes ?? []) {
    const code = String(wish).slice(0, 2).toLowerCase();
    if (code in LANGUAGES) return code;
  }
  return 'en';
}
