// Budgets: how much may be used in a day, and what happens then. An admin changes them.

import { editBudget } from './budget-dialog.js';
import { fill, h, iconButton } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { scopeWords } from './notice-words.js';
import { count, money } from './numbers.js';
import { reason } from './reason.js';

const MINUTES = 60;

/** The part of a pane that shows them: `{element, ready}`. It asks the server when it is made. */
export function budgetsView(app) {
  const list = h('ul', { class: 'stack budgets' });
  const admin = app.store.state.role === 'admin';
  let budgets = [];

  const show = () => fill(list,
    budgets.length === 0 && h('li', { class: 'quiet', words: { text: 'budget.none' } }),
    budgets.map((budget, i) => h('li', { class: 'budget', data: { testid: 'budget' } },
      h('div', { class: 'budget-text' }, h('span', { class: 'author', dir: 'auto' }, scopeWords(budget)), h('span', { class: 'quiet' }, limitsOf(budget)), h('span', { class: 'quiet' }, policyOf(budget))),
      admin && iconButton(icon('pen', 18), 'budget.edit', () => change(i, budget), { class: 'tip-left' }),
      admin && iconButton(icon('bin', 18), 'budget.remove', () => keep(budgets.filter((b) => b !== budget)), { class: 'tip-left' }))));

  async function change(at, before) {
    const budget = await editBudget(app.store.state, before);
    if (budget) await keep(at === null ? [...budgets, budget] : budgets.map((b, i) => (i === at ? budget : b)));
  }

  async function keep(wanted) {
    try {
      budgets = (await app.api.keepBudgets(wanted)).budgets;
      show();
    } catch (error) {
      app.notice(['budget.notKept', { reason: reason(error) }]);
    }
  }

  async function load() {
    try {
      budgets = (await app.api.budgets()).budgets;
      show();
    } catch (error) {
      fill(list, h('li', { class: 'quiet' }, t('work.notLoaded', { reason: reason(error) })));
    }
  }
  const ready = load();
  const add = admin && h('button', { type: 'button', class: 'link-button', words: { text: 'budget.add' }, data: { testid: 'budget-add' }, on: { click: () => change(null, {}) } });
  return { ready, element: [h('div', { class: 'section-head' }, h('h3', { words: { text: 'budget.title' } }), add), list] };
}

function limitsOf({ turns, inputTokens, outputTokens, microUsd }) {
  const parts = [
    turns !== undefined && t('measure.turns', { amount: count(turns, locale()), n: turns }),
    inputTokens !== undefined && t('measure.input_tokens', { amount: count(inputTokens, locale()), n: inputTokens }),
    outputTokens !== undefined && t('measure.output_tokens', { amount: count(outputTokens, locale()), n: outputTokens }),
    microUsd !== undefined && t('measure.micro_usd', { amount: money(microUsd, locale()), n: microUsd }),
  ];
  return t('budget.perDay', { limits: parts.filter(Boolean).join(' · ') });
}

const policyOf = ({ policy = 'stop', minutes = MINUTES }) => t(`budget.then_${policy}`, { minutes });
