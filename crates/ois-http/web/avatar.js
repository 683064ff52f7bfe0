// How a member looks: the avatar and the name with its sign of presence.

import { h, words } from './dom.js';
import { dot } from './icons.js';
import { hue, initials } from './names.js';

/** People are round, agents rounded squares with a small mark; the hue is the name's. */
export function avatar(display, isAgent, size = '') {
  return h('span', { class: `avatar ${isAgent ? 'avatar-agent' : ''} ${size} hue-${hue(display)}`, 'aria-hidden': 'true' }, initials(display));
}

/** The sign of a state, named for a screen reader. */
export function presence(state) {
  const sign = h('span', { class: 'presence', role: 'img' }, dot(state));
  words(sign, { label: `presence.${state ?? 'unknown'}` });
  return sign;
}
