// A short list of facts: what is asked on the left, what is known on the right.

import { fill, h } from './dom.js';

/** The list. `facts`: `[key, value]` pairs, empty ones are skipped. */
export const factList = (facts) => h('dl', { class: 'facts' }, pairs(facts));

/** Replaces what a list of facts says. */
export const putFacts = (list, facts) => fill(list, pairs(facts));

const pairs = (facts) => facts.filter(Boolean).map(([key, value]) => [h('dt', { words: { text: key } }), h('dd', {}, value)]);
