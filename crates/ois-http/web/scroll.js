// Keeping the reader's place in a scroll area whose content changes.

const NEAR = 40;

/** Whether the end of the area is in view. */
export const atEnd = (area) => area.scrollHeight - area.scrollTop - area.clientHeight <= NEAR;

/** Goes to the end. */
export const toEnd = (area) => {
  area.scrollTop = area.scrollHeight;
};

/** The first message that is in view and how far it stands below the top of the area. */
export function anchorOf(area, rows) {
  const top = area.getBoundingClientRect().top;
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].getBoundingClientRect().bottom <= top) low = middle + 1;
    else high = middle;
  }
  // A day's or the unread line may move between messages, so it holds nothing.
  while (rows[low + 1] && !rows[low].matches('.message')) low += 1;
  const row = rows[low];
  return row ? { row, key: row.dataset.key, offset: row.getBoundingClientRect().top - top } : null;
}

/** Moves the area so that the anchored row (or what took its place) stands where it stood. */
export function holdAnchor(area, anchor, rowOf) {
  const row = anchor && (anchor.row.isConnected ? anchor.row : rowOf(anchor.key));
  if (!row) return;
  area.scrollTop += row.getBoundingClientRect().top - area.getBoundingClientRect().top - anchor.offset;
}

/** Brings `row` into view, at `part` of the area's height below its top. */
export function bring(area, row, part = 0.3) {
  area.scrollTop += row.getBoundingClientRect().top - area.getBoundingClientRect().top - area.clientHeight * part;
}
