// The actions on mentions and turns (retry, stop, continue, allow, deny), and the requests for their
// past as far as the messages are shown. Frames bring the rest.

import { isOpen, isTracked, linesOf } from './rungs.js';

const MOST_PAGES = 20;
const MOST_DOWN = 100;

/** The actions over `store` and `api`. `say` sends a message, for the words that steer agents. */
export function createDeliveries({ store, api, say }) {
  const state = () => store.state;
  const asked = new Set(); // messages whose deliveries were fetched since the last greeting
  let asking = false;

  const take = (answer) => store.dispatch({ type: 'deliveries', deliveries: answer.deliveries });

  /** Fetches the deliveries of the messages shown, as far as they may be news. */
  async function refresh() {
    const { phase, loaded, catching, link, messages, deliveries } = state();
    if (asking || phase !== 'signed-in' || !loaded || catching || link.state !== 'ready') return;
    const wanted = messages.filter((m) => isTracked(m) && !asked.has(m.id) && isOpen(linesOf(m, deliveries[m.id])));
    if (wanted.length === 0) return;
    asking = true;
    for (const { id } of wanted) asked.add(id);
    try {
      await fetchRange(wanted[0].id - 1, wanted.at(-1).id + 1);
    } catch {
      // The message's own words stay; the next greeting asks again.
    }
    asking = false;
    await refresh(); // what came meanwhile
  }

  async function fetchRange(first, before) {
    let after = first;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await api.deliveries({ after, before });
      take(answer);
      const last = answer.deliveries.at(-1)?.message;
      if (!answer.more || last === undefined) return;
      // The cut may run through a message: it is asked for once more, unless nothing else came.
      after = last - 1 > after ? last - 1 : last;
    }
  }

  /** Fetches the deliveries of one message and the turns that it caused. */
  async function load(message) {
    const [known, runs] = await Promise.allSettled([api.deliveriesOf(message), api.runs({ cause: message })]);
    if (known.status === 'fulfilled') take(known.value);
    if (runs.status === 'fulfilled') store.dispatch({ type: 'runs', runs: runs.value.runs });
  }

  async function loadActive() {
    if (state().phase !== 'signed-in') return;
    const activeAmong = state().runs;
    try {
      store.dispatch({ type: 'runs', runs: (await api.runs({ active: 1 })).runs, activeAmong });
    } catch {
      // Frames tell of turns that begin; those before stay unseen until the next greeting.
    }
  }

  /** The mentions that nobody answered, as far as the server keeps them. */
  async function loadDown() {
    const of = (word) => api.deliveries({ state: word, limit: MOST_DOWN, order: 'desc' }).then(take, () => {}); // frames tell of new ones
    await Promise.all(['dead', 'failed'].map(of));
  }

  /** Takes what the link emits, after the store has. */
  function receive(event) {
    if (event.type !== 'ready') return;
    asked.clear();
    loadActive();
  }

  store.watch((s) => [s.loaded, s.catching, s.link.state, s.messages[0]?.id], refresh);

  return {
    receive,
    load,
    loadActive,
    loadDown,
    /** Drives a delivery again; fails with a CallError when it cannot be. */
    retryDelivery: async (message, agent) => take({ deliveries: [(await api.retryDelivery(message, agent)).delivery] }),
    /** Asks for an agent's turn to be stopped; answers with what its runtime said. */
    stopRun: (run, agent) => api.stopRun(run, agent),
    /** Lets a chain of messages go on, as an answer to the notice that stopped it. */
    goOn: (notice) => say({ text: '/continue', replyTo: notice }),
    allow: (notice, agent) => say({ text: `/allow ${agent}`, replyTo: notice }),
    deny: (notice, agent) => say({ text: `/deny ${agent}`, replyTo: notice }),
  };
}
