// The files that go with the next message: seen before they are sent, with progress and cancel.

import { fill, h, iconButton, words } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { spelledOut } from './names.js';
import { reason } from './reason.js';
import { bytes } from './time.js';
import { upload } from './upload.js';

const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/u;

/** The tray above the field. `onChange()` hears whenever something in it changed. */
export class Tray {
  #items = [];
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    this.element = h('ul', { class: 'tray', hidden: true, words: { label: 'compose.tray' } });
  }

  /** How many are still on their way. */
  get busy() {
    return this.#items.filter((item) => item.state === 'sending').length;
  }

  /** The files as the server keeps them, of the uploads that arrived. */
  get files() {
    return this.#items.filter((item) => item.state === 'done').map((item) => item.result);
  }

  /** Begins to upload files. */
  add(files) {
    for (const file of files) this.#begin(file);
  }

  /** Puts files back that are on the server already. */
  restore(results) {
    for (const result of results) this.#place({ name: result.name, size: result.size, picture: PICTURE.test(result.type ?? '') ? result.url : null, state: 'done', result, cancel: () => {} });
  }

  /** Empties the tray; what is on its way is not waited for. */
  clear() {
    for (const item of [...this.#items]) this.#remove(item);
  }

  #begin(file) {
    const picture = PICTURE.test(file.type) ? URL.createObjectURL(file) : null;
    const item = { name: file.name, size: file.size, picture, state: 'sending' };
    const { done, cancel } = upload(file, { onProgress: (part) => this.#progress(item, part) });
    item.cancel = cancel;
    this.#place(item);
    done.then((result) => this.#settle(item, 'done', { result }), (error) => this.#settle(item, 'failed', { error }));
  }

  #place(item) {
    item.bar = h('progress', { max: 1, value: item.state === 'done' ? 1 : 0 });
    item.status = h('span', { class: 'quiet' }, bytes(item.size, locale()));
    item.drop = iconButton(icon('close', 16), 'dialog.cancel', () => this.#remove(item));
    item.element = h('li', { class: 'tray-item' },
      item.picture ? h('img', { src: item.picture, alt: '' }) : icon('file', 24),
      h('span', { class: 'tray-words' }, h('span', { class: 'tray-name', dir: 'auto' }, spelledOut(item.name)), item.status, item.bar),
      item.drop);
    this.#items.push(item);
    this.element.append(item.element);
    this.#told(item);
  }

  #progress(item, part) {
    item.bar.value = part;
  }

  #settle(item, state, more) {
    if (!this.#items.includes(item)) return;
    Object.assign(item, { state }, more);
    if (state === 'failed') fill(item.status, t('compose.uploadFailed', { reason: reason(item.error, item.size) }));
    this.#told(item);
  }

  #told(item) {
    item.element.dataset.state = item.state;
    const key = item.state === 'sending' ? 'compose.cancel' : 'compose.remove';
    words(item.drop, { label: [key, { name: item.name }] });
    this.element.hidden = this.#items.length === 0;
    this.#onChange();
  }

  #remove(item) {
    this.#items = this.#items.filter((other) => other !== item);
    if (item.state === 'sending') item.cancel();
    if (item.picture?.startsWith('blob:')) URL.revokeObjectURL(item.picture);
    item.element.remove();
    this.element.hidden = this.#items.length === 0;
    this.#onChange();
  }
}
