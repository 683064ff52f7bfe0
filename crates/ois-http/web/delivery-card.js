// One delivery in full: the rungs with their times, attempts, the turn and what it cost, and what a
// person can do about it.

import { h } from './dom.js';
import { locale, t } from './i18n.js';
import { factList, putFacts } from './facts.js';
import { put } from './keyed.js';
import { memberOf } from './names.js';
import { count, money } from './numbers.js';
import { address } from './paths.js';
import { presenceWords } from './presence.js';
import { presence } from './avatar.js';
import { retryButton, stopButton } from './retry.js';
import { activityOf, isDown, isFinal, PATH, SIGNS } from './rungs.js';
import { reasonWords, rungNotes, rungWords } from './rung-words.js';
import { runsOf } from './store-deliveries.js';
import { clock } from './time.js';

const exact = (time) => new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(new Date(time));

/** The card of a line of rungs.js: `{element, show(line, message, state, now)}`. */
export function deliveryCard(line, message, app) {
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[line.state] ?? '·');
  const said = h('span', { class: 'rung-said' });
  const notes = h('p', { class: 'quiet' });
  const who = h('span', { class: 'delivery-who' });
  const path = h('ol', { class: 'path' });
  const facts = factList([]);
  const steps = h('div', { class: 'delivery-steps' });
  const element = h('li', { class: `card delivery rung-${line.state}`, data: { testid: 'delivery', state: line.state } },
    h('div', { class: 'delivery-head' }, who, h('span', { class: 'delivery-state' }, sign, said)), notes, path, facts, steps);
  fillSteps(steps, line, message, app);
  let stamp;
  const show = (now, of, state, ms) => {
    put(said, rungWords(now, ms));
    put(notes, rungNotes(now, state).join(' · '));
    notes.hidden = notes.textContent === '';
    sign.classList.toggle('sign-live', activityOf(now, state.activity) !== null);
    const member = memberOf(state.members, now.agent ?? '');
    const runs = now.agent ? runsOf(state, message, now.agent) : [];
    const wanted = JSON.stringify([now, runs, member?.state, member?.provenAt]);
    if (wanted === stamp) return;
    stamp = wanted;
    who.replaceChildren(...whoParts(now, member));
    path.replaceChildren(...climbed(now, of, runs.at(-1)));
    path.hidden = path.children.length === 0;
    putFacts(facts, factsOf(now, runs));
  };
  return { element, show };
}

function whoParts(line, member) {
  if (!line.agent) return [`@${line.duty}`, h('span', { class: 'quiet', dir: 'auto' }, ` ${line.agents.join(', ')}`)];
  if (!member) return [line.agent];
  return [h('a', { dir: 'auto', href: address({ view: 'chat', about: { kind: 'member', of: member.name } }) }, member.display), presence(member.state ?? 'offline', presenceWords(member))];
}

/** The rungs that were climbed, each with the time at which it is known to have been reached. */
function climbed(line, message, run) {
  if (!line.attempt) return [];
  const stored = line.attempt === 1 ? message?.time : undefined;
  // A turn's times are by its monitor's clock, which may be wrong: only what fits in between is told.
  const fits = (time) => (time && Date.parse(time) >= Date.parse(stored ?? time) && (!isFinal(line.state) || Date.parse(time) <= Date.parse(line.at)) ? time : undefined);
  const times = { stored, admitted: fits(run?.start), ended: fits(run?.end), ...line.rungs, [line.state]: line.at };
  const last = PATH.indexOf(isFinal(line.state) ? 'replied' : line.state);
  const passed = PATH.slice(0, last + 1).filter((state) => state !== 'replied' && (!isFinal(line.state) || times[state]));
  const ended = isFinal(line.state) ? [line.state] : [];
  return [...passed, ...ended].map((state) => h('li', { class: `path-${state}` }, h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[state] ?? '·'), h('span', {}, t(`path.${state}`)), h('time', { class: 'quiet' }, times[state] ? exact(times[state]) : '')));
}

function factsOf(line, runs) {
  const run = runs.at(-1);
  const sum = (key) => runs.reduce((all, r) => (r.usage?.[key] === undefined ? all : (all ?? 0) + r.usage[key]), undefined);
  const [input, output, cost] = ['inputTokens', 'outputTokens', 'microUsd'].map(sum);
  return [
    line.state !== 'held' && line.attempt > 1 && ['details.attempt', String(line.attempt)],
    ...(line.earlier ?? []).map((e) => ['details.earlier', `${e.attempt}: ${t(`path.${e.state}`)}${e.reason ? `, ${reasonWords(e.reason)}` : ''} · ${clock(e.at, locale())}`]),
    line.detail && ['details.words', h('span', { dir: 'auto' }, line.detail)],
    (line.run ?? run?.run) && ['details.run', h('code', {}, line.run ?? run.run)],
    (input ?? output) !== undefined && ['details.tokens', t('details.tokensValue', { input: count(input ?? 0, locale()), output: count(output ?? 0, locale()) })],
    cost !== undefined && ['details.cost', money(cost, locale())],
  ];
}

function fillSteps(steps, line, message, app) {
  const go = (event) => {
    event.preventDefault();
    app.show(line.answer);
  };
  const parts = [
    line.state === 'replied' && line.answer && h('a', { class: 'link-button', data: { focus: 'answer' }, href: address({ view: 'chat', about: { kind: 'message', of: line.answer } }), on: { click: go }, words: { text: 'ladder.toAnswer' } }),
    ['admitted', 'ended'].includes(line.state) && line.run && stopButton(line, app, { class: 'button' }),
    isDown(line.state) && retryButton(line, message, app, { class: 'button' }),
  ].filter(Boolean);
  steps.append(...parts);
  steps.hidden = parts.length === 0;
}
