// About a message: what it says, what became of it at each agent, and what was answered.

import { attachmentsView, picturesOf } from './attachments.js';
import { avatar } from './avatar.js';
import { deliveryCard } from './delivery-card.js';
import { fill, h } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { factList } from './facts.js';
import { Keyed, put } from './keyed.js';
import { stampOf } from './ladder.js';
import { render } from './markdown-view.js';
import { mentionable } from './mention.js';
import { fromAgent } from './message.js';
import { noticeWords } from './notice-words.js';
import { linesOf } from './rungs.js';
import { find } from './store-log.js';
import { clock, full } from './time.js';

export function aboutMessage(app, id) {
  const gone = h('p', { class: 'quiet' });
  const itself = h('div', { class: 'stack' });
  const ladderHead = h('h3', { words: { text: 'ladder.label' } });
  const ladder = h('ul', { class: 'stack' });
  const answered = h('div', { class: 'stack' });
  const deliveries = new Keyed(ladder, (line) => deliveryCard(line, id, app));
  const answers = new Keyed(answered, ({ message }) => ({ element: card(message, app) }));
  const none = h('p', { class: 'quiet', words: { text: 'details.noReplies' } });
  const rest = h('div', { class: 'stack' }, h('h3', { words: { text: 'details.thread' } }), answered, none,
    app.store.state.role !== 'guest' && h('button', { type: 'button', class: 'button', on: { click: () => answer(app, id) } }, icon('reply', 16), t('message.reply')));
  let shown;
  app.deliveries.load(id);
  return {
    element: [gone, itself, ladderHead, ladder, rest],
    title: () => t('details.message'),
    show: (state, now) => {
      const message = find(state.messages, id);
      put(gone, t(state.loaded ? 'chat.gone' : 'app.loading'));
      gone.hidden = message !== undefined;
      for (const part of [itself, rest]) part.hidden = !message;
      const replies = state.messages.filter((m) => m.replyTo === id);
      const lines = message ? linesOf(message, state.deliveries[id], replies) : [];
      ladderHead.hidden = ladder.hidden = lines.length === 0;
      if (message && message !== shown) fill(itself, card(message, app), factList([['details.written', full(message.time, locale())], ['details.number', String(message.id)]]));
      shown = message;
      deliveries.show(lines.map((line) => ({ ...line, stamp: `${stampOf(line)}|${line.run}` })), message, state, now);
      const said = replies.filter((m) => !m.notice);
      answers.show(said.map((m) => ({ key: m.id, stamp: '', message: m })));
      none.hidden = said.length > 0;
    },
  };
}

function answer(app, id) {
  if (matchMedia('(max-width: 1099px)').matches) app.go({ view: 'chat' });
  app.actions.reply(id);
}

function card(message, app) {
  const { members, messages } = app.store.state;
  const go = () => {
    app.go({ view: 'chat' });
    app.show(message.id);
  };
  return h('div', { class: 'card' },
    h('div', { class: 'card-head' }, avatar(message.user, fromAgent(message, members), 'small'), h('span', { class: 'author', dir: 'auto' }, message.user), h('button', { type: 'button', class: 'link-button time', on: { click: go } }, clock(message.time, locale()))),
    h('div', { class: 'text' }, message.notice ? noticeWords(message) : render(message.text, { names: mentionable(members) })),
    message.attachments?.length && attachmentsView(message.attachments, () => picturesOf(messages)));
}
