// Who belongs to the team, who is here and what they are doing: how events change it. Pure.

import { fold, memberOf } from './names.js';

/** How long one `activity` frame holds, in milliseconds. */
export const ACTIVITY_MS = 10_000;

/** The part of the state that this file keeps. */
export const emptyPeople = () => ({ members: [], activity: {} });

/** The state after `event`. */
export function reducePeople(state, event) {
  switch (event.type) {
    case 'members':
      return { ...state, members: event.members };
    case 'frame':
      return reduceFrame(state, event);
    case 'tick':
      return expire(state, event.now);
    default:
      return state;
  }
}

function reduceFrame(state, { frame, now }) {
  switch (frame.type) {
    case 'presence':
      return takePresence(state, frame);
    case 'activity':
      return takeActivity(state, frame, now);
    case 'message':
      return without(state, frame.message.user);
    default:
      return state;
  }
}

function takePresence(state, frame) {
  const member = memberOf(state.members, frame.name);
  if (!member) return state;
  const lastSeen = frame.state === 'offline' ? (frame.provenAt ?? frame.since) : member.lastSeen;
  const changed = { ...member, state: frame.state, since: frame.since, provenAt: frame.provenAt, lastSeen };
  return { ...state, members: state.members.map((m) => (m === member ? changed : m)) };
}

function takeActivity(state, frame, now) {
  const name = frame.name ?? frame.agent ?? frame.user;
  if (!name) return state;
  if (frame.state === 'idle') return without(state, name);
  return { ...state, activity: { ...state.activity, [fold(name)]: { name, state: frame.state, note: frame.note, until: now + ACTIVITY_MS } } };
}

function without(state, name) {
  const key = Object.keys(state.activity).find((k) => k === fold(name) || k === fold(String(name).split(/\s/u)[0]));
  if (!key) return state;
  const { [key]: _gone, ...activity } = state.activity;
  return { ...state, activity };
}

function expire(state, now) {
  const kept = Object.entries(state.activity).filter(([, a]) => a.until > now);
  return kept.length === Object.keys(state.activity).length ? state : { ...state, activity: Object.fromEntries(kept) };
}
