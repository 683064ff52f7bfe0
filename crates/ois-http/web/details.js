// The right pane: about the room, a member, a message, or the work of agents. Its content stays in
// place while it changes; a new pane is made for a new subject only.

import { aboutMember } from './about-member.js';
import { aboutMessage } from './about-message.js';
import { aboutRoom } from './about-room.js';
import { aboutWork } from './about-work.js';
import { fill, h, iconButton } from './dom.js';
import { language, onLanguage } from './i18n.js';
import { icon } from './icons.js';
import { put } from './keyed.js';

/** By kind: `(app, of) => {element, title(state), show(state, now)}`. */
const SUBJECTS = { room: aboutRoom, member: aboutMember, message: aboutMessage, work: aboutWork };

class Details extends HTMLElement {
  #app;
  #before = null;
  #from = { view: 'chat' }; // the view to go back to
  #made = ''; // what the pane was made for
  #subject = null;
  #title;

  start(app) {
    this.#app = app;
    this.setAttribute('role', 'complementary');
    this.#title = h('h2');
    app.store.watch((s) => [s.route, s.members, s.messages, s.deliveries, s.runs, s.activity, s.phase, s.user, s.role, s.loaded], (s) => this.#show(s));
    setInterval(() => this.#subject?.show(app.store.state, Date.now()), 1000);
    onLanguage(() => this.#show(app.store.state));
  }

  /** Goes back to the view that it was opened from. */
  close() {
    this.#app.go({ view: this.#from.view });
  }

  #show(state) {
    if (!state.route.about) this.#from = state.route;
    const about = state.phase === 'signed-in' ? state.route.about : null;
    if (!about) return this.#close();
    const opens = this.hidden;
    if (opens) this.#before = document.activeElement;
    const wanted = JSON.stringify([about, language(), state.user, state.role]);
    if (wanted !== this.#made) this.#make(about, wanted, opens);
    this.#subject.show(state, Date.now());
    const title = this.#subject.title(state);
    put(this.#title, title);
    this.setAttribute('aria-label', title);
    return undefined;
  }

  #make({ kind, of }, wanted, opens) {
    const held = opens || this.contains(document.activeElement);
    this.#made = wanted;
    this.#subject = SUBJECTS[kind](this.#app, of);
    const close = iconButton(icon('close'), 'details.close', () => this.close(), { class: 'tip-left', data: { testid: 'details-close' } });
    this.hidden = false;
    fill(this, h('div', { class: 'view-head' }, this.#title, close), h('div', { class: 'details-body' }, this.#subject.element));
    if (held) close.focus({ preventScroll: true });
  }

  #close() {
    if (this.hidden) return;
    const held = this.contains(document.activeElement) || document.activeElement === document.body;
    this.hidden = true;
    this.#subject = null;
    this.#made = '';
    fill(this);
    if (held && this.#before?.isConnected) this.#before.focus();
    this.#before = null;
  }
}

customElements.define('ois-details', Details);
