// The states of a mention, line by line: the agents that a message calls and how far each came. Pure.
//
// The first rung stands in the message itself (`calls`, `offers`, `held`); the later ones come as
// deliveries. Nothing is claimed that neither of the two says.

import { fold } from './names.js';

/** The signs of the rungs, told apart by shape as well as by colour. */
export const SIGNS = { offered: '◌', stored: '◌', received: '●', admitted: '◐', ended: '◐', replied: '✓', silent: '–', failed: '!', dead: '✕', held: '–', unclaimed: '–' };

const ORDER = ['stored', 'received', 'admitted', 'ended'];

/** The rungs of an attempt that goes well, lowest first. */
export const PATH = [...ORDER, 'replied'];

/** Whether an attempt in this state is over. */
export const isFinal = (state) => !ORDER.includes(state);

/** Whether a person may drive a delivery in this state again. */
export const isDown = (state) => state === 'failed' || state === 'dead';

const rank = (state) => (isFinal(state) ? ORDER.length : ORDER.indexOf(state));

/** Whether `next` says something newer than `known`: a later attempt, a higher rung, a later end. */
export function climbs(known, next) {
  if (!known || next.attempt !== known.attempt) return !known || next.attempt > known.attempt;
  if (rank(next.state) !== rank(known.state)) return rank(next.state) > rank(known.state);
  const [before, after] = [Date.parse(known.at), Date.parse(next.at)];
  return next.state === known.state ? after > before : after >= before;
}

/** Whether the server keeps deliveries of this message. */
export const isTracked = (message) => Boolean(message.calls?.length || message.offers?.length);

/**
 * The lines beside a message, in a steady order: `{key, agent?, state, …}`. `known` are its
 * deliveries by folded name; `replies` are the messages that answer it.
 */
export function linesOf(message, known = {}, replies = []) {
  const left = new Map(Object.entries(known));
  const take = (agent) => {
    const delivery = left.get(fold(agent));
    left.delete(fold(agent));
    return delivery && { key: fold(agent), ...delivery };
  };
  const calls = (message.calls ?? []).map((agent) => take(agent) ?? { key: fold(agent), agent, attempt: 1, state: 'stored', at: message.time });
  const offers = (message.offers ?? []).flatMap((offer) => {
    const claimed = offer.agents.map(take).filter(Boolean).map((line) => ({ ...line, duty: offer.duty }));
    return claimed.length ? claimed : [{ key: `@${offer.duty}`, duty: offer.duty, agents: offer.agents, state: unclaimed(offer, replies) ? 'unclaimed' : 'offered' }];
  });
  const held = (message.held ?? []).map(({ agent, by }) => take(agent) ?? { key: fold(agent), agent, state: 'held', by });
  return [...calls, ...offers, ...held, ...[...left.keys()].map(take)];
}

const unclaimed = (offer, replies) => replies.some((m) => m.notice?.kind === 'unclaimed' && fold(m.notice.duty) === fold(offer.duty));

/** Whether something may still become of the lines. */
export const isOpen = (lines) => lines.some((line) => line.state === 'offered' || !isFinal(line.state));

/** How many lines there are of each kind: `{done, open, down, held}`. */
export function tally(lines) {
  const count = { done: 0, open: 0, down: 0, held: 0 };
  for (const { state } of lines) {
    if (isDown(state)) count.down += 1;
    else if (state === 'held' || state === 'unclaimed') count.held += 1;
    else if (state === 'offered' || !isFinal(state)) count.open += 1;
    else count.done += 1;
  }
  return count;
}

/** The activity that speaks for this line: fresh, of its agent, and of no other turn. */
export function activityOf(line, activity) {
  const found = activity[fold(line.agent)];
  if (!found || !['admitted', 'ended'].includes(line.state)) return null;
  return !found.run || !line.run || found.run === line.run ? found : null;
}
