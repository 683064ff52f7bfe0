// One message of the timeline, or one draft that is still being sent.

import { attachmentsView, picturesOf } from './attachments.js';
import { avatar } from './avatar.js';
import { h, iconButton, words } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { ladderPlace } from './ladder.js';
import { plain } from './markdown.js';
import { render, toClipboard } from './markdown-view.js';
import { calls, EVERYONE, mentionable } from './mention.js';
import { fold, memberOf, shortName } from './names.js';
import { reason } from './reason.js';
import { isOwn } from './store-log.js';
import { clock, full } from './time.js';

const LONG = 4000;
const MANY_LINES = 60;

/** Whether a message speaks for an agent. */
export const fromAgent = (message, members) => message.agent === true || memberOf(members, message.user)?.kind === 'agent';

/** The element of a message row of rows.js. */
export function messageRow({ message, joined, original, answers }, app) {
  const state = app.store.state;
  const isAgent = fromAgent(message, state.members);
  const content = body(message.text, app);
  // Whoever came in by the team's shared password is in no register, so the server does not name them.
  const called = !isOwn(state, message) && (calls(message, shortName(state.user)) || content.querySelector('.mention-me') !== null);
  const item = h('article', { class: `message ${joined ? 'joined' : ''} ${called ? 'called' : ''}`, tabindex: -1, data: { id: message.id, testid: 'message' } },
    joined ? null : avatar(message.user, isAgent),
    head(message, isAgent, joined),
    message.replyTo ? quoteOf(message, original, app) : null,
    content,
    message.attachments?.length ? attachmentsView(message.attachments, () => picturesOf(app.store.state.messages)) : null,
    ladderPlace(message.id),
    answers.length ? answersOf(answers) : null,
    actions(message, app));
  words(item, { label: ['message.by', { name: message.user, time: clock(message.time, locale()) }] });
  return item;
}

function head(message, isAgent, joined) {
  const time = h('a', { class: 'time', tabindex: -1, href: `#/chat/message/${message.id}`, data: { tip: full(message.time, locale()) } }, h('time', { datetime: message.time }, clock(message.time, locale())));
  if (joined) return h('div', { class: 'head head-joined' }, time);
  return h('div', { class: 'head' },
    h('span', { class: 'author', dir: 'auto' }, message.user),
    isAgent && h('span', { class: 'tag', words: { text: 'team.agent' } }),
    time,
    message.fromArchive && h('span', { class: 'quiet', words: { text: 'chat.archive' } }));
}

/** The line that tells what a message answers; it leads there. */
function quoteOf(message, original, app) {
  const text = original ? t('message.replyTo', { name: shortName(original.user), text: plain(original.text, 90) || t('message.attachment') }) : t('message.replyGone');
  return h('button', { type: 'button', class: 'quote-line', on: { click: () => app.show(message.replyTo) } }, icon('reply', 14), h('span', { dir: 'auto' }, text));
}

/** The text as elements; a very long one is folded. */
function body(text, app) {
  const state = app.store.state;
  const me = fold(shortName(state.user));
  const isMine = (name) => fold(name) === me || EVERYONE.includes(name);
  const content = h('div', { class: 'text' }, render(text, { names: mentionable(state.members), isMine }));
  if (text.length <= LONG && text.split('\n', MANY_LINES + 1).length <= MANY_LINES) return content;
  content.classList.add('folded');
  const toggle = h('button', { type: 'button', class: 'link-button', 'aria-expanded': 'false', words: { text: 'message.more' } });
  toggle.addEventListener('click', () => {
    const folded = content.classList.toggle('folded');
    toggle.setAttribute('aria-expanded', String(!folded));
    words(toggle, { text: folded ? 'message.more' : 'message.less' });
  });
  return h('div', {}, content, toggle);
}

function answersOf(answers) {
  const last = answers.at(-1);
  const names = [...new Set(answers.map((a) => shortName(a.user)))].slice(0, 3).join(', ');
  return h('a', { class: 'answers', href: `#/chat/message/${last.replyTo}` }, icon('reply', 14),
    h('span', { words: { text: ['message.replies', { n: answers.length }] } }),
    h('span', { class: 'quiet', dir: 'auto' }, `${names} · ${clock(last.time, locale())}`));
}

function actions(message, app) {
  const copy = async () => {
    if (await toClipboard(message.text)) app.notice('message.copied');
  };
  return h('div', { class: 'actions', role: 'toolbar', words: { label: 'message.actions' } },
    app.store.state.role !== 'guest' && iconButton(icon('reply', 18), 'message.reply', () => app.actions.reply(message.id), { data: { action: 'reply' } }),
    iconButton(icon('copy', 18), 'message.copy', copy),
    iconButton(icon('about', 18), 'message.details', () => app.go({ view: 'chat', about: { kind: 'message', of: message.id } })));
}

/** The element of a draft row: greyed until it is stored, kept with its reason when it failed. */
export function draftRow({ draft, joined, original }, app) {
  const state = app.store.state;
  const failed = draft.state === 'failed';
  return h('article', { class: `message draft ${joined ? 'joined' : ''} ${failed ? 'failed' : ''}`, tabindex: -1, data: { nonce: draft.nonce, testid: 'draft' } },
    joined ? null : avatar(state.user, false),
    joined ? null : h('div', { class: 'head' }, h('span', { class: 'author', dir: 'auto' }, state.user)),
    draft.replyTo ? quoteOf(draft, original, app) : null,
    body(draft.text, app),
    draft.attachments?.length ? attachmentsView(draft.attachments, () => picturesOf([draft])) : null,
    failed ? failure(draft, app) : h('div', { class: 'fate quiet', words: { text: state.link.state === 'ready' ? 'message.sending' : 'message.waiting' } }));
}

function failure(draft, app) {
  const size = new TextEncoder().encode(draft.text).length;
  const edit = () => {
    app.actions.discard(draft.nonce);
    app.edit(draft);
  };
  const button = (key, run) => h('button', { type: 'button', class: 'link-button', words: { text: key }, on: { click: run } });
  return h('div', { class: 'fate', role: 'alert' },
    h('span', { class: 'bad' }, t('message.failed', { reason: reason(draft, size) })),
    draft.code !== 'too_long' && button('message.retry', () => app.actions.retry(draft.nonce)),
    button('message.edit', edit),
    button('message.discard', () => app.actions.discard(draft.nonce)));
}
