// Puts the page together: store, link, actions, elements; follows the address, the language, the
// network and the keyboard. The only module that knows all the others.

import './connection.js';
import './login.js';
import './nav.js';
import './roster.js';
import './chat.js';
import './files.js';
import './details.js';
import './notices.js';
import { createApi } from './api.js';
import { createDeliveries } from './deliveries.js';
import { renew } from './dom.js';
import { firstLanguage, locale, onLanguage, setLanguage, t } from './i18n.js';
import { address, routeOf } from './paths.js';
import * as prefs from './prefs.js';
import { createSession } from './session.js';
import { Link } from './socket.js';
import { Store } from './store.js';
import { unread } from './store-log.js';

// Once per frame; a hidden page paints no frames but still counts what is unread.
const schedule = (run) => (document.hidden ? setTimeout(run, 200) : requestAnimationFrame(run));
const store = new Store(schedule);
const chat = document.querySelector('ois-chat');

const link = new Link({
  open: () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`),
  clock: { now: () => Date.now(), set: (run, ms) => setTimeout(run, ms), clear: (id) => clearTimeout(id) },
  random: Math.random,
  emit: (event) => {
    session.receive(event, chat.attending());
    deliveries.receive(event);
  },
  cursor: () => store.state.cursor,
});
const api = createApi({ fetch: (...args) => fetch(...args), onGone: () => session.gone() });
// randomUUID is missing where the page is served without TLS to another host.
const nonce = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
const session = createSession({ store, link, api, prefs, nonce, now: () => Date.now(), later: setTimeout.bind(window) });
const deliveries = createDeliveries({ store, api, say: session.say });

const guards = new Set();
const app = {
  store,
  api,
  prefs,
  link,
  actions: session,
  deliveries,
  /** Goes to a view; unsaved work is asked about by its guard. */
  go: (route) => {
    location.hash = address({ path: '', open: false, about: null, ...route });
  },
  /** `guard()` answers whether the view may be left (a promise). Answers with the way to lift it. */
  guard: (guard) => {
    guards.add(guard);
    return () => guards.delete(guard);
  },
  /** A line for the reader, said once. */
  notice: (words) => document.querySelector('ois-notices').say(words),
  /** Writes `@name` where the reader is writing. */
  mention: (name) => {
    app.go({ view: 'chat' });
    chat.mention(name);
  },
  show: (id) => chat.show(id),
  edit: (draft) => chat.edit(draft),
};

let here = location.hash;
async function follow() {
  const wanted = location.hash;
  if (wanted === here) return;
  if (guards.size) {
    history.replaceState(null, '', here || '#/chat');
    for (const guard of [...guards]) if (!(await guard())) return;
    history.pushState(null, '', wanted);
  }
  here = wanted;
  store.dispatch({ type: 'route', route: routeOf(wanted) });
}

function dress(state) {
  // A reader who was here before sees the page at once, not a blank one, while the cookie is checked.
  const expected = state.phase === 'starting' && prefs.kept('user') !== null;
  document.querySelector('#app').hidden = state.phase !== 'signed-in' && !expected;
  document.body.dataset.view = state.route.view;
  document.body.dataset.about = state.route.about ? 'open' : '';
  chat.hidden = state.route.view === 'files';
  document.querySelector('ois-files').hidden = state.route.view !== 'files';
}

function title(state) {
  const n = state.phase === 'signed-in' ? unread(state) : 0;
  document.title = `${n ? `(${n}) ` : ''}${state.phase === 'signed-in' ? '#main · ' : ''}${t('app.name')}`;
}

setLanguage(firstLanguage(prefs.kept('lang'), navigator.languages));
document.documentElement.lang = locale();
onLanguage((code) => {
  prefs.keep('lang', code);
  document.documentElement.lang = locale();
  renew(document);
  title(store.state);
});

store.dispatch({ type: 'route', route: routeOf(location.hash) });
for (const part of document.querySelectorAll('[data-part]')) part.start(app);
store.watch((s) => [s.phase, s.route], dress);
store.watch((s) => [s.phase, s.messages, s.readId], title);

addEventListener('hashchange', follow);
addEventListener('online', () => link.nudge());
document.addEventListener('visibilitychange', () => document.hidden || link.nudge());
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (store.state.route.about) document.querySelector('ois-details').close();
  else if (store.state.replyTo !== null) session.reply(null);
});
setInterval(() => store.dispatch({ type: 'tick', now: Date.now() }), 1000);
session.begin();
