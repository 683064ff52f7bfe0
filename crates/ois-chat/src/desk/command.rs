//! What a person tells the server in the room: `/continue`, `/allow NAME`, `/deny NAME`.

use ois_protocol::{Draft, Kind, Role, ShortName, Timestamp};

use super::{Desk, PendingNotice};
use crate::roster::Called;

/// A message that is also an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Wake those whom the loop guard held last.
    Continue,
    /// Wake this agent although its budget is used up.
    Allow(ShortName),
    /// Do not.
    Deny(ShortName),
}

/// What an order came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obeyed {
    /// Whom it calls, if anybody, is called as far as budgets allow.
    Usually,
    /// It answers an open question: whom it calls is woken whatever is used up.
    Allowed,
}

impl Command {
    /// Reads an order of one who may give it: a person who is a member or an admin.
    pub(super) fn of(draft: &Draft) -> Option<Self> {
        let author = &draft.author;
        if author.kind != Kind::Human || !matches!(author.role, Role::Member | Role::Admin) {
            return None;
        }
        let mut words = draft.text.split_whitespace();
        let (verb, name) = (words.next()?, words.next());
        let name = || name?.trim_start_matches(['@', '＠']).parse().ok();
        match verb {
            "/continue" => Some(Self::Continue),
            "/allow" => Some(Self::Allow(name()?)),
            "/deny" => Some(Self::Deny(name()?)),
            _ => None,
        }
    }
}

impl Desk {
    /// Makes an order call whom it is to wake. What it refers to becomes what it answers.
    pub(super) fn obey(
        &mut self,
        command: &Command,
        draft: &mut Draft,
        called: &mut Called,
        now: Timestamp,
    ) -> Obeyed {
        match command {
            Command::Continue => {
                if let Some((message, agents)) = self.guard.held(&draft.room) {
                    draft.reply_to = Some(message);
                    call(draft, called, agents);
                }
            }
            Command::Allow(agent) => {
                if let Some(waiting) = self.budgets.asked(agent, &draft.room, now) {
                    draft.reply_to = Some(waiting.notice);
                    call(draft, called, vec![agent.clone()]);
                    return Obeyed::Allowed;
                }
            }
            Command::Deny(agent) => {
                if let Some(waiting) = self.budgets.asked(agent, &draft.room, now) {
                    draft.reply_to = Some(waiting.notice);
                    *called = Called::default();
                    self.add_notice(PendingNotice::NotAllowed {
                        room: draft.room.clone(),
                        agent: agent.clone(),
                        asked: waiting.notice,
                    });
                }
            }
        }
        Obeyed::Usually
    }
}

fn call(draft: &mut Draft, called: &mut Called, agents: Vec<ShortName>) {
    draft.mentions = agents.iter().map(ShortName::to_string).collect();
    *called = Called { agents, ..Called::default() };
}
