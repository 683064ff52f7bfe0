// The state of the page: one value, changed only by events, watched by the elements.
//
// `reduce` is pure and hands each event to the parts that care (store-log.js: messages and drafts
// being sent; store-people.js: members and presence; store-deliveries.js: deliveries and turns;
// store-activity.js: activities of agents). The Store gathers changes and tells its watchers
// once per frame, so that a hundred resumed messages are one repaint.

import { emptyActivity, reduceActivity } from './store-activity.js';
import { emptyDeliveries, reduceDeliveries } from './store-deliveries.js';
import { emptyLog, reduceLog } from './store-log.js';
import { emptyPeople, reducePeople } from './store-people.js';

/** The state before anything is known. */
export const initial = () => ({
  phase: 'starting', // starting · signed-out · signed-in
  notice: null, // why one is signed out: a key of i18n
  user: null,
  role: null,
  team: null,
  link: { state: 'idle' },
  route: { view: 'chat', about: null, path: '' },
  replyTo: null,
  ...emptyLog(),
  ...emptyPeople(),
  ...emptyDeliveries(),
  ...emptyActivity(),
});

/** The state after `event`. The same object comes back when nothing changed. */
export function reduce(state, event) {
  return PARTS.reduce((before, part) => part(before, event), state);
}

const PARTS = [reduceSelf, reduceLog, reducePeople, reduceDeliveries, reduceActivity];

function reduceSelf(state, event) {
  switch (event.type) {
    case 'signed-in':
      return { ...state, phase: 'signed-in', notice: null, user: event.user, role: event.role ?? null };
    case 'signed-out':
      return { ...initial(), phase: 'signed-out', notice: event.notice ?? null, route: state.route };
    case 'link':
      return { ...state, link: event.link };
    case 'route':
      return { ...state, route: event.route };
    case 'reply':
      return { ...state, replyTo: event.id };
    case 'frame':
      return event.frame.type === 'auth_ok' ? takeGreeting(state, event.frame) : state;
    default:
      return state;
  }
}

const takeGreeting = (state, frame) => ({
  ...state,
  user: frame.user ?? state.user,
  role: frame.role ?? state.role,
  team: frame.team ?? state.team,
});

/** Holds the state and tells watchers what changed. `schedule` decides when (once per frame). */
export class Store {
  #state = initial();
  #watchers = new Set();
  #due = false;
  #schedule;

  constructor(schedule) {
    this.#schedule = schedule;
  }

  get state() {
    return this.#state;
  }

  /** Takes an event in; watchers hear of it at the next frame. */
  dispatch(event) {
    const next = reduce(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    if (this.#due) return;
    this.#due = true;
    this.#schedule(() => this.flush());
  }

  /** Tells the watchers now. */
  flush() {
    this.#due = false;
    for (const watcher of [...this.#watchers]) watcher(this.#state);
  }

  /**
   * Calls `show(state)` now and whenever one of the values that `select` picks has changed.
   * Answers with the way to stop.
   */
  watch(select, show) {
    let last = select(this.#state);
    const watcher = (state) => {
      const values = select(state);
      if (values.length === last.length && values.every((value, i) => Object.is(value, last[i]))) return;
      last = values;
      show(state);
    };
    this.#watchers.add(watcher);
    show(this.#state);
    return () => this.#watchers.delete(watcher);
  }
}
