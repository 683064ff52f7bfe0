// An answer while it is being written: plain text that grows, replaced by the message itself.

import { avatar } from './avatar.js';
import { h } from './dom.js';
import { put } from './keyed.js';
import { fold, memberOf } from './names.js';

/** The row of an agent that is writing: `{element, live}`. */
export function bubbleRow({ agent }, app) {
  const display = memberOf(app.store.state.members, agent)?.display ?? agent;
  const text = h('div', { class: 'text bubble-text', dir: 'auto' });
  const element = h('article', { class: 'message bubble', tabindex: -1, 'aria-live': 'off', data: { testid: 'bubble', agent: fold(agent) }, words: { label: ['bubble.label', { name: display }] } },
    avatar(display, true),
    h('div', { class: 'head' }, h('span', { class: 'author', dir: 'auto' }, display), h('span', { class: 'tag', words: { text: 'team.agent' } }), h('span', { class: 'quiet', words: { text: 'bubble.writing' } })),
    text);
  const live = (state) => put(text, state.activity[fold(agent)]?.partial?.text ?? text.textContent);
  return { element, live };
}
