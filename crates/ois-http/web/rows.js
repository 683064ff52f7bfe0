// The rows of the timeline, top to bottom: days, the unread line, messages, drafts. Pure.

import { writing } from './store-activity.js';
import { day } from './time.js';

/** Messages of one person closer than this are shown as one block, in milliseconds. */
export const JOIN_MS = 5 * 60_000;

/**
 * The rows of `state`, each with a steady `key` and a `stamp` that changes when the row must be
 * made anew: `{kind: 'start'|'day'|'new'|'message'|'notice'|'draft'|'bubble', …}`. `answers` are what
 * members replied, `notices` what the server said about the message.
 */
export function layout(state, zone) {
  const rows = [];
  const replies = repliesOf(state.messages);
  const known = new Map(state.messages.map((m) => [m.id, m]));
  let last = null;
  const add = (item, row) => {
    const today = day(item.time, zone);
    if (!last || today !== day(last.time, zone)) {
      rows.push({ kind: 'day', key: `day:${today}`, stamp: '', time: item.time });
      last = null;
    }
    if (item.id !== undefined && item.id === state.unreadFrom) {
      rows.push({ kind: 'new', key: 'new', stamp: '' });
      last = null;
    }
    rows.push({ ...row, joined: joins(last, item) });
    last = item;
  };
  if (state.loaded && !state.more && state.messages.length) rows.push({ kind: 'start', key: 'start', stamp: '' });
  for (const message of state.messages) {
    const all = replies.get(message.id) ?? [];
    const answers = all.filter((m) => !m.notice);
    const notices = all.filter((m) => m.notice);
    const original = known.get(message.replyTo);
    const cause = known.get(message.cause);
    const kind = message.notice ? 'notice' : 'message';
    add(message, { kind, key: `m:${message.id}`, message, answers, notices, original, cause, stamp: `${answers.length}.${answers.at(-1)?.id}.${notices.length}.${original?.id}.${cause?.id}` });
  }
  for (const draft of state.pending) {
    if (draft.shownAs) continue;
    add({ user: state.user, time: draft.time, replyTo: draft.replyTo }, { kind: 'draft', key: `p:${draft.nonce}`, draft, original: known.get(draft.replyTo), stamp: `${draft.state}.${draft.code}.${state.link.state}` });
  }
  for (const { name } of writing(state)) rows.push({ kind: 'bubble', key: `a:${name}`, stamp: '', agent: name });
  for (const row of rows) row.stamp += row.joined ? '+' : '';
  return rows;
}

const joins = (last, item) => Boolean(last) && last.user === item.user && !item.replyTo && !last.notice && !item.notice && last.cause === item.cause && !item.fromArchive === !last.fromArchive && Date.parse(item.time) - Date.parse(last.time) < JOIN_MS;

function repliesOf(messages) {
  const replies = new Map();
  for (const message of messages) {
    if (!message.replyTo) continue;
    if (!replies.has(message.replyTo)) replies.set(message.replyTo, []);
    replies.get(message.replyTo).push(message);
  }
  return replies;
}
