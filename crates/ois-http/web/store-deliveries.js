// Deliveries and agents' turns: how events change what is known of them. Pure.
//
// Promises: whatever comes in whatever order, from frames or from REST, the latest attempt and its
// highest rung stay. The times at which rungs were heard are kept for the details.

import { fold } from './names.js';
import { climbs, isFinal } from './rungs.js';

const MOST_DELIVERIES = 3000;
const MOST_RUNS = 500;

/** The part of the state that this file keeps. */
export const emptyDeliveries = () => ({
  deliveries: {}, // message id → folded agent → delivery, with `rungs` (state → time) and `earlier` attempts
  runs: {}, // agent and run → run
});

/** The state after `event`. */
export function reduceDeliveries(state, event) {
  switch (event.type) {
    case 'frame':
      return reduceFrame(state, event);
    case 'deliveries':
      return event.deliveries.reduce(takeDelivery, state);
    case 'runs':
      return takeRuns(state, event);
    case 'restart':
      return { ...state, ...emptyDeliveries() };
    default:
      return state;
  }
}

function reduceFrame(state, { frame, now }) {
  if (frame.type === 'delivery') return takeDelivery(state, { ...frame, heard: state.catching ? undefined : now });
  if (frame.type === 'run') return takeRun(state, frame);
  return frame.type === 'error' && frame.code === 'cursor_ahead' ? { ...state, ...emptyDeliveries() } : state;
}

function takeDelivery(state, { type: _, ...delivery }) {
  const key = fold(delivery.agent);
  const of = state.deliveries[delivery.message];
  const known = of?.[key];
  if (!climbs(known, delivery)) return state;
  const next = { ...delivery, ...past(known, delivery) };
  return { ...state, deliveries: { ...pruned(state), [delivery.message]: { ...of, [key]: next } } };
}

/** The rungs of the attempt so far, and the ends of earlier attempts. */
function past(known, next) {
  const rung = { [next.state]: next.at };
  if (!known) return { rungs: rung, earlier: [] };
  if (known.attempt === next.attempt) return { run: next.run ?? known.run, rungs: { ...known.rungs, ...rung }, earlier: known.earlier };
  const { attempt, state, reason, detail, at } = known;
  return { rungs: rung, earlier: [...known.earlier, { attempt, state, reason, detail, at }] };
}

/** Deliveries of messages that are no longer kept are dropped once there are many. */
function pruned({ deliveries, messages }) {
  if (Object.keys(deliveries).length < MOST_DELIVERIES) return deliveries;
  const oldest = messages[0]?.id ?? 0;
  return Object.fromEntries(Object.entries(deliveries).filter(([id]) => Number(id) >= oldest));
}

const runKey = ({ agent, run }) => `${fold(agent)} ${run}`;

function takeRun(state, { type: _, ...run }) {
  const known = state.runs[runKey(run)];
  if (known?.end && !run.end) return state;
  const entries = Object.entries(state.runs);
  const kept = entries.length < MOST_RUNS ? state.runs : Object.fromEntries(entries.filter(([, r]) => !r.end));
  return { ...state, runs: { ...kept, [runKey(run)]: { ...known, ...run } } };
}

/**
 * Takes turns that were fetched. With `activeAmong`, the turns that were known when the request was
 * sent, `runs` are all that are under way: a turn of `activeAmong` that is missing is over, and one
 * that a frame has told of since then stays.
 */
function takeRuns(state, { runs, activeAmong }) {
  const there = new Set(runs.map(runKey));
  const stays = ([key, run]) => run.end || there.has(key) || !(key in activeAmong);
  const kept = activeAmong ? Object.fromEntries(Object.entries(state.runs).filter(stays)) : state.runs;
  return runs.reduce(takeRun, { ...state, runs: kept });
}

/** The turns under way, the longest first. */
export const activeRuns = (state) => Object.values(state.runs).filter((run) => !run.end).sort((a, b) => Date.parse(a.start) - Date.parse(b.start));

/** The turns that a message caused at an agent, by attempt. */
export const runsOf = (state, message, agent) => Object.values(state.runs).filter((run) => run.cause === message && fold(run.agent) === fold(agent)).sort((a, b) => (a.attempt ?? 1) - (b.attempt ?? 1));

/** Whether this turn of an agent is known to be over. */
export function isOver(state, agent, run) {
  if (state.runs[runKey({ agent, run })]?.end) return true;
  return Object.values(state.deliveries).some((of) => of[fold(agent)]?.run === run && isFinal(of[fold(agent)].state));
}
