// Numbers as people read them: tokens and money. Pure.

/** `1,234`, or `12.3K` from ten thousand on. */
export function count(n, locale) {
  const options = n >= 10_000 ? { notation: 'compact', maximumSignificantDigits: 3 } : {};
  // British English writes a million as `m`, which reads as a thousandth beside a `k`.
  return new Intl.NumberFormat(locale.startsWith('en') ? 'en-US' : locale, options).format(n);
}

/** Millionths of a dollar as `$1.24`; below ten cents with more digits, so that little is not nothing. */
export function money(microUsd, locale) {
  const digits = microUsd === 0 || microUsd >= 100_000 ? 2 : 4;
  return new Intl.NumberFormat(locale, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(microUsd / 1e6);
}

/** A day like `2026-11-20` as `20 Nov`; anything else as it is. */
export function dayOf(key, locale) {
  const time = Date.parse(`${key}T00:00:00Z`);
  return Number.isNaN(time) ? key : new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(time);
}
