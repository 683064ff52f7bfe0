import test from 'node:test';
import assert from 'node:assert/strict';
import { LONGEST_MS, Link, pause } from '../socket.js';

/** A link with sockets that do what the test says, and a clock that stands until it is moved. */
function bench(cursor = () => null) {
  const sockets = [];
  const events = [];
  let timers = [];
  let now = 0;
  let last = 0;
  const clock = {
    now: () => now,
    set: (run, ms) => {
      last += 1;
      timers.push({ id: last, at: now + ms, run });
      return last;
    },
    clear: (id) => (timers = timers.filter((t) => t.id !== id)),
  };
  const open = () => {
    const socket = { sent: [], closed: false, send: (data) => socket.sent.push(JSON.parse(data)), close: () => (socket.closed = true) };
    sockets.push(socket);
    return socket;
  };
  const link = new Link({ open, clock, random: () => 0, emit: (event) => events.push(event), cursor });
  const pass = (ms) => {
    now += ms;
    const due = timers.filter((t) => t.at <= now);
    timers = timers.filter((t) => t.at > now);
    for (const timer of due) timer.run();
  };
  const hear = (frame) => sockets.at(-1).onmessage({ data: JSON.stringify(frame) });
  const greet = () => {
    link.start();
    sockets.at(-1).onopen();
    hear({ type: 'auth_ok', user: 'Mira' });
  };
  return { link, sockets, events, pass, hear, greet };
}

const states = (events) => events.filter((e) => e.type === 'link').map((e) => e.link.state);

test('pauses double, vary in their upper half, and end at the longest', () => {
  assert.equal(pause(0, 0), 250);
  assert.equal(pause(0, 1), 500);
  assert.equal(pause(3, 1), 4000);
  assert.equal(pause(20, 1), LONGEST_MS);
});

test('signing in names no token and begins at the start', () => {
  const { sockets, greet } = bench();
  greet();
  assert.deepEqual(sockets[0].sent[0], { type: 'auth', subscribe: ['presence', 'activity', 'deliveries', 'runs'] });
});

test('a link that was lost comes back after the last id', () => {
  const { sockets, greet, pass, events } = bench(() => 42);
  greet();
  sockets[0].onclose();
  pass(250);
  sockets[1].onopen();
  assert.equal(sockets[1].sent[0].after, 42);
  assert.deepEqual(states(events), ['connecting', 'ready', 'waiting', 'connecting']);
});

test('nothing is sent before the server greets', () => {
  const { link, sockets } = bench();
  link.start();
  sockets[0].onopen();
  assert.equal(link.send({ type: 'chat', text: 'hi' }), false);
});

test('a silent server is asked, then left', () => {
  const { sockets, greet, pass, events } = bench();
  greet();
  pass(25_000);
  assert.deepEqual(sockets[0].sent.at(-1), { type: 'ping' });
  pass(10_000);
  assert.equal(sockets[0].closed, true);
  assert.equal(states(events).at(-1), 'waiting');
});

test('an answer keeps the link', () => {
  const { sockets, greet, pass, hear } = bench();
  greet();
  pass(25_000);
  hear({ type: 'pong' });
  pass(10_000);
  assert.equal(sockets[0].closed, false);
});

test('a server that never greets is tried again', () => {
  const { link, sockets, pass } = bench();
  link.start();
  pass(10_000);
  pass(250);
  assert.equal(sockets.length, 2);
});

test('a refusal ends the link and the session', () => {
  const { link, sockets, hear, events, pass } = bench();
  link.start();
  sockets[0].onopen();
  hear({ type: 'auth_fail' });
  pass(60_000);
  assert.equal(sockets.length, 1);
  assert.equal(events.at(-1).type, 'signed-out');
});

test('coming back to the page ends the pause', () => {
  const { link, sockets, greet } = bench();
  greet();
  sockets[0].onclose();
  link.nudge();
  assert.equal(sockets.length, 2);
});

test('what is no frame is passed over', () => {
  const { sockets, greet, events } = bench();
  greet();
  const before = events.length;
  for (const data of ['no json', 'null', '7', '{"no":"type"}']) sockets[0].onmessage({ data });
  assert.equal(events.length, before);
});
