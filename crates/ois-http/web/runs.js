// Turns under way: who, since when, at what, for which message, and how to stop them.

import { avatar } from './avatar.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { Keyed, put } from './keyed.js';
import { plain } from './markdown.js';
import { fold, memberOf, shortName } from './names.js';
import { address } from './paths.js';
import { stopButton } from './retry.js';
import { find } from './store-log.js';
import { duration } from './time.js';

/** A list of turns: `{element, show(runs, state, now)}`. */
export function runList(app) {
  const element = h('ul', { class: 'runs' });
  const keyed = new Keyed(element, ({ run }) => runLine(run, app));
  const show = (runs, state, now) => {
    element.hidden = runs.length === 0;
    keyed.show(runs.map((run) => ({ key: `${fold(run.agent)} ${run.run}`, stamp: find(state.messages, run.cause)?.id, run })), state, now);
  };
  return { element, show };
}

/** When the turn began: by the server's clock if its delivery tells, else by its monitor's. */
function since(run, state) {
  const delivery = state.deliveries[run.cause]?.[fold(run.agent)];
  if (delivery?.run === run.run && delivery.rungs.admitted) return delivery.heard ?? Date.parse(delivery.rungs.admitted);
  return Date.parse(run.start);
}

function runLine(run, app) {
  const { members, messages } = app.store.state;
  const display = memberOf(members, run.agent)?.display ?? run.agent;
  const cause = find(messages, run.cause);
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' }, '◐');
  const said = h('span', {});
  const why = cause ? t('work.cause', { name: shortName(cause.user), text: plain(cause.text, 60) }) : t('work.causeGone');
  const element = h('li', { class: 'run rung-admitted', data: { testid: 'run' } },
    avatar(display, true, 'small'),
    h('div', { class: 'run-text' }, h('div', { class: 'run-head' }, h('span', { class: 'author', dir: 'auto' }, display), h('span', { class: 'quiet run-state' }, sign, said)),
      h('a', { class: 'quiet run-cause', dir: 'auto', href: address({ view: 'chat', about: { kind: 'message', of: run.cause } }) }, why)),
    stopButton(run, app));
  const show = (_, state, now) => {
    const activity = state.activity[fold(run.agent)];
    const fresh = activity && (!activity.run || activity.run === run.run);
    const time = duration(now - since(run, state));
    put(said, fresh && activity.note ? t('activity.note', { what: time, note: activity.note }) : time);
    sign.classList.toggle('sign-live', Boolean(fresh));
  };
  return { element, show };
}
