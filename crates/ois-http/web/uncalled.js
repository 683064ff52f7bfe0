// What in a text looks as if it called somebody and does not: an `@` before a name that nobody has, and names in
// code, quotes, links and comments. Pure.

import { parse } from './markdown.js';
import { mentionAt, signIsFree } from './mention.js';

const TOKEN = /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.-]{0,30}/uy;

/** `{unknown, inert}`: the words behind an `@` that nobody answers to, and the names where nobody is called; each once. */
export function uncalled(text, names) {
  const found = { unknown: new Set(), inert: new Set() };
  if (/[@\uFF20]/u.test(text)) parse(text, names).forEach((block) => walk(block, names, found, false));
  return { unknown: [...found.unknown], inert: [...found.inert] };
}

function walk(node, names, found, inert) {
  if (typeof node === 'string') return look(node, names, found, inert);
  if (node.kind === 'list') return node.items.flat().forEach((block) => walk(block, names, found, inert));
  if (node.kind === 'code' || node.kind === 'comment') return look(node.text, names, found, true);
  if (node.kind === 'link') return look(node.label ?? '', names, found, true);
  return node.children?.forEach((child) => walk(child, names, found, inert || node.kind === 'quote'));
}

function look(text, names, found, inert) {
  for (const { index } of text.matchAll(/[@\uFF20]/gu)) {
    const called = mentionAt(text, index, names);
    TOKEN.lastIndex = index + 1;
    const token = signIsFree(text, index) && TOKEN.exec(text);
    if (called) found.inert.add(`@${called.name}`);
    else if (token && !inert) found.unknown.add(`@${token[0]}`);
  }
}

/** The key and the values of a sentence that says so, or null. */
export function uncalledWords(text, names) {
  const { unknown, inert } = uncalled(text, names);
  if (unknown.length > 0) return ['compose.unknown', { names: unknown.slice(0, 3).join(', ') }];
  return inert.length > 0 ? ['compose.inert', { names: inert.slice(0, 3).join(', ') }] : null;
}
