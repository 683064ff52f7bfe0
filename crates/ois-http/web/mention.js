// The members that a text calls, and those that it could call: finding `@name`, `@duty` and `@one:duty` in what was
// written and completing it in what is being written. Pure. The rules are the server's
// (message-format.md, Mentions).

import { bare, byPresence, fold, seen } from './names.js';

/** The words that call everyone. */
export const EVERYONE = ['all', '所有人'];

/** What makes a word longer: a digit, `_`, or a letter of a script that separates words by spaces. */
export const WORD = /[_0-9０-９]|(?=[\0-\u052F\u1C80-\u1FFF\u2C60-\u2C7F\uA640-\uA69F\uA720-\uA7FF\uAB30-\uAB6F\uFF21-\uFF5A])\p{Alphabetic}/u;
const MARK = /\p{M}/u;
const JOINS = /^[\p{M}\u1161-\u1175\u11A8-\u11C2]/u;
const AT = new Set(['@', '\uFF20']);
const ONE = /[oｏ][nｎ][eｅ][:：]/iuy;

/** Whether a sign at `at` is one. `previous` is where the last mention ended: `@HKH/@ARIA` calls two, `lib/@aria` nobody. */
export function signIsFree(text, at, previous = 0) {
  if (text[at - 1] === '/') return previous > 0 && previous === at - 1;
  let before = at - 1;
  while (before > 0 && MARK.test(text[before])) before -= 1;
  return before < 0 || !(WORD.test(text[before]) || '.-+\\'.includes(text[at - 1]));
}

/** Each duty of these members once: `{name, holders}`, unless a member has that name. */
function dutiesOf(members) {
  const names = new Set([...members.map((m) => m.name), ...EVERYONE].map(fold));
  const duties = new Map();
  for (const member of members) {
    for (const duty of member.duties ?? []) {
      const key = fold(duty);
      if (names.has(key)) continue;
      if (!duties.has(key)) duties.set(key, { name: duty, holders: [] });
      if (!duties.get(key).holders.includes(member)) duties.get(key).holders.push(member);
    }
  }
  return [...duties.values()];
}

const known = new WeakMap(); // every message on the page asks anew

/** The words that are mentions in this team, for `mentionAt`: names, duties and the words for everyone. */
export function mentionable(members) {
  if (!known.has(members)) known.set(members, lookup(members));
  return known.get(members);
}

function lookup(members) {
  const words = new Map();
  const add = (key, word) => words.has(key) || words.set(key, word);
  for (const name of EVERYONE) add(keyOf(fold(name)), { name, everyone: true });
  for (const { name } of members) add(keyOf(fold(name)), { name });
  const duties = dutiesOf(members).map(({ name, holders }) => ({ name, holders: holders.map((m) => m.name) }));
  for (const duty of duties) add(keyOf(fold(duty.name)), duty);
  for (const [key, word] of withoutSymbols([...members.map(({ name }) => ({ name })), ...duties])) add(key, word);
  return { words, longest: Math.max(...[...words.keys()].map((key) => key.length)) };
}

/** The words that end in symbols by their keys without these, unless several would be the same. */
function withoutSymbols(words) {
  const found = new Map();
  for (const word of words) {
    const folded = fold(word.name);
    const key = keyOf(bare(folded));
    if (bare(folded).length < seen(folded).length) found.set(key, found.has(key) ? null : word);
  }
  return [...found].filter(([, word]) => word !== null);
}

/** The key of a folded name. Greek writes its s differently at the end of a word. */
const keyOf = (folded) => (seen(folded) || folded).replaceAll('ς', 'σ');

/** Where the part of `text` ends that begins at `start` and can be folded by itself. */
function partEnd(text, start) {
  let end = start;
  do end += String.fromCodePoint(text.codePointAt(end)).length;
  while (end < text.length && JOINS.test(String.fromCodePoint(text.codePointAt(end)).normalize('NFKD')));
  return end;
}

/** The longest word of `names` that stands at `start` as a whole, and where it ends. */
function longest(text, start, names) {
  let found = null;
  let key = '';
  for (let at = start; at < text.length && key.length <= names.longest; ) {
    const end = partEnd(text, at);
    key += seen(fold(text.slice(at, end))).replaceAll('ς', 'σ');
    at = end;
    const word = names.words.get(key);
    if (word && endsAt(key, text, end)) found = { ...word, end };
  }
  return found;
}

function endsAt(key, text, end) {
  if (!WORD.test(key.at(-1))) return true;
  const next = text[end] ?? '';
  return !(WORD.test(next) || ((next === '-' || next === '/') && WORD.test(text[end + 1] ?? '')));
}

/**
 * The mention that begins at `at`, the longest that stands there: `{length, name}`, the sign
 * included, or null. Of a duty all of whose holders are called it tells their names as `holders`. `previous` is
 * where the mention before it ended.
 */
export function mentionAt(text, at, names, previous = 0) {
  if (!names || !AT.has(text[at]) || !signIsFree(text, at, previous)) return null;
  const whole = longest(text, at + 1, names);
  ONE.lastIndex = at + 1;
  const one = ONE.test(text) ? longest(text, ONE.lastIndex, names) : null;
  if (one && !one.everyone && one.end > (whole?.end ?? 0)) return { length: one.end - at, name: one.name };
  return whole && { length: whole.end - at, name: whole.name, ...(whole.holders && { holders: whole.holders }) };
}

/**
 * The mention that is being completed at the caret: `{sign, start, query}`, or null. The sign must be free
 * (no `mail@…`); the query runs from it to the caret and may hold one space (`@HKH 🐱`).
 */
export function queryAt(text, caret) {
  const from = Math.max(0, caret - 40);
  for (let i = caret - 1; i >= from; i -= 1) {
    const sign = text[i];
    if (sign === '\n') return null;
    if ((AT.has(sign) || sign === '#') && signIsFree(text, i)) {
      const query = text.slice(i + 1, caret);
      if ((query.match(/\s/gu) ?? []).length > 1 || /^\s/u.test(query)) return null;
      return { sign: sign === '#' ? '#' : '@', start: i, query };
    }
  }
  return null;
}

function score(member, query) {
  const name = fold(member.name);
  const display = fold(member.display);
  if (query === '' || name.startsWith(query)) return 0;
  if (display.startsWith(query)) return 1;
  if (query.includes(' ')) return -1;
  if (name.includes(query) || display.includes(query)) return 2;
  return (member.duties ?? []).some((duty) => fold(duty).startsWith(query)) ? 3 : -1;
}

function people(members, query) {
  return members
    .map((member) => ({ member, score: score(member, query) }))
    .filter((c) => c.score >= 0)
    .sort((a, b) => a.score - b.score || byPresence(a.member, b.member))
    .map(({ member, score }) => ({ score, name: member.name, display: member.display, member }));
}

/** `@duty` with how many have it, then `@one:duty` with how many agents could take it. */
function duties(members, query) {
  const known = dutiesOf(members).sort((a, b) => fold(a.name).localeCompare(fold(b.name)));
  const all = known.map(({ name, holders }) => ({ name, display: name, duty: name, count: holders.length }));
  const ones = known.map(({ name, holders }) => ({ name: `one:${name}`, display: `one:${name}`, duty: name, one: true, count: holders.filter((m) => m.kind === 'agent').length }));
  const fits = ({ name, duty }) => fold(name).startsWith(query) || fold(duty).startsWith(query);
  return [...all, ...ones.filter((one) => one.count > 0)].filter(fits).map((c) => ({ score: 1, ...c }));
}

/**
 * Whom `query` may mean, the best first: `{name, display}` and `member`, or `everyone`, or `duty`
 * with `count` and, for the first of its agents, `one`. Those who are online come before those who
 * are not. While nothing is typed, `all` stands last and two places are kept for duties.
 */
export function candidates(members, query, limit = 8) {
  const folded = fold(query);
  const called = people(members, folded);
  const onDuty = duties(members, folded);
  const all = (name) => ({ name, display: name, everyone: true });
  if (folded === '') {
    const kept = called.slice(0, limit - 1 - Math.min(onDuty.length, 2));
    return [...kept, ...onDuty.slice(0, limit - 1 - kept.length), all('all')];
  }
  const everyone = EVERYONE.find((word) => fold(word).startsWith(folded));
  const found = [...called, ...onDuty].sort((a, b) => a.score - b.score);
  return [...(everyone ? [all(everyone)] : []), ...found].slice(0, limit);
}

/** The text after `name` was chosen for what `queryAt` found: `{text, caret}`. */
export function complete(text, caret, found, name) {
  const before = `${text.slice(0, found.start)}${found.sign}${name} `;
  const after = text.slice(caret).replace(/^ /u, '');
  return { text: before + after, caret: before.length };
}

/** Whether the message calls `me` (a short name). */
export function calls(message, me) {
  const mine = fold(me);
  return (message.mentions ?? []).some((name) => fold(name) === mine || EVERYONE.includes(fold(name)));
}
