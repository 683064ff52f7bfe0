// The right pane: about the room, about a member, about a message and its answers.

import { attachmentsView, fileLink, isPicture, picturesOf } from './attachments.js';
import { avatar, presence } from './avatar.js';
import { fill, h, iconButton } from './dom.js';
import { locale, onLanguage, t } from './i18n.js';
import { icon } from './icons.js';
import { ladderPlace, showLadder } from './ladder.js';
import { render } from './markdown-view.js';
import { mentionable } from './mention.js';
import { fromAgent } from './message.js';
import { byPresence, memberOf } from './names.js';
import { address } from './paths.js';
import { find } from './store-log.js';
import { clock, full, short } from './time.js';

const LATELY = 12;

class Details extends HTMLElement {
  #app;
  #before = null;
  #from = { view: 'chat' }; // the view to go back to

  start(app) {
    this.#app = app;
    this.setAttribute('role', 'complementary');
    app.store.watch((s) => [s.route, s.members, s.messages, s.deliveries, s.phase], (s) => this.#show(s));
    onLanguage(() => this.#show(app.store.state));
  }

  /** Goes back to the view that it was opened from. */
  close() {
    this.#app.go({ view: this.#from.view });
  }

  #show(state) {
    if (!state.route.about) this.#from = state.route;
    const about = state.phase === 'signed-in' ? state.route.about : null;
    const opens = about && this.hidden;
    if (opens) this.#before = document.activeElement;
    if (!about) return this.#close();
    const held = this.contains(document.activeElement);
    const { title, content } = this[about.kind](state, about.of);
    this.hidden = false;
    const close = iconButton(icon('close'), 'details.close', () => this.close(), { class: 'tip-left', data: { testid: 'details-close' } });
    fill(this, h('div', { class: 'view-head' }, h('h2', {}, title), close), h('div', { class: 'details-body' }, content));
    this.setAttribute('aria-label', title);
    if (opens || held) close.focus({ preventScroll: true });
    return undefined;
  }

  #close() {
    if (this.hidden) return;
    const held = this.contains(document.activeElement) || document.activeElement === document.body;
    this.hidden = true;
    fill(this);
    if (held && this.#before?.isConnected) this.#before.focus();
    this.#before = null;
  }

  room(state) {
    const shared = state.messages.slice(-400).flatMap((m) => m.attachments ?? []).slice(-LATELY).reverse();
    const pictures = shared.filter(isPicture);
    return { title: t('details.room', { room: 'main' }), content: [
      h('p', { class: 'quiet', words: { text: 'details.roomLead' } }),
      h('h3', { words: { text: 'details.members' } }),
      h('ul', { class: 'plain-list' }, [...state.members].sort(byPresence).map((m) => this.#memberLine(m))),
      h('h3', { words: { text: 'details.files' } }),
      shared.length === 0 && h('p', { class: 'quiet', words: { text: 'details.noFiles' } }),
      pictures.length > 0 && attachmentsView(pictures, () => picturesOf(state.messages)),
      shared.filter((a) => !isPicture(a)).map(fileLink),
    ] };
  }

  #memberLine(member) {
    const duties = (member.duties ?? []).join(', ');
    return h('li', {}, h('a', { class: 'person', href: address({ view: 'chat', about: { kind: 'member', of: member.name } }) },
      avatar(member.display, member.kind === 'agent', 'small'),
      h('span', { class: 'person-name', dir: 'auto' }, member.display, duties && h('span', { class: 'quiet' }, ` · ${duties}`)),
      presence(member.state ?? 'offline')));
  }

  member(state, name) {
    const member = memberOf(state.members, name);
    if (!member) return { title: name, content: [h('p', { class: 'quiet', words: { text: 'details.gone' } })] };
    const status = t(`presence.${member.state ?? 'unknown'}`);
    const facts = [
      ['details.state', h('span', { class: 'with-sign' }, presence(member.state ?? 'offline'), member.since ? t('details.since', { state: status, time: when(member.since) }) : status)],
      member.state === 'offline' && member.lastSeen && ['details.seen', short(member.lastSeen, locale())],
      member.kind === 'agent' && member.role && member.role !== 'agent' && ['details.role', t(`role.${member.role}`)],
      member.duties?.length && ['details.duties', member.duties.join(', ')],
      ['details.mention', `@${member.name}`],
    ];
    return { title: member.display, content: [
      h('div', { class: 'big-member' }, avatar(member.display, member.kind === 'agent', 'big'), h('div', {}, h('div', { class: 'author', dir: 'auto' }, member.display), h('div', { class: 'quiet' }, t(member.kind === 'agent' ? 'team.agent' : `role.${member.role ?? 'member'}`)))),
      factList(facts),
      state.role !== 'guest' && h('button', { type: 'button', class: 'button', on: { click: () => this.#app.mention(member.name) } }, icon('at', 16), t('details.call', { name: member.name })),
    ] };
  }

  message(state, id) {
    const message = find(state.messages, id);
    if (!message) return { title: t('details.message'), content: [h('p', { class: 'quiet', words: { text: state.loaded ? 'chat.gone' : 'app.loading' } })] };
    const answers = state.messages.filter((m) => m.replyTo === id);
    const ladder = ladderPlace(id);
    showLadder(ladder, state.deliveries[id], state, Date.now());
    return { title: t('details.message'), content: [
      this.#card(message, state),
      factList([['details.written', full(message.time, locale())], ['details.number', String(message.id)]]),
      ladder,
      h('h3', { words: { text: 'details.thread' } }),
      answers.length ? answers.map((m) => this.#card(m, state)) : h('p', { class: 'quiet', words: { text: 'details.noReplies' } }),
      state.role !== 'guest' && h('button', { type: 'button', class: 'button', on: { click: () => this.#answer(id) } }, icon('reply', 16), t('message.reply')),
    ] };
  }

  #answer(id) {
    if (matchMedia('(max-width: 1099px)').matches) this.#app.go({ view: 'chat' });
    this.#app.actions.reply(id);
  }

  #card(message, state) {
    const go = () => {
      this.#app.go({ view: 'chat' });
      this.#app.show(message.id);
    };
    return h('div', { class: 'card' },
      h('div', { class: 'card-head' }, avatar(message.user, fromAgent(message, state.members), 'small'), h('span', { class: 'author', dir: 'auto' }, message.user), h('button', { type: 'button', class: 'link-button time', on: { click: go } }, clock(message.time, locale()))),
      h('div', { class: 'text' }, render(message.text, { names: mentionable(state.members) })),
      message.attachments?.length && attachmentsView(message.attachments, () => picturesOf(state.messages)));
  }
}

const when = (time) => (Date.now() - Date.parse(time) < 86_400_000 ? clock(time, locale()) : short(time, locale()));

const factList = (facts) => h('dl', { class: 'facts' }, facts.filter(Boolean).map(([key, value]) => [h('dt', { words: { text: key } }), h('dd', {}, value)]));

customElements.define('ois-details', Details);
