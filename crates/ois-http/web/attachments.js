// Attachments of a message: pictures that can be enlarged, files that can be fetched.

import { h, words } from './dom.js';
import { locale } from './i18n.js';
import { icon } from './icons.js';
import { openLightbox } from './lightbox.js';
import { spelledOut } from './names.js';
import { bytes } from './time.js';

const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/u;

/** The address of an attachment if it is that of an upload of this server, else null. */
export function addressOf(attachment) {
  try {
    const url = new URL(attachment.url, location.origin);
    return url.origin === location.origin && /^\/uploads\/[\w.-]+$/u.test(url.pathname) && !url.search ? url : null;
  } catch {
    return null;
  }
}

/** The name of an attachment, as it is shown. */
export const nameOf = (attachment) => spelledOut(attachment.name || attachment.originalName || '');

/** Whether an attachment is a picture that this page may show. */
export const isPicture = (attachment) => PICTURE.test(attachment.type || attachment.mimeType || '') && addressOf(attachment) !== null;

/** The pictures of some messages, for the lightbox: `[{src, name}]`. */
export const picturesOf = (messages) => messages.flatMap((m) => (m.attachments ?? []).filter(isPicture).map((a) => ({ src: addressOf(a).href, name: nameOf(a) })));

/** The attachments of one message. `pictures()` tells what the lightbox leafs through. */
export function attachmentsView(attachments, pictures) {
  return h('div', { class: 'attachments' }, attachments.map((a) => (isPicture(a) ? thumb(a, pictures) : fileLink(a))));
}

function thumb(attachment, pictures) {
  const src = addressOf(attachment).href;
  const name = nameOf(attachment);
  const image = h('img', { src, alt: name, loading: 'lazy', decoding: 'async' });
  const button = h('button', { type: 'button', class: 'thumb', on: { click: () => openLightbox(pictures(), src) } }, image);
  words(button, { label: ['lightbox.open', { name }] });
  // One that is wider than there is room for gets its own height instead of bars above and below.
  image.addEventListener('load', () => button.classList.toggle('thumb-wide', image.naturalWidth * button.clientHeight > image.naturalHeight * button.clientWidth));
  image.addEventListener('error', () => button.replaceWith(fileLink(attachment)));
  return button;
}

/** A file by name and size, as a link to its bytes. */
export function fileLink(attachment) {
  const url = addressOf(attachment);
  const inside = [icon('file'), h('span', { class: 'file-name', dir: 'auto' }, nameOf(attachment)), h('span', { class: 'quiet' }, bytes(attachment.size, locale()))];
  if (!url) return h('span', { class: 'file-card' }, inside);
  return h('a', { class: 'file-card', href: url.href, target: '_blank', rel: 'noopener noreferrer', download: nameOf(attachment) }, inside);
}
