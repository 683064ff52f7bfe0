// The members of the team and their presence: how events change them. Pure.

import { memberOf } from './names.js';

/** The part of the state that this file keeps. */
export const emptyPeople = () => ({
  members: [],
  heard: {}, // name → the last presence frame since the register was asked for
});

/** The state after `event`. */
export function reducePeople(state, event) {
  switch (event.type) {
    case 'members-asked':
      return { ...state, heard: {} };
    case 'members':
      // The register may have been read before these frames were sent.
      return { ...Object.values(state.heard).reduce(takePresence, { ...state, members: event.members }), heard: {} };
    case 'frame':
      return event.frame.type === 'presence' ? hear(takePresence(state, event.frame), event.frame) : state;
    default:
      return state;
  }
}

const hear = (state, frame) => ({ ...state, heard: { ...state.heard, [frame.name]: frame } });

function takePresence(state, frame) {
  const member = memberOf(state.members, frame.name);
  if (!member) return state;
  const lastSeen = frame.state === 'offline' ? frame.since : member.lastSeen;
  const changed = { ...member, state: frame.state, since: frame.since, provenAt: frame.provenAt, lastSeen };
  return { ...state, members: state.members.map((m) => (m === member ? changed : m)) };
}
