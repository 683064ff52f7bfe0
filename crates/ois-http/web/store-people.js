// Who belongs to the team and who is here: how events change it. Pure.

import { memberOf } from './names.js';

/** The part of the state that this file keeps. */
export const emptyPeople = () => ({ members: [] });

/** The state after `event`. */
export function reducePeople(state, event) {
  switch (event.type) {
    case 'members':
      return { ...state, members: event.members };
    case 'frame':
      return event.frame.type === 'presence' ? takePresence(state, event.frame) : state;
    default:
      return state;
  }
}

function takePresence(state, frame) {
  const member = memberOf(state.members, frame.name);
  if (!member) return state;
  const lastSeen = frame.state === 'offline' ? frame.since : member.lastSeen;
  const changed = { ...member, state: frame.state, since: frame.since, provenAt: frame.provenAt, lastSeen };
  return { ...state, members: state.members.map((m) => (m === member ? changed : m)) };
}
