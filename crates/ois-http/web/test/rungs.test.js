// Which lines stand beside a message, and what is said in them.

import test from 'node:test';
import assert from 'node:assert/strict';
import { setLanguage } from '../i18n.js';
import { activityOf, climbs, isOpen, linesOf, tally } from '../rungs.js';
import { lineNotes, rungNotes, rungWords, tallyWords } from '../rung-words.js';

const TIME = '2026-11-20T12:00:00.000Z';
const at = (seconds) => new Date(Date.parse(TIME) + seconds * 1000).toISOString();
const message = (more) => ({ id: 7, user: 'Mira', text: '', time: TIME, ...more });
const delivery = (agent, state, more = {}) => ({ message: 7, agent, attempt: 1, state, at: at(5), ...more });
const said = (lines) => lines.map((line) => `${line.agent ?? line.duty} ${line.state}`);

test('the first rung comes from the message itself, in the order of its calls', () => {
  assert.deepEqual(said(linesOf(message({ calls: ['Nova', 'Juno'] }))), ['Nova stored', 'Juno stored']);
});

test('a delivery takes the place of the first rung, whatever the case of the name', () => {
  const lines = linesOf(message({ calls: ['Nova', 'Juno'] }), { juno: delivery('JUNO', 'admitted') });
  assert.deepEqual(said(lines), ['Nova stored', 'JUNO admitted']);
});

test('a message without calls, and of an old server, has no lines', () => {
  assert.deepEqual(linesOf(message({ mentions: ['Nova'] })), []);
});

test('an offer shows how many may take it, then the one who did', () => {
  const offered = message({ offers: [{ duty: 'reviewer', agents: ['Nova', 'Juno', 'Ada'] }] });
  const [line] = linesOf(offered);
  setLanguage('en');
  assert.equal(rungWords(line, 0), 'offered to @reviewer (3)');
  const [claimed, ...rest] = linesOf(offered, { juno: delivery('Juno', 'received') });
  assert.deepEqual([claimed.agent, claimed.duty, rest.length], ['Juno', 'reviewer', 0]);
  assert.deepEqual(rungNotes(claimed, { activity: {}, members: [] }), ['for @reviewer']);
});

test('an offer that nobody took says so once the server has', () => {
  const offered = message({ offers: [{ duty: 'reviewer', agents: ['Nova'] }] });
  const notice = { id: 9, user: 'OIS', replyTo: 7, notice: { kind: 'unclaimed', duty: 'reviewer' } };
  const lines = linesOf(offered, {}, [notice]);
  assert.deepEqual([lines[0].state, isOpen(lines)], ['unclaimed', false]);
});

test('who is not woken is named with what keeps it, until it is woken after all', () => {
  const held = message({ held: [{ agent: 'Nova', by: 'loop' }, { agent: 'Juno', by: 'budget' }, { agent: 'Ada', by: 'weather' }] });
  setLanguage('en');
  assert.deepEqual(linesOf(held).map((line) => rungWords(line, 0)), ['not woken: loop guard', 'not woken: budget', 'not woken: held back']);
  assert.deepEqual(said(linesOf(held, { nova: delivery('Nova', 'received') }))[0], 'Nova received');
});

test('each rung has its words in both languages', () => {
  const line = (state, more) => rungWords({ agent: 'Nova', state, attempt: 1, at: TIME, ...more }, Date.parse(at(12)));
  setLanguage('en');
  assert.deepEqual(['stored', 'received', 'admitted', 'ended', 'replied', 'silent'].map((s) => line(s)), ['stored', 'received', 'working 0:12', 'finishing', 'answered', 'chose not to answer']);
  assert.equal(line('failed', { reason: 'unreachable' }), 'failed: gateway unreachable');
  assert.equal(line('dead', { reason: 'sunspots' }), 'gave up: reason unknown');
  assert.equal(line('dead'), 'gave up');
  assert.equal(line('resting'), 'resting');
  setLanguage('zh');
  assert.equal(line('failed', { reason: 'unreachable' }), '失败：连不上网关');
  setLanguage('en');
});

test('time at work counts from when it was heard, whatever the server’s clock says', () => {
  const skewed = delivery('Nova', 'admitted', { at: at(-900), heard: 1000 });
  assert.equal(rungWords(skewed, 4000), 'working 0:03');
});

test('a later attempt, a higher rung and a later end are news; nothing else is', () => {
  const known = delivery('Nova', 'admitted', { attempt: 2 });
  assert.ok(climbs(undefined, known));
  assert.ok(climbs(known, delivery('Nova', 'stored', { attempt: 3 })));
  assert.ok(climbs(known, delivery('Nova', 'ended', { attempt: 2 })));
  assert.ok(!climbs(known, delivery('Nova', 'dead', { attempt: 1 })));
  assert.ok(!climbs(known, delivery('Nova', 'received', { attempt: 2 })));
  assert.ok(!climbs(known, known));
  const failed = delivery('Nova', 'failed');
  assert.ok(climbs(failed, delivery('Nova', 'dead')), 'in the same millisecond');
  assert.ok(!climbs(delivery('Nova', 'dead', { at: at(6) }), failed));
});

test('an agent that is away or deaf is the reason why nothing happens yet', () => {
  const members = [{ name: 'Nova', display: 'Nova', state: 'offline' }, { name: 'Juno', display: 'Juno', state: 'deaf' }];
  const notes = (agent, state) => rungNotes(delivery(agent, state), { activity: {}, members });
  assert.deepEqual(notes('Nova', 'stored'), ['offline, waiting for it']);
  assert.deepEqual(notes('Nova', 'received'), []);
  assert.deepEqual(notes('Juno', 'received'), ['its gateway does not answer']);
  assert.deepEqual(notes('Juno', 'admitted'), []);
});

test('only a fresh activity of the same turn speaks for a line', () => {
  const line = delivery('Nova', 'admitted', { run: 'r1' });
  const doing = (run) => ({ nova: { name: 'Nova', state: 'working', note: 'reading files', run } });
  assert.equal(activityOf(line, doing('r1')).note, 'reading files');
  assert.equal(activityOf(line, doing(undefined)).note, 'reading files');
  assert.equal(activityOf(line, doing('r2')), null);
  assert.equal(activityOf(delivery('Nova', 'received'), doing('r1')), null);
});

test('many lines are summed up', () => {
  const calls = Array.from({ length: 8 }, (_, i) => `a${i}`);
  const known = { a0: delivery('a0', 'replied'), a1: delivery('a1', 'dead'), a2: delivery('a2', 'silent') };
  const lines = linesOf(message({ calls }), known);
  assert.deepEqual(tally(lines), { done: 2, open: 5, down: 1, held: 0 });
  assert.equal(tallyWords(lines), '8 agents: 2 done · 5 under way · 1 failed');
});

test('a second attempt and a possible double are told', () => {
  const line = delivery('Nova', 'admitted', { attempt: 2, possibleDuplicate: true });
  assert.deepEqual(lineNotes(line, { activity: {}, members: [] }), ['attempt 2', 'possibly handled twice']);
});
