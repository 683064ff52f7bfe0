// Uploads into the shared files: one line each while they run, gone when they are done.

import { h, iconButton } from './dom.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { spelledOut } from './names.js';
import { reason } from './reason.js';
import { upload } from './upload.js';

/** The uploads that run. `onDone()` hears of each that arrived. */
export class FileUploads {
  #app;
  #onDone;

  constructor(app, onDone) {
    this.#app = app;
    this.#onDone = onDone;
    this.element = h('ul', { class: 'file-uploads', hidden: true, words: { label: 'files.uploads' } });
  }

  /** Begins to upload files into `folder`. */
  add(files, folder) {
    for (const file of files) this.#begin(file, folder);
  }

  async #begin(file, folder) {
    const bar = h('progress', { max: 1, value: 0 });
    const status = h('span', { class: 'quiet' });
    const { done, cancel } = upload(file, { folder, onProgress: (part) => (bar.value = part) });
    const close = iconButton(icon('close', 16), 'dialog.cancel', () => {
      cancel();
      this.#remove(line);
    }, { class: 'tip-left' });
    const line = h('li', { class: 'tray-item' }, icon('file', 20), h('span', { class: 'tray-words' }, h('span', { class: 'tray-name', dir: 'auto' }, spelledOut(file.name)), status, bar), close);
    this.element.append(line);
    this.element.hidden = false;
    try {
      await done;
      this.#remove(line);
      this.#app.notice(['files.uploaded', { name: file.name }]);
      this.#onDone();
    } catch (error) {
      line.dataset.state = 'failed';
      status.textContent = t('compose.uploadFailed', { reason: error.status === 409 ? t('error.conflict') : reason(error, file.size) });
    }
  }

  #remove(line) {
    line.remove();
    this.element.hidden = this.element.children.length === 0;
  }
}
