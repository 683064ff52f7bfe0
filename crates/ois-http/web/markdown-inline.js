// The inline part of Markdown: code, bold, italic, links, mentions, comments, line breaks, and plain text.
//
// The grammar is that of message-format.md (Markup), which the server reads in the same way
// (ois-protocol/src/markup). Only http, https and mailto become links; everything else stays text. A search that
// found nothing is remembered, so that a text full of lone asterisks costs no more than any other.

import { mentionAt, WORD } from './mention.js';

const DEEPEST = 6;
const SPECIAL = /[\\`*_[!<@\uFF20\nhHmM]/gu;
const STOP = /[\\`*_]/gu;
const ESCAPED = /[\\`*_[\](){}<>#+\-.!|~@]/u;
const LETTER = /[\p{Alphabetic}\p{N}]/u;
const LINK = /!?\[([^\]\n]{1,500})\]\(\s*<?([^\s<>()]{1,2000}(?:\([^\s<>()]{0,500}\)[^\s<>()]{0,500})?)>?(?:\s+"[^"\n]{0,300}")?\s*\)/yu;
const ADDRESS = /([hH][tT][tT][pP][sS]?:\/\/|[mM][aA][iI][lL][tT][oO]:)(?:[!#-&(-;=?-_a-~]|(?=[\u0080-\u052F\u1C80-\u1FFF\u2C60-\u2C7F\uA640-\uA69F\uA720-\uA7FF\uAB30-\uAB6F])\p{Alphabetic})+/yu;

/** The nodes of `text`: strings and `{kind: 'code'|'strong'|'em'|'link'|'mention'|'comment'|'break', …}`. */
export const inline = (text, names = null) => scan(text, { names, depth: 0 });

function scan(text, { names, depth }) {
  const context = { text, names, depth, missed: new Set(), mentioned: 0 };
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

function codeAt(context, at) {
  const { text } = context;
  const start = runEnd(text, at);
  const span = codeEnd(context, at);
  if (!span) return { node: text.slice(at, start), next: start };
  return { node: { kind: 'code', text: withoutPadding(text.slice(start, span.close).replaceAll('\n', ' ')) }, next: span.end };
}

/** Where the code span that begins at `at` is closed, and where its closing run ends; null if nothing closes it. */
function codeEnd({ text, missed }, at) {
  const start = runEnd(text, at);
  const run = text.slice(at, start);
  if (missed.has(run)) return null;
  for (let close = text.indexOf('`', start); close !== -1; ) {
    const end = runEnd(text, close);
    if (end - close === run.length) return { close, end };
    close = text.indexOf('`', end);
  }
  missed.add(run);
  return null;
}

/** Where the run of the sign at `at` ends. */
function runEnd(text, at) {
  let end = at + 1;
  while (text[end] === text[at]) end += 1;
  return end;
}

/** Code without one space at either end, which sets it apart from backticks of its own. */
function withoutPadding(code) {
  const padded = code.length > 2 && code.startsWith(' ') && code.endsWith(' ') && /[^ ]/u.test(code);
  return padded ? code.slice(1, -1) : code;
}

const before = (text, at) => [...text.slice(Math.max(0, at - 2), at)].at(-1) ?? ' ';
const after = (text, at) => (at < text.length ? String.fromCodePoint(text.codePointAt(at)) : ' ');

function emphasisAt(context, at) {
  const { text, depth, names, missed } = context;
  const start = runEnd(text, at);
  const mark = text.slice(at, start);
  const whole = { node: mark, next: start };
  const opens = /\S/u.test(after(text, start)) && !(mark[0] === '_' && LETTER.test(before(text, at)));
  if (mark.length > 3 || !opens || depth >= DEEPEST || missed.has(mark)) return whole;
  const close = closing(context, start, mark);
  if (close === -1) {
    missed.add(mark);
    return whole;
  }
  const children = scan(text.slice(start, close), { names, depth: depth + 1 });
  const em = { kind: 'em', children };
  const node = mark.length === 1 ? em : { kind: 'strong', children: mark.length === 2 ? children : [em] };
  return { node, next: close + mark.length };
}

/** Where `mark` closes: after something that is no space, as a run of exactly its length, and not in code. */
function closing(context, from, mark) {
  const { text } = context;
  for (let at = from; ; ) {
    STOP.lastIndex = at;
    at = STOP.exec(text)?.index ?? -1;
    if (at === -1) return -1;
    const end = runEnd(text, at);
    if (text[at] === '\\') at += ESCAPED.test(text[at + 1] ?? '') ? 2 : 1;
    else if (text[at] === '`') at = codeEnd(context, at)?.end ?? end;
    else if (text.slice(at, end) === mark && at > from && /\S/u.test(text[at - 1]) && !(mark[0] === '_' && LETTER.test(after(text, end)))) return at;
    else at = end;
  }
}

/** A link; one whose target is no address of the web or of mail is shown as it is written, and calls nobody. */
function linkAt({ text, depth }, at) {
  LINK.lastIndex = at;
  const found = LINK.exec(text);
  if (!found || depth >= DEEPEST) return null;
  const [source, label, target] = found;
  const href = safeHref(target);
  const children = href ? scan(label, { names: null, depth: DEEPEST }) : [source];
  return { node: { kind: 'link', href, label, target, children }, next: at + source.length };
}

function bracketedAt(context, at) {
  const { text, missed } = context;
  if (text.startsWith('<!--', at)) {
    const close = missed.has('<!--') ? -1 : text.indexOf('-->', at + 4);
    if (close === -1) missed.add('<!--');
    return close === -1 ? null : { node: { kind: 'comment', text: text.slice(at, close + 3) }, next: close + 3 };
  }
  ADDRESS.lastIndex = at + 1;
  const address = ADDRESS.exec(text)?.[0];
  return address && text[at + 1 + address.length] === '>' ? { node: addressNode(address), next: at + address.length + 2 } : null;
}

function addressAt({ text, depth }, at) {
  if (depth >= DEEPEST || WORD.test(text[at - 1] ?? '')) return null;
  ADDRESS.lastIndex = at;
  const found = ADDRESS.exec(text);
  if (!found) return null;
  const address = trimmed(found[0]);
  return address.length > found[1].length ? { node: addressNode(address), next: at + address.length } : null;
}

const addressNode = (address) => ({ kind: 'link', href: safeHref(address), children: [address] });

/** An address without what belongs to the sentence: closing marks, and a bracket it never opened. */
function trimmed(address) {
  const count = (sign) => address.split(sign).length;
  const opened = count('(');
  const brackets = address.includes('[');
  let closed = count(')');
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    if (last === ')' && closed > opened) closed -= 1;
    else if (!'.,;:!?*_~'.includes(last) && !(last === ']' && !brackets)) break;
  }
  return address.slice(0, end);
}

function calledAt(context, at) {
  const { text, names } = context;
  const found = mentionAt(text, at, names, context.mentioned);
  if (!found) return null;
  const { length, ...called } = found;
  context.mentioned = at + length;
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

/** The lines of `outline` (markdown.js) for nodes. */
export function outlineInline(nodes) {
  const lines = [];
  const add = (node) => {
    if (typeof node !== 'string') lines.push(...lineOf(node));
    else if (lines.at(-1)?.startsWith('words ')) lines.push(lines.pop() + node);
    else lines.push(`words ${node}`);
  };
  const walk = (nodes) => nodes.forEach((node) => (node.kind === 'em' || node.kind === 'strong' ? walk(node.children) : add(node)));
  walk(nodes);
  return lines;
}

function lineOf(node) {
  if (node.kind === 'break') return ['break'];
  if (node.kind !== 'link') return [`${node.kind} ${node.text}`];
  return [node.label === undefined ? `address ${node.children[0]}` : `link ${node.label} ${node.target}`];
}
