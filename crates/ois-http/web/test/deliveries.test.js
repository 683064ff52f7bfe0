// Deliveries, turns and activities in the state of the page, and the requests for them.

import test from 'node:test';
import assert from 'node:assert/strict';
import { createDeliveries } from '../deliveries.js';
import { Store, initial, reduce } from '../store.js';
import { ACTIVITY_MS, writing } from '../store-activity.js';
import { activeRuns, runsOf } from '../store-deliveries.js';

const TIME = '2026-11-20T12:00:00.000Z';
const at = (seconds) => new Date(Date.parse(TIME) + seconds * 1000).toISOString();
const frame = (f, now = 0) => ({ type: 'frame', frame: f, now });
const delivery = (state, more = {}) => ({ message: 5, agent: 'Nova', attempt: 1, state, at: TIME, ...more });
const heard = (state, more) => frame({ type: 'delivery', ...delivery(state, more) });
const run = (events, from = initial()) => events.reduce(reduce, from);
const say = (id, user, more = {}) => ({ id, user, text: `text ${id}`, time: TIME, ...more });
const turn = (more = {}) => ({ run: 'r1', agent: 'Nova', cause: 5, start: TIME, ...more });
const doing = (more = {}, now = 0) => frame({ type: 'activity', agent: 'Nova', state: 'typing', run: 'r1', ...more }, now);
const typed = (seq, text, more) => doing({ partial: { seq, text }, ...more });

test('whatever the order, the latest attempt and its highest rung stay', () => {
  const events = [heard('stored'), heard('received', { at: at(1) }), heard('failed', { at: at(2), reason: 'busy' }), heard('stored', { attempt: 2, at: at(3) }), heard('admitted', { attempt: 2, at: at(4), run: 'r2' })];
  for (const order of [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 1, 3]]) {
    const { attempt, state } = run(order.map((i) => events[i])).deliveries[5].nova;
    assert.deepEqual([attempt, state], [2, 'admitted']);
  }
});

test('times of rungs and earlier attempts are kept for the details', () => {
  const known = run([heard('received', { at: at(1) }), heard('admitted', { at: at(2), run: 'r1' }), heard('ended', { at: at(3) })]).deliveries[5].nova;
  assert.deepEqual(known.rungs, { received: at(1), admitted: at(2), ended: at(3) });
  assert.equal(known.run, 'r1');
  const again = run([heard('failed', { reason: 'busy', at: at(4) }), heard('stored', { attempt: 2, at: at(5) })]).deliveries[5].nova;
  assert.deepEqual(again.earlier.map((e) => [e.attempt, e.state, e.reason]), [[1, 'failed', 'busy']]);
});

test('what REST tells joins what frames told', () => {
  const state = run([heard('admitted', { at: at(2) }), { type: 'deliveries', deliveries: [delivery('received', { at: at(1) }), delivery('replied', { agent: 'Juno', answer: 9 })] }]);
  assert.equal(state.deliveries[5].nova.state, 'admitted');
  assert.equal(state.deliveries[5].juno.answer, 9);
});

test('what changes nothing gives back the same state', () => {
  const state = run([heard('admitted')]);
  assert.equal(reduce(state, heard('received')), state);
  assert.equal(reduce(state, heard('admitted')), state);
});

test('a turn is under way until its end, and its end stays', () => {
  let state = run([frame({ type: 'run', ...turn() })]);
  assert.deepEqual(activeRuns(state).map((r) => r.run), ['r1']);
  state = run([frame({ type: 'run', ...turn({ end: at(9), outcome: 'replied', usage: { inputTokens: 10 } }) }), frame({ type: 'run', ...turn() })], state);
  assert.deepEqual(activeRuns(state), []);
  assert.equal(runsOf(state, 5, 'NOVA')[0].usage.inputTokens, 10);
});

test('a turn that the server no longer counts among the active is over', () => {
  const known = run([frame({ type: 'run', ...turn() })]);
  const state = reduce(known, { type: 'runs', runs: [turn({ run: 'r2' })], activeAmong: known.runs });
  assert.deepEqual(activeRuns(state).map((r) => r.run), ['r2']);
});

test('a turn that began after the active ones were asked for stays', () => {
  const asked = run([frame({ type: 'run', ...turn() })]);
  const state = reduce(run([frame({ type: 'run', ...turn({ run: 'r3' }) })], asked), { type: 'runs', runs: [], activeAmong: asked.runs });
  assert.deepEqual(activeRuns(state).map((r) => r.run), ['r3']);
});

test('activity ends ten seconds after its last frame', () => {
  const state = run([doing({ note: 'reading files' }, 1000)]);
  assert.equal(state.activity.nova.note, 'reading files');
  assert.notDeepEqual(reduce(state, { type: 'tick', now: 999 + ACTIVITY_MS }).activity, {});
  assert.deepEqual(reduce(state, { type: 'tick', now: 1000 + ACTIVITY_MS }).activity, {});
});

test('activity ends with idle of its turn, and with the turn', () => {
  assert.deepEqual(run([doing(), doing({ state: 'idle' })]).activity, {});
  assert.notDeepEqual(run([doing(), doing({ state: 'idle', run: 'r0' })]).activity, {});
  assert.deepEqual(run([doing(), frame({ type: 'run', ...turn({ end: at(9) }) })]).activity, {});
  assert.deepEqual(run([doing(), heard('silent', { run: 'r1' })]).activity, {});
});

test('a frame that comes after its turn is over brings nothing back', () => {
  assert.deepEqual(run([frame({ type: 'run', ...turn({ end: at(9) }) }), typed(1, 'late')]).activity, {});
  assert.deepEqual(run([heard('replied', { run: 'r1', answer: 9 }), typed(1, 'late')]).activity, {});
});

test('text that streams never goes back', () => {
  const texts = (events) => writing(run(events)).map((a) => a.partial.text);
  assert.deepEqual(texts([typed(1, 'so'), typed(3, 'so far'), typed(2, 'so f')]), ['so far']);
  assert.deepEqual(texts([typed(3, 'so far'), doing({ state: 'working', note: 'exec' })]), ['so far']);
  assert.deepEqual(texts([typed(3, 'so far'), typed(1, 'new', { run: 'r2' })]), ['new']);
});

test('the agent’s message takes the place of what was streaming', () => {
  const state = run([typed(1, 'so f'), frame({ type: 'message', message: say(9, 'Nova ✨', { agent: true, cause: 5 }) })]);
  assert.deepEqual(state.activity, {});
});

test('a message of another turn leaves what is streaming alone', () => {
  const started = run([frame({ type: 'run', ...turn() }), typed(1, 'so f')]);
  assert.equal(writing(reduce(started, frame({ type: 'message', message: say(9, 'Nova ✨', { agent: true, cause: 3 }) }))).length, 1);
  assert.equal(writing(reduce(started, frame({ type: 'message', message: say(9, 'Nova ✨', { agent: true, cause: 5 }) }))).length, 0);
});

test('activity of other rooms is not shown', () => {
  assert.deepEqual(run([doing({ room: 'lab' })]).activity, {});
});

/** Actions over a server that is a list of pages. */
function bench(pages = []) {
  const store = new Store((flush) => flush());
  const asked = [];
  const answer = async (what, value) => {
    asked.push(what);
    return value;
  };
  const api = {
    deliveries: (query) => answer(query, pages.shift() ?? { deliveries: [], more: false }),
    runs: (query) => answer(query, { runs: [] }),
    retryDelivery: (message, agent) => answer(`retry ${message}:${agent}`, { delivery: delivery('stored', { attempt: 2 }) }),
  };
  const said = [];
  const actions = createDeliveries({ store, api, say: (draft) => said.push(draft) });
  const open = (messages, from = {}) => {
    for (const event of [{ type: 'signed-in', user: 'Mira', role: 'member' }, { type: 'link', link: { state: 'ready' } }, frame({ type: 'auth_ok', user: 'Mira', team: 'a1' }), frame({ type: 'history', messages, ...from })]) store.dispatch(event);
    actions.receive({ type: 'ready' });
  };
  return { store, actions, asked, said, open };
}

const settled = () => new Promise((done) => setImmediate(done));

test('the past of what is shown is fetched in one range, and only where agents were called', async () => {
  const b = bench([{ deliveries: [delivery('replied', { message: 5, answer: 6 }), delivery('dead', { message: 8 })], more: false }]);
  b.open([say(4, 'Mira'), say(5, 'Mira', { calls: ['Nova'] }), say(6, 'Nova'), say(8, 'Mira', { calls: ['Nova'] }), say(9, 'Mira')]);
  await settled();
  assert.deepEqual(b.asked.filter((q) => 'after' in q), [{ after: 4, before: 9 }]);
  assert.equal(b.store.state.deliveries[8].nova.state, 'dead');
});

test('a long past is fetched page by page, and a cut through a message loses nothing', async () => {
  const b = bench([
    { deliveries: [delivery('replied', { message: 5 }), delivery('replied', { message: 6, agent: 'Juno' })], more: true },
    { deliveries: [delivery('replied', { message: 6, agent: 'Juno' }), delivery('dead', { message: 6 })], more: false },
  ]);
  b.open([say(5, 'Mira', { calls: ['Nova'] }), say(6, 'Mira', { calls: ['Juno', 'Nova'] })]);
  await settled();
  assert.deepEqual(b.asked.filter((q) => 'after' in q).map((q) => q.after), [4, 5]);
  assert.equal(b.store.state.deliveries[6].nova.state, 'dead');
});

test('nothing is asked where nobody was called', async () => {
  const b = bench();
  b.open([say(5, 'Mira'), say(6, 'Nova')]);
  await settled();
  assert.deepEqual(b.asked.filter((q) => 'after' in q), []);
});

test('a retry shows the next attempt at once', async () => {
  const b = bench();
  b.store.dispatch(heard('dead'));
  await b.actions.retryDelivery(5, 'Nova');
  assert.deepEqual(b.asked, ['retry 5:Nova']);
  assert.deepEqual([b.store.state.deliveries[5].nova.state, b.store.state.deliveries[5].nova.attempt], ['stored', 2]);
});

test('the words that steer agents answer the notice that asks for them', () => {
  const b = bench();
  b.actions.goOn(7);
  b.actions.allow(8, 'Nova');
  b.actions.deny(8, 'Nova');
  assert.deepEqual(b.said, [{ text: '/continue', replyTo: 7 }, { text: '/allow Nova', replyTo: 8 }, { text: '/deny Nova', replyTo: 8 }]);
});
