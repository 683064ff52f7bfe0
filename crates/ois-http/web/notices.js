// Short lines that tell what was done; they go by themselves and are read out once.

import { h } from './dom.js';

const STAYS_MS = 4000;

class Notices extends HTMLElement {
  start() {
    this.setAttribute('role', 'status');
  }

  /** Says `words` (a key, or a key with values). */
  say(words) {
    const line = h('div', { class: 'notice', words: { text: words } });
    this.replaceChildren(line);
    setTimeout(() => line.remove(), STAYS_MS);
  }
}

customElements.define('ois-notices', Notices);
