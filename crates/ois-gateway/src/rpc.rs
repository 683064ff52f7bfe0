//! The state machine for requests and their answers over one WebSocket.
//!
//! [`Rpc`] takes text frames and the time (milliseconds of any clock that never goes back) and
//! answers with [`Effect`]s. It opens no socket and reads no clock; `socket.rs` does both. Every
//! request is answered exactly once: by the gateway, at its deadline, or when the link ends.
//!
//! The method `agent` answers twice under one id, at admission and at the end of the run. The first
//! answer is the result of the request. By the time of the second the id is forgotten, and what it
//! says about the run's cost becomes an event. Any other answer that no caller waits for is
//! dropped, as is one that comes after its deadline.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::GatewayError;
use crate::wire::event::GatewayEvent;
use crate::wire::hello::Hello;
use crate::wire::refusal::refusal;
use crate::wire::{self, Incoming, ResponseError};

/// The number of a request on this link.
pub(crate) type RequestId = u64;

/// An action that the driver of the link has to perform.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Send this text frame.
    Send(String),
    /// The gateway has accepted the connection; requests may begin.
    Ready(Box<Hello>),
    /// Give this answer to the caller of the request.
    Answer(RequestId, Result<Value, GatewayError>),
    /// Give this event to the listeners.
    Event(GatewayEvent),
    /// Close the link, which is of no use any more. All requests are answered already.
    Close(GatewayError),
}

/// One link, from the gateway's challenge to its end.
#[derive(Debug)]
pub(crate) struct Rpc {
    state: State,
    connect: Value,
    next: RequestId,
    pending: BTreeMap<RequestId, Pending>,
    heard_ms: u64,
    tick_ms: u64,
    limit_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The link waits for the gateway, which speaks first.
    Challenge,
    /// The `connect` request is under way.
    Connecting,
    Ready,
    Closed,
}

#[derive(Debug)]
struct Pending {
    method: &'static str,
    asked_ms: u64,
    deadline_ms: u64,
}

/// The id of `connect`, which comes before all others.
const CONNECT: RequestId = 0;

impl Rpc {
    /// Creates a link over which nothing has gone yet. The gateway must accept the connection by
    /// the deadline.
    pub(crate) fn open(connect: Value, now_ms: u64, deadline_ms: u64) -> Self {
        let greeting = Pending { method: "connect", asked_ms: now_ms, deadline_ms };
        Self {
            state: State::Challenge,
            connect,
            next: CONNECT + 1,
            pending: BTreeMap::from([(CONNECT, greeting)]),
            heard_ms: now_ms,
            tick_ms: u64::MAX / 4,
            limit_bytes: 64 * 1024,
        }
    }

    /// Notes a sign of life that is no text frame, such as a ping or a pong.
    pub(crate) fn note_activity(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
    }

    /// Takes a text frame.
    pub(crate) fn receive(&mut self, frame: &str, now_ms: u64) -> Vec<Effect> {
        self.note_activity(now_ms);
        if self.state == State::Closed {
            return Vec::new();
        }
        match serde_json::from_str(frame) {
            Ok(Incoming::Event { event, .. }) if event == "connect.challenge" => self.challenged(),
            Ok(Incoming::Event { event, payload }) => {
                GatewayEvent::read(&event, &payload).map(Effect::Event).into_iter().collect()
            }
            Ok(Incoming::Res { id, ok, payload, error }) => {
                let answer = if ok { Ok(payload) } else { Err(ResponseError::read(&error)) };
                self.answered(&id, answer)
            }
            Ok(Incoming::Other) => Vec::new(),
            // Before the gateway has accepted the connection, the other end may be any listener.
            // After that it is a frame that a later gateway may understand, and a caller that waits
            // for it has a deadline.
            Err(_) if self.state != State::Ready => {
                self.close(GatewayError::bad("a greeting that no gateway sends"))
            }
            Err(_) => Vec::new(),
        }
    }

    /// Starts a request; its answer comes as [`Effect::Answer`] under the returned id.
    pub(crate) fn request(
        &mut self,
        method: &'static str,
        params: &Value,
        now_ms: u64,
        deadline_ms: u64,
    ) -> (RequestId, Effect) {
        let id = self.next;
        self.next += 1;
        let frame = wire::request(&id.to_string(), method, params);
        let bytes = frame.len() as u64;
        if self.state != State::Ready {
            return (id, Effect::Answer(id, Err(GatewayError::lost("it is closed"))));
        }
        if bytes > self.limit_bytes {
            // The gateway would end the link, and with it every caller's requests.
            let error = GatewayError::TooLong { bytes, limit_bytes: self.limit_bytes };
            return (id, Effect::Answer(id, Err(error)));
        }
        self.pending.insert(id, Pending { method, asked_ms: now_ms, deadline_ms });
        (id, Effect::Send(frame))
    }

    /// Takes the passing of time: answers requests that are overdue and gives up a link that is
    /// silent.
    pub(crate) fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        if self.state == State::Closed {
            return Vec::new();
        }
        if now_ms >= self.silent_at() {
            let silent_ms = now_ms - self.heard_ms;
            return self.close(GatewayError::lost(format!("silent for {silent_ms} ms")));
        }
        let due = |pending: &Pending| pending.deadline_ms <= now_ms;
        if let Some(greeting) = self.pending.get(&CONNECT).filter(|it| due(it)) {
            let error = greeting.overdue();
            return self.close(error);
        }
        let all = std::mem::take(&mut self.pending);
        let (overdue, waiting) = all.into_iter().partition(|(_, pending)| due(pending));
        self.pending = waiting;
        let overdue: BTreeMap<RequestId, Pending> = overdue;
        overdue.into_iter().map(|(id, it)| Effect::Answer(id, Err(it.overdue()))).collect()
    }

    /// Returns the time at which [`tick`](Self::tick) has to be called at the latest.
    pub(crate) fn next_tick_ms(&self) -> u64 {
        let deadlines = self.pending.values().map(|pending| pending.deadline_ms);
        deadlines.fold(self.silent_at(), u64::min)
    }

    /// Ends the link, or takes note of its end: answers every request that is still open.
    pub(crate) fn close(&mut self, error: GatewayError) -> Vec<Effect> {
        if self.state == State::Closed {
            return Vec::new();
        }
        self.state = State::Closed;
        self.pending.remove(&CONNECT);
        let waiting = std::mem::take(&mut self.pending).into_keys();
        // For a waiting caller the end of the link is a loss, whatever the gateway says about it.
        let lost = || match &error {
            GatewayError::Lost { .. } => error.clone(),
            other => GatewayError::lost(other.to_string()),
        };
        let mut effects: Vec<Effect> = waiting.map(|id| Effect::Answer(id, Err(lost()))).collect();
        effects.push(Effect::Close(error));
        effects
    }

    fn challenged(&mut self) -> Vec<Effect> {
        if self.state != State::Challenge {
            return Vec::new();
        }
        self.state = State::Connecting;
        vec![Effect::Send(wire::request(&CONNECT.to_string(), "connect", &self.connect))]
    }

    fn answered(&mut self, id: &str, answer: Result<Value, ResponseError>) -> Vec<Effect> {
        let Some((id, pending)) = id.parse().ok().and_then(|id| self.pending.remove_entry(&id))
        else {
            // The second answer to `agent` tells what the run has cost.
            let late = answer.ok().and_then(|payload| GatewayEvent::settled(&payload));
            return late.map(Effect::Event).into_iter().collect();
        };
        let answer = answer.map_err(|error| refusal(pending.method, error));
        if id != CONNECT {
            return vec![Effect::Answer(id, answer)];
        }
        match answer.and_then(Hello::parse) {
            Ok(hello) => {
                self.state = State::Ready;
                self.tick_ms = hello.tick_interval_ms;
                self.limit_bytes = hello.max_payload_bytes;
                vec![Effect::Ready(Box::new(hello))]
            }
            Err(error) => self.close(error),
        }
    }

    /// Returns the time at which two intervals have passed without a sign of life.
    fn silent_at(&self) -> u64 {
        self.heard_ms.saturating_add(self.tick_ms.saturating_mul(2))
    }
}

impl Pending {
    fn overdue(&self) -> GatewayError {
        let after_ms = self.deadline_ms.saturating_sub(self.asked_ms);
        GatewayError::TimedOut { what: self.method.to_owned(), after_ms }
    }
}

#[cfg(test)]
mod tests;
