//! One batch, from the requests that wait to what becomes of them.

use std::collections::{BTreeMap, VecDeque};

use ois_protocol::{
    Ack, Delivery, DeliveryId, ErrorCode, ErrorFrame, EventId, Member, NewEvent, Nonce, Record,
    Run, ServerFrame, ShortName, Timestamp,
};

use super::{
    Team,
    output::{Answer, ConnId, Output, RequestId, Sent},
    queue::{Origin, Request},
};
use crate::{
    desk::Fact,
    ladder::{Report, ReportError},
};

/// Events to be appended to the log as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// The event after which they were decided: they hold only if the log still ends there.
    pub after: EventId,
}

/// The batch that is on its way into the log.
#[derive(Debug)]
pub(super) struct InFlight {
    /// The requests that it was made of, in case they have to be decided anew.
    requests: Vec<Request>,
    /// Who is told once an event is stored, in the order of the events.
    receipts: VecDeque<Receipt>,
    /// For each of its events, whether it concerns agents: most of what is said does not, and need not
    /// be read again when it comes back.
    concerns_agents: Vec<bool>,
    /// The id of its first event, once the log has given it.
    first: Option<EventId>,
    /// Whether what the desk had due is in it.
    has_desk: bool,
}

/// A sender and the sender's own name for what it says.
pub type Key = (ShortName, Nonce);

/// What the log knows of the nonces of a batch. One that is not in here is new.
pub type KnownNonces = BTreeMap<Key, NonceState>;

/// What the log knows of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceState {
    /// It is this event's.
    Stored(EventId),
    /// The log could not be asked: whether it was used is not known.
    Unreadable,
}

/// Who is told once an event is stored.
#[derive(Debug)]
struct Receipt {
    /// The event's place in the batch.
    at: usize,
    about: About,
}

/// What a receipt says.
#[derive(Clone, Debug)]
enum About {
    /// Something that was said; whether an earlier request of the same batch says the same.
    Said { origin: Origin, nonce: Option<Nonce>, duplicate: bool },
    /// A monitor's report, and what an error about it would name. Its receipt is the event itself.
    Reported { conn: ConnId, about: String },
    /// A delivery that a person drives again.
    Retried { request: RequestId, delivery: DeliveryId },
}

/// After a failed append: when a sender may try again, in milliseconds.
const RETRY_AFTER_MS: u64 = 1000;
/// How many characters of a run's name an error repeats.
const ABOUT_CHARS: usize = 500;

impl Team {
    /// Closes the next batch, and answers with the nonces that its requests use. The driver finds out
    /// which of them the log knows and calls [`Team::take_batch`].
    pub fn close_batch(&mut self) -> Vec<Key> {
        debug_assert!(self.in_flight.is_none(), "one batch after the other");
        self.closed.extend(self.queue.take());
        let keys = self.closed.iter().filter_map(Request::key);
        keys.map(|(author, nonce)| (author.clone(), nonce.clone())).collect()
    }

    /// Decides the batch that was closed; `None` if there is nothing to append. The driver appends it
    /// and says what became of it ([`Team::appended`], [`Team::moved`], [`Team::append_failed`])
    /// before it closes another one.
    pub fn take_batch(&mut self, known: &KnownNonces, now: Timestamp) -> Option<Batch> {
        let requests = std::mem::take(&mut self.closed);
        let mut receipts = Vec::with_capacity(requests.len());
        let mut events = Vec::with_capacity(requests.len());
        let mut first = BTreeMap::new();
        for request in &requests {
            let at = events.len();
            match self.dedupe(request, known, &mut first, at) {
                Dedupe::New => {}
                Dedupe::Answered => continue,
                Dedupe::InBatch(receipt) => {
                    receipts.push(receipt);
                    continue;
                }
            }
            if let Some((event, about)) = self.decide(request, now) {
                receipts.push(Receipt { at, about });
                events.push(event);
            }
        }
        receipts.sort_by_key(|receipt| receipt.at);
        let has_desk = std::mem::take(&mut self.is_desk_due);
        if has_desk {
            events.extend(self.desk.due(now));
        }
        if events.is_empty() {
            return None;
        }
        let receipts = receipts.into();
        let concerns_agents = events.iter().map(Fact::is).collect();
        self.in_flight =
            Some(InFlight { requests, receipts, concerns_agents, first: None, has_desk });
        Some(Batch { events, after: self.head })
    }

    /// The log has stored the batch; its first event has this id, and the others follow it.
    pub fn appended(&mut self, first: EventId) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.first = Some(first);
        }
    }

    /// Takes the next record of the log, in order, of whichever server it came. Answers with what
    /// follows from it for agents, if anything does.
    pub fn stored(&mut self, record: &Record<impl AsRef<[u8]>>) -> Option<Fact> {
        self.head = record.id;
        let own = self.in_flight.as_ref().and_then(|in_flight| in_flight.place(record.id));
        let is_plain = own.is_some_and(|(_, concerns_agents)| !concerns_agents);
        let fact = if is_plain { None } else { Fact::read(record) };
        if let Some(fact) = &fact {
            self.stop_what_is_over(fact);
            self.desk.apply(fact);
            self.is_desk_due |= self.desk.has_pending_notices();
        }
        if let Some((at, _)) = own {
            self.settle(at, record.id);
        }
        self.start_those_behind();
        fact
    }

    /// The log did not end where the batch was decided: nothing of it is stored. Its requests are
    /// decided anew, once the driver has handed over the records that have come in between.
    pub fn moved(&mut self) {
        let Some(in_flight) = self.in_flight.take() else { return };
        self.desk.forget_pending();
        self.queue.put_back(in_flight.requests);
        self.is_desk_due |= in_flight.has_desk;
    }

    /// The log cannot store the batch: those who asked for it are told, and nobody else.
    pub fn append_failed(&mut self) {
        let Some(in_flight) = self.in_flight.take() else { return };
        // What the desk had due comes again with the next tick.
        self.desk.forget_pending();
        for Receipt { about, .. } in in_flight.receipts {
            let error = not_stored("not stored: the server's disk does not take it");
            match about {
                About::Said { origin, nonce, .. } => {
                    self.refuse(origin, ErrorFrame { nonce, ..error });
                }
                About::Reported { conn, about } => {
                    let about = Some(about);
                    self.send(conn, ServerFrame::Error(ErrorFrame { about, ..error }));
                }
                About::Retried { request, .. } => self.refuse(Origin::Request(request), error),
            }
        }
    }

    /// Answers a request that was stored before, and finds one that stands in this batch already.
    fn dedupe(
        &mut self,
        request: &Request,
        known: &KnownNonces,
        first: &mut BTreeMap<Key, usize>,
        next: usize,
    ) -> Dedupe {
        let Request::Say { origin, author, chat } = request else { return Dedupe::New };
        let Some(nonce) = &chat.nonce else { return Dedupe::New };
        let key = (author.name.clone(), nonce.clone());
        let (origin, nonce) = (*origin, Some(nonce.clone()));
        match known.get(&key) {
            None => {}
            Some(NonceState::Stored(id)) => {
                self.acknowledge(origin, nonce, Sent { id: *id, duplicate: true });
                return Dedupe::Answered;
            }
            Some(NonceState::Unreadable) => {
                let error = not_stored("not stored: the server cannot tell whether it was before");
                self.refuse(origin, ErrorFrame { nonce, ..error });
                return Dedupe::Answered;
            }
        }
        let at = *first.entry(key).or_insert(next);
        if at == next {
            return Dedupe::New;
        }
        Dedupe::InBatch(Receipt { at, about: About::Said { origin, nonce, duplicate: true } })
    }

    /// Decides one request: the event to be stored and who is told of it, or `None` if it is answered.
    fn decide(&mut self, request: &Request, now: Timestamp) -> Option<(NewEvent, About)> {
        match request {
            Request::Say { origin, author, chat } => {
                let (draft, called) = self.roster.draft(author, chat);
                let draft = self.desk.say(draft, called, now);
                let nonce = chat.nonce.clone();
                let about = About::Said { origin: *origin, nonce, duplicate: false };
                Some((NewEvent::Message(draft), about))
            }
            Request::Delivery { conn, agent, said } => {
                self.decide_delivery(*conn, agent, said, now)
            }
            Request::Run { conn, agent, said } => self.decide_run(*conn, agent, said, now),
            Request::Retry { request, delivery } => match self.desk.retry(delivery, now) {
                Ok(event) => {
                    let (request, delivery) = (*request, delivery.clone());
                    Some((event, About::Retried { request, delivery }))
                }
                Err(error) => {
                    let error = refusal(&error, delivery.to_string());
                    self.refuse(Origin::Request(*request), error);
                    None
                }
            },
        }
    }

    fn decide_delivery(
        &mut self,
        conn: ConnId,
        agent: &Member,
        said: &Delivery,
        now: Timestamp,
    ) -> Option<(NewEvent, About)> {
        let about = format!("{}:{}", said.message, agent.name);
        if said.answer > Some(self.head) {
            // With several servers this one may not have read the answer yet.
            self.send(conn, ServerFrame::Error(refusal(&ReportError::Busy, about)));
            return None;
        }
        match self.desk.report(agent, said.clone(), now) {
            Ok(Report::Climbs(event)) => return Some((event, About::Reported { conn, about })),
            Ok(Report::Known(stands)) => self.send(conn, ServerFrame::Delivery(stands)),
            Err(error) => {
                self.send(conn, ServerFrame::Error(refusal(&error, about)));
                if let ReportError::BadTransition(stands) = error {
                    self.send(conn, ServerFrame::Delivery(*stands));
                }
            }
        }
        None
    }

    fn decide_run(
        &mut self,
        conn: ConnId,
        agent: &Member,
        said: &Run,
        now: Timestamp,
    ) -> Option<(NewEvent, About)> {
        let about: String = said.run.chars().take(ABOUT_CHARS).collect();
        match self.desk.report_run(agent, said.clone(), now) {
            Ok(Some(event)) => return Some((event, About::Reported { conn, about })),
            Ok(None) => {
                if let Some(known) = self.desk.runs().get(&agent.name, &said.run).cloned() {
                    self.send(conn, ServerFrame::Run(known));
                }
            }
            Err(error) => self.send(conn, ServerFrame::Error(refusal(&error, about))),
        }
        None
    }

    /// Tells everybody who asked for the event at this place of the batch that it is stored.
    fn settle(&mut self, at: usize, id: EventId) {
        while let Some(in_flight) = &mut self.in_flight
            && in_flight.receipts.front().is_some_and(|receipt| receipt.at == at)
            && let Some(Receipt { about, .. }) = in_flight.receipts.pop_front()
        {
            self.give_receipt(about, id);
        }
        if self.in_flight.as_ref().is_some_and(|it| at + 1 >= it.concerns_agents.len()) {
            self.in_flight = None;
            self.desk.forget_pending();
        }
    }

    fn give_receipt(&mut self, about: About, id: EventId) {
        match about {
            About::Said { origin, nonce, duplicate } => {
                self.acknowledge(origin, nonce, Sent { id, duplicate });
            }
            About::Reported { .. } => {}
            About::Retried { request, delivery } => {
                let known = self.desk.ladder().get(&delivery).cloned();
                let gone = || ErrorFrame::new(ErrorCode::NotFound, "there is no such delivery");
                let answer = known.map(Answer::Retried).ok_or_else(gone);
                self.outputs.push_back(Output::Answer(request, answer));
            }
        }
    }

    /// Tells a sender that what it said is stored.
    fn acknowledge(&mut self, origin: Origin, nonce: Option<Nonce>, sent: Sent) {
        match (origin, nonce) {
            (Origin::Conn(conn), Some(nonce)) => {
                let Sent { id, duplicate } = sent;
                self.send(conn, ServerFrame::Ack(Ack { nonce, id, duplicate }));
            }
            (Origin::Conn(_), None) => {}
            (Origin::Request(request), _) => {
                self.outputs.push_back(Output::Answer(request, Ok(Answer::Sent(sent))));
            }
        }
    }

    fn refuse(&mut self, origin: Origin, error: ErrorFrame) {
        match origin {
            Origin::Conn(conn) => self.send(conn, ServerFrame::Error(error)),
            Origin::Request(request) => {
                self.outputs.push_back(Output::Answer(request, Err(error)));
            }
        }
    }
}

impl InFlight {
    /// The place of the event with this id, and whether it concerns agents; `None` if it is another
    /// batch's.
    fn place(&self, id: EventId) -> Option<(usize, bool)> {
        let at = usize::try_from(id.get().checked_sub(self.first?.get())?).ok()?;
        Some((at, *self.concerns_agents.get(at)?))
    }
}

/// What is known of a request's nonce.
enum Dedupe {
    /// It has none, or nobody has used it.
    New,
    /// The sender has been told what became of it.
    Answered,
    /// It stands in this batch already, which is told once that is stored.
    InBatch(Receipt),
}

/// The error of something that may be said again in a while.
fn not_stored(words: &str) -> ErrorFrame {
    let error = ErrorFrame::new(ErrorCode::Storage, words);
    ErrorFrame { retry_after_ms: Some(RETRY_AFTER_MS), ..error }
}

/// The frame that tells a monitor, and the answer that tells a person, why it is not so.
fn refusal(error: &ReportError, about: String) -> ErrorFrame {
    let code = match error {
        ReportError::NotFound => ErrorCode::NotFound,
        ReportError::TooLong => ErrorCode::TooLong,
        ReportError::TooMany => ErrorCode::NotFound,
        ReportError::Busy => ErrorCode::Busy,
        ReportError::Taken(_)
        | ReportError::NoAnswer
        | ReportError::OverBudget
        | ReportError::BadTransition(_) => ErrorCode::BadTransition,
    };
    ErrorFrame { about: Some(about), ..ErrorFrame::new(code, error.to_string()) }
}
