// The ladder of a mention: one quiet line per agent beside the message, changed in place.

import { h, words } from './dom.js';
import { Keyed, put } from './keyed.js';
import { fold } from './names.js';
import { address } from './paths.js';
import { retryButton } from './retry.js';
import { lineNotes, rungWords, tallyWords } from './rung-words.js';
import { activityOf, isDown, isOpen, linesOf, SIGNS } from './rungs.js';

const MANY = 6;

/** The lines of `message`: `{element, live(state, now)}`; `replies` are those that answer it. */
export function ladder(message, app, replies = []) {
  const list = h('div', { class: 'rungs', role: 'list', words: { label: 'ladder.label' } });
  // A line that changes every second is not read out; answers and notices are, as messages.
  const element = h('div', { class: 'ladder', 'aria-live': 'off', data: { ladder: message.id } }, list);
  const keyed = new Keyed(list, (line) => lineOf(line, message, app));
  const fold = folder(element, list);
  let last; // the deliveries shown last, if nothing more can become of them
  const live = (state, now) => {
    const known = state.deliveries[message.id];
    if (last !== undefined && last === known) return;
    const lines = linesOf(message, known, replies);
    element.hidden = lines.length === 0;
    fold(lines);
    keyed.show(lines.map((line) => ({ ...line, stamp: stampOf(line) })), state, now);
    last = isOpen(lines) ? undefined : (known ?? null);
  };
  return { element, live };
}

export const stampOf = ({ state, attempt, answer, reason, duty }) => [state, attempt, answer, reason, duty].join('|');

/** Folds a long list into one line that tells how many are where. */
function folder(element, list) {
  let toggle = null;
  return (lines) => {
    if (lines.length <= MANY) return;
    if (!toggle) {
      toggle = h('button', { type: 'button', class: 'rung-tally', 'aria-expanded': 'false' });
      toggle.addEventListener('click', () => {
        list.hidden = !list.hidden;
        toggle.setAttribute('aria-expanded', String(!list.hidden));
      });
      list.hidden = true;
      element.prepend(toggle);
    }
    put(toggle, tallyWords(lines));
  };
}

function lineOf(line, message, app) {
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[line.state] ?? '·');
  const said = line.state === 'replied' && line.answer ? answerLink(line.answer, app) : h('span', { class: 'rung-said' });
  const notes = h('span', { class: 'rung-notes' });
  const agent = line.agent && h('a', { class: 'rung-agent', dir: 'auto', tabindex: -1, data: { focus: 'agent' }, href: address({ view: 'chat', about: { kind: 'message', of: message.id } }), words: { title: 'ladder.details' } }, line.agent);
  const element = h('div', { class: `rung rung-${line.state}`, role: 'listitem', data: { agent: fold(line.agent), state: line.state, testid: 'rung' } },
    sign, agent, said, notes, isDown(line.state) && retryButton(line, message.id, app));
  const show = (now, state, ms) => {
    put(said, rungWords(now, ms));
    put(notes, lineNotes(now, state).map((note) => `· ${note}`).join(' '));
    sign.classList.toggle('sign-live', activityOf(now, state.activity) !== null);
    element.title = now.detail ?? '';
  };
  return { element, show };
}

function answerLink(answer, app) {
  const link = h('a', { class: 'rung-said', tabindex: -1, data: { focus: 'answer' }, href: address({ view: 'chat', about: { kind: 'message', of: answer } }) });
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    app.show(answer);
  });
  words(link, { title: 'ladder.toAnswer' });
  return link;
}
