//! Collects the mentions of a text: each member once, in the strongest way in which the text names
//! it.

use std::collections::BTreeSet;

use super::{
    Mentions, Tone,
    roster::{Called, Found},
};
use crate::{name::ShortName, notice::Offer};

/// The mentions of a text, as far as it has been read.
#[derive(Default)]
pub(super) struct Named<'r, 'a> {
    calls: Words<'r, 'a>,
    offers: Words<'r, 'a>,
    fyi: Words<'r, 'a>,
}

/// What was named in one way, in the order of the text. Each word is kept once, so that a duty that
/// is named over and over costs its holders only once.
#[derive(Default)]
struct Words<'r, 'a> {
    /// The words that are in the order already; `None` stands for everybody.
    seen: BTreeSet<Option<&'a ShortName>>,
    order: Vec<&'r Called<'a>>,
}

impl<'r, 'a> Named<'r, 'a> {
    pub(super) fn add(&mut self, tone: Tone, found: &Found<'r, 'a>) {
        let words = match (tone, found.called) {
            (Tone::Fyi, _) => &mut self.fyi,
            (Tone::Call, Called::Duty(..)) if found.one => &mut self.offers,
            (Tone::Call, _) => &mut self.calls,
        };
        if words.seen.insert(found.called.word()) {
            words.order.push(found.called);
        }
    }

    pub(super) fn settle(self) -> Mentions {
        let all = self.calls.seen.contains(&None);
        let mut taken = BTreeSet::new();
        let names = self.calls.take(&mut taken);
        let mut offers = Vec::new();
        if !all {
            offers.extend(self.offers.order.iter().filter_map(|duty| offer(duty, &taken)));
        }
        taken.extend(offers.iter().flat_map(|offer| &offer.agents));
        let fyi = self.fyi.take(&mut taken);
        Mentions { names, all, offers, fyi }
    }
}

impl<'a> Words<'_, 'a> {
    /// Takes the names of those members that no earlier list has taken.
    fn take<'t>(&self, taken: &mut BTreeSet<&'t ShortName>) -> Vec<ShortName>
    where
        'a: 't,
    {
        let named = self.order.iter().flat_map(|called| called.members()).map(|one| &one.name);
        named.filter(|name| taken.insert(name)).cloned().collect()
    }
}

fn offer(called: &Called<'_>, taken: &BTreeSet<&ShortName>) -> Option<Offer> {
    let Called::Duty(duty, holders) = called else { return None };
    let free = holders.iter().filter(|one| one.is_agent() && !taken.contains(&one.name));
    let agents: Vec<ShortName> = free.map(|one| one.name.clone()).collect();
    (!agents.is_empty()).then(|| Offer { duty: (*duty).clone(), agents })
}
