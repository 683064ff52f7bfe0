// A notice of the server in the timeline: one quiet line, with what a person can do about it.

import { fill, h } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { put } from './keyed.js';
import { ladder } from './ladder.js';
import { plain } from './markdown.js';
import { fold, shortName } from './names.js';
import { address } from './paths.js';
import { goneOn, noticeWords } from './notice-words.js';
import { maySteer, retryButton } from './retry.js';
import { isDown } from './rungs.js';
import { clock, full } from './time.js';

/** The row of a message that is a notice: `{element, live}`. */
export function noticeRow({ message, original, answers }, app) {
  const { notice } = message;
  const steps = actionsOf(message, answers, app);
  const told = ladder(message, app);
  const time = h('a', { class: 'time', tabindex: -1, href: address({ view: 'chat', about: { kind: 'message', of: message.id } }), data: { tip: full(message.time, locale()) } }, clock(message.time, locale()));
  const element = h('article', { class: `message notice-row notice-${notice.kind}`, tabindex: -1, data: { id: message.id, testid: 'notice' } },
    h('span', { class: 'notice-sign' }, icon(notice.kind === 'budget_warning' || notice.kind === 'digest' ? 'about' : 'warn', 18)),
    h('div', { class: 'notice-text' },
      h('span', { class: 'text', dir: 'auto' }, noticeWords(message)),
      notice.kind === 'digest' && notice.messages.map((id, i) => messageLink(id, String(i + 1), app)), time),
    h('div', { class: 'notice-foot' }, message.replyTo && aboutLink(message, original, app), steps.element),
    told.element);
  element.setAttribute('aria-label', t('message.by', { name: message.user, time: clock(message.time, locale()) }));
  const live = (state, now) => {
    steps.live?.(state, now);
    told.live(state, now);
  };
  return { element, live };
}

function aboutLink(message, original, app) {
  const words = original ? t('notice.about', { name: shortName(original.user), text: plain(original.text, 60) }) : t('notice.aboutEarlier');
  const link = messageLink(message.replyTo, words, app);
  link.classList.add('notice-about');
  return link;
}

function messageLink(id, words, app) {
  const go = (event) => {
    event.preventDefault();
    app.show(id);
  };
  return h('a', { class: 'quiet', dir: 'auto', href: address({ view: 'chat', about: { kind: 'message', of: id } }), on: { click: go } }, words);
}

function actionsOf(message, answers, app) {
  const { notice } = message;
  if (notice.kind === 'dead' && message.replyTo) return retries(notice.agents, message.replyTo, app);
  if (notice.kind === 'loop') return onwards(message, app);
  if (notice.kind !== 'ask') return { element: null };
  const words = { [`/allow ${fold(notice.agent)}`]: 'notice.allowed', [`/deny ${fold(notice.agent)}`]: 'notice.denied' };
  return answerable(message, answers, app, words, [
    ['notice.allow', () => app.deliveries.allow(message.id, notice.agent)],
    ['notice.deny', () => app.deliveries.deny(message.id, notice.agent)],
  ], notice.until);
}

/** The way to let a chain go on; once somebody has, words in its place. */
function onwards(message, app) {
  const element = h('span', { class: 'notice-step' });
  const go = maySteer(app.store.state) && h('button', { type: 'button', class: 'button', words: { text: 'notice.continue' }, data: { testid: 'notice-continue' }, on: { click: () => press([go], () => app.deliveries.goOn(message.id)) } });
  let seen;
  const live = ({ messages }) => {
    if (messages === seen) return;
    seen = messages;
    const { order, superseded } = goneOn(messages, message.id);
    if (order) fill(element, h('span', { class: 'quiet', dir: 'auto' }, t('notice.continued', { name: shortName(order.user) })));
    else if (superseded || !go) fill(element);
    else if (!go.isConnected) fill(element, go);
  };
  return { element, live };
}

/** One `retry` for each agent that has still not answered. */
function retries(agents, message, app) {
  const buttons = agents.map((agent) => ({ agent, button: retryButton({ agent }, message, app) })).filter(({ button }) => button);
  const element = buttons.map(({ agent, button }) => h('span', { class: 'notice-step' }, agents.length > 1 && h('span', { class: 'quiet', dir: 'auto' }, agent), button));
  const live = (state) => buttons.forEach(({ agent }, i) => {
    const known = state.deliveries[message]?.[fold(agent)];
    element[i].hidden = Boolean(known) && !isDown(known.state);
  });
  return { element, live };
}

/** Buttons that answer the notice; once somebody has, or it is too late, words in their place. */
function answerable(message, answers, app, words, steps, until) {
  const given = answers.find((m) => !m.agent && fold(m.text.trim()) in words);
  if (given) return { element: h('span', { class: 'quiet', dir: 'auto' }, t(words[fold(given.text.trim())], { name: shortName(given.user) })) };
  const may = maySteer(app.store.state);
  const buttons = may ? steps.map(([key, run]) => h('button', { type: 'button', class: 'button', words: { text: key }, data: { testid: key.replace('notice.', 'notice-') }, on: { click: () => press(buttons, run) } })) : [];
  const note = h('span', { class: 'quiet' });
  if (!until) return { element: [buttons] };
  const live = (_, now) => {
    const over = now >= Date.parse(until);
    if (over) for (const button of buttons) button.disabled = true;
    put(note, over ? t('notice.over') : t('notice.until', { time: clock(until, locale()) }));
  };
  return { element: [buttons, note], live };
}

/** Said once: the answer that comes back puts words in the place of the buttons. */
function press(buttons, run) {
  for (const button of buttons) button.disabled = true;
  run();
}
