// The room: its head, the timeline, the composer, and dropping files on all of it.

import './composer.js';
import './timeline.js';
import { fill, h, iconButton, words } from './dom.js';
import { icon } from './icons.js';
import { acceptDrops } from './drop.js';

class Chat extends HTMLElement {
  #timeline;
  #composer;
  #online;

  start(app) {
    this.#timeline = document.createElement('ois-timeline');
    this.#composer = document.createElement('ois-composer');
    this.#online = h('span', { class: 'quiet' });
    const about = iconButton(icon('about'), 'room.about', () => app.go({ view: 'chat', about: app.store.state.route.about?.kind === 'room' ? null : { kind: 'room' } }), { class: 'tip-left', data: { testid: 'about-room' } });
    fill(this,
      h('header', { class: 'view-head' },
        h('h1', {}, h('span', { class: 'hash', 'aria-hidden': 'true' }, '#'), 'main'),
        h('span', { class: 'topic quiet', words: { text: 'room.topic' } }), this.#online, about),
      this.#timeline, this.#composer);
    this.#timeline.start(app);
    this.#composer.start(app);
    acceptDrops(this, { words: () => 'chat.drop', take: (files) => this.#composer.attach(files), when: () => app.store.state.role !== 'guest' });
    app.store.watch((s) => [s.members], (s) => words(this.#online, { text: ['team.online', { n: s.members.filter((m) => m.state && m.state !== 'offline').length }] }));
    app.store.watch((s) => [s.pending.length], (s) => s.pending.some((p) => p.state === 'sending') && this.#timeline.toEnd());
  }

  /** Whether the reader sees the end of the room now. */
  attending() {
    return this.#timeline?.attending() ?? false;
  }

  /** Writes `@name` into the composer. */
  mention(name) {
    this.#composer.mention(name);
  }

  /** Brings a message into view. */
  show(id) {
    return this.#timeline.show(id);
  }

  /** Takes a draft back into the composer. */
  edit(draft) {
    this.#composer.take(draft);
  }
}

customElements.define('ois-chat', Chat);
