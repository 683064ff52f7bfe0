// Elements of what markdown.js read. Nothing here parses, and no text becomes markup.

import { h, words } from './dom.js';
import { parse } from './markdown.js';

/** The elements of `text`. `names` count as mentions (mention.js); `isMine(name)` marks those of the reader. */
export function render(text, { names = null, isMine = () => false } = {}) {
  const out = document.createDocumentFragment();
  out.append(...parse(text, names).map((block) => blockOf(block, isMine)));
  return out;
}

function blockOf(block, isMine) {
  switch (block.kind) {
    case 'code':
      return codeOf(block);
    case 'quote':
      return h('blockquote', {}, block.children.map((child) => blockOf(child, isMine)));
    case 'list':
      return h(block.ordered ? 'ol' : 'ul', listProps(block), block.items.map((item) => h('li', {}, itemOf(item, isMine))));
    case 'rule':
      return h('hr');
    case 'comment':
      return h('p', { class: 'comment quiet', dir: 'auto' }, block.text);
    case 'heading':
      return h('p', { class: `heading heading-${Math.min(block.level, 3)}`, dir: 'auto' }, inlineOf(block.children, isMine));
    default:
      return h('p', { dir: 'auto' }, inlineOf(block.children, isMine));
  }
}

/** Numbers of more digits need more room beside them. */
function listProps({ ordered, start, items }) {
  if (!ordered) return {};
  const digits = Math.min(4, String(start + items.length - 1).length);
  return { start: start === 1 ? null : start, class: digits > 1 ? `digits-${digits}` : null };
}

/** An item of one paragraph is shown without the paragraph's space. */
const itemOf = (item, isMine) => item.map((block, i) => (i === 0 && block.kind === 'paragraph' ? h('span', {}, inlineOf(block.children, isMine)) : blockOf(block, isMine)));

const inlineOf = (nodes, isMine) => nodes.map((node) => (typeof node === 'string' ? node : nodeOf(node, isMine)));

function nodeOf(node, isMine) {
  switch (node.kind) {
    case 'break':
      return h('br');
    case 'code':
      return h('code', {}, node.text);
    case 'comment':
      return h('span', { class: 'quiet' }, node.text);
    case 'link':
      return !node.href ? h('span', {}, inlineOf(node.children, isMine)) : h('a', { href: node.href, target: '_blank', rel: 'noopener noreferrer', title: node.href }, inlineOf(node.children, isMine));
    case 'mention':
      return h('span', { class: `mention ${[node.name, ...(node.holders ?? [])].some(isMine) ? 'mention-me' : ''}` }, node.text);
    default:
      return h(node.kind, {}, inlineOf(node.children, isMine));
  }
}

function codeOf(block) {
  const copy = h('button', { type: 'button', class: 'code-copy', words: { text: 'code.copy' } });
  copy.addEventListener('click', async () => {
    if (await toClipboard(block.text)) {
      words(copy, { text: 'code.copied' });
      setTimeout(() => words(copy, { text: 'code.copy' }), 1500);
    }
  });
  return h('div', { class: 'code' }, h('div', { class: 'code-head' }, h('span', {}, block.language), copy), h('pre', { tabindex: 0 }, h('code', {}, block.text)));
}

/** Puts text on the clipboard; tells whether that went well. */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return fallbackCopy(text); // without TLS, browsers offer no clipboard
  }
}

function fallbackCopy(text) {
  const field = h('textarea', { class: 'off-screen', 'aria-hidden': 'true' });
  const focused = document.activeElement;
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  focused?.focus();
  return done;
}
