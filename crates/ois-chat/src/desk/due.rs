//! What the desk itself wants to have stored: pending notices, and what time alone brings.

use ois_protocol::{Draft, NewEvent, Notice, Timestamp};

use super::{Desk, notice};
use crate::{budget::Due, ladder::Overdue};

impl Desk {
    /// What is to be stored now by the server itself. Named again until the log has it: whoever
    /// stores it waits until that is done or has failed before asking again.
    pub fn due(&mut self, now: Timestamp) -> Vec<NewEvent> {
        let notices = self.pending_notices.iter().map(notice::of).map(NewEvent::Message);
        let mut due: Vec<NewEvent> = notices.collect();
        due.extend(
            self.ladder
                .answered(now)
                .map(|(room, delivery)| NewEvent::Delivery { room: room.clone(), delivery }),
        );
        let overdue = self.ladder.overdue(now, self.settings.limits);
        due.extend(overdue.map(|overdue| match overdue {
            Overdue::Delivery { room, delivery } => NewEvent::Delivery { room, delivery },
            Overdue::Offer { room, message, duty } => {
                NewEvent::Message(notice::draft(room, Some(message), Notice::Unclaimed { duty }))
            }
        }));
        // A person's no is told as such, also if the time to answer ends meanwhile.
        let is_open =
            |due: &Due| !matches!(due, Due::Expired { asked, .. } if self.is_denied(*asked));
        let of_budgets = self.budgets.due(now).into_iter().filter(is_open);
        due.extend(of_budgets.map(|due| match due {
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
        let no_time = Timestamp::from_ms(0);
        !self.pending_notices.is_empty() || self.ladder.answered(no_time).next().is_some()
    }
}
