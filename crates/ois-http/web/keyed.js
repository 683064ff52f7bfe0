// A list of elements kept in step with a list of items, in place: an element is made anew only when
// its item's stamp changes, and a focus in it goes to what took its place.

export class Keyed {
  #parent;
  #make;
  #kept = new Map(); // key → {stamp, element, show}

  /** `make(item)` answers with `{element, show?}`; items have a `key` and a `stamp`. */
  constructor(parent, make) {
    this.#parent = parent;
    this.#make = make;
  }

  /** Shows `items` in this order; each made element is shown its item and what `more` holds. */
  show(items, ...more) {
    const next = new Map();
    let place = this.#parent.firstElementChild;
    let lost = null; // the new element whose predecessor had the focus, and what was focused in it
    for (const item of items) {
      const known = this.#kept.get(item.key);
      const entry = known?.stamp === item.stamp ? known : { stamp: item.stamp, ...this.#make(item) };
      next.set(item.key, entry);
      if (known && entry !== known && known.element.contains(document.activeElement)) lost = [entry.element, document.activeElement.dataset.focus];
      if (entry.element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(entry.element, place);
      entry.show?.(item, ...more);
    }
    while (place) {
      const gone = place;
      place = place.nextElementSibling;
      gone.remove();
    }
    this.#kept = next;
    if (lost) focusIn(...lost);
  }
}

function focusIn(element, name) {
  const same = name && element.querySelector(`[data-focus="${CSS.escape(name)}"]:not(:disabled)`);
  (same || element.querySelector('a, button:not(:disabled)'))?.focus({ preventScroll: true });
}

/** Sets an element's text if it differs, so that a reader's selection in it is not lost for nothing. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
