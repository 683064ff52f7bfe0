// The words of the server's own notices, in the reader's language; a kind that this page does not
// know keeps the server's own words.

import { locale, t } from './i18n.js';
import { count, money } from './numbers.js';
import { reasonWords } from './rung-words.js';

const SIGNS = ['hops', 'returns', 'repeats'];
const POLICIES = ['stop', 'digest', 'ask'];

/** The notice of `message` in words. */
export function noticeWords({ notice, text }) {
  const names = (notice.agents ?? []).join(', ');
  switch (notice.kind) {
    case 'dead':
      return t('notice.dead', { names, reason: reasonWords(notice.reason) });
    case 'unclaimed':
      return t('notice.unclaimed', { duty: notice.duty });
    case 'loop':
      return t('notice.loop', { names, sign: t(`sign.${SIGNS.includes(notice.sign) ? notice.sign : 'unknown'}`) });
    case 'budget_warning':
      return t('notice.budget_warning', spentWords(notice.spent));
    case 'budget_reached':
      return t('notice.budget_reached', { ...spentWords(notice.spent), policy: POLICIES.includes(notice.policy) ? t(`policy.${notice.policy}`) : '' }).trim();
    case 'ask':
      return t('notice.ask', { agent: notice.agent });
    case 'not_allowed':
      return t('notice.not_allowed', { agent: notice.agent });
    case 'digest':
      return t('notice.digest', { agent: notice.agent, n: notice.messages.length });
    default:
      return text.replace(/^\[AUTO\] /u, '');
  }
}

/**
 * The outcome of a chain that the notice `id` told to be stopped: `{order}` once a person let it go
 * on, `{superseded}` once another one was stopped after it, since an order means the last.
 */
export function goneOn(messages, id) {
  const after = messages.slice(messages.findIndex((m) => m.id === id) + 1);
  const found = after.find((m) => m.notice?.kind === 'loop' || (!m.agent && m.text.trim() === '/continue'));
  if (!found) return {};
  return found.notice ? { superseded: true } : { order: found };
}

/** `{whose, used, limit}` of a budget: `HKH in #main`, `4`, `5 turns`. */
export function spentWords({ agent, room, measure, used, limit }) {
  return { whose: scopeWords({ agent, room }), used: amount(measure, used), limit: t(`measure.${measure}`, { amount: amount(measure, limit), n: limit }) };
}

/** The agent and the room of a budget: `HKH in #main`, `everyone`. */
export function scopeWords({ agent, room }) {
  const who = agent ?? t('budget.everyone');
  return room ? t('budget.in', { who, room }) : who;
}

const amount = (measure, n) => (measure === 'micro_usd' ? money(n, locale()) : count(n, locale()));
