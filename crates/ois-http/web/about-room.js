// About the room: its members, and the files that were shared lately.

import { attachmentsView, fileLink, isPicture, picturesOf } from './attachments.js';
import { avatar, presence } from './avatar.js';
import { fill, h } from './dom.js';
import { t } from './i18n.js';
import { Keyed } from './keyed.js';
import { byPresence } from './names.js';
import { address } from './paths.js';
import { presenceWords } from './presence.js';

const LATELY = 12;

export function aboutRoom() {
  const list = h('ul', { class: 'plain-list' });
  const members = new Keyed(list, memberLine);
  const files = h('div', { class: 'stack' });
  let shown; // the messages whose files are shown
  return {
    element: [
      h('p', { class: 'quiet', words: { text: 'details.roomLead' } }),
      h('h3', { words: { text: 'details.members' } }), list,
      h('h3', { words: { text: 'details.files' } }), files,
    ],
    title: () => t('details.room', { room: 'main' }),
    show: (state) => {
      members.show([...state.members].sort(byPresence).map((m) => ({ ...m, key: m.name, stamp: JSON.stringify(m) })));
      if (shown !== state.messages) showFiles(files, state);
      shown = state.messages;
    },
  };
}

function memberLine(member) {
  const duties = (member.duties ?? []).join(', ');
  return { element: h('li', {}, h('a', { class: 'person', href: address({ view: 'chat', about: { kind: 'member', of: member.name } }), title: presenceWords(member) },
    avatar(member.display, member.kind === 'agent', 'small'),
    h('span', { class: 'person-name', dir: 'auto' }, member.display, duties && h('span', { class: 'quiet' }, ` · ${duties}`)),
    presence(member.state ?? 'offline', presenceWords(member)))) };
}

function showFiles(place, state) {
  const shared = state.messages.slice(-400).flatMap((m) => m.attachments ?? []).slice(-LATELY).reverse();
  const pictures = shared.filter(isPicture);
  fill(place,
    shared.length === 0 && h('p', { class: 'quiet', words: { text: 'details.noFiles' } }),
    pictures.length > 0 && attachmentsView(pictures, () => picturesOf(state.messages)),
    shared.filter((a) => !isPicture(a)).map(fileLink));
}
