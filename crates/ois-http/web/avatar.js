// How a member looks: the avatar and the name with its sign of presence.

import { h, words } from './dom.js';
import { dot } from './icons.js';
import { hue, initials } from './names.js';

/** People are round, agents rounded squares with a small mark; the hue is the name's. */
export function avatar(display, isAgent, size = '') {
  const inside = initials(display);
  const emoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(inside) ? 'avatar-emoji' : '';
  return h('span', { class: `avatar ${isAgent ? 'avatar-agent' : ''} ${emoji} ${size} hue-${hue(display)}`, 'aria-hidden': 'true' }, inside);
}

/** The sign of a state, named for a screen reader: by `label`, or by the state alone. */
export function presence(state, label) {
  const sign = h('span', { class: 'presence', role: 'img', 'aria-label': label }, dot(state));
  if (label === undefined) words(sign, { label: `presence.${state ?? 'unknown'}` });
  return sign;
}
