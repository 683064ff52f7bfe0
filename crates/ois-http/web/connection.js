// The thin line at the top: what the link is doing, when it is not simply working.

import { fill, h } from './dom.js';
import { t } from './i18n.js';

class Connection extends HTMLElement {
  #app;
  #timer = null;
  #text;
  #was = 'idle';

  start(app) {
    this.#app = app;
    this.dataset.testid = 'connection';
    this.setAttribute('role', 'status');
    this.#text = h('span', {});
    const now = h('button', { type: 'button', class: 'link-button', words: { text: 'link.now' }, on: { click: () => app.link.nudge() } });
    fill(this, h('span', { class: 'line' }), h('span', { class: 'words' }, this.#text, now));
    app.store.watch((s) => [s.link, s.catching, s.phase], (s) => this.#show(s));
    addEventListener('offline', () => this.#show(app.store.state));
  }

  #show(state) {
    clearInterval(this.#timer);
    const was = this.#was;
    this.#was = state.link.state;
    const shown = stateOf(state);
    this.dataset.state = was === 'waiting' && shown === 'connecting' ? 'waiting' : shown;
    this.#say(state, shown);
    if (shown === 'waiting') this.#timer = setInterval(() => this.#say(state, shown), 1000);
  }

  #say(state, shown) {
    const seconds = Math.max(1, Math.ceil(((state.link.until ?? 0) - Date.now()) / 1000));
    const words = { ready: '', connecting: t('link.connecting'), catching: t('link.catching'), offline: t('link.offline'), waiting: t('link.waiting', { n: seconds }) }[shown];
    if (this.#text.textContent !== words) this.#text.textContent = words;
  }
}

function stateOf({ link, catching }) {
  if (link.state === 'waiting') return navigator.onLine ? 'waiting' : 'offline';
  if (link.state === 'connecting') return 'connecting';
  return link.state === 'ready' && catching ? 'catching' : 'ready';
}

customElements.define('ois-connection', Connection);
