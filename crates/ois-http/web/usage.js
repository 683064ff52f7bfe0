// The usage: turns, tokens and money by agent, by room or by day.

import { fill, h, words } from './dom.js';
import { locale, t } from './i18n.js';
import { count, dayOf, money } from './numbers.js';
import { reason } from './reason.js';

const WAYS = ['agent', 'room', 'day'];
const MOST = 31;

/** The part of a pane that shows it: `{element, ready}`. It asks when it is made and when the way changes. */
export function usageView(app) {
  const table = h('div', { class: 'usage' });
  const tabs = WAYS.map((by) => h('button', { type: 'button', class: 'segment', data: { by, testid: `usage-${by}` }, words: { text: `usage.${by}` }, on: { click: () => load(by) } }));
  let asked = 0;
  async function load(by) {
    asked += 1;
    const mine = asked;
    for (const tab of tabs) tab.setAttribute('aria-pressed', String(tab.dataset.by === by));
    try {
      const { usage } = await app.api.usage(by);
      if (mine === asked) fill(table, rowsOf(usage, by));
    } catch (error) {
      if (mine === asked) fill(table, h('p', { class: 'quiet' }, t('work.notLoaded', { reason: reason(error) })));
    }
  }
  const ready = load(WAYS[0]);
  const group = h('div', { class: 'segments', role: 'group' }, tabs);
  words(group, { label: 'usage.label' });
  return { ready, element: [h('div', { class: 'section-head' }, h('h3', { words: { text: 'usage.title' } }), group), table] };
}

function rowsOf(usage, by) {
  if (usage.length === 0) return h('p', { class: 'quiet', words: { text: 'usage.none' } });
  const sorted = by === 'day' ? [...usage].sort((a, b) => b.key.localeCompare(a.key)).slice(0, MOST) : [...usage].sort((a, b) => b.microUsd - a.microUsd || b.inputTokens - a.inputTokens || b.turns - a.turns);
  const head = ['usage.turns', 'usage.tokens', 'usage.cost'].map((key) => h('th', { scope: 'col', words: { text: key } }));
  return h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col', words: { text: `usage.${by}` } }), head)), h('tbody', {}, sorted.map((row) => rowOf(row, by))));
}

function rowOf({ key, turns, inputTokens, outputTokens, microUsd }, by) {
  const name = by === 'day' ? dayOf(key, locale()) : by === 'room' ? `#${key}` : key;
  const tokens = h('td', { title: t('details.tokensValue', { input: count(inputTokens, locale()), output: count(outputTokens, locale()) }) }, count(inputTokens + outputTokens, locale()));
  return h('tr', {}, h('th', { scope: 'row', dir: 'auto' }, name), h('td', {}, count(turns, locale())), tokens, h('td', {}, money(microUsd, locale())));
}
