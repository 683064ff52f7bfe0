// One text file: read, write, preview, save. Saving names the version that was read; when someone
// else was faster, the reader decides which of the two texts stays.

import { downloadOf } from './api.js';
import { ask } from './dialogs.js';
import { fill, h, words } from './dom.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { render } from './markdown-view.js';
import { kindOf, split } from './paths.js';
import { reason } from './reason.js';

/**
 * Whether what was read can be written back as it was: the server reads bytes that are no UTF-8 as
 * U+FFFD, and saving those would spoil the file.
 */
export const isText = (content) => !/[\u0000\uFFFD]/u.test(content);

/** How the lines of a file end; a text field knows `\n` only. */
export const lineEnd = (content) => (/\r\n/u.test(content) && !/(?:^|[^\r])\n/u.test(content) ? '\r\n' : '\n');

/** The editor; `open(path)` fills it, `leave()` lets the file go. */
export class Editor {
  #app;
  #path = null;
  #etag = null;
  #saved = '';
  #lineEnd = '\n';
  #field;
  #status;
  #save;
  #preview;
  #shown;
  #lift = null;

  constructor(app) {
    this.#app = app;
    this.element = h('div', { class: 'editor' });
  }

  /** Shows the file at `path`. */
  async open(path) {
    if (path === this.#path) return;
    this.leave();
    this.#path = path;
    fill(this.element, h('p', { class: 'quiet', words: { text: 'app.loading' } }));
    try {
      const { body, etag } = await this.#app.api.read(path);
      if (path !== this.#path) return;
      if (isText(body.content)) this.#show(body.content, etag);
      else this.#refuse(null);
    } catch (error) {
      if (path === this.#path) this.#refuse(error);
    }
  }

  /** Forgets the file. */
  leave() {
    this.#path = null;
    this.#lift?.();
    this.#lift = null;
    removeEventListener('beforeunload', this.#hold);
  }

  get #dirty() {
    return this.#path !== null && this.#field?.value !== this.#saved;
  }

  #show(content, etag) {
    const { name } = split(this.#path);
    this.#field = h('textarea', { class: 'editor-text', spellcheck: 'false', wrap: 'soft', data: { testid: 'editor' }, words: { label: ['editor.label', { name }] }, readonly: this.#app.store.state.role === 'guest' });
    this.#field.value = content;
    this.#saved = this.#field.value; // the field writes line ends its own way
    this.#etag = etag;
    this.#lineEnd = lineEnd(content);
    this.#status = h('span', { class: 'quiet', role: 'status' });
    this.#save = h('button', { type: 'button', class: 'button primary', data: { testid: 'editor-save' }, words: { text: 'editor.save' }, on: { click: () => this.#store(this.#etag) } });
    this.#shown = h('div', { class: 'editor-preview text', hidden: true });
    this.#preview = h('button', { type: 'button', class: 'button', 'aria-pressed': 'false', hidden: kindOf(name) !== 'markdown', words: { text: 'editor.preview' }, on: { click: () => this.#flip() } });
    const download = h('a', { class: 'button', href: downloadOf(this.#path), download: name }, icon('download', 18), h('span', { words: { text: 'files.download' } }));
    fill(this.element, h('div', { class: 'file-tools' }, this.#save, this.#preview, download, this.#status), this.#field, this.#shown);
    this.#field.addEventListener('input', () => this.#changed());
    this.element.onkeydown = (event) => this.#key(event);
    this.#lift = this.#app.guard(() => this.#mayLeave());
    addEventListener('beforeunload', this.#hold);
    this.#changed();
    this.#field.setSelectionRange(0, 0);
    if (matchMedia('(hover: hover)').matches) this.#field.focus();
  }

  /** Says why there is no text: an error, or null for a file that is none. */
  #refuse(error) {
    const { name } = split(this.#path);
    fill(this.element, h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, error ? t('editor.cannotOpen', { reason: reason(error) }) : t('editor.notText')), h('a', { class: 'button', href: downloadOf(this.#path), download: name }, icon('download', 18), t('files.download'))));
  }

  #changed() {
    const dirty = this.#dirty;
    this.#save.setAttribute('aria-disabled', String(!dirty));
    if (dirty) words(this.#status, { text: 'editor.unsaved' });
    else fill(this.#status);
    if (!dirty) delete this.#status.dataset.words;
  }

  #key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
      event.preventDefault();
      this.#store(this.#etag);
    }
  }

  async #store(condition) {
    if (!this.#dirty && condition === this.#etag) return;
    const path = this.#path;
    const content = this.#field.value;
    words(this.#status, { text: 'editor.saving' });
    try {
      const { etag } = await this.#app.api.write(path, content.replace(/\n/gu, this.#lineEnd), condition);
      if (path !== this.#path) return;
      this.#etag = etag ?? (await this.#app.api.read(path)).etag;
      this.#saved = content;
      this.#changed();
      this.#app.notice('editor.saved');
    } catch (error) {
      if (path !== this.#path) return;
      if (error.status === 412) await this.#conflict();
      else {
        fill(this.#status, t('editor.failed', { reason: reason(error) }));
        delete this.#status.dataset.words;
      }
    }
  }

  async #conflict() {
    words(this.#status, { text: 'editor.unsaved' });
    const answer = await ask({ title: 'editor.conflict', hint: 'editor.conflictHint', buttons: [{ key: 'editor.reload', value: 'reload' }, { key: 'editor.overwrite', value: 'overwrite', kind: 'danger' }] });
    if (answer === 'overwrite') await this.#store(null);
    if (answer !== 'reload') return;
    const path = this.#path;
    this.leave();
    await this.open(path);
  }

  #flip() {
    const preview = this.#shown.hidden;
    this.#shown.hidden = !preview;
    this.#field.hidden = preview;
    this.#preview.setAttribute('aria-pressed', String(preview));
    words(this.#preview, { text: preview ? 'editor.write' : 'editor.preview' });
    if (preview) this.#shown.replaceChildren(render(this.#field.value));
  }

  async #mayLeave() {
    if (!this.#dirty) return true;
    const { name } = split(this.#path);
    return (await ask({ title: 'editor.leave', hint: ['editor.leaveHint', { name }], buttons: [{ key: 'editor.discard', value: 'leave', kind: 'danger' }] })) === 'leave';
  }

  #hold = (event) => this.#dirty && event.preventDefault();
}
