// Names, mentions, paths, rows and times.

import test from 'node:test';
import assert from 'node:assert/strict';
import { HUES, hue, initials, memberOf, shortName } from '../names.js';
import { calls, candidates, complete, mentionable, mentionAt, queryAt } from '../mention.js';
import { address, crumbs, goodName, inOrder, kindOf, routeOf, split } from '../paths.js';
import { layout } from '../rows.js';
import { bytes, clock, dayName, duration, nearness } from '../time.js';
import { isText, lineEnd } from '../editor.js';
import { initial } from '../store.js';

const MEMBERS = [
  { name: 'HKH', display: 'HKH 🐱', kind: 'agent', state: 'offline', duties: ['reviewer'] },
  { name: 'Nova', display: 'Nova', kind: 'agent', state: 'online' },
  { name: '小明', display: '小明', kind: 'human', state: 'online' },
  { name: 'Noel', display: 'Noel Ark', kind: 'human', state: 'online' },
];
const found = (query) => candidates(MEMBERS, query).map((c) => c.name);

test('avatars show the emoji of the name or its initials', () => {
  assert.deepEqual(['HKH 🐱', 'Noel Ark', '小明', 'nova', '👩‍🔬 Ada', ''].map(initials), ['🐱', 'NA', '小', 'N', '👩‍🔬', '?']);
});

test('a hue stays with its name', () => {
  assert.equal(hue('HKH 🐱'), hue('hkh'));
  for (const m of MEMBERS) assert.ok(hue(m.display) >= 0 && hue(m.display) < HUES);
});

test('a member is found by display name and by short name', () => {
  assert.equal(memberOf(MEMBERS, 'HKH 🐱').name, 'HKH');
  assert.equal(memberOf(MEMBERS, 'hkh').name, 'HKH');
  assert.equal(memberOf(MEMBERS, 'Nobody'), undefined);
  assert.equal(shortName('Noel Ark'), 'Noel');
});

test('a query begins at a free sign', () => {
  assert.deepEqual(queryAt('hi @no', 6), { sign: '@', start: 3, query: 'no' });
  assert.deepEqual(queryAt('你好@小', 4), { sign: '@', start: 2, query: '小' });
  assert.deepEqual(queryAt('\uFF20no', 3), { sign: '@', start: 0, query: 'no' });
  assert.equal(queryAt('mail@no', 7), null);
  assert.equal(queryAt('@no and so', 10), null);
  assert.equal(queryAt('@no\nx', 5), null);
});

test('completion prefers what begins so and who is here', () => {
  assert.deepEqual(found('no'), ['Noel', 'Nova']);
  assert.deepEqual(found('hkh 🐱'), ['HKH']);
  assert.deepEqual(found('rev'), ['reviewer', 'one:reviewer', 'HKH']);
  assert.deepEqual(found('小'), ['小明']);
  assert.deepEqual(found('zzz'), []);
});

test('duties are offered with how many have them', () => {
  const team = [...MEMBERS, { name: 'Ann', display: 'Ann', kind: 'human', duties: ['Reviewer', '值班', 'nova'] }];
  const offered = (query) => candidates(team, query).map(({ name, count, one }) => [name, count, one]);
  assert.deepEqual(offered('revi').slice(0, 2), [['reviewer', 2, undefined], ['one:reviewer', 1, true]]);
  assert.deepEqual(offered('one：r'), [['one:reviewer', 1, true]]);
  assert.deepEqual(offered('值'), [['值班', 1, undefined], ['Ann', undefined, undefined]], 'only a person has it');
  assert.deepEqual(offered('nov')[0], ['Nova', undefined, undefined], 'a name wins over a duty');
});

test('while nothing is typed, duties have two places and everyone the last', () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ name: `a${i}`, display: `a${i}`, kind: 'agent', duties: ['x', 'y'] }));
  assert.deepEqual(candidates(many, '').map((c) => c.name), ['a0', 'a1', 'a10', 'a11', 'a2', 'x', 'y', 'all']);
  assert.deepEqual(found('').slice(-3), ['reviewer', 'one:reviewer', 'all']);
});

test('everyone can be called in both languages', () => {
  assert.equal(found('').at(-1), 'all');
  assert.equal(found('al')[0], 'all');
  assert.equal(found('所')[0], '所有人');
});

test('a choice replaces what was typed', () => {
  const text = 'hi @no there';
  assert.deepEqual(complete(text, 6, queryAt(text, 6), 'Nova'), { text: 'hi @Nova there', caret: 9 });
});

const called = (text) => mentionAt(text, text.search(/[@\uFF20]/u), mentionable([...MEMBERS, { name: 'Ann-Lee' }, { name: '🐱' }, { name: 'Ava', duties: ['值班', 'hkh'] }]));

test('mentions are whole names', () => {
  for (const text of ['@HKHx', '@HKH-2', '@HKH_', '@HKH\u0301', 'a@HKH', 'a\u0301@HKH', '-@HKH', '.@HKH', '+@HKH', '@Ann', '@alls']) assert.equal(called(text), null, text);
  assert.equal(called('@hkh你好').name, 'HKH');
  assert.equal(called('看＠ＨＫＨ！').name, 'HKH');
  assert.equal(called('@所有人看').name, '所有人');
  assert.equal(called('@HKH,').length, 4);
  assert.equal(called('@HKH- and').length, 4);
  assert.equal(called('@ann-lee').name, 'Ann-Lee');
  assert.equal(called('@🐱x').name, '🐱');
});

test('mentions of a duty tell who has it, one of a duty does not', () => {
  assert.deepEqual(called('@Reviewer!'), { length: 9, name: 'reviewer', holders: ['HKH'] });
  assert.deepEqual(called('看＠ｏｎｅ：值班的'), { length: 7, name: '值班' });
  assert.deepEqual(called('@one:hkh'), { length: 8, name: 'HKH' });
  for (const text of ['@one:nobody', '@one:all', '@one:reviewers', '@reviewers', '@one: reviewer']) assert.equal(called(text), null, text);
});

test('who is called', () => {
  assert.equal(calls({ mentions: ['mira'] }, 'Mira'), true);
  assert.equal(calls({ mentions: ['all'] }, 'Mira'), true);
  assert.equal(calls({}, 'Mira'), false);
});

test('addresses lead back to their views', () => {
  for (const route of [
    { view: 'chat', path: '', about: null },
    { view: 'chat', path: '', about: { kind: 'message', of: 7 } },
    { view: 'chat', path: '', about: { kind: 'member', of: 'HKH 🐱' } },
    { view: 'chat', path: '', about: { kind: 'room' } },
    { view: 'files', path: 'docs/ä b', open: false, about: null },
    { view: 'files', path: 'docs/100%.md', open: true, about: null },
    { view: 'team', path: '', about: null },
  ]) assert.deepEqual(routeOf(address(route)), route);
  assert.equal(routeOf('#/%E0%A4%A').view, 'chat');
  assert.equal(routeOf('#/files/../../etc').path, 'etc');
});

test('paths are taken apart', () => {
  assert.deepEqual(split('docs/a.md'), { folder: 'docs', name: 'a.md' });
  assert.deepEqual(split('a.md'), { folder: '', name: 'a.md' });
  assert.deepEqual(crumbs('a/b').map((c) => c.path), ['a', 'a/b']);
  assert.deepEqual(['a.md', '.hidden', 'a/b', '', ' a', '文件'].map(goodName), [true, false, false, false, false, true]);
  assert.deepEqual(['a.PNG', 'b.md', 'c.zip', 'Makefile', 'x.svg'].map(kindOf), ['image', 'markdown', 'other', 'text', 'other']);
  assert.deepEqual(inOrder([{ name: 'b10' }, { name: 'b2' }, { name: 'z', isDir: true }]).map((i) => i.name), ['z', 'b2', 'b10']);
});

test('bytes that are no text are not offered for editing', () => {
  assert.deepEqual(['plain\n', '', '日本語 🐱', 'a\u0000b', 'a\uFFFDb'].map(isText), [true, true, true, false, false]);
});

test('lines of a file end as they did', () => {
  assert.deepEqual(['a\r\nb\r\n', 'a\nb', 'a\r\nb\n', '\nb\r\n', 'a'].map(lineEnd), ['\r\n', '\n', '\n', '\n', '\n']);
});

const say = (id, user, time, more = {}) => ({ id, user, text: 'x', time: `2026-11-${time}:00.000Z`, ...more });
const rows = (more) => layout({ ...initial(), loaded: true, user: 'Mira', ...more }, 'UTC').map((r) => r.key + (r.joined ? '+' : ''));

test('rows have days, the unread line and joined messages', () => {
  const messages = [say(1, 'Mira', '19T23:58'), say(2, 'Mira', '19T23:59'), say(3, 'Mira', '20T00:01'), say(4, 'Nova', '20T00:02'), say(5, 'Nova', '20T00:03'), say(6, 'Nova', '20T00:30')];
  assert.deepEqual(rows({ messages, unreadFrom: 5 }), ['start', 'day:2026-11-19', 'm:1', 'm:2+', 'day:2026-11-20', 'm:3', 'm:4', 'new', 'm:5', 'm:6']);
});

test('drafts stand last and covered ones not at all', () => {
  const pending = [{ nonce: 'a', text: 'x', time: '2026-11-20T10:00:00Z', state: 'sending' }, { nonce: 'b', text: 'y', time: '2026-11-20T10:00:00Z', state: 'sending', shownAs: 1 }];
  assert.deepEqual(rows({ messages: [say(1, 'Nova', '20T09:00')], more: true, pending }), ['day:2026-11-20', 'm:1', 'p:a']);
});

test('an answer changes the stamp of what it answers', () => {
  const stamp = (messages) => layout({ ...initial(), messages, more: true }, 'UTC').find((r) => r.key === 'm:1').stamp;
  assert.notEqual(stamp([say(1, 'Mira', '20T10:00')]), stamp([say(1, 'Mira', '20T10:00'), say(2, 'Nova', '20T10:01', { replyTo: 1 })]));
});

test('times are told in the reader’s zone', () => {
  assert.equal(clock('2026-11-20T12:04:00Z', 'en-GB', 'Asia/Shanghai'), '20:04');
  const now = Date.parse('2026-11-20T12:00:00Z');
  assert.deepEqual(['2026-11-20T01:00:00Z', '2026-11-19T23:00:00Z', '2026-01-01T00:00:00Z', '2025-11-20T00:00:00Z'].map((t) => nearness(t, now, 'UTC')), ['today', 'yesterday', 'thisYear', 'earlier']);
  assert.equal(dayName('2026-11-20T12:00:00Z', now, 'en-GB', 'UTC'), 'Friday 20 November');
  assert.equal(duration(12_000), '0:12');
  assert.equal(duration(3_723_000), '1:02:03');
  assert.equal(bytes(1536, 'en-GB'), '1.5 KB');
});
