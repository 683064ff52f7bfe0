// The actions of the reader and the consequences of frames: between store, link and API.
//
// Promises: a draft is kept in this browser until its ack and sent again after every reconnect
// under the same nonce, so that it arrives once.

import { memberOf } from './names.js';

/** The longest text the server takes, in bytes of UTF-8. */
export const LONGEST_TEXT = 256 * 1024;

const PAGE = 50;
const CATCH_UP_PAGES = 6;

/** The actions. `prefs` has `kept` and `keep`; `nonce()` is fresh each time; `later(run, ms)` waits. */
export function createSession({ store, link, api, prefs, nonce, now, later }) {
  const state = () => store.state;
  const mineKey = (name, user = state().user) => `${name}.${user}`;
  const strangers = new Set(); // the names of those who write here without being in the register
  let refreshing = false;
  let again = false; // whether someone came while the register was being read

  function enter({ user, role }) {
    store.dispatch({ type: 'signed-in', user, role });
    const pending = prefs.kept(mineKey('outbox', user), []).map((p) => ({ ...p, state: p.state === 'failed' ? 'failed' : 'sending', shownAs: undefined }));
    store.dispatch({ type: 'restore', pending, readId: prefs.kept(mineKey('read', user)) });
    link.start();
  }

  async function begin() {
    try {
      enter(await api.verify());
    } catch (error) {
      if (error.status === 401) store.dispatch({ type: 'signed-out' });
      else {
        store.dispatch({ type: 'link', link: { state: 'waiting', until: now() + 3000, tries: 1 } });
        later(begin, 3000);
      }
    }
  }

  async function signOut() {
    link.stop();
    try {
      await api.logout();
    } finally {
      store.dispatch({ type: 'signed-out' });
    }
  }

  function post(draft) {
    const frame = { type: 'chat', text: draft.text, nonce: draft.nonce };
    if (draft.attachments?.length) frame.attachments = draft.attachments;
    if (draft.replyTo) frame.replyTo = draft.replyTo;
    link.send(frame);
  }

  function say({ text, attachments = [], replyTo = null }) {
    const draft = { nonce: nonce(), text, attachments, replyTo, time: new Date(now()).toISOString() };
    store.dispatch({ type: 'say', draft });
    const size = new TextEncoder().encode(text).length;
    if (size > LONGEST_TEXT) store.dispatch({ type: 'failed', nonce: draft.nonce, code: 'too_long' });
    else post(draft);
  }

  function retry(key) {
    store.dispatch({ type: 'retry', nonce: key });
    const draft = state().pending.find((p) => p.nonce === key);
    if (draft) post(draft);
  }

  async function refreshMembers() {
    if (state().phase !== 'signed-in') return;
    if (refreshing) {
      again = true;
      return;
    }
    refreshing = true;
    store.dispatch({ type: 'members-asked' });
    try {
      store.dispatch({ type: 'members', members: (await api.members()).members });
    } catch {
      // The link tells when the server is away; the next greeting asks again.
    }
    later(() => {
      refreshing = false;
      if (again) refreshMembers();
      again = false;
    }, 2000);
  }

  async function loadOlder() {
    const { messages, more, older } = state();
    if (!more || older === 'loading' || messages.length === 0) return;
    store.dispatch({ type: 'older-started' });
    try {
      const page = await api.messages({ before: messages[0].id, limit: PAGE });
      store.dispatch({ type: 'older', messages: page.messages, more: page.more });
    } catch {
      store.dispatch({ type: 'older-failed' });
    }
  }

  /** Fetches back until `reached()`, a few pages at the most; tells whether it was. */
  async function fetchBack(reached, pages = 20) {
    for (let i = 0; i < pages && !reached(); i += 1) {
      if (!state().more || state().older === 'failed') break;
      await loadOlder();
    }
    return reached();
  }

  /** Acts on an event of the link, after the store has taken it. */
  function follow(event) {
    if (event.type === 'ready') {
      strangers.clear();
      refreshMembers();
      for (const draft of state().pending) if (draft.state === 'sending') post(draft);
      return;
    }
    if (event.type !== 'frame') return;
    const { frame } = event;
    if (frame.type === 'history') {
      const { readId, messages } = state();
      if (readId && messages.length && messages[0].id > readId) fetchBack(() => state().messages[0].id <= readId, CATCH_UP_PAGES);
    } else if (frame.type === 'error' && frame.code === 'busy' && frame.nonce) {
      later(() => state().pending.some((p) => p.nonce === frame.nonce) && retry(frame.nonce), frame.retryAfterMs ?? 1000);
    } else if (frame.type === 'message' || frame.type === 'presence') {
      const name = frame.type === 'message' ? frame.message.user : frame.name;
      if (frame.message?.fromArchive || frame.message?.notice || strangers.has(name) || memberOf(state().members, name)) return;
      strangers.add(name);
      refreshMembers();
    }
  }

  /** Takes what the link emits. `attending` tells whether the reader sees the end of the room. */
  function receive(event, attending) {
    const team = state().team;
    store.dispatch(event.type === 'frame' ? { ...event, attending } : event);
    if (event.type === 'frame' && event.frame.type === 'auth_ok' && team && event.frame.team !== team) {
      store.dispatch({ type: 'restart' }); // another team at the same address: its ids mean other messages
      link.restart();
      return;
    }
    follow(event);
  }

  store.watch((s) => [s.pending], (s) => s.user && prefs.keep(mineKey('outbox'), s.pending.length ? s.pending : null));
  store.watch((s) => [s.readId], (s) => s.user && s.readId && prefs.keep(mineKey('read'), s.readId));

  return {
    begin,
    enter,
    signOut,
    say,
    retry,
    receive,
    loadOlder,
    fetchBack,
    discard: (key) => store.dispatch({ type: 'discard', nonce: key }),
    read: (id) => store.dispatch({ type: 'read', id }),
    reply: (id) => store.dispatch({ type: 'reply', id }),
    gone: () => {
      link.stop();
      store.dispatch({ type: 'signed-out', notice: 'login.ended' });
    },
  };
}
