// One message of the timeline, or one draft that is still being sent.

import { attachmentsView, picturesOf } from './attachments.js';
import { avatar } from './avatar.js';
import { h, iconButton, words } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { ladder } from './ladder.js';
import { plain } from './markdown.js';
import { render, toClipboard } from './markdown-view.js';
import { calls, EVERYONE, mentionable } from './mention.js';
import { fold, memberOf, shortName } from './names.js';
import { address } from './paths.js';
import { presenceWords } from './presence.js';
import { reason } from './reason.js';
import { isOwn } from './store-log.js';
import { clock, full } from './time.js';
import { uncalledWords } from './uncalled.js';

const LONG = 4000;
const MANY_LINES = 60;

/** Whether a message speaks for an agent. */
export const fromAgent = (message, members) => message.agent === true || memberOf(members, message.user)?.kind === 'agent';

/** The row of a message of rows.js: `{element, live}`; `live` keeps up what becomes of it. */
export function messageRow({ message, joined, original, cause, answers, notices }, app) {
  const state = app.store.state;
  const isAgent = fromAgent(message, state.members);
  const content = body(message.text, app);
  // A person who came in by the team's shared password is in no register, so the server does not name them.
  const called = !isOwn(state, message) && (calls(message, shortName(state.user)) || content.querySelector('.mention-me') !== null);
  const told = ladder(message, app, notices);
  const twice = message.cause && h('span', { class: 'tag tag-twice', hidden: true, words: { text: 'message.twice', title: 'message.twiceHint' } });
  const element = h('article', { class: `message ${joined ? 'joined' : ''} ${called ? 'called' : ''}`, tabindex: -1, data: { id: message.id, testid: 'message' } },
    joined ? null : avatar(message.user, isAgent),
    head(message, { isAgent, joined, twice }, app),
    message.replyTo ? quoteOf(message, original, app) : null,
    message.cause && message.cause !== message.replyTo && !joined ? causeOf(message, cause, app) : null,
    content,
    isOwn(state, message) ? uncalledLine(message, state) : null,
    message.attachments?.length ? attachmentsView(message.attachments, () => picturesOf(app.store.state.messages)) : null,
    told.element,
    answers.length && !toldBeside(message, answers) ? answersOf(answers) : null,
    actions(message, app));
  words(element, { label: ['message.by', { name: message.user, time: clock(message.time, locale()) }] });
  const live = (now, ms) => {
    told.live(now, ms);
    if (twice) twice.hidden = !mayBeTwice(message, now.deliveries);
  };
  return { element, live };
}

/** Whether the turn that wrote it may not have been the only one. */
function mayBeTwice(message, deliveries) {
  const mine = deliveries[message.cause]?.[fold(shortName(message.user))];
  return Boolean(mine?.possibleDuplicate);
}

function head(message, { isAgent, joined, twice }, app) {
  const time = h('a', { class: 'time', tabindex: -1, href: `#/chat/message/${message.id}`, data: { tip: full(message.time, locale()) } }, h('time', { datetime: message.time }, clock(message.time, locale())));
  if (joined) return h('div', { class: 'head head-joined' }, time);
  return h('div', { class: 'head' },
    author(message, app.store),
    isAgent && h('span', { class: 'tag', words: { text: 'team.agent' } }),
    time,
    message.fromArchive && h('span', { class: 'quiet', words: { text: 'chat.archive' } }),
    twice);
}

/** The author; for a member of the register a link to the details, with the presence as its title. */
function author({ user }, store) {
  const member = memberOf(store.state.members, user);
  if (!member) return h('span', { class: 'author', dir: 'auto' }, user);
  const link = h('a', { class: 'author', dir: 'auto', tabindex: -1, href: address({ view: 'chat', about: { kind: 'member', of: member.name } }) }, user);
  link.addEventListener('pointerenter', () => (link.title = presenceWords(memberOf(store.state.members, user) ?? member)));
  return link;
}

/** The line that tells which message woke the agent that wrote this one. */
function causeOf(message, cause, app) {
  const text = cause ? t('message.cause', { name: shortName(cause.user), text: plain(cause.text, 60) || t('message.attachment') }) : t('message.causeGone');
  return h('button', { type: 'button', class: 'quote-line cause-line', tabindex: -1, on: { click: () => app.show(message.cause) } }, icon('pulse', 14), h('span', { dir: 'auto' }, text));
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

/** The line that tells the author whom the text does not call although it looks so. */
function uncalledLine({ text }, state) {
  const sentence = uncalledWords(text, mentionable(state.members));
  return sentence && h('div', { class: 'send-status quiet', data: { testid: 'uncalled' }, words: { text: sentence } });
}

/** Whether the lines beside the message lead to all its answers already: one of each agent called. */
function toldBeside({ calls: called = [] }, answers) {
  const names = answers.map((a) => fold(shortName(a.user)));
  return new Set(names).size === names.length && names.every((name) => called.some((agent) => fold(agent) === name));
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

/** A draft's row: greyed until it is stored, kept with its reason when it failed. */
export function draftRow({ draft, joined, original }, app) {
  const state = app.store.state;
  const failed = draft.state === 'failed';
  const element = h('article', { class: `message draft ${joined ? 'joined' : ''} ${failed ? 'failed' : ''}`, tabindex: -1, data: { nonce: draft.nonce, testid: 'draft' } },
    joined ? null : avatar(state.user, false),
    joined ? null : h('div', { class: 'head' }, h('span', { class: 'author', dir: 'auto' }, state.user)),
    draft.replyTo ? quoteOf(draft, original, app) : null,
    body(draft.text, app),
    uncalledLine(draft, state),
    draft.attachments?.length ? attachmentsView(draft.attachments, () => picturesOf([draft])) : null,
    failed ? failure(draft, app) : h('div', { class: 'send-status quiet', words: { text: state.link.state === 'ready' ? 'message.sending' : 'message.waiting' } }));
  return { element };
}

function failure(draft, app) {
  const size = new TextEncoder().encode(draft.text).length;
  const edit = () => {
    app.actions.discard(draft.nonce);
    app.edit(draft);
  };
  const button = (key, run) => h('button', { type: 'button', class: 'link-button', words: { text: key }, on: { click: run } });
  return h('div', { class: 'send-status', role: 'alert' },
    h('span', { class: 'bad' }, t('message.failed', { reason: reason(draft, size) })),
    draft.code !== 'too_long' && button('message.retry', () => app.actions.retry(draft.nonce)),
    button('message.edit', edit),
    button('message.discard', () => app.actions.discard(draft.nonce)));
}
