// Who is called in a text, and who could be: finding `@name` in what was written and completing it
// in what is being written. Pure.

import { byPresence, fold } from './names.js';

/** The words that call everyone. */
export const EVERYONE = ['all', '所有人'];

const WORD = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Nd}_-]/u;
const AT = new Set(['@', '\uFF20']);

function beforeIsFree(text, at) {
  const previous = at > 0 ? text[at - 1] : '';
  return previous === '' || !(WORD.test(previous) || AT.has(previous) || previous === '.');
}

/**
 * The mention that begins at `at`: the longest of `names` that stands there as a whole name.
 * Answers with its length (the sign included) and the name, or null.
 */
export function mentionAt(text, at, names) {
  if (!AT.has(text[at]) || !beforeIsFree(text, at)) return null;
  let best = null;
  for (const name of names) {
    const length = name.length;
    if (fold(text.slice(at + 1, at + 1 + length)) !== fold(name)) continue;
    const next = text[at + 1 + length] ?? '';
    if (WORD.test(name[length - 1]) && next !== '' && WORD.test(next)) continue;
    if (!best || length + 1 > best.length) best = { length: length + 1, name };
  }
  return best;
}

/**
 * What is being completed at the caret: `{sign, start, query}`, or null. The sign must be free
 * (no `mail@…`); the query runs from it to the caret and may hold one space (`@HKH 🐱`).
 */
export function queryAt(text, caret) {
  const from = Math.max(0, caret - 40);
  for (let i = caret - 1; i >= from; i -= 1) {
    const sign = text[i];
    if (sign === '\n') return null;
    if ((AT.has(sign) || sign === '#') && beforeIsFree(text, i)) {
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

/**
 * Whom `query` may mean, the best first: `{name, display, member?, everyone?}`. Those who are
 * online come before those who are not; `all` stands last while nothing is typed.
 */
export function candidates(members, query, limit = 8) {
  const folded = fold(query);
  const found = members
    .map((member) => ({ member, score: score(member, folded) }))
    .filter((c) => c.score >= 0)
    .sort((a, b) => a.score - b.score || byPresence(a.member, b.member))
    .map((c) => ({ name: c.member.name, display: c.member.display, member: c.member }));
  const everyone = EVERYONE.find((word) => folded !== '' && fold(word).startsWith(folded));
  if (everyone) found.unshift({ name: everyone, display: everyone, everyone: true });
  const kept = found.slice(0, limit);
  if (folded === '') kept.splice(limit - 1, kept.length, { name: 'all', display: 'all', everyone: true });
  return kept;
}

/** The text after `name` was chosen for what `queryAt` found: `{text, caret}`. */
export function complete(text, caret, found, name) {
  const before = `${text.slice(0, found.start)}${found.sign}${name} `;
  const after = text.slice(caret).replace(/^ /u, '');
  return { text: before + after, caret: before.length };
}

/** The names that count as mentions: the members' and those for everyone. */
export const mentionable = (members) => [...members.map((m) => m.name), ...EVERYONE];

/** Whether the message calls `me` (a short name). */
export function calls(message, me) {
  const mine = fold(me);
  return (message.mentions ?? []).some((name) => fold(name) === mine || EVERYONE.includes(fold(name)));
}
