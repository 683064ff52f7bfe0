import test from 'node:test';
import assert from 'node:assert/strict';
import { mentionable } from '../mention.js';
import { spelledOut } from '../names.js';
import { uncalled, uncalledWords } from '../uncalled.js';

const names = mentionable([{ name: 'HKH' }, { name: '小明' }]);

test('an @ before a name that nobody has is told', () => {
  assert.deepEqual(uncalled('@HHK and @hkh, @小李', names), { unknown: ['@HHK', '@小李'], inert: [] });
  assert.deepEqual(uncalledWords('@HHK', names), ['compose.unknown', { names: '@HHK' }]);
});

test('a name in code, a quote, a link or a comment is told', () => {
  for (const text of ['`@hkh`', '> @HKH', '- > x @HKH', '[@HKH](https://a.example)', '<!-- @HKH -->', '```\n@HKH\n```', '\\@HKH']) {
    assert.deepEqual(uncalled(text, names), { unknown: [], inert: ['@HKH'] }, text);
  }
  assert.equal(uncalledWords('`@hkh`', names)[0], 'compose.inert');
});

test('nothing is told of those who are called, of mail, paths and code of others', () => {
  for (const text of ['@HKH', '@小明你好', 'a@b.example', 'https://a.example/@x', '`@media`', '5 @ 3', 'no sign']) assert.equal(uncalledWords(text, names), null, text);
});

test('characters that turn the direction of a file name are written out', () => {
  assert.equal(spelledOut('invoice\u202Egpj.exe'), 'invoice\u2039U+202E\u203Agpj.exe');
  assert.equal(spelledOut('写真 👨\u200D💻.png'), '写真 👨\u200D💻.png');
});
