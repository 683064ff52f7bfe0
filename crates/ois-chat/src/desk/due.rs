//! What the desk itself wants to have stored: pending notices, and what time alone brings.

use ois_protocol::{Delivery, Draft, NewEvent, Notice, Rung, ShortName, Timestamp};

use super::{Desk, notice};
use crate::{
    budget::Due,
    ladder::{LastHere, Overdue},
};

impl Desk {
    /// What is to be stored now by the server itself. Named again until the log has it: whoever
    /// stores it waits until that is done or has failed before asking again.
    pub fn due(
        &mut self,
        now: Timestamp,
        last_here: impl Fn(&ShortName) -> LastHere,
    ) -> Vec<NewEvent> {
        let notices = self.pending_notices.iter().map(notice::of).map(NewEvent::Message);
        let mut due: Vec<NewEvent> = notices.collect();
        due.extend(
            self.ladder
                .answered()
                .map(|(room, delivery)| NewEvent::Delivery { room: room.clone(), delivery }),
        );
        let overdue = self.ladder.overdue(now, self.settings.deadline_ms, last_here);
        due.extend(overdue.map(|overdue| self.give_up(overdue)));
        due.extend(self.budgets.due(now).into_iter().map(|due| match due {
            Due::Digest { agent, room, messages } => {
                let draft =
                    notice::draft(room, None, Notice::Digest { agent: agent.clone(), messages });
                let mentions = vec![agent.to_string()];
                NewEvent::Message(Draft { calls: vec![agent], mentions, ..draft })
            }
            Due::Expired { agent, room, asked } => {
                NewEvent::Message(notice::draft(room, Some(asked), Notice::NotAllowed { agent }))
            }
        }));
        due
    }

    /// Whether [`Desk::due`] has something that does not wait for time to pass.
    pub fn has_pending_notices(&self) -> bool {
        !self.pending_notices.is_empty() || self.ladder.answered().next().is_some()
    }

    fn give_up(&self, overdue: Overdue) -> NewEvent {
        match overdue {
            Overdue::Delivery { room, id, reason } => {
                let known = self.ladder.get(&id).cloned();
                let known = known.unwrap_or_else(|| {
                    Delivery::stored(id.message, id.agent.clone(), Timestamp::from_ms(0))
                });
                let dead = Delivery { state: Rung::Dead, reason: Some(reason), ..known };
                NewEvent::Delivery { room, delivery: dead }
            }
            Overdue::Offer { room, message, duty } => {
                NewEvent::Message(notice::draft(room, Some(message), Notice::Unclaimed { duty }))
            }
        }
    }
}
