// The messages of the room and what this page is sending: how events change them. Pure.
//
// Promises: `messages` ascends by id and holds no id twice, whatever comes in whatever order. A
// draft stays in `pending` until its ack, so that it can be sent again with the same nonce.

import { fold } from './names.js';

const ROOM = 'main';
const MOST = 1500;
const KEPT = 1000;

/** The part of the state that this file keeps. */
export const emptyLog = () => ({
  messages: [],
  cursor: null, // the highest id this page has been sent; resume begins after it
  more: false, // whether older messages exist
  older: 'idle', // idle · loading · failed
  loaded: false, // whether the first history has come
  catching: false,
  pending: [], // {nonce, text, attachments, replyTo, time, state: sending|failed, code?, words?, id?, shownAs?}
  readId: null, // the highest id the reader has seen
  unreadFrom: null, // the message above which the unread line stands
});

/** The state after `event`. */
export function reduceLog(state, event) {
  switch (event.type) {
    case 'frame':
      return reduceFrame(state, event);
    case 'restore':
      return { ...state, pending: event.pending ?? [], readId: event.readId ?? null };
    case 'say':
      return { ...state, pending: [...state.pending, { ...event.draft, state: 'sending' }], unreadFrom: null };
    case 'retry':
      return changePending(state, event.nonce, () => ({ state: 'sending', code: undefined, words: undefined }));
    case 'failed':
      return changePending(state, event.nonce, () => failure(event));
    case 'discard':
      return { ...state, pending: state.pending.filter((p) => p.nonce !== event.nonce) };
    case 'older-started':
      return { ...state, older: 'loading' };
    case 'older-failed':
      return { ...state, older: 'failed' };
    case 'older':
      return takeOlder(state, event);
    case 'read':
      return event.id > (state.readId ?? 0) ? { ...state, readId: event.id } : state;
    case 'restart':
      return { ...state, messages: [], cursor: null, loaded: false, unreadFrom: null };
    default:
      return state;
  }
}

function reduceFrame(state, { frame, attending }) {
  switch (frame.type) {
    case 'auth_ok':
      return { ...state, catching: state.cursor !== null };
    case 'history':
      return takeHistory(state, frame);
    case 'message':
      return takeMessage(state, frame.message, attending);
    case 'caught_up':
      return { ...state, catching: false, cursor: Math.max(state.cursor ?? 0, frame.id ?? 0) };
    case 'ack':
      return takeAck(state, frame);
    case 'error':
      return takeError(state, frame);
    default:
      return state;
  }
}

/** A whole history replaces what is here; the empty one of a resume changes nothing. */
function takeHistory(state, frame) {
  const resumed = state.cursor !== null && frame.messages.length === 0 && !frame.truncated;
  if (resumed) return { ...state, loaded: true };
  const messages = merge([], frame.messages.filter(inRoom));
  const newest = messages.at(-1)?.id ?? 0;
  const readId = state.readId === null ? newest : Math.min(state.readId, newest);
  const first = state.readId === null ? undefined : messages.find((m) => m.id > readId && !mine(state, m));
  return settleAll({
    ...state,
    messages,
    readId,
    cursor: frame.messages.reduce((high, m) => Math.max(high, m.id), 0),
    more: frame.more ?? (Boolean(frame.truncated) || frame.messages.length >= 100),
    loaded: true,
    catching: false,
    unreadFrom: first?.id ?? null,
  });
}

/** An older page joins; if the line stood above the oldest message, it moves up to where it belongs. */
function takeOlder(state, event) {
  const messages = merge(state.messages, event.messages.filter(inRoom));
  const wasFirst = state.unreadFrom !== null && state.messages.find((m) => !mine(state, m))?.id === state.unreadFrom;
  const unreadFrom = wasFirst ? firstUnread(state, messages) : state.unreadFrom;
  return { ...state, older: 'idle', more: event.more, messages, unreadFrom };
}

const firstUnread = (state, messages) => messages.find((m) => m.id > (state.readId ?? 0) && !mine(state, m))?.id ?? null;

function takeMessage(state, message, attending) {
  const cursor = Math.max(state.cursor ?? 0, message.id);
  if (!inRoom(message)) return { ...state, cursor };
  if (has(state.messages, message.id)) return cursor === state.cursor ? state : { ...state, cursor };
  const allRead = (state.readId ?? 0) >= (state.messages.at(-1)?.id ?? 0);
  const own = mine(state, message);
  const next = { ...state, cursor, ...trimmed(merge(state.messages, [message]), state.more, attending) };
  if (own) return settle(next, message);
  if (!attending && (next.unreadFrom === null || allRead)) next.unreadFrom = message.id;
  return next;
}

/** A reader at the end needs no endless past: it is dropped, and fetched again on the way up. */
const trimmed = (messages, more, attending) => (attending && messages.length > MOST ? { messages: messages.slice(-KEPT), more: true } : { messages, more });

/** An own message that came back covers its draft: by nonce, by acked id, else by its words. */
function settle(state, message) {
  const known = state.pending.find((p) => (message.nonce && p.nonce === message.nonce) || p.id === message.id);
  if (known) return { ...state, pending: state.pending.filter((p) => p !== known) };
  const alike = state.pending.find((p) => p.state === 'sending' && !p.id && !p.shownAs && p.text === message.text && (p.replyTo ?? null) === (message.replyTo ?? null));
  if (!alike) return state;
  // Not dropped before its ack: the same words may have come from another window.
  return changePending(state, alike.nonce, () => ({ shownAs: message.id }));
}

const settleAll = (state) => state.messages.filter((m) => mine(state, m)).reduce((s, m) => (s.pending.some((p) => p.id === m.id || (m.nonce && p.nonce === m.nonce)) ? settle(s, m) : s), state);

function takeAck(state, frame) {
  if (has(state.messages, frame.id)) return { ...state, pending: state.pending.filter((p) => p.nonce !== frame.nonce) };
  return changePending(state, frame.nonce, () => ({ id: frame.id, shownAs: undefined, state: 'sending' }));
}

function takeError(state, frame) {
  if (frame.code === 'cursor_ahead') return { ...state, messages: [], cursor: null, unreadFrom: null };
  if (!frame.nonce) return state;
  return changePending(state, frame.nonce, () => (frame.code === 'busy' ? {} : failure({ code: frame.code, words: frame.message })));
}

const failure = ({ code, words }) => ({ state: 'failed', code, words, shownAs: undefined });

const changePending = (state, nonce, change) => ({
  ...state,
  pending: state.pending.map((p) => (p.nonce === nonce ? { ...p, ...change(p) } : p)),
});

const inRoom = (message) => (message.room ?? ROOM) === ROOM;

const mine = (state, message) => !message.agent && fold(message.user) === fold(state.user);

/** The place of `id` in an ascending list: where it is, or where it would stand. */
export function place(messages, id) {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The message with `id`, or undefined. */
export function find(messages, id) {
  const at = messages[place(messages, id)];
  return at?.id === id ? at : undefined;
}

const has = (messages, id) => find(messages, id) !== undefined;

/** Both lists as one, ascending, each id once; what is there already stays as it is. */
export function merge(messages, more) {
  const fresh = [];
  for (const message of [...more].sort((a, b) => a.id - b.id)) {
    if (has(messages, message.id) || fresh.at(-1)?.id === message.id) continue;
    fresh.push(message);
  }
  if (fresh.length === 0) return messages;
  const last = messages.at(-1)?.id ?? -1;
  if (fresh[0].id > last) return [...messages, ...fresh];
  return [...messages, ...fresh].sort((a, b) => a.id - b.id);
}

/** How many messages of others the reader has not seen. */
export const unread = (state) => state.messages.slice(place(state.messages, (state.readId ?? 0) + 1)).filter((m) => !mine(state, m)).length;

/** Whether the message is the reader's own. */
export const isOwn = mine;
