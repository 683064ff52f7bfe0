// The rungs of a delivery in words.

import { locale, t } from './i18n.js';
import { memberOf } from './names.js';
import { activityOf, tally } from './rungs.js';
import { clock, duration } from './time.js';

const REASONS = ['unreachable', 'unauthorized', 'busy', 'rejected', 'dropped', 'interrupted', 'error', 'unclear', 'stopped', 'answer_refused', 'deadline', 'timeout', 'no_monitor'];
const HOLDERS = ['loop', 'budget'];

/** Why an attempt failed: a word of the wire, in the reader's language. */
export const reasonWords = (reason) => t(`reason.${REASONS.includes(reason) ? reason : 'unknown'}`);

/** The reason why a message does not wake an agent. */
export const holderWords = (by) => t(`held.${HOLDERS.includes(by) ? by : 'unknown'}`);

/** The words of a line: `working 0:12`. */
export function rungWords(line, now) {
  const reason = line.reason ? reasonWords(line.reason) : '';
  switch (line.state) {
    case 'offered':
      return t('ladder.offered', { duty: line.duty, n: line.agents.length });
    case 'unclaimed':
      return t('ladder.unclaimed', { duty: line.duty });
    case 'held':
      return t('ladder.held', { by: holderWords(line.by) });
    case 'admitted':
      return t('ladder.admitted', { time: duration(now - (line.heard ?? Date.parse(line.at))) });
    case 'failed':
    case 'dead':
      return reason ? t(`ladder.${line.state}`, { reason }) : t(`ladder.${line.state}Plain`);
    case 'stored':
    case 'received':
    case 'ended':
    case 'replied':
    case 'silent':
      return t(`ladder.${line.state}`);
    default:
      return line.state; // one that a newer server knows
  }
}

/** The further notes on a line, a few words each. */
export function rungNotes(line, state) {
  return [
    line.duty && line.agent && t('ladder.claimed', { duty: line.duty }),
    activityOf(line, state.activity)?.note,
    waitsFor(line, state.members),
    line.possibleDuplicate && t('ladder.duplicate'),
  ].filter(Boolean);
}

/** The same and what the details tell more exactly: which attempt it is, and when it ended. */
export function lineNotes(line, state) {
  const over = ['replied', 'silent'].includes(line.state) && line.at;
  return [line.attempt > 1 && t('ladder.attempt', { n: line.attempt }), ...rungNotes(line, state), over && clock(line.at, locale())].filter(Boolean);
}

/** Why nothing happens yet, when it is the agent's own absence. */
function waitsFor(line, members) {
  const presence = memberOf(members, line.agent ?? '')?.state;
  if (presence === 'offline' && line.state === 'stored') return t('ladder.offline');
  return presence === 'deaf' && ['stored', 'received'].includes(line.state) ? t('ladder.deaf') : '';
}

/** Many lines in one: `12 agents: 9 done · 2 under way · 1 failed`. */
export function tallyWords(lines) {
  const count = tally(lines);
  const parts = Object.entries(count).filter(([, n]) => n > 0).map(([kind, n]) => t(`ladder.tally_${kind}`, { n }));
  return `${t('ladder.many', { n: lines.length })} ${parts.join(' · ')}`;
}
