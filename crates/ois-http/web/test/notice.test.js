// The server's notices in the reader's words, and the order of rows of all kinds.

import test from 'node:test';
import assert from 'node:assert/strict';
import { setLanguage } from '../i18n.js';
import { goneOn, noticeWords } from '../notice-words.js';
import { count, dayOf, money } from '../numbers.js';
import { presenceWords } from '../presence.js';
import { layout } from '../rows.js';
import { initial } from '../store.js';
import { clock } from '../time.js';

const TIME = '2026-11-20T12:00:00.000Z';
const words = (notice, text = 'as the server says it') => noticeWords({ notice, text });
const spent = (more) => ({ measure: 'turns', used: 4, limit: 5, ...more });

test('each kind of notice has its words', () => {
  setLanguage('en');
  assert.equal(words({ kind: 'dead', agents: ['Nova', 'Juno'], reason: 'no_monitor' }), 'No answer will come from Nova, Juno: no monitor took it.');
  assert.equal(words({ kind: 'unclaimed', duty: 'reviewer' }), 'Nobody who has @reviewer took it.');
  assert.equal(words({ kind: 'loop', root: 3, sign: 'hops', agents: ['Nova'] }), 'Agents go round in circles: the chain is too long. Not woken: Nova.');
  assert.equal(words({ kind: 'budget_warning', spent: spent({ agent: 'Nova' }) }), 'Budget of Nova: 4 of 5 turns used today.');
  assert.equal(words({ kind: 'budget_reached', spent: spent({ room: 'main', measure: 'micro_usd', used: 2_000_000, limit: 2_000_000 }), policy: 'ask' }), 'Budget of all agents in #main: $2.00 of $2.00 used today. A person is asked.');
  assert.equal(words({ kind: 'ask', agent: 'Nova', until: TIME }), 'The budget of Nova is used up. Wake it all the same?');
  assert.equal(words({ kind: 'not_allowed', agent: 'Nova' }), 'Nobody allowed it: Nova is not woken.');
  assert.equal(words({ kind: 'digest', agent: 'Nova', messages: [1, 2] }), '2 mentions for Nova, handed over together:');
});

test('a notice that this page does not know keeps the server’s words', () => {
  assert.equal(words({ kind: 'weather' }, '[AUTO] Rain.'), 'Rain.');
});

test('numbers are short, and little money is not nothing', () => {
  assert.deepEqual([count(1234, 'en-US'), count(15_312, 'en-US'), count(1_530_000, 'en-US')], ['1,234', '15.3K', '1.53M']);
  assert.deepEqual([money(0, 'en-GB'), money(1500, 'en-GB'), money(1_240_000, 'zh-CN')], ['$0.00', '$0.0015', '$1.24']);
  assert.deepEqual([dayOf('2026-11-20', 'en-GB'), dayOf('main', 'en-GB')], ['20 Nov', 'main']);
});

test('presence tells when it was proved, and since when an agent is deaf', () => {
  setLanguage('en');
  const now = new Date().toISOString();
  const time = clock(now, 'en-GB');
  assert.equal(presenceWords({ name: 'Nova', state: 'online', provenAt: now }), `online, proved ${time}`);
  assert.equal(presenceWords({ name: 'Nova', state: 'deaf', provenAt: now }), `Nova has been silent since ${time}; its host answers, its gateway does not.`);
  assert.equal(presenceWords({ name: 'Mira', state: 'offline' }), 'offline');
});

const rows = (state) => layout({ ...initial(), more: true, user: 'Mira', ...state }, 'UTC').filter((r) => r.kind !== 'day');

test('a notice is no reply, stands by itself and joins nothing', () => {
  const messages = [
    { id: 1, user: 'OIS', text: 'a', time: TIME, replyTo: 0, notice: { kind: 'weather' } },
    { id: 2, user: 'OIS', text: 'b', time: TIME, notice: { kind: 'weather' } },
    { id: 3, user: 'Mira', text: 'c', time: TIME },
    { id: 4, user: 'OIS', text: 'd', time: TIME, replyTo: 3, notice: { kind: 'weather' } },
  ];
  const made = rows({ messages });
  assert.deepEqual(made.map((r) => [r.kind, r.joined]), [['notice', false], ['notice', false], ['message', false], ['notice', false]]);
  assert.deepEqual([made[2].answers.length, made[2].notices.length], [0, 1]);
});

test('an order to go on belongs to the chain that was stopped last', () => {
  const loop = (id) => ({ id, user: 'OIS', text: '', time: TIME, notice: { kind: 'loop' } });
  const order = (id, more) => ({ id, user: 'Mira', text: '/continue', time: TIME, replyTo: 1, ...more });
  const messages = [order(2), loop(3), loop(5), order(6, { agent: true }), order(7), order(8)];
  assert.deepEqual([goneOn(messages, 3), goneOn(messages, 5)], [{ superseded: true }, { order: messages[4] }]);
  assert.deepEqual(goneOn([loop(3)], 3), {});
  assert.deepEqual(goneOn([loop(3), order(4), loop(5)], 3).order.id, 4);
});

test('messages of one agent with other causes are no block', () => {
  const by = (id, cause) => ({ id, user: 'Nova', text: '', time: TIME, agent: true, cause });
  assert.deepEqual(rows({ messages: [by(5, 1), by(6, 1), by(7, 2)] }).map((r) => r.joined), [false, true, false]);
});

test('what is being written stands below everything', () => {
  const activity = { nova: { name: 'Nova', state: 'typing', since: 2, partial: { seq: 1, text: 'so f' } }, juno: { name: 'Juno', state: 'thinking', since: 1 } };
  const pending = [{ nonce: 'n1', text: 'hi', time: TIME, state: 'sending' }];
  assert.deepEqual(rows({ messages: [{ id: 5, user: 'Jun', text: '', time: TIME }], pending, activity }).map((r) => r.key), ['m:5', 'p:n1', 'a:Nova']);
});
