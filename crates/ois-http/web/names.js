// Names: how they are compared, shortened and pictured. Pure.

/** A name as it is compared: NFKC and lower case. */
export const fold = (name) => String(name ?? '').normalize('NFKC').toLowerCase().normalize('NFKC');

// What nobody sees in a name, and the symbols at its end, which need not be typed (message-format.md, Names).
const UNSEEN = /[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\u{1BCA0}-\u{1BCA3}\u{1D173}-\u{1D17A}\u{E0000}-\u{E0FFF}]/gu;
const SYMBOL = /^[\u2190-\u27FF\u2900-\u2BFF\u{1F000}-\u{1FAFF}]$/u;

/** What is seen of a folded name. */
export const seen = (folded) => folded.replace(UNSEEN, '');

/** What is seen of a folded name without the symbols at its end; the whole if there is nothing else. */
export function bare(folded) {
  const characters = [...seen(folded)];
  let end = characters.length;
  while (end > 0 && SYMBOL.test(characters[end - 1])) end -= 1;
  return characters.slice(0, end || characters.length).join('');
}

/** A file's name in which the characters that turn the direction of writing, and are not seen, are written out. */
export const spelledOut = (name) => String(name).replace(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, (c) => `\u2039U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}\u203A`);

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
