// The members of the team, with those who can answer now; below them the reader and the settings.

import { avatar, presence } from './avatar.js';
import { fill, h, iconButton, words } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { icon } from './icons.js';
import { byPresence, fold, memberOf } from './names.js';
import { address } from './paths.js';
import { presenceWords } from './presence.js';
import { settings } from './settings.js';
import { activeRuns } from './store-deliveries.js';

const FIND_FROM = 9;

class Roster extends HTMLElement {
  #app;
  #list;
  #find;
  #work;
  #me;

  start(app) {
    this.#app = app;
    this.setAttribute('role', 'complementary');
    words(this, { label: 'team.label' });
    this.#find = h('input', { type: 'search', class: 'find', words: { placeholder: 'team.find', label: 'team.find' }, on: { input: () => this.#show(app.store.state) } });
    this.#list = h('div', { class: 'people' });
    this.#me = h('div', { class: 'me', role: 'group', words: { label: 'me.label' } });
    this.#work = h('a', { class: 'work-link', href: address({ view: 'chat', about: { kind: 'work' } }), data: { testid: 'about-work' } });
    fill(this, h('div', { class: 'team-head' }, h('h2', { words: { text: 'team.label' } })), this.#find, this.#list, this.#work, this.#me);
    app.store.watch((s) => [s.members, s.user, s.route], (s) => this.#show(s));
    app.store.watch((s) => [s.phase, s.user, s.role], (s) => this.#showMe(s));
    app.store.watch((s) => [s.runs, s.route], (s) => this.#showWork(s));
    onLanguage(() => {
      this.#show(app.store.state);
      this.#showWork(app.store.state);
    });
  }

  #show(state) {
    const focused = this.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.#find.hidden = state.members.length < FIND_FROM;
    const wanted = this.#find.hidden ? '' : fold(this.#find.value);
    const found = state.members.filter((m) => fold(m.display).includes(wanted) || fold(m.name).includes(wanted)).sort(byPresence);
    const groups = [['team.agents', found.filter((m) => m.kind === 'agent')], ['team.people', found.filter((m) => m.kind !== 'agent')]];
    const hint = !state.members.some((m) => m.kind === 'agent') && state.members.length > 0;
    fill(this.#list,
      groups.map(([key, members]) => members.length > 0 && this.#group(key, members, state)),
      hint && h('p', { class: 'hint', words: { text: 'team.noAgents' } }),
      found.length === 0 && state.members.length > 0 && h('p', { class: 'hint', words: { text: 'team.none' } }));
    if (focused) this.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #group(key, members, state) {
    const here = members.filter((m) => m.state !== 'offline').length;
    return h('section', { class: 'group' },
      h('h3', {}, h('span', { words: { text: key } }), h('span', { class: 'count' }, `${here}/${members.length}`)),
      h('ul', {}, members.map((m) => this.#item(m, state))));
  }

  #item(member, state) {
    const mine = memberOf([member], state.user) !== undefined;
    const open = state.route.about?.kind === 'member' && state.route.about.of === member.name;
    const href = address({ view: 'chat', about: { kind: 'member', of: member.name } });
    const link = h('a', { href, class: 'person', data: { key: `p:${member.name}` }, 'aria-current': open ? 'true' : null },
      avatar(member.display, member.kind === 'agent', 'small'),
      h('span', { class: 'person-name', dir: 'auto' }, member.display, mine && h('span', { class: 'quiet' }, ` (${t('team.you')})`)),
      presence(member.state ?? 'offline', presenceWords(member)));
    const call = mine ? null : iconButton(icon('at', 16), 'details.mention', () => this.#app.mention(member.name), { class: 'call', data: { key: `c:${member.name}` } });
    call?.setAttribute('aria-label', t('details.call', { name: member.name }));
    return h('li', { class: `member member-${member.state ?? 'offline'}`, title: presenceWords(member) }, link, call);
  }

  /** The way to what agents are at, with how many are at work. */
  #showWork(state) {
    const n = activeRuns(state).length;
    fill(this.#work, icon('pulse', 18), h('span', {}, t('work.title')), h('span', { class: 'quiet' }, n ? t('work.count', { n }) : ''));
    if (state.route.about?.kind === 'work') this.#work.setAttribute('aria-current', 'true');
    else this.#work.removeAttribute('aria-current');
  }

  #showMe(state) {
    if (state.phase !== 'signed-in') return fill(this.#me);
    return fill(this.#me,
      h('div', { class: 'me-row' },
        avatar(state.user, false, 'small'),
        h('span', { class: 'person-name', dir: 'auto' }, state.user),
        state.role && h('span', { class: 'quiet role', words: { text: `role.${state.role}` } }),
        iconButton(icon('out', 18), 'me.logout', () => this.#app.actions.signOut(), { data: { testid: 'logout' } })),
      settings());
  }
}

customElements.define('ois-roster', Roster);
