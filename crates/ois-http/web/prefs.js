// The values that this browser keeps for its reader, under `ois.`; their loss does no harm.

/** The value kept under `key`, or `otherwise`. */
export function kept(key, otherwise = null) {
  try {
    return JSON.parse(localStorage.getItem(`ois.${key}`) ?? 'null') ?? otherwise;
  } catch {
    return otherwise; // storage is forbidden, or holds something of another kind
  }
}

/** Keeps `value` under `key`; null forgets it. */
export function keep(key, value) {
  try {
    if (value === null || value === undefined) localStorage.removeItem(`ois.${key}`);
    else localStorage.setItem(`ois.${key}`, JSON.stringify(value));
  } catch {
    // Full or forbidden: the page works without.
  }
}
