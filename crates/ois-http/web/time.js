// Times as the reader's clock shows them. Every function takes the locale; none reads the clock
// unless `now` is left out.

const formats = new Map();

function format(locale, name, options, zone) {
  const key = `${locale} ${name} ${zone ?? ''}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { ...options, timeZone: zone }));
  return formats.get(key);
}

/** `12:04` */
export const clock = (time, locale, zone) =>
  format(locale, 'clock', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, zone).format(new Date(time));

/** The whole date and time, to the second. */
export const full = (time, locale, zone) =>
  format(locale, 'full', { dateStyle: 'full', timeStyle: 'medium', hourCycle: 'h23' }, zone).format(new Date(time));

/** `20 Nov 2026, 12:04`, for lists. */
export const short = (time, locale, zone) =>
  format(locale, 'short', { day: 'numeric', month: locale.startsWith('zh') ? 'numeric' : 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, zone).format(new Date(time));

// Offsets of zones are whole quarters of an hour, so one answer holds for all of a quarter.
const QUARTER_MS = 15 * 60_000;
const days = new Map();

/** The calendar day in the reader's zone, as `2026-11-20`. */
export function day(time, zone) {
  const quarter = Math.floor(new Date(time).getTime() / QUARTER_MS);
  const key = `${quarter} ${zone ?? ''}`;
  if (!days.has(key)) days.set(key, format('en-CA', 'day', { year: 'numeric', month: '2-digit', day: '2-digit' }, zone).format(new Date(time)));
  return days.get(key);
}

/** Which day that is, seen from `now`: `today`, `yesterday`, `thisYear` or `earlier`. */
export function nearness(time, now, zone) {
  const of = day(time, zone);
  if (of === day(now, zone)) return 'today';
  if (of === day(now - 86_400_000, zone)) return 'yesterday';
  return of.slice(0, 4) === day(now, zone).slice(0, 4) ? 'thisYear' : 'earlier';
}

/** `Friday, 20 November`; with the year when it is not this one. */
export function dayName(time, now, locale, zone) {
  const options = { weekday: 'long', day: 'numeric', month: 'long' };
  if (nearness(time, now, zone) === 'earlier') return format(locale, 'dayYear', { ...options, year: 'numeric' }, zone).format(new Date(time));
  return format(locale, 'dayName', options, zone).format(new Date(time));
}

/** A duration as `0:12` or `1:02:03`. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A number of bytes as `12 KB`, in the locale's digits. */
export function bytes(n, locale) {
  if (!Number.isFinite(n)) return '';
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}
