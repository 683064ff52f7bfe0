// The WebSocket: sign in by cookie, resume after the last id, ask whether the other end lives,
// come back with growing pauses. It knows nothing of messages; frames go out through `emit`.
//
// Socket, clock and chance are handed in, so that all of it runs in a test without any of them.

/** The longest pause between two tries, in milliseconds. */
export const LONGEST_MS = 30_000;
const FIRST_MS = 500;
const PING_MS = 25_000;
const ANSWER_MS = 10_000;

/** The pause before try number `tries` (from 0): doubled each time, spread over its upper half. */
export const pause = (tries, random) => Math.round(Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) * (0.5 + random / 2));

export class Link {
  #open;
  #clock;
  #random;
  #emit;
  #cursor;
  #socket = null;
  #timer = null;
  #tries = 0;
  #state = 'idle';

  /**
   * `open()` makes a socket, `clock` has `set`, `clear` and `now`, `random()` is below 1,
   * `emit(event)` takes what happens, `cursor()` tells the id to resume after (or null).
   */
  constructor({ open, clock, random, emit, cursor }) {
    this.#open = open;
    this.#clock = clock;
    this.#random = random;
    this.#emit = emit;
    this.#cursor = cursor;
  }

  /** Connects, unless it already does. */
  start() {
    if (this.#state === 'idle') this.#connect();
  }

  /** Closes for good. */
  stop() {
    this.#drop();
    this.#tell('idle');
  }

  /** Begins anew at once, without a pause. */
  restart() {
    this.#drop();
    this.#connect();
  }

  /** The network or the page is back: try now, or ask whether the other end still lives. */
  nudge() {
    if (this.#state === 'waiting') this.restart();
    else if (this.#state === 'ready') this.#ask();
  }

  /** Sends a frame when the link is ready; tells whether it did. */
  send(frame) {
    if (this.#state !== 'ready') return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect() {
    this.#tell('connecting');
    const socket = this.#open();
    this.#socket = socket;
    socket.onopen = () => this.#authenticate();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#lost(socket);
    socket.onerror = () => {}; // a close follows
    this.#after(ANSWER_MS, () => this.#lost(socket));
  }

  #authenticate() {
    const frame = { type: 'auth', subscribe: ['presence', 'activity', 'deliveries', 'runs'] };
    const after = this.#cursor();
    if (after !== null) frame.after = after;
    this.#socket.send(JSON.stringify(frame));
  }

  #receive(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // not ours; the next frame may be
    }
    if (!frame || typeof frame.type !== 'string') return;
    if (frame.type === 'auth_fail') {
      this.stop();
      this.#emit({ type: 'signed-out', notice: 'login.ended' });
      return;
    }
    if (frame.type === 'auth_ok') {
      this.#tries = 0;
      this.#tell('ready');
    }
    if (this.#state === 'ready') this.#after(PING_MS, () => this.#ask());
    if (frame.type !== 'pong') this.#emit({ type: 'frame', frame, now: this.#clock.now() });
    if (frame.type === 'auth_ok') this.#emit({ type: 'ready' });
  }

  #ask() {
    const socket = this.#socket;
    this.send({ type: 'ping' });
    this.#after(ANSWER_MS, () => this.#lost(socket));
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#drop();
    const ms = pause(this.#tries, this.#random());
    this.#tries += 1;
    this.#tell('waiting', { until: this.#clock.now() + ms, tries: this.#tries });
    this.#after(ms, () => this.#connect());
  }

  #drop() {
    this.#clock.clear(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #after(ms, run) {
    this.#clock.clear(this.#timer);
    this.#timer = this.#clock.set(run, ms);
  }

  #tell(state, more = {}) {
    this.#state = state;
    this.#emit({ type: 'link', link: { state, tries: this.#tries, ...more } });
  }
}
