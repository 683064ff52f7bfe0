// The messages, oldest on top. New ones never move what is being read; older ones come as the
// reader nears the top; the unread line and the pill tell what is new.

import { fill, h, words } from './dom.js';
import { language, locale, onLanguage, t } from './i18n.js';
import { icon } from './icons.js';
import { bubbleRow } from './bubble.js';
import { draftRow, messageRow } from './message.js';
import { noticeRow } from './notice-row.js';
import { writing } from './store-activity.js';
import { find, unread } from './store-log.js';
import { layout } from './rows.js';
import { anchorOf, atEnd, bring, holdAnchor, toEnd } from './scroll.js';
import { dayName, nearness } from './time.js';
import { Walk } from './walk.js';

const EARLY = 800;

class Timeline extends HTMLElement {
  #app;
  #area;
  #rows;
  #older;
  #empty;
  #pill;
  #made = new Map(); // key → {stamp, element, live?}
  #epoch = '';
  #following = true; // whether the view stays at the end
  #top = 0; // where it was scrolled to
  #aside = false; // whether another view is shown instead
  #placed = false; // whether the reader has a place of their own yet
  #walk;

  start(app) {
    this.#app = app;
    this.#older = h('div', { class: 'older', data: { testid: 'load-older' } });
    this.#empty = h('div', { class: 'empty', hidden: true }, h('p', { class: 'empty-title', words: { text: 'chat.empty' } }), h('p', { class: 'quiet', words: { text: 'chat.emptyHint' } }));
    this.#rows = h('div', { class: 'rows', role: 'log', 'aria-live': 'off', words: { label: ['chat.label', { room: 'main' }] } });
    this.#area = h('div', { class: 'area', on: { scroll: () => this.#scrolled() } }, h('div', { class: 'column' }, this.#older, this.#empty, this.#rows));
    this.#pill = h('button', { type: 'button', class: 'pill', hidden: true, data: { testid: 'new-pill' }, on: { click: () => this.toEnd() } });
    fill(this, this.#area, this.#pill);
    for (const sign of ['wheel', 'touchmove', 'keydown', 'pointerdown']) this.#area.addEventListener(sign, () => (this.#placed = true), { passive: true });
    this.#walk = new Walk(this.#rows, { open: (id) => app.go({ view: 'chat', about: { kind: 'message', of: id } }), reply: (id) => app.actions.reply(id) });
    new ResizeObserver(() => this.#resized()).observe(this.#area);
    new ResizeObserver(() => this.#resized()).observe(this.#rows);
    app.store.watch((s) => [s.messages, s.pending, s.unreadFrom, s.members, s.loaded, s.more, s.link.state, s.route.view, s.user, writing(s).map((a) => a.name).join()], () => this.#show());
    app.store.watch((s) => [s.older], (s) => this.#showOlder(s.older));
    app.store.watch((s) => [s.messages, s.readId], () => this.#showPill());
    app.store.watch((s) => [s.deliveries, s.activity, s.members], () => this.#live());
    setInterval(() => this.#live(), 1000);
    onLanguage(() => this.#show());
    document.addEventListener('visibilitychange', () => this.#read());
  }

  /** Whether the reader sees the end of the room now. */
  attending() {
    return !document.hidden && !this.#area.closest('[hidden]') && this.#area.clientHeight > 0 && this.#following;
  }

  /** Goes to the newest message. */
  toEnd() {
    this.#following = true;
    this.#move(() => toEnd(this.#area));
    this.#read();
  }

  /** Brings a message into view and marks it for a moment; fetches back for it if need be. */
  async show(id) {
    const found = await this.#app.actions.fetchBack(() => find(this.#app.store.state.messages, id) !== undefined);
    if (!found) return this.#app.notice('chat.gone');
    this.#app.store.flush();
    const row = this.#made.get(`m:${id}`)?.element;
    if (!row) return undefined;
    this.#placed = true;
    this.#following = false;
    this.#move(() => bring(this.#area, row));
    row.focus({ preventScroll: true });
    row.classList.add('shown');
    return setTimeout(() => row.classList.remove('shown'), 1600);
  }

  #show() {
    const state = this.#app.store.state;
    if (state.phase !== 'signed-in') return this.#forget();
    const epoch = `${language()} ${state.user} ${state.role} ${state.members.map((m) => `${m.name}/${m.kind}/${m.duties ?? ''}`).join()}`;
    if (epoch !== this.#epoch) this.#made.clear();
    this.#epoch = epoch;
    this.#notice();
    const anchor = this.#following ? null : anchorOf(this.#area, this.#rows.children);
    this.#arrange(layout(state));
    this.#empty.hidden = !state.loaded || state.messages.length > 0 || state.pending.length > 0;
    this.#live();
    if (!state.loaded || this.#area.clientHeight === 0) return undefined;
    if (!this.#placed) this.#begin(state);
    else this.#move(() => (this.#following ? toEnd(this.#area) : holdAnchor(this.#area, anchor, (key) => this.#made.get(key)?.element)));
    this.#read();
    this.#near();
    // Only what comes from here on is announced, not the history.
    requestAnimationFrame(() => this.#rows.setAttribute('aria-live', state.older === 'loading' ? 'off' : 'polite'));
    return undefined;
  }

  /** Puts the rows into the page, touching only those that changed. */
  #arrange(rows) {
    const focused = this.#rows.contains(document.activeElement) ? document.activeElement.closest('[data-key]')?.dataset.key : null;
    const next = new Map();
    let place = this.#rows.firstElementChild;
    for (const row of rows) {
      const known = this.#made.get(row.key);
      const entry = known?.stamp === row.stamp ? known : this.#make(row);
      const { element } = entry;
      next.set(row.key, entry);
      if (element === place) place = place.nextElementSibling;
      else this.#rows.insertBefore(element, place);
    }
    while (place) {
      const gone = place;
      place = place.nextElementSibling;
      gone.remove();
    }
    this.#made = next;
    this.#walk.rest();
    if (focused && !this.#rows.contains(document.activeElement)) next.get(focused)?.element.focus({ preventScroll: true });
  }

  #make(row) {
    const entry = this.#entry(row);
    entry.element.dataset.key = row.key;
    return { stamp: row.stamp, ...entry };
  }

  #entry(row) {
    if (row.kind === 'message') return messageRow(row, this.#app);
    if (row.kind === 'notice') return noticeRow(row, this.#app);
    if (row.kind === 'draft') return draftRow(row, this.#app);
    if (row.kind === 'bubble') return bubbleRow(row, this.#app);
    return { element: this.#rule(row) };
  }

  #rule(row) {
    if (row.kind === 'new') return h('div', { class: 'rule rule-new', role: 'separator' }, h('span', { words: { text: 'chat.new' } }));
    if (row.kind === 'start') return h('p', { class: 'start quiet', words: { text: ['chat.start', { room: 'main' }] } });
    const near = nearness(row.time, Date.now());
    const name = near === 'today' || near === 'yesterday' ? `${t(`time.${near}`)} · ${dayName(row.time, Date.now(), locale())}` : dayName(row.time, Date.now(), locale());
    return h('div', { class: 'rule', role: 'separator' }, h('span', {}, name));
  }

  /** The first place: at the unread line, else at the end. */
  #begin(state) {
    const line = this.#made.get('new')?.element;
    this.#following = !line || state.unreadFrom === null;
    this.#move(() => (this.#following ? toEnd(this.#area) : bring(this.#area, line, 0.15)));
    this.#following = atEnd(this.#area);
  }

  #forget() {
    fill(this.#rows);
    this.#made.clear();
    this.#following = true;
    this.#placed = false;
    this.#rows.setAttribute('aria-live', 'off');
  }

  #resized() {
    const shown = this.#area.clientHeight > 0;
    // A pane that was put aside forgets where it was scrolled to.
    if (shown && this.#aside && !this.#following) this.#move(() => (this.#area.scrollTop = this.#top));
    this.#aside = !shown;
    if (!shown) return;
    if (this.#following && this.#placed) this.#move(() => toEnd(this.#area));
    else if (!this.#placed && this.#app.store.state.loaded) this.#begin(this.#app.store.state);
    this.#showPill();
  }

  #scrolled() {
    if (this.#area.clientHeight === 0) return;
    this.#notice();
    this.#top = this.#area.scrollTop;
    this.#following = atEnd(this.#area);
    this.#read();
    this.#near();
    this.#showPill();
  }

  /** Moves the area for the page's own reasons. */
  #move(how) {
    how();
    this.#top = this.#area.scrollTop;
  }

  /** Higher than the page left it: the reader went there, by whatever means, and keeps that place. */
  #notice() {
    if (this.#area.clientHeight === 0 || this.#area.scrollTop >= this.#top - 1) return;
    this.#following = atEnd(this.#area);
    this.#placed = true;
  }

  #near() {
    const { older } = this.#app.store.state;
    if (this.#area.scrollTop < EARLY && older === 'idle' && this.#area.clientHeight > 0) this.#app.actions.loadOlder();
  }

  #read() {
    const newest = this.#app.store.state.messages.at(-1)?.id;
    if (newest && this.attending()) this.#app.actions.read(newest);
  }

  #showOlder(older) {
    if (older === 'loading') this.#rows.setAttribute('aria-live', 'off');
    if (older === 'failed') fill(this.#older, h('span', { words: { text: 'chat.olderFailed' } }), h('button', { type: 'button', class: 'link-button', words: { text: 'chat.retry' }, on: { click: () => this.#app.actions.loadOlder() } }));
    else fill(this.#older, older === 'loading' && h('span', { words: { text: 'chat.older' } }));
  }

  #showPill() {
    const n = unread(this.#app.store.state);
    const far = this.#area.scrollHeight - this.#area.scrollTop - this.#area.clientHeight > this.#area.clientHeight * 1.5;
    this.#pill.hidden = this.#following || (n === 0 && !far);
    const label = h('span');
    words(label, { text: n ? ['chat.pill', { n }] : 'chat.latest' });
    fill(this.#pill, icon('down', 16), label);
  }

  /** Brings up to date what changes in place: ladders, text that streams, buttons of notices. */
  #live() {
    const state = this.#app.store.state;
    const now = Date.now();
    for (const { live } of this.#made.values()) live?.(state, now);
  }
}

customElements.define('ois-timeline', Timeline);
