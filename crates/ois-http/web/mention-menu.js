// Completion while writing: `@` offers people, agents and duties, `#` rooms. Arrows, Tab and Enter
// choose, Escape closes. The text stays in the field; this only offers.

import { avatar, presence } from './avatar.js';
import { fill, h, words } from './dom.js';
import { t } from './i18n.js';
import { candidates, complete, queryAt } from './mention.js';
import { fold } from './names.js';

const ROOMS = ['main'];

/** The meaning of a choice, where its name does not tell. */
function noteOf({ name, display, everyone, duty, one, count }) {
  if (everyone) return t('compose.all');
  if (duty) return t(one ? 'compose.one' : 'compose.duty', { n: count });
  return display.startsWith(name) ? display.slice(name.length).trim() : display;
}

/** The menu over a text field. `members()` tells who there is, `onChoice()` hears of a choice. */
export class MentionMenu {
  #field;
  #members;
  #onChoice;
  #found = null;
  #items = [];
  #at = 0;

  constructor(field, members, onChoice) {
    this.#field = field;
    this.#members = members;
    this.#onChoice = onChoice;
    this.element = h('div', { id: 'mention-menu', class: 'mention-menu', role: 'listbox', hidden: true, data: { testid: 'mention-menu' } });
    for (const [name, value] of Object.entries({ 'aria-autocomplete': 'list', 'aria-haspopup': 'listbox', 'aria-controls': 'mention-menu' })) field.setAttribute(name, value);
    field.addEventListener('input', () => this.update());
    field.addEventListener('click', () => this.update());
    field.addEventListener('blur', () => this.close());
    field.addEventListener('keyup', (event) => ['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key) && this.update());
  }

  get open() {
    return !this.element.hidden;
  }

  /** Looks at what stands before the caret and offers what fits. */
  update() {
    const { value, selectionStart, selectionEnd } = this.#field;
    this.#found = selectionStart === selectionEnd ? queryAt(value, selectionStart) : null;
    const items = this.#found ? this.#offer() : [];
    if (items.length === 0) return this.close();
    this.#items = items;
    this.#at = 0;
    return this.#show();
  }

  #offer() {
    if (this.#found.sign === '#') return ROOMS.filter((room) => room.startsWith(this.#found.query.toLowerCase())).map((name) => ({ name, display: name, room: true }));
    return candidates(this.#members(), this.#found.query);
  }

  /** Takes a key if the menu is open; tells whether it did. */
  key(event) {
    if (!this.open) return false;
    const count = this.#items.length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') this.#mark((this.#at + (event.key === 'ArrowDown' ? 1 : count - 1)) % count);
    else if (event.key === 'Escape') this.close();
    else if (event.key === 'Enter' && this.#isComplete()) return false; // written out: Enter sends
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) this.#choose(this.#items[this.#at]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #isComplete() {
    return this.#at === 0 && fold(this.#items[0].name) === fold(this.#found.query);
  }

  close() {
    this.element.hidden = true;
    this.#field.removeAttribute('aria-activedescendant');
  }

  #show() {
    words(this.element, { label: this.#found.sign === '#' ? 'compose.rooms' : 'compose.menu' });
    fill(this.element, this.#items.map((item, i) => this.#option(item, i)));
    this.element.hidden = false;
    this.#mark(0);
  }

  #option(item, i) {
    const note = noteOf(item);
    const picture = item.member ? avatar(item.display, item.member.kind === 'agent', 'small') : h('span', { class: 'avatar small', 'aria-hidden': 'true' }, item.room ? '#' : '@');
    const option = h('div', { id: `mention-${i}`, role: 'option', class: 'option', 'aria-selected': 'false' }, picture,
      h('span', { class: 'option-name', dir: 'auto' }, item.name), h('span', { class: 'quiet', dir: 'auto' }, note),
      h('span', { class: 'option-duties quiet' }, (item.member?.duties ?? []).join(', ')),
      item.member && presence(item.member.state ?? 'offline'));
    option.addEventListener('pointerdown', (event) => {
      event.preventDefault(); // the field keeps the focus
      this.#choose(item);
    });
    option.addEventListener('pointermove', () => this.#mark(i));
    return option;
  }

  #mark(at) {
    this.#at = at;
    [...this.element.children].forEach((option, i) => option.setAttribute('aria-selected', String(i === at)));
    this.element.children[at]?.scrollIntoView({ block: 'nearest' });
    this.#field.setAttribute('aria-activedescendant', `mention-${at}`);
  }

  #choose(item) {
    const { text, caret } = complete(this.#field.value, this.#field.selectionStart, this.#found, item.name);
    this.#field.value = text;
    this.#field.setSelectionRange(caret, caret);
    this.close();
    this.#onChoice();
  }
}
