// The work of agents: the turns under way, the mentions without an answer, the usage, and the
// budgets that bound it.

import { budgetsView } from './budgets.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { Keyed, put } from './keyed.js';
import { plain } from './markdown.js';
import { fold, shortName } from './names.js';
import { address } from './paths.js';
import { retryButton } from './retry.js';
import { isDown, SIGNS } from './rungs.js';
import { lineNotes, rungWords } from './rung-words.js';
import { runList } from './runs.js';
import { activeRuns } from './store-deliveries.js';
import { find } from './store-log.js';
import { usageView } from './usage.js';
import { when } from './presence.js';

const MOST = 20;

export function aboutWork(app) {
  const runs = runList(app);
  const idle = h('p', { class: 'quiet', words: { text: 'work.none' } });
  const list = h('ul', { class: 'stack' });
  const down = new Keyed(list, (line) => downLine(line, app));
  const rest = h('p', { class: 'quiet' });
  const usage = usageView(app);
  const budgets = budgetsView(app);
  const loading = h('p', { class: 'quiet', words: { text: 'app.loading' } });
  const all = h('div', { class: 'stack', hidden: true },
    h('h3', { words: { text: 'work.now' } }), idle, runs.element,
    h('h3', { words: { text: 'work.down' } }), list, rest,
    usage.element, budgets.element);
  // All at once: parts that come one by one would push each other away from under the pointer.
  Promise.all([app.deliveries.loadActive(), app.deliveries.loadDown(), usage.ready, budgets.ready]).then(() => {
    app.store.flush();
    loading.hidden = true;
    all.hidden = false;
  });
  return {
    element: [loading, all],
    title: () => t('work.title'),
    show: (state, now) => {
      const active = activeRuns(state);
      idle.hidden = active.length > 0;
      runs.show(active, state, now);
      const open = unanswered(state);
      down.show(open.slice(0, MOST).map((line) => ({ ...line, key: `${line.message}:${line.agent}`, stamp: `${line.state}|${line.attempt}|${find(state.messages, line.message)?.id}` })), state, now);
      put(rest, open.length > MOST ? t('work.more', { n: open.length - MOST }) : open.length ? '' : t('work.allAnswered'));
      rest.hidden = rest.textContent === '';
    },
  };
}

/** The deliveries that failed for good, the newest first. */
const unanswered = (state) => Object.values(state.deliveries).flatMap((of) => Object.values(of)).filter((d) => isDown(d.state)).sort((a, b) => b.message - a.message || fold(a.agent).localeCompare(fold(b.agent)));

function downLine(line, app) {
  const { messages } = app.store.state;
  const call = find(messages, line.message);
  const said = h('span', { class: 'rung-said' });
  const element = h('li', { class: `down rung-${line.state}`, data: { testid: 'down' } },
    h('div', { class: 'down-head' }, h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[line.state]), h('span', { class: 'author', dir: 'auto' }, line.agent), said, h('span', { class: 'quiet' }, when(line.at))),
    h('div', { class: 'down-foot' },
      h('a', { class: 'quiet run-cause', dir: 'auto', href: address({ view: 'chat', about: { kind: 'message', of: line.message } }) }, call ? t('work.cause', { name: shortName(call.user), text: plain(call.text, 60) }) : t('work.causeGone')),
      retryButton(line, line.message, app)));
  const show = (now, state, ms) => {
    put(said, rungWords(now, ms));
    element.title = [now.detail, ...lineNotes(now, state)].filter(Boolean).join(' · ');
  };
  return { element, show };
}
