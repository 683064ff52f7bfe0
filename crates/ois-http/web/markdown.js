// Text as people write it in chat, read into a tree: paragraphs, headings, lists, quotes, code, comments.
// The inline part is read by markdown-inline.js; markdown-view.js makes elements of the result. The grammar is that
// of message-format.md (Markup), which the server reads in the same way (ois-protocol/src/markup).
//
// The work grows with the length of the text, not faster, and nesting is bounded: the text comes
// from others.

import { inline, outlineInline, plainOf } from './markdown-inline.js';

const DEEPEST = 6;
const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/u;
const HEADING = /^ {0,3}(#{1,6})(\s+)([^]*)$/u;
const QUOTE = /^ {0,3}>\s?/u;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])\s+(?=\S)/u;
const COMMENT = /^ {0,3}<!--/u;
const RULE = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/u;

/**
 * The blocks of `text`: `{kind: 'paragraph'|'heading'|'code'|'quote'|'list'|'rule'|'comment', …}`. `names`
 * is what counts as a mention (mention.js).
 */
export const parse = (text, names = null) => blocks(String(text).replace(/\r\n?/gu, '\n').split('\n'), names, 0);

function blocks(lines, names, depth) {
  const out = [];
  const comments = { mayClose: true };
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) out.push({ kind: 'paragraph', children: inline(paragraph.join('\n'), names) });
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const block = depth < DEEPEST ? blockAt(lines, at, { names, depth, comments, inParagraph: paragraph.length > 0 }) : null;
    if (block) {
      flush();
      out.push(block.node);
      at = block.next;
    } else {
      if (lines[at].trim() === '') flush();
      else paragraph.push(lines[at]);
      at += 1;
    }
  }
  flush();
  return out;
}

/** The block that begins at line `at`, with the line after it; null for plain text. */
function blockAt(lines, at, { names, depth, comments, inParagraph }) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return code(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) return { node: { kind: 'heading', level: heading[1].length, children: inline(headingText(heading[3]), names) }, next: at + 1 };
  if (QUOTE.test(line)) return quote(lines, at, depth);
  if (COMMENT.test(line) && !line.includes('-->')) return comment(lines, at, comments);
  if (RULE.test(line)) return { node: { kind: 'rule' }, next: at + 1 };
  const item = ITEM.exec(line);
  if (item && !(inParagraph && /^\d/u.test(item[2]) && parseInt(item[2], 10) !== 1)) return list(lines, at, names, depth, item);
  return null;
}

/** The text of a heading without the signs that close it, which stand behind white space. */
function headingText(text) {
  const closed = text.trimEnd();
  let end = closed.length;
  while (closed[end - 1] === '#') end -= 1;
  return end < closed.length && /\s/u.test(closed[end - 1] ?? '') ? closed.slice(0, end).trimEnd() : text;
}

/** A comment that a later line closes; what stands behind its end is read as a line. */
function comment(lines, at, comments) {
  let last = at + 1;
  while (comments.mayClose && last < lines.length && !lines[last].includes('-->')) last += 1;
  comments.mayClose = comments.mayClose && last < lines.length;
  if (!comments.mayClose) return null;
  const end = lines[last].indexOf('-->') + 3;
  const text = [...lines.slice(at, last), lines[last].slice(0, end)].join('\n');
  lines[last] = lines[last].slice(end);
  return { node: { kind: 'comment', text }, next: last };
}

function code(lines, at, fence) {
  const body = [];
  let next = at + 1;
  while (next < lines.length) {
    const end = FENCE.exec(lines[next]);
    if (end && end[1][0] === fence[1][0] && end[1].length >= fence[1].length && end[2].trim() === '') break;
    body.push(lines[next]);
    next += 1;
  }
  return { node: { kind: 'code', language: fence[2].trim().split(/\s/u)[0], text: body.join('\n') }, next: next + 1 };
}

/** A quote calls nobody. */
function quote(lines, at, depth) {
  const body = [];
  let next = at;
  while (next < lines.length && QUOTE.test(lines[next])) {
    body.push(lines[next].replace(QUOTE, ''));
    next += 1;
  }
  return { node: { kind: 'quote', children: blocks(body, null, depth + 1) }, next };
}

function list(lines, at, names, depth, first) {
  const ordered = /^\d/u.test(first[2]);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]);
    if (!item || /^\d/u.test(item[2]) !== ordered || RULE.test(lines[next])) break;
    const body = [lines[next].slice(item[0].length)];
    next += 1;
    while (next < lines.length && belongs(lines, next)) {
      body.push(lines[next].replace(/^(?:\t| {1,4})/u, ''));
      next += 1;
    }
    items.push(blocks(body, names, depth + 1));
  }
  return { node: { kind: 'list', ordered, start: ordered ? parseInt(first[2], 10) : 1, items }, next };
}

/** Whether a line goes on with the item above it: indented, or blank before an indented one. */
const belongs = (lines, at) => (lines[at].trim() === '' ? /^(?:\t| {2,})\S/u.test(lines[at + 1] ?? '') : /^(?:\t| {2,})/u.test(lines[at]));

/** The words of `text` in one line, at most `length` characters, for quotes and titles. */
export function plain(text, length = 120) {
  const words = blocks(String(text).slice(0, length * 4).split('\n'), null, 0).map(plainBlock).join(' ').replace(/\s+/gu, ' ').trim();
  const characters = [...words];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : words;
}

function plainBlock(block) {
  if (block.kind === 'code' || block.kind === 'comment') return block.text;
  if (block.kind === 'quote') return block.children.map(plainBlock).join(' ');
  if (block.kind === 'list') return block.items.flat().map(plainBlock).join(' ');
  return block.children ? plainOf(block.children) : '';
}

/** How a text is read, one line for each block and each part, as `ois_protocol::mention::outline` writes it. */
export const outline = (blocks) => blocks.flatMap(outlineOf);

function outlineOf(block) {
  switch (block.kind) {
    case 'code':
      return [`block ${block.language} ${block.text}`];
    case 'comment':
      return [`comment ${block.text}`];
    case 'list':
      return ['list', ...block.items.flatMap((item) => ['item', ...outline(item)])];
    case 'paragraph':
    case 'heading':
      return [block.kind === 'heading' ? `heading ${block.level}` : 'paragraph', ...outlineInline(block.children)];
    default:
      return [block.kind];
  }
}
