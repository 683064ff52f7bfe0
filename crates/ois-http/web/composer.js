// Writing a message: text, whom it calls, what it answers, what goes with it.

import { dot, icon } from './icons.js';
import { fill, h, iconButton, words } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { plain } from './markdown.js';
import { mentionable } from './mention.js';
import { MentionMenu } from './mention-menu.js';
import { byPresence, memberOf, shortName } from './names.js';
import { find } from './store-log.js';
import { Tray } from './tray.js';
import { uncalledWords } from './uncalled.js';

const TALLEST = 240;
const QUICK = 6;

class Composer extends HTMLElement {
  #app;
  #field;
  #menu;
  #tray;
  #send;
  #quick;
  #status;
  #reply;

  start(app) {
    this.#app = app;
    this.#field = h('textarea', { id: 'composer-text', rows: 1, enterkeyhint: 'send', data: { testid: 'composer' }, words: { placeholder: ['compose.label', { room: 'main' }], label: ['compose.label', { room: 'main' }] } });
    this.#menu = new MentionMenu(this.#field, () => app.store.state.members.filter((m) => m !== memberOf(app.store.state.members, app.store.state.user)), () => this.#changed());
    this.#tray = new Tray(() => this.#changed());
    this.#reply = h('div', { class: 'reply-bar', hidden: true });
    this.#quick = h('div', { class: 'quick', role: 'group', words: { label: 'compose.quick' } });
    this.#status = h('div', { class: 'status quiet' }, h('span', { class: 'activity', role: 'status' }), h('span', { class: 'hint' }));
    this.#send = iconButton(icon('send'), 'compose.send', () => this.#submit(), { class: 'send tip-left', data: { testid: 'send' } });
    const picker = h('input', { type: 'file', multiple: true, class: 'off-screen', tabindex: -1, 'aria-hidden': 'true', data: { testid: 'attach-input' }, on: { change: () => this.#picked(picker) } });
    const attach = iconButton(icon('clip'), 'compose.attach', () => picker.click());
    fill(this, this.#menu.element,
      h('div', { class: 'box' }, this.#reply, this.#tray.element, this.#field, h('div', { class: 'tools' }, attach, picker, this.#quick, this.#send)),
      this.#status);
    this.#field.addEventListener('keydown', (event) => this.#key(event));
    this.#field.addEventListener('input', () => this.#changed());
    this.#field.addEventListener('paste', (event) => this.#paste(event));
    app.store.watch((s) => [s.members, s.user], (s) => this.#showQuick(s));
    app.store.watch((s) => [s.replyTo], (s) => this.#showReply(s));
    app.store.watch((s) => [s.activity, s.members], (s) => this.#showActivity(s));
    app.store.watch((s) => [s.phase, s.role], (s) => this.#enter(s));
    onLanguage(() => {
      this.#showQuick(app.store.state);
      this.#showReply(app.store.state);
      this.#showActivity(app.store.state);
      this.#changed();
    });
  }

  /** Adds files to what will be sent. */
  attach(files) {
    this.#tray.add(files);
    this.#field.focus();
  }

  /** Writes `@name` at the caret. */
  mention(name) {
    const { value, selectionStart: at } = this.#field;
    const space = at > 0 && !/\s$/u.test(value.slice(0, at)) ? ' ' : '';
    this.#field.setRangeText(`${space}@${name} `, at, this.#field.selectionEnd, 'end');
    this.#changed();
    this.#field.focus();
  }

  /** Takes back what could not be sent. */
  take(draft) {
    this.#field.value = this.#field.value ? `${draft.text}\n${this.#field.value}` : draft.text;
    this.#tray.restore(draft.attachments ?? []);
    this.#app.actions.reply(draft.replyTo ?? null);
    this.#changed();
    this.#field.focus();
  }

  #enter(state) {
    const guest = state.role === 'guest';
    this.#field.disabled = guest;
    this.#send.parentElement.hidden = guest;
    words(this.#field, { placeholder: guest ? 'compose.readOnly' : ['compose.label', { room: 'main' }], label: ['compose.label', { room: 'main' }] });
    if (state.phase === 'signed-in') {
      this.#field.value = this.#field.value || this.#app.prefs.kept(`draft.${state.user}`, '');
      // The page is only shown after this; a phone's keyboard is not called up unasked.
      if (matchMedia('(hover: hover)').matches) requestAnimationFrame(() => this.#field.focus());
    } else {
      this.#field.value = '';
      this.#tray.clear();
    }
    this.#changed();
  }

  #key(event) {
    // While Chinese or Japanese is being composed, all keys belong to the input method (229: Safari).
    if (event.isComposing || event.keyCode === 229 || this.#menu.key(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.#menu.close();
      this.#submit();
    } else if (event.key === 'Escape' && this.#app.store.state.replyTo !== null) {
      event.preventDefault();
      this.#app.actions.reply(null);
    }
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || event.clipboardData.types.includes('text/plain')) return;
    event.preventDefault();
    this.#tray.add(files);
  }

  #picked(picker) {
    this.attach([...picker.files]);
    picker.value = '';
  }

  #submit() {
    const text = this.#field.value.trim();
    const attachments = this.#tray.files;
    if (this.#tray.busy || (!text && attachments.length === 0) || this.#field.disabled) return;
    this.#app.actions.say({ text, attachments, replyTo: this.#app.store.state.replyTo });
    this.#field.value = '';
    this.#tray.clear();
    this.#app.actions.reply(null);
    this.#changed();
    this.#field.focus();
  }

  #changed() {
    this.#field.style.height = 'auto';
    this.#field.style.height = `${Math.min(this.#field.scrollHeight, TALLEST)}px`;
    const { user } = this.#app.store.state;
    if (user) this.#app.prefs.keep(`draft.${user}`, this.#field.value || null);
    const busy = this.#tray.busy;
    const ready = !busy && (this.#field.value.trim() || this.#tray.files.length) && !this.#field.disabled;
    this.#send.setAttribute('aria-disabled', String(!ready));
    // While a name is being completed, it is not one yet.
    const warning = this.#menu.open ? null : uncalledWords(this.#field.value, mentionable(this.#app.store.state.members));
    this.#status.lastChild.classList.toggle('warning', warning !== null);
    words(this.#status.lastChild, { text: busy ? ['compose.uploading', { n: busy }] : (warning ?? 'compose.hint') });
  }

  #showReply(state) {
    const message = state.replyTo === null ? undefined : find(state.messages, state.replyTo);
    this.#reply.hidden = !message;
    if (!message) return fill(this.#reply);
    const close = iconButton(icon('close', 16), 'compose.noReply', () => {
      this.#app.actions.reply(null);
      this.#field.focus();
    }, { class: 'tip-left' });
    fill(this.#reply, icon('reply', 16), h('span', { class: 'reply-name', dir: 'auto' }, t('compose.replying', { name: shortName(message.user) })), h('span', { class: 'reply-text quiet', dir: 'auto' }, plain(message.text, 100)), close);
    return this.#field.focus();
  }

  /** Agents that can answer, one press each, and everyone. */
  #showQuick(state) {
    const agents = state.members.filter((m) => m.kind === 'agent').sort(byPresence).slice(0, QUICK);
    const chip = (name, member) => h('button', { type: 'button', class: 'chip', tabindex: 0, on: { click: () => this.mention(name) }, title: member ? `${member.display} · ${t(`presence.${member.state ?? 'offline'}`)}` : t('compose.all') }, member && dot(member.state ?? 'offline'), `@${name}`);
    fill(this.#quick, agents.map((m) => chip(m.name, m)), state.members.length > 1 && chip('all'));
  }

  #showActivity(state) {
    const words = Object.values(state.activity).map((a) => {
      const what = ['typing', 'thinking', 'working'].includes(a.state) ? t(`activity.${a.state}`, { name: shortName(a.name) }) : '';
      return what && a.note ? t('activity.note', { what, note: a.note }) : what;
    });
    const said = words.filter(Boolean).slice(0, 3).join(' · ');
    if (this.#status.firstChild.textContent !== said) this.#status.firstChild.textContent = said;
    this.#status.classList.toggle('active', said !== '');
  }
}

customElements.define('ois-composer', Composer);
