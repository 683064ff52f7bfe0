//! What a person tells the server in the room: `/continue`, `/allow NAME`, `/deny NAME`.

use ois_protocol::{Draft, EventId, Kind, Message, Role, RoomName, ShortName, Timestamp};

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
        Self::read(&draft.text)
    }

    /// Reads an order, whoever gives it.
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
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
                    *called = Called::default();
                    if self.obeyed.insert(message) {
                        draft.reply_to = Some(message);
                        call(draft, called, agents);
                    }
                }
            }
            Command::Allow(agent) => {
                *called = Called::default();
                if let Some(asked) = self.open_question(agent, &draft.room, now)
                    && self.obeyed.insert(asked)
                {
                    draft.reply_to = Some(asked);
                    call(draft, called, vec![agent.clone()]);
                    return Obeyed::Allowed;
                }
            }
            Command::Deny(agent) => {
                *called = Called::default();
                if let Some(asked) = self.open_question(agent, &draft.room, now)
                    && self.obeyed.insert(asked)
                {
                    draft.reply_to = Some(asked);
                }
            }
        }
        Obeyed::Usually
    }

    /// A message is in the log: if a person answers an open question with no, that is to be told.
    pub(super) fn apply_denial(&mut self, message: &Message) {
        let words = || Command::read(&message.text);
        let is_persons = !message.agent && message.notice.is_none();
        let Some(Command::Deny(agent)) = is_persons.then(words).flatten() else { return };
        let asked = self.open_question(&agent, &message.room, message.time);
        if let Some(asked) = asked.filter(|asked| message.reply_to == Some(*asked)) {
            let room = message.room.clone();
            self.add_notice(PendingNotice::NotAllowed { room, agent, asked });
        }
    }

    /// The question whether this agent may be woken, if the log has one and no answer to it.
    fn open_question(&self, agent: &ShortName, room: &RoomName, now: Timestamp) -> Option<EventId> {
        let asked = self.budgets.asked(agent, room, now)?.notice;
        (!self.is_denied(asked)).then_some(asked)
    }

    /// Whether a person has answered this question with no, and the notice of it is pending.
    pub(super) fn is_denied(&self, question: EventId) -> bool {
        self.pending_notices.iter().any(|pending| {
            matches!(pending, PendingNotice::NotAllowed { asked, .. } if *asked == question)
        })
    }
}

fn call(draft: &mut Draft, called: &mut Called, agents: Vec<ShortName>) {
    draft.mentions = agents.iter().map(ShortName::to_string).collect();
    *called = Called { agents, ..Called::default() };
}
