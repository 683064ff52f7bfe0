// About a member: how it can be reached, what it is for, and for an agent what it is at.

import { avatar, presence } from './avatar.js';
import { fill, h } from './dom.js';
import { locale, t } from './i18n.js';
import { icon } from './icons.js';
import { factList, putFacts } from './facts.js';
import { fold, memberOf } from './names.js';
import { presenceWords, when } from './presence.js';
import { runList } from './runs.js';
import { activeRuns } from './store-deliveries.js';
import { short } from './time.js';

export function aboutMember(app, name) {
  const head = h('div', { class: 'big-member' });
  const facts = factList([]);
  const now = h('h3', { hidden: true, words: { text: 'work.now' } });
  const runs = runList(app);
  const call = app.store.state.role !== 'guest' && h('button', { type: 'button', class: 'button', on: { click: () => app.mention(memberOf(app.store.state.members, name)?.name ?? name) } }, icon('at', 16), t('details.call', { name }));
  const gone = h('p', { class: 'quiet', words: { text: 'details.gone' } });
  let stamp;
  return {
    element: [gone, head, facts, call, now, runs.element],
    title: (state) => memberOf(state.members, name)?.display ?? name,
    show: (state, ms) => {
      const member = memberOf(state.members, name);
      gone.hidden = member !== undefined;
      for (const part of [head, facts, call]) if (part) part.hidden = !member;
      const wanted = JSON.stringify(member);
      if (member && wanted !== stamp) showMember(member, head, facts);
      stamp = wanted;
      const active = activeRuns(state).filter((run) => fold(run.agent) === fold(member?.name ?? name));
      now.hidden = active.length === 0;
      runs.show(active, state, ms);
    },
  };
}

function showMember(member, head, facts) {
  const isAgent = member.kind === 'agent';
  fill(head, avatar(member.display, isAgent, 'big'), h('div', {}, h('div', { class: 'author', dir: 'auto' }, member.display), h('div', { class: 'quiet' }, t(isAgent ? 'team.agent' : `role.${member.role ?? 'member'}`))));
  const status = t(`presence.${member.state ?? 'unknown'}`);
  const state = member.state === 'deaf' ? presenceWords(member) : member.since ? t('details.since', { state: status, time: when(member.since) }) : status;
  putFacts(facts, [
    ['details.state', h('span', { class: 'with-sign' }, presence(member.state ?? 'offline', status), state)],
    member.provenAt && ['details.proved', when(member.provenAt)],
    member.state === 'offline' && member.lastSeen && ['details.seen', short(member.lastSeen, locale())],
    isAgent && member.role && member.role !== 'agent' && ['details.role', t(`role.${member.role}`)],
    member.duties?.length && ['details.duties', member.duties.join(', ')],
    ['details.mention', `@${member.name}`],
  ]);
}
