// Walking the messages by keyboard: one of them is a stop of Tab, arrows lead to the others (hundreds
// of stops would be a wall), Enter shows the details, R answers.

export class Walk {
  #rows;
  #stop = null;

  /** `open(id)` and `reply(id)` are called with the message's number. */
  constructor(rows, { open, reply }) {
    this.#rows = rows;
    rows.addEventListener('focusin', (event) => this.#stopAt(event.target.closest('.message')));
    rows.addEventListener('keydown', (event) => {
      const row = event.target;
      if (!row.matches('.message')) return;
      const id = Number(row.dataset.id); // a draft has none
      if (this.#step(event.key, row)) event.preventDefault();
      else if (event.key === 'Enter' && id) open(id);
      else if (event.key.toLowerCase() === 'r' && id && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        reply(id);
      }
    });
  }

  /** The rows have changed: when the stop is gone, the last message takes its place. */
  rest() {
    const last = [...this.#rows.children].findLast((row) => row.matches('.message'));
    if (!this.#stop?.isConnected || !this.#rows.contains(document.activeElement)) this.#stopAt(last ?? null);
  }

  #stopAt(row) {
    if (row === this.#stop && row?.tabIndex === 0) return;
    if (this.#stop) this.#stop.tabIndex = -1;
    this.#stop = row;
    if (row) row.tabIndex = 0;
  }

  #step(key, row) {
    const items = [...this.#rows.querySelectorAll('.message')];
    const at = items.indexOf(row);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: items.length - 1 }[key];
    if (to === undefined) return false;
    items[to]?.focus();
    return true;
  }
}
