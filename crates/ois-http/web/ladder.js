// What became of a mention: one quiet line per agent, changed in place. It shows what `delivery`
// frames say and nothing more; without them it takes no room.

import { fill, h } from './dom.js';
import { locale, t } from './i18n.js';
import { clock, duration } from './time.js';
import { fold } from './names.js';

const SIGNS = { stored: '◌', received: '●', admitted: '◐', ended: '◐', replied: '✓', silent: '–', failed: '!', dead: '✕' };

/** The place for the lines beside a message. */
export const ladderPlace = (id) => h('div', { class: 'ladder', data: { ladder: id }, words: { label: 'ladder.label' } });

/** Shows the deliveries of one message in its place; `state` lends activity, `now` the running time. */
export function showLadder(place, deliveries, state, now) {
  const lines = Object.values(deliveries ?? {});
  fill(place, lines.map((delivery) => line(delivery, state, now)));
}

/** Whether any line counts seconds, so that it must be shown anew each second. */
export const isRunning = (deliveries) => Object.values(deliveries ?? {}).some((d) => d.state === 'admitted');

function line(delivery, state, now) {
  const activity = state.activity[fold(delivery.agent)];
  const words = wordsOf(delivery, activity, now);
  const said = delivery.state === 'replied' && delivery.answer ? h('a', { href: `#/chat/message/${delivery.answer}` }, words) : h('span', {}, words);
  const sign = h('span', { class: `sign ${activity && delivery.state === 'admitted' ? 'sign-live' : ''}`, 'aria-hidden': 'true' }, SIGNS[delivery.state] ?? '·');
  return h('div', { class: `rung rung-${delivery.state}` }, sign, h('span', { class: 'rung-agent', dir: 'auto' }, delivery.agent), said, h('span', { class: 'quiet' }, delivery.at ? clock(delivery.at, locale()) : ''));
}

function wordsOf(delivery, activity, now) {
  if (delivery.state === 'admitted') {
    const working = t('ladder.admitted', { time: duration(now - Date.parse(delivery.at ?? now)) }).trim();
    return activity?.note ? t('activity.note', { what: working, note: activity.note }) : working;
  }
  if (delivery.state === 'failed') return delivery.reason ? t('ladder.failed', { reason: delivery.reason }) : t('ladder.failedPlain');
  return delivery.state in SIGNS ? t(`ladder.${delivery.state}`) : delivery.state;
}
