import test from 'node:test';
import assert from 'node:assert/strict';
import { parse, plain } from '../markdown.js';
import { inline, safeHref } from '../markdown-inline.js';
import { mentionable } from '../mention.js';

const kinds = (text) => parse(text).map((b) => b.kind);

test('text stays text', () => {
  assert.deepEqual(inline('<img src=x onerror=alert(1)> & <b>'), ['<img src=x onerror=alert(1)> & <b>']);
});

test('bold, italic and code', () => {
  assert.deepEqual(inline('a **b** *c* _d_ `e*f*`'), [
    'a ',
    { kind: 'strong', children: ['b'] },
    ' ',
    { kind: 'em', children: ['c'] },
    ' ',
    { kind: 'em', children: ['d'] },
    ' ',
    { kind: 'code', text: 'e*f*' },
  ]);
});

test('bold beside Chinese needs no spaces', () => {
  assert.deepEqual(inline('这是**重要**的'), ['这是', { kind: 'strong', children: ['重要'] }, '的']);
});

test('names with underscores, products and lone marks stay as written', () => {
  for (const text of ['snake_case_name', '2 * 3 * 4', '**open', 'a ` b', '****', '5 _ 6']) assert.deepEqual(inline(text), [text]);
});

test('a backslash takes the meaning from a mark', () => {
  assert.deepEqual(inline('\\*no\\*'), ['*no*']);
});

test('links of the web and of mail are links, nothing else is', () => {
  assert.equal(safeHref('https://a.example/x'), 'https://a.example/x');
  assert.equal(safeHref('mailto:a@b.example'), 'mailto:a@b.example');
  for (const bad of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'file:///etc', 'vbscript:x', '/relative', 'blob:x', ' java\nscript:alert(1)']) assert.equal(safeHref(bad), null, bad);
  const [script] = inline('[x](javascript:alert(1))');
  assert.equal(script.href, null);
  assert.deepEqual(script.children, ['[x](javascript:alert(1))']);
});

test('an address ends before the marks of its sentence', () => {
  const [, link, rest] = inline('see https://a.example/b_(c)?d=1).');
  assert.equal(link.href, 'https://a.example/b_(c)?d=1');
  assert.equal(rest, ').');
  const [, chinese, after] = inline('看https://a.example/x。然后');
  assert.equal(chinese.href, 'https://a.example/x');
  assert.equal(after, '。然后');
});

test('a named link holds its words', () => {
  assert.deepEqual(inline('[the **page**](https://a.example/p)')[0], { kind: 'link', href: 'https://a.example/p', label: 'the **page**', target: 'https://a.example/p', children: ['the **page**'] });
});

test('a mention is the longest whole name', () => {
  const names = mentionable([{ name: 'Nova' }, { name: 'No' }]);
  assert.deepEqual(inline('hi @nova', names)[1], { kind: 'mention', name: 'Nova', text: '@nova' });
  assert.deepEqual(inline('mail@nova @novax', names), ['mail@nova @novax']);
});

test('a duty is a mention of those who have it, one of a duty of nobody yet', () => {
  const names = mentionable([{ name: 'Nova', duties: ['reviewer'] }, { name: 'No', duties: ['Reviewer', 'nova'] }]);
  assert.deepEqual(inline('请@Reviewer看', names)[1], { kind: 'mention', name: 'reviewer', holders: ['Nova', 'No'], text: '@Reviewer' });
  assert.deepEqual(inline('@one:reviewer, @nova', names), [{ kind: 'mention', name: 'reviewer', text: '@one:reviewer' }, ', ', { kind: 'mention', name: 'Nova', text: '@nova' }]);
});

test('fences keep white space, also when they are never closed', () => {
  assert.deepEqual(parse('```rust\nfn x() {\n    1\n}\n```\nafter'), [
    { kind: 'code', language: 'rust', text: 'fn x() {\n    1\n}' },
    { kind: 'paragraph', children: ['after'] },
  ]);
  assert.deepEqual(parse('```\n  a'), [{ kind: 'code', language: '', text: '  a' }]);
});

test('blocks are told apart', () => {
  assert.deepEqual(kinds('# t\n\np\nq\n- a\n- b\n\n> x\n> y\n\n---\n1. a\n2. b'), ['heading', 'paragraph', 'list', 'quote', 'rule', 'list']);
});

test('lists nest and keep their first number', () => {
  const [list] = parse('3. a\n   - b\n   - c\n4. d');
  assert.equal(list.start, 3);
  assert.equal(list.items.length, 2);
  assert.equal(list.items[0][1].kind, 'list');
  assert.equal(list.items[0][1].items.length, 2);
});

test('a year at the beginning of a line is no list', () => {
  assert.deepEqual(kinds('it was in\n2026. Yes'), ['paragraph']);
});

test('a line break in a paragraph is kept', () => {
  assert.deepEqual(inline('a\nb'), ['a', { kind: 'break' }, 'b']);
});

test('hostile lengths are read in time that grows with them', () => {
  const N = 60_000;
  for (const text of ['*', '**a ', '[', '`', '``` ', '> ', '- ', '_a', '[a](', 'http://', '<', '@', '\\', '*a_b`']) {
    const tree = parse(text.repeat(N / text.length));
    assert.ok(Array.isArray(tree));
  }
});

test('plain words of a text stand in one line', () => {
  assert.equal(plain('# **Hi**\n\n- `a`\n- b'), 'Hi a b');
  assert.equal(plain('see @HKH, mail me@there'), 'see @HKH, mail me@there');
  assert.equal(plain('x'.repeat(500), 10), `${'x'.repeat(9)}…`);
});
