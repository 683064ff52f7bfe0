// The views of the page: beside the team on a desk, as a bar at the bottom on a phone.

import { fill, h, words } from './dom.js';
import { icon } from './icons.js';
import { unread } from './store-log.js';

const VIEWS = [['chat', 'chat', '#/chat'], ['files', 'folder', '#/files'], ['team', 'team', '#/team']];

class Nav extends HTMLElement {
  #links = {};
  #badge;

  start(app) {
    this.#badge = h('span', { class: 'badge', hidden: true });
    for (const [view, picture, href] of VIEWS) {
      this.#links[view] = h('a', { href, class: `nav-link nav-${view}`, data: { testid: `nav-${view}` } }, icon(picture), h('span', { words: { text: `nav.${view}` } }), view === 'chat' ? this.#badge : null);
    }
    const skip = h('button', { type: 'button', class: 'skip', words: { text: 'app.skip' }, on: { click: () => document.querySelector('#composer-text').focus() } });
    const brand = h('div', { class: 'brand' }, h('img', { src: '/web/icon.svg', alt: '', width: 24, height: 24 }), h('span', { words: { text: 'app.name' } }));
    fill(this, h('nav', { words: { label: 'nav.label' } }, skip, brand, Object.values(this.#links)));
    app.store.watch((s) => [s.route], (s) => this.#mark(s.route.view));
    app.store.watch((s) => [s.messages, s.readId], (s) => this.#count(unread(s)));
  }

  #mark(view) {
    for (const [name, link] of Object.entries(this.#links)) {
      if (name === view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  #count(n) {
    this.#badge.hidden = n === 0;
    words(this.#badge, { label: ['nav.unread', { n }] });
    this.#badge.textContent = n > 99 ? '99+' : String(n);
  }
}

customElements.define('ois-nav', Nav);
