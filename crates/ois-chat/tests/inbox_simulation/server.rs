//! The server: a log, and the ladder that is folded from it.

use std::collections::{BTreeMap, BTreeSet};

use ois_chat::{
    Ladder,
    ladder::{Report, ReportError},
};
use ois_protocol::{
    Chat, Delivery, DeliveryId, ErrorCode, ErrorFrame, EventId, Message, NewEvent, Nonce, Offer,
    Run, Rung, ServerFrame, ShortName, Stop, Timestamp,
};

const CALLS: usize = 6;
const RETRIES: u32 = 3;

/// What a monitor says.
pub(crate) enum Told {
    Report(Delivery),
    Run(Run),
}

#[derive(Default)]
pub(crate) struct Server {
    pub(crate) log: Vec<ServerFrame>,
    ladder: Ladder,
    nonces: BTreeMap<Nonce, EventId>,
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) retries: BTreeMap<EventId, u32>,
}

impl Server {
    /// A person calls ARIA.
    pub(crate) fn calls(&mut self, now: Timestamp) {
        self.person_says(now, |message| message.calls = vec![aria()]);
    }

    /// A person calls one of two.
    pub(crate) fn offers(&mut self, now: Timestamp) {
        let offer = Offer { duty: name("reviewer"), agents: vec![aria(), name("HKH")] };
        self.person_says(now, |message| message.offers = vec![offer]);
    }

    /// A person drives the first delivery again that may be.
    pub(crate) fn person_retries(&mut self, now: Timestamp) {
        let ids: BTreeSet<EventId> = self.messages().iter().map(|message| message.id).collect();
        for message in ids {
            let id = DeliveryId { message, agent: aria() };
            let retries = self.retries.entry(message).or_default();
            if *retries < RETRIES
                && let Ok(event) = self.ladder.retry(&id)
            {
                *retries += 1;
                return self.store(event, now);
            }
        }
    }

    /// Another agent takes the first offer, and answers it, if it is not taken.
    pub(crate) fn another_agent_claims(&mut self, now: Timestamp) {
        let offered = self.messages().into_iter().filter(|message| !message.offers.is_empty());
        for message in offered {
            for state in [Rung::Received, Rung::Silent] {
                let stored = Delivery::stored(message.id, name("HKH"), now);
                if let Ok(Report::Climbs(event)) = self.ladder.report(Delivery { state, ..stored })
                {
                    self.store(event, now);
                }
            }
        }
    }

    /// ARIA says something, once for each nonce.
    pub(crate) fn says(&mut self, chat: &Chat, now: Timestamp) -> EventId {
        let nonce = chat.nonce.clone().expect("an answer has a nonce");
        if let Some(id) = self.nonces.get(&nonce) {
            return *id;
        }
        let id = self.append(now, |message| {
            message.user = "ARIA".to_owned();
            message.text.clone_from(&chat.text);
            (message.reply_to, message.cause, message.agent) = (chat.reply_to, chat.cause, true);
        });
        self.nonces.insert(nonce, id);
        id
    }

    /// Takes a report, or tells why not.
    pub(crate) fn hears(&mut self, told: Told, now: Timestamp) -> Vec<ServerFrame> {
        let said = match told {
            Told::Report(said) => said,
            Told::Run(run) => {
                let known = self.runs.get(&run.run).is_some_and(|it| it.end.is_some());
                if !known {
                    self.runs.insert(run.run.clone(), run.clone());
                }
                self.log.push(ServerFrame::Run(run));
                return Vec::new();
            }
        };
        let about = Some(said.id().to_string());
        let refused = |code| ServerFrame::Error(ErrorFrame { about, ..ErrorFrame::new(code, "") });
        match self.ladder.report(said) {
            Ok(Report::Climbs(event)) => {
                self.store(event, now);
                Vec::new()
            }
            Ok(Report::Known(stands)) => vec![ServerFrame::Delivery(stands)],
            Err(ReportError::BadTransition(stands)) => {
                vec![refused(ErrorCode::BadTransition), ServerFrame::Delivery(*stands)]
            }
            Err(ReportError::Taken(_)) => vec![refused(ErrorCode::BadTransition)],
            Err(_) => vec![refused(ErrorCode::NotFound)],
        }
    }

    /// A person stops a turn that is under way as far as the server knows.
    pub(crate) fn stop(&self) -> Option<Stop> {
        let run = self.runs.values().find(|run| run.end.is_none())?;
        Some(Stop { run: run.run.clone(), agent: aria(), by: name("Mira") })
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        let messages = self.log.iter().filter_map(|frame| match frame {
            ServerFrame::Message { message } => Some(message.clone()),
            _ => None,
        });
        messages.collect()
    }

    /// ARIA's deliveries, as the ladder has them.
    pub(crate) fn deliveries(&self) -> Vec<(Message, Delivery)> {
        let each = self.messages().into_iter().filter_map(|message| {
            let id = DeliveryId { message: message.id, agent: aria() };
            let delivery = self.ladder.get(&id)?.clone();
            Some((message, delivery))
        });
        each.collect()
    }

    /// ARIA's messages that answer this one.
    pub(crate) fn answers(&self, id: EventId) -> Vec<EventId> {
        let answers = self.messages().into_iter().filter(|it| it.reply_to == Some(id));
        answers.map(|message| message.id).collect()
    }

    fn person_says(&mut self, now: Timestamp, change: impl FnOnce(&mut Message)) {
        if self.messages().iter().filter(|message| message.user == "Mira").count() < CALLS {
            self.append(now, change);
        }
    }

    fn append(&mut self, now: Timestamp, change: impl FnOnce(&mut Message)) -> EventId {
        let id = EventId::new(self.log.len() as u64 + 1).unwrap_or_default();
        let mut message = Message::plain(id, "Mira".to_owned(), "hello".to_owned(), now);
        change(&mut message);
        self.ladder.apply_message(&message, &name(&message.user));
        self.log.push(ServerFrame::Message { message });
        id
    }

    fn store(&mut self, event: NewEvent, now: Timestamp) {
        if let NewEvent::Delivery { delivery, .. } = event {
            let delivery = Delivery { at: now, ..delivery };
            self.ladder.apply_delivery(&delivery);
            self.ladder.forget_pending();
            self.log.push(ServerFrame::Delivery(delivery));
        }
    }
}

fn aria() -> ShortName {
    name("ARIA")
}

fn name(text: &str) -> ShortName {
    text.parse().expect("a name")
}
