import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { en } from '../words-en.js';
import { zh } from '../words-zh.js';
import { firstLanguage, setLanguage, t } from '../i18n.js';

const folder = new URL('../', import.meta.url);
const sources = readdirSync(folder)
  .filter((f) => /\.(js|html)$/u.test(f) && !f.startsWith('words-'))
  .map((f) => [f, readFileSync(new URL(f, folder), 'utf8')]);

test('both languages have the same keys', () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
});

test('both languages fill in the same values', () => {
  const values = (text) => [...text.matchAll(/\{(\w+)\}/gu)].map((m) => m[1]).sort();
  for (const key of Object.keys(en)) assert.deepEqual(values(zh[key]), values(en[key]), key);
});

test('every key that the page asks for is there', () => {
  const areas = [...new Set(Object.keys(en).map((key) => key.split('.')[0]))].join('|');
  for (const [file, text] of sources) {
    for (const [, key] of text.matchAll(new RegExp(`['"\`]((?:${areas})\\.[a-zA-Z_]+)['"\`]`, 'gu'))) {
      if (/\.(js|css|md|html)$/u.test(key)) continue;
      assert.ok(key in en, `${file} asks for ${key}`);
    }
  }
});

test('no key is left over', () => {
  const all = sources.map(([, text]) => text).join('\n');
  const built = ['presence.', 'role.', 'ladder.', 'error.', 'activity.', 'theme.', 'nav.', 'time.', 'reason.', 'held.', 'path.', 'sign.', 'policy.', 'measure.', 'usage.', 'budget.then_']; // keys put together from a state
  for (const key of Object.keys(en)) {
    if (key.endsWith('_one') || built.some((area) => key.startsWith(area))) continue;
    assert.ok(all.includes(`'${key}'`) || all.includes(`"${key}"`), key);
  }
});

test('no words blame or shout', () => {
  for (const words of [en, zh]) for (const [key, text] of Object.entries(words)) assert.ok(!/[!\uFF01]/u.test(text), key);
});

test('a number of one has its own words', () => {
  setLanguage('en');
  assert.equal(t('message.replies', { n: 1 }), '1 reply');
  assert.equal(t('message.replies', { n: 2 }), '2 replies');
});

test('the language kept wins over the wishes of the browser', () => {
  assert.equal(firstLanguage('en', ['zh-CN']), 'en');
  assert.equal(firstLanguage(null, ['fr', 'zh-TW', 'en']), 'zh');
  assert.equal(firstLanguage(undefined, []), 'en');
});
