// Making elements: never from text that is parsed, and with words that follow the language.

import { t } from './i18n.js';

const PLACES = { text: 'textContent', label: 'aria-label', tip: 'data-tip', title: 'title', placeholder: 'placeholder' };

/**
 * An element. `props`: `class`, `on` (listeners), `data`, `words` (`{text|label|tip|title|placeholder:
 * key or [key, values]}`, renewed when the language changes); anything else is an attribute, or left
 * out when false, null or undefined. Children: nodes, strings, lists of them; empty ones are skipped.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.className = value;
    else if (name === 'on') for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else if (name === 'data') for (const [key, item] of Object.entries(value)) element.dataset[key] = item;
    else if (name === 'words') words(element, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}

/** Gives an element its words and remembers which. */
export function words(element, wanted) {
  element.dataset.words = JSON.stringify(wanted);
  say(element, wanted);
}

function say(element, wanted) {
  for (const [place, key] of Object.entries(wanted)) {
    const text = Array.isArray(key) ? t(...key) : t(key);
    if (place === 'text') element.textContent = text;
    else element.setAttribute(PLACES[place], text);
  }
}

/** Renews the words of everything below `root` in the language in use. */
export function renew(root) {
  for (const element of root.querySelectorAll('[data-words]')) say(element, JSON.parse(element.dataset.words));
}

/** Replaces what is inside `element`. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** A button that shows an icon and is named by words. */
export const iconButton = (picture, key, run, props = {}) =>
  h('button', { type: 'button', ...props, class: `icon-button ${props.class ?? ''}`, words: { label: key, tip: key }, on: { click: run } }, picture);
