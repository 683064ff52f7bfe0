// The consequences of frames: nothing is lost and nothing doubled.

import test from 'node:test';
import assert from 'node:assert/strict';
import { CallError, createApi, errorOf } from '../api.js';
import { reason } from '../reason.js';
import { setLanguage } from '../i18n.js';
import { createSession } from '../session.js';
import { Store } from '../store.js';

const TIME = '2026-11-20T12:00:00.000Z';
const say = (id, user = 'Nova', more = {}) => ({ id, user, text: `text ${id}`, time: TIME, ...more });

/** A session whose link and server are lists; `memory` is what the browser keeps. */
function bench({ memory = new Map(), pages = {} } = {}) {
  const store = new Store((run) => run());
  const sent = [];
  const waiting = [];
  const asked = [];
  let online = true;
  const link = { start: () => {}, stop: () => {}, restart: () => sent.push('restart'), send: (frame) => online && sent.push(frame) };
  const api = {
    verify: async () => ({ user: 'Mira', role: 'member' }),
    logout: async () => ({}),
    members: async () => {
      asked.push('members');
      return { members: [{ name: 'Nova', display: 'Nova', kind: 'agent' }] };
    },
    messages: async ({ before }) => {
      asked.push(before);
      return pages[before] ?? { messages: [], more: false };
    },
  };
  const prefs = { kept: (key, otherwise = null) => memory.get(key) ?? otherwise, keep: (key, value) => (value === null ? memory.delete(key) : memory.set(key, value)) };
  let last = 0;
  const session = createSession({ store, link, api, prefs, nonce: () => `n${(last += 1)}`, now: () => Date.parse(TIME), later: (run) => waiting.push(run) });
  const hear = (frame, attending = true) => session.receive({ type: 'frame', frame, now: 0 }, attending);
  const greet = (history = []) => {
    hear({ type: 'auth_ok', user: 'Mira', role: 'member', team: 'a1' });
    session.receive({ type: 'ready' }, true);
    hear({ type: 'history', messages: history });
  };
  const chats = () => sent.filter((f) => f.type === 'chat');
  return { session, store, sent, chats, waiting, asked, memory, hear, greet, go: (is) => (online = is) };
}

test('what is said while away is sent after the next greeting, under the same nonce', async () => {
  const b = bench();
  await b.session.begin();
  b.go(false);
  b.session.say({ text: 'hi' });
  b.go(true);
  b.greet();
  assert.deepEqual(b.chats(), [{ type: 'chat', text: 'hi', nonce: 'n1' }]);
});

test('who comes while the register was just read is read too, in one more call', async () => {
  const b = bench();
  await b.session.begin();
  b.greet();
  for (const name of ['Jun', 'Wei', 'Lin']) b.hear({ type: 'presence', name, state: 'online' });
  assert.deepEqual(b.asked, ['members']);
  await Promise.resolve();
  for (const run of b.waiting.splice(0)) run();
  assert.deepEqual(b.asked, ['members', 'members']);
});

test('the register is not asked for after the reader has gone', async () => {
  const b = bench();
  await b.session.begin();
  b.greet();
  b.hear({ type: 'presence', name: 'Jun', state: 'online' });
  await b.session.signOut();
  for (const run of b.waiting.splice(0)) run();
  assert.deepEqual(b.asked, ['members']);
});

test('what was not acknowledged survives a reload', async () => {
  const memory = new Map();
  const before = bench({ memory });
  await before.session.begin();
  before.session.say({ text: 'hi', replyTo: 4 });
  const after = bench({ memory });
  await after.session.begin();
  after.greet();
  assert.deepEqual(after.chats(), [{ type: 'chat', text: 'hi', nonce: 'n1', replyTo: 4 }]);
  after.hear({ type: 'ack', nonce: 'n1', id: 9, duplicate: true });
  after.hear({ type: 'message', message: say(9, 'Mira', { text: 'hi' }) });
  assert.equal(after.store.state.pending.length, 0);
  assert.equal(memory.has('outbox.Mira'), false);
});

test('a failed draft waits for the reader, also over a greeting', async () => {
  const b = bench();
  await b.session.begin();
  b.greet();
  b.session.say({ text: 'hi' });
  b.hear({ type: 'error', code: 'storage', nonce: 'n1', message: 'full' });
  b.greet();
  assert.equal(b.chats().length, 1);
  b.session.retry('n1');
  assert.equal(b.chats().length, 2);
});

test('a busy server is tried again by itself', async () => {
  const b = bench();
  await b.session.begin();
  b.greet();
  b.waiting.length = 0;
  b.session.say({ text: 'hi' });
  b.hear({ type: 'error', code: 'busy', nonce: 'n1', message: '', retryAfterMs: 500 });
  b.waiting[0]();
  assert.equal(b.chats().length, 2);
});

test('a text over the limit is not sent at all', async () => {
  const b = bench();
  await b.session.begin();
  b.greet();
  b.session.say({ text: '好'.repeat(90_000) });
  assert.equal(b.chats().length, 0);
  assert.equal(b.store.state.pending[0].code, 'too_long');
});

test('unread messages before the history are fetched back to where one left off', async () => {
  const memory = new Map([['read.Mira', 3]]);
  const pages = { 10: { messages: [say(6), say(8)], more: true }, 6: { messages: [say(2), say(3), say(5)], more: true } };
  const b = bench({ memory, pages });
  await b.session.begin();
  b.hear({ type: 'auth_ok', user: 'Mira', team: 'a1' });
  b.hear({ type: 'history', messages: [say(10)], truncated: true });
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(b.asked, [10, 6]);
  assert.equal(b.store.state.unreadFrom, 5);
});

test('another team at the same address starts afresh', async () => {
  const b = bench();
  await b.session.begin();
  b.greet([say(5)]);
  b.hear({ type: 'auth_ok', user: 'Mira', team: 'zz' });
  assert.equal(b.sent.at(-1), 'restart');
  assert.equal(b.store.state.cursor, null);
});

test('a stranger makes the page ask once who is there', async () => {
  const b = bench();
  await b.session.begin();
  b.greet();
  await new Promise((done) => setImmediate(done));
  for (const run of b.waiting.splice(0)) run();
  const before = b.asked.length;
  for (const id of [6, 7, 8]) {
    b.hear({ type: 'message', message: say(id, 'Passer') });
    await new Promise((done) => setImmediate(done));
    for (const run of b.waiting.splice(0)) run();
  }
  assert.equal(b.asked.length, before + 1);
});

test('a call names the version it read, and an answer that is no JSON is still told', async () => {
  const calls = [];
  const fetch = async (address, request) => {
    calls.push([address, request]);
    return { ok: false, status: 502, text: async () => '<html>', headers: new Headers() };
  };
  const api = createApi({ fetch, onGone: () => {} });
  await assert.rejects(api.write('a b/ü.md', 'x', '"e1"'), (error) => error instanceof CallError && error.status === 502 && error.code === 'unknown');
  assert.equal(calls[0][0], '/api/file?path=a%20b%2F%C3%BC.md');
  assert.equal(calls[0][1].headers['If-Match'], '"e1"');
  await assert.rejects(api.write('n', '', '*'));
  assert.equal(calls[1][1].headers['If-None-Match'], '*');
});

test('a session that ended is told once, but not by the call that asks whether there is one', async () => {
  let gone = 0;
  const fetch = async () => ({ ok: false, status: 401, text: async () => '{"error":"no","code":"unauthorized"}', headers: new Headers() });
  const api = createApi({ fetch, onGone: () => (gone += 1) });
  await assert.rejects(api.verify());
  await assert.rejects(api.members());
  assert.equal(gone, 1);
});

test('a call that the server answers after the reader has signed out does not end a session', async () => {
  let gone = 0;
  const open = [];
  const answer = (status) => ({ ok: status === 200, status, text: async () => '{}', headers: new Headers() });
  const fetch = (address, { signal }) => new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('aborted')));
    open.push({ address, resolve: (status) => resolve(answer(status)) });
  });
  const api = createApi({ fetch, onGone: () => (gone += 1) });
  const read = api.members();
  const written = api.mkdir('a');
  const out = api.logout();
  await assert.rejects(read, (error) => error.status === 0);
  await assert.rejects(api.members(), (error) => error.status === 0);
  assert.deepEqual(open.map((call) => call.address), ['/api/members', '/api/mkdir', '/api/logout']);
  open[2].resolve(200);
  open[1].resolve(401);
  await out;
  await assert.rejects(written, (error) => error.status === 401);
  assert.equal(gone, 0);

  const next = api.members();
  open[3].resolve(401);
  await assert.rejects(next);
  assert.equal(gone, 1, 'the next session ends as ever');
});

test('reasons are in the reader’s words', () => {
  setLanguage('en');
  const size = 271 * 1024;
  assert.equal(reason({ code: 'too_long' }, size), 'longer than 256 KiB (it has 271).');
  assert.equal(reason(errorOf(413, '{"error":"x","code":"too_long"}', () => null), 25 * 1024 * 1024), 'a file must be smaller than 20 MB (it has 25 MB).');
  assert.equal(reason({ code: 'bad_frame', words: 'the name is odd' }), 'the name is odd.');
  assert.equal(reason({}), 'the server did not say why.');
});
