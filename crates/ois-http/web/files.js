// The shared files: a folder or one open file, as the address says. The list is files-list.js, the
// text editor.js, uploads file-uploads.js.

import { acceptDrops } from './drop.js';
import { fill, h, iconButton } from './dom.js';
import { Editor } from './editor.js';
import { FileUploads } from './file-uploads.js';
import { FilesList } from './files-list.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { address, crumbs, split } from './paths.js';

class Files extends HTMLElement {
  #app;
  #head;
  #body;
  #list;
  #editor;
  #uploads;

  start(app) {
    this.#app = app;
    this.#head = h('nav', { class: 'crumbs', words: { label: 'files.path' } });
    this.#body = h('div', { class: 'files-body' });
    this.#list = new FilesList(app, () => this.#upload.click());
    this.#uploads = new FileUploads(app, () => this.#list.load());
    this.#editor = new Editor(app);
    this.#upload = h('input', { type: 'file', multiple: true, class: 'off-screen', tabindex: -1, 'aria-hidden': 'true', data: { testid: 'upload-input' }, on: { change: () => this.#picked() } });
    fill(this, h('header', { class: 'view-head' }, h('h1', { class: 'off-screen', words: { text: 'files.title' } }), this.#head), this.#body, this.#uploads.element, this.#upload);
    acceptDrops(this, { words: () => ['files.drop', { folder: this.#folder() || t('files.root') }], take: (files) => this.#uploads.add(files, this.#folder()), when: () => this.#writable() && !app.store.state.route.open });
    app.store.watch((s) => [s.route, s.phase, s.role], (s) => this.#show(s));
  }

  #upload;

  #folder() {
    const { route } = this.#app.store.state;
    return route.open ? split(route.path).folder : route.path;
  }

  #writable() {
    return this.#app.store.state.role !== 'guest';
  }

  #picked() {
    this.#uploads.add([...this.#upload.files], this.#folder());
    this.#upload.value = '';
  }

  #show({ route, phase }) {
    if (phase !== 'signed-in' || route.view !== 'files') {
      this.#editor.leave();
      return fill(this.#body);
    }
    this.#showHead(route);
    if (route.open) {
      fill(this.#body, this.#editor.element);
      this.#editor.open(route.path);
    } else {
      this.#editor.leave();
      fill(this.#body, this.#list.element);
      this.#list.open(route.path);
    }
    return undefined;
  }

  #showHead(route) {
    const way = crumbs(route.path);
    const link = ({ name, path }, last) => h('li', {}, last ? h('span', { class: 'crumb', 'aria-current': 'page', dir: 'auto' }, name) : h('a', { class: 'crumb', href: address({ view: 'files', path }), dir: 'auto' }, name));
    const root = way.length ? h('a', { class: 'crumb', href: '#/files', words: { text: 'files.root' } }) : h('span', { class: 'crumb', 'aria-current': 'page', words: { text: 'files.root' } });
    const up = way.length > 0 && iconButton(icon('back'), route.open ? 'editor.close' : 'files.path', () => this.#app.go({ view: 'files', path: split(route.path).folder }), { class: 'crumb-up' });
    fill(this.#head, up, h('ol', {}, h('li', {}, root), way.map((crumb, i) => link(crumb, i === way.length - 1))));
  }
}

customElements.define('ois-files', Files);
