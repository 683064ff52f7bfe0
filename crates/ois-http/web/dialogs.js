// Questions over the page: yes or no, one of several, a name. Escape says no, the focus returns.

import { h } from './dom.js';

/**
 * Asks and answers with the chosen button's `value`, or null. `buttons`: `[{key, value, kind}]`,
 * the last one is the main one; `title` and `hint` are words as dom.js takes them.
 */
export function ask({ title, hint, buttons }) {
  return openDialog(({ close }) => [
    h('h2', { words: { text: title } }),
    hint && h('p', { class: 'quiet', words: { text: hint } }),
    h('div', { class: 'dialog-buttons' }, h('button', { type: 'button', class: 'button', words: { text: 'dialog.cancel' }, on: { click: () => close(null) } }), buttons.map(({ key, value, kind = '' }) => h('button', { type: 'button', class: `button ${kind}`, words: { text: key }, data: { testid: `dialog-${value}` }, on: { click: () => close(value) } }))),
  ]);
}

/** Asks for a name; `check(name)` answers with the words of what is wrong with it, or null. */
export function askName({ title, value = '', check, submit }) {
  return openDialog(({ close }) => {
    const field = h('input', { class: 'field', value, 'aria-describedby': 'dialog-error', data: { testid: 'dialog-name' }, words: { label: title }, autocomplete: 'off', spellcheck: 'false' });
    const error = h('p', { id: 'dialog-error', class: 'form-error', role: 'alert' });
    const form = h('form', { novalidate: true },
      h('h2', { words: { text: title } }), field, error,
      h('div', { class: 'dialog-buttons' }, h('button', { type: 'button', class: 'button', words: { text: 'dialog.cancel' }, on: { click: () => close(null) } }), h('button', { class: 'button primary', words: { text: submit }, data: { testid: 'dialog-ok' } })));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const wrong = check(field.value);
      if (wrong) error.textContent = wrong;
      else close(field.value);
    });
    queueMicrotask(() => selectStem(field));
    return form;
  });
}

/** Selects a name without its ending, as file managers do. */
function selectStem(field) {
  const dot = field.value.lastIndexOf('.');
  field.focus();
  field.setSelectionRange(0, dot > 0 ? dot : field.value.length);
}

/** Opens a dialog with what `content({close})` makes; answers with what it was closed with. */
export function openDialog(content) {
  const before = document.activeElement;
  return new Promise((resolve) => {
    const dialog = h('dialog', { class: 'dialog', data: { testid: 'dialog' } });
    const close = (value) => {
      dialog.close();
      dialog.remove();
      if (before?.isConnected) before.focus();
      resolve(value);
    };
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      close(null);
    });
    dialog.append(...[content({ close })].flat().filter(Boolean));
    document.body.append(dialog);
    dialog.showModal();
  });
}
