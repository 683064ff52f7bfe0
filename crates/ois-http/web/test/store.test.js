import test from 'node:test';
import assert from 'node:assert/strict';
import { Store, initial, reduce } from '../store.js';
import { find, merge, unread } from '../store-log.js';

const TIME = '2026-11-20T12:00:00.000Z';
const say = (id, user = 'Nova', more = {}) => ({ id, user, text: `text ${id}`, time: TIME, ...more });
const frame = (f, more = {}) => ({ type: 'frame', frame: f, now: 0, ...more });
const message = (m, more) => frame({ type: 'message', message: m }, more);
const run = (events, from = initial()) => events.reduce(reduce, from);
const ids = (state) => state.messages.map((m) => m.id);
const signedIn = () => run([{ type: 'signed-in', user: 'Mira', role: 'member' }]);
const opened = (...messages) => run([frame({ type: 'auth_ok', user: 'Mira', team: 'a1' }), frame({ type: 'history', messages })], signedIn());
const draft = (nonce, text) => ({ type: 'say', draft: { nonce, text, time: TIME, replyTo: null } });

test('the first history is shown and the cursor stands at its end', () => {
  const state = opened(say(5), say(6));
  assert.deepEqual(ids(state), [5, 6]);
  assert.equal(state.cursor, 6);
});

test('a message that comes twice is kept once', () => {
  const state = run([message(say(7)), message(say(7)), message(say(6))], opened(say(5), say(6)));
  assert.deepEqual(ids(state), [5, 6, 7]);
});

test('the empty history of a resume takes nothing away', () => {
  const state = run([frame({ type: 'auth_ok', user: 'Mira', team: 'a1' }), frame({ type: 'history', messages: [] }), message(say(8)), frame({ type: 'caught_up', id: 12 })], opened(say(5)));
  assert.deepEqual(ids(state), [5, 8]);
  assert.equal(state.cursor, 12);
  assert.equal(state.catching, false);
});

test('a truncated history starts afresh', () => {
  const state = run([frame({ type: 'history', messages: [say(50)], truncated: true, oldest: 40 })], opened(say(5)));
  assert.deepEqual(ids(state), [50]);
  assert.equal(state.more, true);
});

test('a cursor ahead of the server starts afresh', () => {
  const state = run([frame({ type: 'error', code: 'cursor_ahead', message: '' }), frame({ type: 'history', messages: [say(2)] })], opened(say(900)));
  assert.deepEqual(ids(state), [2]);
  assert.equal(state.cursor, 2);
});

test('older pages join without doubles', () => {
  const state = run([{ type: 'older-started' }, { type: 'older', messages: [say(3), say(4), say(5)], more: false }], opened(say(5), say(6)));
  assert.deepEqual(ids(state), [3, 4, 5, 6]);
  assert.equal(state.more, false);
  assert.equal(state.older, 'idle');
});

test('a draft settles when the ack comes before the message', () => {
  let state = run([draft('n1', 'hi'), frame({ type: 'ack', nonce: 'n1', id: 9 })], opened(say(5)));
  assert.equal(state.pending.length, 1);
  state = reduce(state, message(say(9, 'Mira', { text: 'hi' })));
  assert.equal(state.pending.length, 0);
  assert.deepEqual(ids(state), [5, 9]);
});

test('a draft is covered when the message comes before the ack, and dropped after it', () => {
  let state = run([draft('n1', 'hi'), message(say(9, 'Mira', { text: 'hi' }))], opened(say(5)));
  assert.equal(state.pending[0].shownAs, 9);
  state = reduce(state, frame({ type: 'ack', nonce: 'n1', id: 9 }));
  assert.equal(state.pending.length, 0);
});

test('the same words from another window do not swallow a draft', () => {
  const state = run([draft('n1', 'hi'), message(say(9, 'Mira', { text: 'hi' })), frame({ type: 'error', code: 'storage', nonce: 'n1', message: 'disk full' })], opened(say(5)));
  assert.equal(state.pending[0].state, 'failed');
  assert.equal(state.pending[0].shownAs, undefined);
});

test('a nonce in the message settles its draft among equals', () => {
  const state = run([draft('n1', 'hi'), draft('n2', 'hi'), message(say(9, 'Mira', { text: 'hi', nonce: 'n2' }))], opened(say(5)));
  assert.deepEqual(state.pending.map((p) => p.nonce), ['n1']);
});

test('a failure stays with its reason until it is retried or discarded', () => {
  let state = run([draft('n1', 'hi'), frame({ type: 'error', code: 'too_long', nonce: 'n1', message: 'text exceeds' })], opened());
  assert.deepEqual([state.pending[0].state, state.pending[0].code], ['failed', 'too_long']);
  state = reduce(state, { type: 'retry', nonce: 'n1' });
  assert.equal(state.pending[0].state, 'sending');
  assert.equal(reduce(state, { type: 'discard', nonce: 'n1' }).pending.length, 0);
});

test('the unread line stands above the first message that came while nobody looked', () => {
  let state = run([message(say(6), { attending: false }), message(say(7), { attending: false })], opened(say(5)));
  assert.equal(state.unreadFrom, 6);
  assert.equal(unread(state), 2);
  state = run([{ type: 'read', id: 7 }, message(say(8), { attending: false })], state);
  assert.equal(state.unreadFrom, 8);
});

test('messages that are watched as they come leave no line', () => {
  assert.equal(run([message(say(6), { attending: true })], opened(say(5))).unreadFrom, null);
});

test('the page opens at what was read last', () => {
  const state = run([{ type: 'restore', readId: 5 }, frame({ type: 'history', messages: [say(4), say(5), say(6), say(7)] })], signedIn());
  assert.equal(state.unreadFrom, 6);
});

test('messages of other rooms move the cursor only', () => {
  const state = run([message(say(6, 'Nova', { room: 'lab' }))], opened(say(5)));
  assert.deepEqual(ids(state), [5]);
  assert.equal(state.cursor, 6);
});

test('presence changes the member it names', () => {
  const members = [{ name: 'Nova', display: 'Nova ✨', kind: 'agent', state: 'online' }];
  const state = run([{ type: 'members', members }, frame({ type: 'presence', name: 'Nova ✨', state: 'deaf', since: TIME })], opened());
  assert.equal(state.members[0].state, 'deaf');
});

test('a presence that is heard while the register is fetched is newer than the register', () => {
  const register = (state) => [{ name: 'Nova', display: 'Nova', kind: 'agent', state }];
  const presence = (state) => frame({ type: 'presence', name: 'Nova', state, since: TIME });
  const during = run([{ type: 'members-asked' }, presence('busy'), { type: 'members', members: register('online') }], opened());
  assert.equal(during.members[0].state, 'busy');
  const later = run([{ type: 'members-asked' }, { type: 'members', members: register('online') }], during);
  assert.equal(later.members[0].state, 'online');
});

test('signing out forgets everything but the reason', () => {
  const state = reduce(opened(say(5)), { type: 'signed-out', notice: 'login.ended' });
  assert.deepEqual([state.messages.length, state.user, state.notice], [0, null, 'login.ended']);
});

test('unknown frames change nothing', () => {
  const state = opened(say(5));
  assert.equal(reduce(state, frame({ type: 'weather' })), state);
});

test('whatever the order and the doubles, messages ascend and stand once', () => {
  const order = [9, 2, 7, 7, 1, 9, 4, 3, 8, 2];
  const state = run(order.map((id) => message(say(id))), opened());
  assert.deepEqual(ids(state), [1, 2, 3, 4, 7, 8, 9]);
  assert.equal(find(state.messages, 4).id, 4);
  assert.equal(find(state.messages, 5), undefined);
  assert.equal(merge(state.messages, [say(7)]), state.messages);
});

test('watchers hear once of many changes, and only when what they watch changed', () => {
  const due = [];
  const store = new Store((run) => due.push(run));
  const heard = [];
  store.watch((s) => [s.messages], (s) => heard.push(ids(s)));
  for (const id of [1, 2, 3]) store.dispatch(message(say(id)));
  store.dispatch({ type: 'reply', id: 1 });
  assert.equal(due.length, 1);
  due[0]();
  store.dispatch({ type: 'reply', id: 2 });
  due[1]();
  assert.deepEqual(heard, [[], [1, 2, 3]]);
});

test('the unread line moves up when older unread messages come', () => {
  const history = [{ type: 'restore', readId: 2 }, frame({ type: 'history', messages: [say(5), say(6)], truncated: true })];
  const state = run([...history, { type: 'older', messages: [say(1), say(2), say(3), say(4)], more: true }], signedIn());
  assert.equal(state.unreadFrom, 3);
});

test('a long-watched room keeps its recent past only', () => {
  const many = Array.from({ length: 1500 }, (_, i) => say(i + 1));
  const watched = reduce(opened(...many), message(say(1501), { attending: true }));
  assert.deepEqual([watched.messages.length, watched.messages.at(-1).id, watched.more], [1000, 1501, true]);
  assert.equal(reduce(opened(...many), message(say(1501), { attending: false })).messages.length, 1501);
});
