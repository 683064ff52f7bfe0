// One picture large, the others of the room one arrow away. Escape closes, the focus returns.

import { fill, h, iconButton, words } from './dom.js';
import { icon } from './icons.js';

/** Shows the picture at `src` out of `pictures` (`[{src, name}]`). */
export function openLightbox(pictures, src) {
  const all = pictures.some((p) => p.src === src) ? pictures : [{ src, name: '' }];
  let at = all.findLastIndex((p) => p.src === src);
  const before = document.activeElement;
  const image = h('img', { alt: '' });
  const name = h('span', { class: 'lightbox-name', dir: 'auto' });
  const count = h('span', { class: 'quiet' });
  const save = h('a', { class: 'icon-button tip-left', words: { label: 'lightbox.download', tip: 'lightbox.download' } }, icon('download'));
  const step = (by) => {
    at = (at + by + all.length) % all.length;
    show();
  };
  const close = () => dialog.close();
  const previous = iconButton(icon('back', 24), 'lightbox.previous', () => step(-1), { class: 'lightbox-step' });
  const next = iconButton(icon('next', 24), 'lightbox.next', () => step(1), { class: 'lightbox-step tip-left' });
  const dialog = h('dialog', { class: 'lightbox', data: { testid: 'lightbox' } },
    h('div', { class: 'lightbox-head' }, name, count, save, iconButton(icon('close'), 'lightbox.close', close, { class: 'tip-left', autofocus: true })),
    h('div', { class: 'lightbox-stage' }, all.length > 1 && previous, image, all.length > 1 && next));
  function show() {
    const picture = all[at];
    image.src = picture.src;
    image.alt = picture.name;
    fill(name, picture.name);
    save.href = picture.src;
    save.download = picture.name;
    words(dialog, { label: ['lightbox.label', { name: picture.name }] });
    words(count, { text: ['lightbox.count', { n: at + 1, all: all.length }] });
    count.hidden = all.length < 2;
  }
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') step(-1);
    else if (event.key === 'ArrowRight') step(1);
  });
  dialog.addEventListener('click', (event) => (event.target === dialog || event.target.classList.contains('lightbox-stage')) && close());
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  show();
  document.body.append(dialog);
  dialog.showModal();
}
