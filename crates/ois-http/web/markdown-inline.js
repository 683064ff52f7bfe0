// The inline part of Markdown: code, bold, italic, links, mentions, line breaks, and plain text.
//
// Only http, https and mailto become links; everything else stays text. A search that found
// nothing is remembered, so that a text full of lone asterisks costs no more than any other.

import { mentionAt } from './mention.js';

const DEEPEST = 6;
const SPECIAL = /[\\`*_[!<@\uFF20\nhHmM]/gu;
const ESCAPED = /[\\`*_[\](){}<>#+\-.!|~@]/u;
const WORD = /[\p{L}\p{N}]/u;
const LATIN = /[\p{Script=Latin}\p{N}]/u;
const LINK = /!?\[([^\]\n]{1,500})\]\(\s*<?([^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?(?:\s+"[^"\n]{0,300}")?\s*\)/yu;
const ADDRESS = /(?:https?:\/\/|mailto:)[^\s<>"'`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303F\uFF00-\uFFEF]+/iyu;

/** The nodes of `text`: strings and `{kind: 'code'|'strong'|'em'|'link'|'mention'|'break', …}`. */
export const inline = (text, names = null) => scan(text, { names, depth: 0 });

function scan(text, { names, depth }) {
  const context = { text, names, depth, missed: new Set() };
  const out = [];
  let words = '';
  const push = (node) => {
    if (words) out.push(words);
    words = '';
    out.push(node);
  };
  for (let at = 0; at < text.length; ) {
    SPECIAL.lastIndex = at;
    const special = SPECIAL.exec(text);
    if (!special) {
      words += text.slice(at);
      break;
    }
    words += text.slice(at, special.index);
    at = special.index;
    const found = nodeAt(context, at);
    if (found === null) {
      const character = String.fromCodePoint(text.codePointAt(at));
      words += character;
      at += character.length;
    } else {
      if (typeof found.node === 'string') words += found.node;
      else push(found.node);
      at = found.next;
    }
  }
  if (words) out.push(words);
  return out;
}

function nodeAt(context, at) {
  switch (context.text[at]) {
    case '\n':
      return { node: { kind: 'break' }, next: at + 1 };
    case '\\':
      return ESCAPED.test(context.text[at + 1] ?? '') ? { node: context.text[at + 1], next: at + 2 } : null;
    case '`':
      return codeAt(context, at);
    case '*':
    case '_':
      return emphasisAt(context, at);
    case '[':
    case '!':
      return linkAt(context, at);
    case '<':
      return bracketedAt(context, at);
    case '@':
    case '\uFF20':
      return calledAt(context, at);
    default:
      return addressAt(context, at);
  }
}

function codeAt({ text, missed }, at) {
  let end = at;
  while (text[end] === '`') end += 1;
  const run = text.slice(at, end);
  if (missed.has(run)) return { node: run, next: end };
  for (let close = text.indexOf(run, end); close !== -1; ) {
    let after = close;
    while (text[after] === '`') after += 1;
    if (after - close === run.length) {
      const body = text.slice(end, close).replace(/\n/gu, ' ');
      return { node: { kind: 'code', text: /^ .*[^ ].* $/u.test(body) ? body.slice(1, -1) : body }, next: after };
    }
    close = text.indexOf(run, after);
  }
  missed.add(run);
  return { node: run, next: end };
}

function emphasisAt(context, at) {
  const { text, depth, names, missed } = context;
  const sign = text[at];
  let run = 1;
  while (text[at + run] === sign) run += 1;
  const whole = { node: text.slice(at, at + run), next: at + run };
  const opens = /\S/u.test(text[at + run] ?? ' ') && !(sign === '_' && WORD.test(text[at - 1] ?? ''));
  if (run > 3 || !opens || depth >= DEEPEST) return whole;
  const mark = sign.repeat(run);
  const close = missed.has(mark) ? -1 : closing(text, at + run, mark);
  if (close === -1) {
    missed.add(mark);
    return whole;
  }
  const children = scan(text.slice(at + run, close), { names, depth: depth + 1 });
  const em = { kind: 'em', children };
  const node = run === 1 ? em : { kind: 'strong', children: run === 2 ? children : [em] };
  return { node, next: close + run };
}

/** Where `mark` closes: after something that is no space, as a run of exactly its length. */
function closing(text, from, mark) {
  for (let at = text.indexOf(mark, from); at !== -1; ) {
    let end = at;
    while (text[end] === mark[0]) end += 1;
    const closes = end - at === mark.length && at > from && /\S/u.test(text[at - 1]) && !(mark[0] === '_' && WORD.test(text[end] ?? ''));
    if (closes) return at;
    at = text.indexOf(mark, end);
  }
  return -1;
}

function linkAt({ text, depth }, at) {
  LINK.lastIndex = at;
  const found = LINK.exec(text);
  if (!found || depth >= DEEPEST) return null;
  const href = safeHref(found[2]);
  if (!href) return null;
  return { node: { kind: 'link', href, children: scan(found[1], { names: null, depth: DEEPEST }) }, next: LINK.lastIndex };
}

function bracketedAt({ text }, at) {
  ADDRESS.lastIndex = at + 1;
  const found = ADDRESS.exec(text);
  const end = ADDRESS.lastIndex;
  const href = found && text[end] === '>' ? safeHref(found[0]) : null;
  return href ? { node: { kind: 'link', href, children: [found[0]] }, next: end + 1 } : null;
}

function addressAt({ text, depth }, at) {
  if (depth >= DEEPEST || LATIN.test(text[at - 1] ?? '')) return null;
  ADDRESS.lastIndex = at;
  const found = ADDRESS.exec(text);
  if (!found) return null;
  const address = trimmed(found[0]);
  const href = safeHref(address);
  return href ? { node: { kind: 'link', href, children: [address] }, next: at + address.length } : null;
}

/** An address without what belongs to the sentence: closing marks, and a bracket it never opened. */
function trimmed(address) {
  let end = address.length;
  for (;;) {
    const last = address[end - 1];
    const body = address.slice(0, end);
    if (/[.,;:!?*_~…]/u.test(last)) end -= 1;
    else if (last === ')' && body.split(')').length > body.split('(').length) end -= 1;
    else if (last === ']' && !body.includes('[')) end -= 1;
    else return body;
  }
}

function calledAt({ text, names }, at) {
  const found = mentionAt(text, at, names);
  if (!found) return null;
  const { length, ...called } = found;
  return { node: { kind: 'mention', ...called, text: text.slice(at, at + length) }, next: at + length };
}

/** The address if it may be a link (http, https, mailto), else null. */
export function safeHref(address) {
  try {
    const url = new URL(address);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** The words of the nodes, without marks. */
export const plainOf = (nodes) => nodes.map((n) => (typeof n === 'string' ? n : n.kind === 'break' ? ' ' : (n.text ?? plainOf(n.children)))).join('');
