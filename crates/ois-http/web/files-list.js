// One folder: what is in it, and what can be done with each thing.

import { downloadOf } from './api.js';
import { ask, askName } from './dialogs.js';
import { fill, h, iconButton, renew } from './dom.js';
import { locale, onLanguage, t } from './i18n.js';
import { icon } from './icons.js';
import { openLightbox } from './lightbox.js';
import { spelledOut } from './names.js';
import { address, goodName, inOrder, join, kindOf, split } from './paths.js';
import { reason } from './reason.js';
import { bytes, full, short } from './time.js';

/** The list of a folder. `upload()` opens the picker. */
export class FilesList {
  #app;
  #path = '';
  #items = [];
  #table;
  #state;
  #asked = 0;

  constructor(app, upload) {
    this.#app = app;
    const button = (picture, key, run, testid) => h('button', { type: 'button', class: 'button', data: { testid }, on: { click: run } }, icon(picture, 18), h('span', { words: { text: key } }));
    this.#table = h('ul', { class: 'file-rows', data: { testid: 'files-list' }, words: { label: 'files.title' } });
    this.#state = h('div', { class: 'empty' });
    const tools = h('div', { class: 'file-tools' },
      button('upload', 'files.upload', upload, 'upload-button'),
      button('plusFolder', 'files.newFolder', () => this.#newFolder(), 'new-folder'),
      button('plusFile', 'files.newFile', () => this.#newFile(), 'new-file'));
    const names = h('div', { class: 'file-row file-names', 'aria-hidden': 'true' }, h('span', { words: { text: 'files.name' } }), h('span', { class: 'file-size', words: { text: 'files.size' } }), h('span', { class: 'file-time', words: { text: 'files.modified' } }), h('span'));
    this.element = h('div', { class: 'files-list' }, tools, names, this.#table, this.#state);
    app.store.watch((s) => [s.role], (s) => (tools.hidden = s.role === 'guest'));
    onLanguage(() => {
      renew(this.element); // it may be aside while a file is open, where the page's own renewal does not reach
      this.#show();
    });
  }

  /** Shows the folder at `path`. */
  open(path) {
    if (path !== this.#path) {
      this.#items = [];
      fill(this.#table);
    }
    this.#path = path;
    return this.load();
  }

  /** Reads the folder again. */
  async load() {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const { items } = await this.#app.api.list(this.#path);
      if (asked !== this.#asked) return;
      this.#items = inOrder(items);
      this.#show();
    } catch (error) {
      if (asked !== this.#asked) return;
      fill(this.#table);
      fill(this.#state, h('p', { class: 'empty-title' }, t('files.failed', { reason: reason(error) })), h('button', { type: 'button', class: 'button', words: { text: 'chat.retry' }, on: { click: () => this.load() } }));
    }
  }

  #show() {
    const focused = this.#table.contains(document.activeElement) ? document.activeElement.closest('[data-name]')?.dataset.name : null;
    fill(this.#table, this.#items.map((item) => this.#row(item)));
    fill(this.#state, this.#items.length === 0 && [h('p', { class: 'empty-title', words: { text: 'files.empty' } }), h('p', { class: 'quiet', words: { text: 'files.emptyHint' } })]);
    if (focused) this.#table.querySelector(`[data-name="${CSS.escape(focused)}"] .file-open`)?.focus();
  }

  #row(item) {
    const path = join(this.#path, item.name);
    const kind = item.isDir ? 'folder' : kindOf(item.name);
    const guest = this.#app.store.state.role === 'guest';
    return h('li', { class: 'file-row', data: { testid: 'file-row', name: item.name } },
      this.#opener(item, path, kind),
      h('span', { class: 'file-size quiet' }, item.isDir ? '' : bytes(item.size, locale())),
      h('span', { class: 'file-time quiet', title: item.modified ? full(item.modified, locale()) : null }, item.modified ? short(item.modified, locale()) : ''),
      h('span', { class: 'file-actions', role: 'group', words: { label: ['files.actions', { name: item.name }] } },
        !item.isDir && h('a', { class: 'icon-button', href: downloadOf(path), download: item.name, data: { testid: 'file-download' }, words: { label: 'files.download', tip: 'files.download' } }, icon('download', 18)),
        !guest && iconButton(icon('pen', 18), 'files.rename', () => this.#rename(item, path), { data: { testid: 'file-rename' } }),
        !guest && iconButton(icon('bin', 18), 'files.delete', () => this.#remove(item, path), { class: 'tip-left', data: { testid: 'file-delete' } })));
  }

  #opener(item, path, kind) {
    const inside = [icon(kind === 'folder' ? 'folder' : kind === 'image' ? 'image' : 'file'), h('span', { class: 'file-name', dir: 'auto' }, spelledOut(item.name))];
    if (kind === 'folder') return h('a', { class: 'file-open folder', href: address({ view: 'files', path }) }, inside, h('span', { class: 'off-screen', words: { text: 'files.folder' } }));
    if (kind === 'image') return h('button', { type: 'button', class: 'file-open', on: { click: () => openLightbox(this.#pictures(), new URL(downloadOf(path), location.href).href) } }, inside);
    if (kind === 'other') return h('a', { class: 'file-open', href: downloadOf(path), download: item.name }, inside);
    return h('a', { class: 'file-open', href: address({ view: 'files', path, open: true }) }, inside);
  }

  #pictures() {
    return this.#items.filter((i) => !i.isDir && kindOf(i.name) === 'image').map((i) => ({ name: i.name, src: new URL(downloadOf(join(this.#path, i.name)), location.href).href }));
  }

  #check = (name, but = null) => {
    if (!goodName(name)) return t('files.badName');
    return name !== but && this.#items.some((i) => i.name === name) ? t('files.taken', { name }) : null;
  };

  async #newFolder() {
    const name = await askName({ title: 'files.askFolder', check: this.#check, submit: 'dialog.create' });
    if (name) await this.#try(() => this.#app.api.mkdir(join(this.#path, name)), name);
  }

  async #newFile() {
    const name = await askName({ title: 'files.askFile', value: '.md', check: this.#check, submit: 'dialog.create' });
    if (!name) return;
    const path = join(this.#path, name);
    if (await this.#try(() => this.#app.api.write(path, '', '*'), name)) this.#app.go({ view: 'files', path, open: true });
  }

  async #rename(item, path) {
    const name = await askName({ title: ['files.askRename', { name: item.name }], value: item.name, check: (wanted) => this.#check(wanted, item.name), submit: 'dialog.rename' });
    if (!name || name === item.name) return;
    if (await this.#try(() => this.#app.api.rename(path, join(split(path).folder, name)), name)) this.#app.notice(['files.renamed', { name }]);
  }

  async #remove(item, path) {
    const title = [item.isDir ? 'files.confirmFolder' : 'files.confirmFile', { name: item.name }];
    const answer = await ask({ title, hint: 'files.confirmHint', buttons: [{ key: 'dialog.delete', value: 'delete', kind: 'danger' }] });
    if (answer !== 'delete') return;
    if (await this.#try(() => this.#app.api.remove(path), item.name)) this.#app.notice(['files.deleted', { name: item.name }]);
  }

  /** Does something and shows the folder anew; tells the reader why when it fails. */
  async #try(run, name) {
    try {
      await run();
      await this.load();
      return true;
    } catch (error) {
      const taken = error.status === 409 || error.status === 412;
      this.#app.notice(taken ? ['files.taken', { name }] : ['files.notDone', { reason: reason(error) }]);
      await this.load();
      return false;
    }
  }
}
