// The dialog for one budget: its agent, its room, its bounds and its policy.

import { openDialog } from './dialogs.js';
import { h } from './dom.js';
import { t } from './i18n.js';

const POLICIES = ['stop', 'digest', 'ask'];
const MICRO = 1e6;

/** Asks for a budget; answers with it as the wire has it, or null. */
export function editBudget({ members }, before) {
  return openDialog(({ close }) => {
    const agents = members.filter((m) => m.kind === 'agent').map((m) => [m.name, m.display]);
    const fields = {
      agent: choice([['', t('budget.everyone')], ...agents], before.agent ?? ''),
      room: choice([['', t('budget.everywhere')], ['main', '#main']], before.room ?? ''),
      turns: number(before.turns, '1'),
      inputTokens: number(before.inputTokens, '1'),
      outputTokens: number(before.outputTokens, '1'),
      usd: number(before.microUsd === undefined ? undefined : before.microUsd / MICRO, '0.01'),
      policy: choice(POLICIES.map((p) => [p, t(`policy.${p}`)]), before.policy ?? 'stop'),
      minutes: number(before.minutes ?? 60, '1'),
    };
    const minutes = labelled('budget.minutes', fields.minutes);
    const follow = () => (minutes.hidden = fields.policy.value === 'stop');
    fields.policy.addEventListener('change', follow);
    follow();
    const error = h('p', { class: 'form-error', role: 'alert' });
    const form = h('form', { novalidate: true, class: 'budget-form' },
      h('h2', { words: { text: 'budget.question' } }),
      h('div', { class: 'form-pair' }, labelled('budget.agent', fields.agent), labelled('budget.room', fields.room)),
      h('p', { class: 'quiet', words: { text: 'budget.hint' } }),
      h('div', { class: 'form-pair' }, labelled('budget.turns', fields.turns), labelled('budget.usd', fields.usd)),
      h('div', { class: 'form-pair' }, labelled('budget.tokens', fields.inputTokens), labelled('budget.outputTokens', fields.outputTokens)),
      h('div', { class: 'form-pair' }, labelled('budget.policy', fields.policy), minutes), error,
      h('div', { class: 'dialog-buttons' }, h('button', { type: 'button', class: 'button', words: { text: 'dialog.cancel' }, on: { click: () => close(null) } }), h('button', { class: 'button primary', words: { text: 'dialog.save' }, data: { testid: 'dialog-ok' } })));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const budget = budgetOf(fields);
      if (budget) close(budget);
      else error.textContent = t('budget.empty');
    });
    return form;
  });
}

/** The budget in the fields, or null when they bound nothing. */
function budgetOf(fields) {
  const value = (name) => (fields[name].value.trim() === '' || !(fields[name].valueAsNumber >= 0) ? undefined : fields[name].valueAsNumber);
  const whole = (n) => (n === undefined ? undefined : Math.round(n));
  const usd = value('usd');
  const limits = { turns: whole(value('turns')), inputTokens: whole(value('inputTokens')), outputTokens: whole(value('outputTokens')), microUsd: usd === undefined ? undefined : Math.round(usd * MICRO) };
  if (Object.values(limits).every((limit) => limit === undefined)) return null;
  const policy = fields.policy.value;
  const minutes = policy === 'stop' ? undefined : Math.max(1, whole(value('minutes')) ?? 60);
  return { agent: fields.agent.value || undefined, room: fields.room.value || undefined, ...limits, policy, minutes };
}

const labelled = (key, field) => h('label', { class: 'form-field' }, h('span', { class: 'quiet', words: { text: key } }), field);

const number = (value, step) => h('input', { class: 'field', type: 'number', min: 0, step, inputmode: 'decimal', value });

function choice(options, value) {
  const field = h('select', { class: 'choice' }, options.map(([key, name]) => h('option', { value: key }, name)));
  field.value = value;
  return field;
}
