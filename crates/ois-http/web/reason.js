// Why something did not succeed, in the reader's words. Pure but for the language.

import { locale, t } from './i18n.js';
import { bytes } from './time.js';

const KNOWN = new Set(['storage', 'busy', 'limit', 'forbidden', 'unauthorized', 'not_found', 'conflict', 'network', 'bad_transition']);

/** Words for `{code, message|words}`; `size` (bytes) fills in what was too long. */
export function reason({ code, message, words }, size = 0) {
  if (code === 'too_long') return t('error.too_long', { limit: 256, size: Math.ceil(size / 1024) });
  if (code === 'too_large') return t('error.too_large', { size: bytes(size, locale()) });
  if (KNOWN.has(code)) return t(`error.${code}`);
  const said = message || words;
  return said ? t('error.other', { words: /[.。]$/u.test(said) ? said : `${said}.` }) : t('error.unknown');
}
