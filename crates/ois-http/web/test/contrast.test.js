// Every pair of text and ground in tokens.css can be read: contrast 4.5 or more, in both themes.

import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const css = readFileSync(new URL('../tokens.css', import.meta.url), 'utf8');

const tokens = (text) => Object.fromEntries([...text.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/gu)].map(([, name, light, dark]) => [name, { light, dark }]));

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const TEXT_PAIRS = [
  ...['text', 'quiet', 'accent', 'good', 'warn', 'bad'].flatMap((text) => ['ground', 'raised'].map((ground) => [text, ground])),
  ...['text', 'quiet', 'accent'].flatMap((text) => ['hover', 'accent-ground', 'called-ground'].map((ground) => [text, ground])),
  ['on-accent', 'accent'],
  ['on-accent', 'bad'],
  ['bad', 'bad-ground'],
  ['text', 'bad-ground'],
  ['quiet', 'bad-ground'],
  ...Array.from({ length: 10 }, (_, i) => [`hue-${i}-text`, `hue-${i}-ground`]),
];

const base = tokens(css.slice(0, css.indexOf('@media (prefers-contrast')));
const high = { ...base, ...tokens(css.slice(css.indexOf('@media (prefers-contrast'))) };

for (const [set, name] of [[base, 'plain'], [high, 'more contrast']]) {
  for (const theme of ['light', 'dark']) {
    test(`text can be read in the ${theme} theme, ${name}`, () => {
      for (const [text, ground] of TEXT_PAIRS) {
        const ratio = contrast(set[text][theme], set[ground][theme]);
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    });

    test(`edges of fields stand out in the ${theme} theme, ${name}`, () => {
      for (const ground of ['ground', 'raised']) assert.ok(contrast(set.edge[theme], set[ground][theme]) >= 3);
    });
  }
}

test('no other style sheet brings a colour of its own', async () => {
  const { readdirSync } = await import('node:fs');
  const folder = new URL('../', import.meta.url);
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.css') && f !== 'tokens.css')) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    assert.equal(/#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(/u.exec(text), null, file);
  }
});
