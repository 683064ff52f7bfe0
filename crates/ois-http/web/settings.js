// Language and colours: two small choices, kept in this browser.

import { h } from './dom.js';
import { LANGUAGES, language, setLanguage } from './i18n.js';
import { keep, kept } from './prefs.js';

const THEMES = ['auto', 'light', 'dark'];

/** The two choices as fields. */
export function settings() {
  const lang = h('select', { class: 'choice', data: { testid: 'lang' }, words: { label: 'lang.label' }, on: { change: () => setLanguage(lang.value) } });
  for (const [code, { name }] of Object.entries(LANGUAGES)) lang.append(h('option', { value: code }, name));
  lang.value = language();
  const theme = h('select', { class: 'choice', data: { testid: 'theme' }, words: { label: 'theme.label' }, on: { change: () => setTheme(theme.value) } });
  for (const name of THEMES) theme.append(h('option', { value: name, words: { text: `theme.${name}` } }));
  theme.value = kept('theme', 'auto');
  return h('div', { class: 'settings' }, lang, theme);
}

function setTheme(name) {
  keep('theme', name === 'auto' ? null : name);
  if (name === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}
