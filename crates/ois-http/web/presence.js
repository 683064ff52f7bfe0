// Whether a member can be reached, in words.

import { locale, t } from './i18n.js';
import { clock, short } from './time.js';

/** `12:04` today, the date with it before. */
export const when = (time) => (Date.now() - Date.parse(time) < 86_400_000 ? clock(time, locale()) : short(time, locale()));

/** `online, proved 12:04`; for an agent that is deaf, what is known of why. */
export function presenceWords({ name, state, since, provenAt }) {
  const deafSince = provenAt ?? since;
  if (state === 'deaf' && deafSince) return t('presence.deafSince', { name, time: when(deafSince) });
  const known = t(`presence.${state ?? 'unknown'}`);
  return provenAt && state !== 'offline' ? t('presence.provedAt', { state: known, time: when(provenAt) }) : known;
}
