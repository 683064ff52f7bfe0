// Names: how they are compared, shortened and pictured. Pure.

/** A name as it is compared: NFKC and lower case. */
export const fold = (name) => String(name ?? '').normalize('NFKC').toLowerCase();

/** The short name of a display name: up to the first white space. */
export const shortName = (display) => String(display ?? '').trim().split(/\s+/u)[0] ?? '';

const EMOJI = /(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?)*)/u;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** The text of the avatar: the emoji of the name, or its initials. */
export function initials(display) {
  const emoji = EMOJI.exec(display ?? '');
  if (emoji) return emoji[0];
  const words = String(display ?? '').trim().split(/[\s._-]+/u).filter(Boolean);
  if (words.length === 0) return '?';
  const first = [...words[0]][0];
  if (WIDE.test(first) || words.length === 1) return first.toUpperCase();
  return (first + [...words[1]][0]).toUpperCase();
}

/** How many hues tokens.css has. */
export const HUES = 10;

/** The steady hue of a name, from 0 up to HUES. */
export function hue(display) {
  let hash = 2166136261;
  for (const unit of fold(shortName(display))) {
    hash = Math.imul(hash ^ unit.codePointAt(0), 16777619);
  }
  return (hash >>> 0) % HUES;
}

/** The member whom a display name or short name means, or undefined. */
export function memberOf(members, name) {
  const whole = fold(name);
  const short = fold(shortName(name));
  return members.find((m) => fold(m.display) === whole || fold(m.name) === whole) ?? members.find((m) => fold(m.name) === short);
}

/** The states of presence, the most reachable first. */
export const STATES = ['online', 'busy', 'deaf', 'offline'];

/** Order of two members: those who can answer first, then by name. */
export function byPresence(a, b) {
  const rank = (m) => (STATES.indexOf(m.state) + STATES.length) % STATES.length;
  return rank(a) - rank(b) || fold(a.name).localeCompare(fold(b.name));
}
