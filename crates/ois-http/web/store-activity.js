// The activities of agents at this moment: how events change them. Pure.
//
// Promises: an activity holds ten seconds from its last frame and not beyond its turn. Text that
// streams never goes back: a frame with a lower `seq` of the same turn is dropped.

import { fold, shortName } from './names.js';
import { isFinal } from './rungs.js';
import { isOver } from './store-deliveries.js';

/** How long one `activity` frame holds, in milliseconds. */
export const ACTIVITY_MS = 10_000;

/** The part of the state that this file keeps. */
export const emptyActivity = () => ({
  activity: {}, // folded agent → {name, state, note, run, partial: {seq, text}, since, until}
});

/** The state after `event`. */
export function reduceActivity(state, event) {
  if (event.type === 'tick') return expire(state, event.now);
  if (event.type !== 'frame') return state;
  const { frame } = event;
  switch (frame.type) {
    case 'activity':
      return takeActivity(state, frame, event.now);
    case 'message':
      return afterMessage(state, frame.message);
    case 'run':
      return frame.end ? without(state, frame.agent, frame.run) : state;
    case 'delivery':
      return frame.run && isFinal(frame.state) ? without(state, frame.agent, frame.run) : state;
    default:
      return state;
  }
}

function takeActivity(state, frame, now) {
  const name = frame.agent;
  if (!name || (frame.room ?? 'main') !== 'main') return state;
  if (frame.state === 'idle') return without(state, name, frame.run);
  if (frame.run && isOver(state, name, frame.run)) return state;
  const before = state.activity[fold(name)];
  const known = before && before.run === frame.run ? before : null;
  if (frame.partial && known?.partial && frame.partial.seq < known.partial.seq) return state;
  const next = { name, state: frame.state, note: frame.note, run: frame.run, partial: frame.partial ?? known?.partial, since: known?.since ?? now, until: now + ACTIVITY_MS };
  return { ...state, activity: { ...state.activity, [fold(name)]: next } };
}

/** An agent's message ends what was streaming, unless it belongs to another turn. */
function afterMessage(state, message) {
  const now = state.activity[fold(shortName(message.user))] ?? state.activity[fold(message.user)];
  if (!now) return state;
  const run = now.run && Object.values(state.runs).find((r) => r.run === now.run && fold(r.agent) === fold(now.name));
  return run && message.cause && run.cause !== message.cause ? state : without(state, now.name, now.run);
}

function without(state, name, run) {
  const known = state.activity[fold(name)];
  if (!known || (run && known.run && known.run !== run)) return state;
  const { [fold(name)]: _, ...activity } = state.activity;
  return { ...state, activity };
}

function expire(state, now) {
  const kept = Object.entries(state.activity).filter(([, a]) => a.until > now);
  return kept.length === Object.keys(state.activity).length ? state : { ...state, activity: Object.fromEntries(kept) };
}

/** The agents whose answer is being written, in the order in which they began. */
export const writing = (state) => Object.values(state.activity).filter((a) => a.partial?.text).sort((a, b) => a.since - b.since);
