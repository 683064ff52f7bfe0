//! How far a mention came: there is one delivery for each message and each agent that it calls.
//!
//! The state machine that climbs the rungs, and only on evidence, is the ladder in `ois-chat`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{id::EventId, name::ShortName, time::Timestamp};

/// How far one attempt at a delivery came. Within an attempt the rung only climbs.
///
/// ```
/// use ois_protocol::Rung;
/// assert!(Rung::Received < Rung::Admitted);
/// assert!(Rung::Silent.is_final() && !Rung::Ended.is_final());
/// assert_eq!(Rung::from_word(Rung::Dead.word()), Some(Rung::Dead));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// The message is in the log.
    Stored,
    /// The monitor has the message on its own disk.
    Received,
    /// The runtime confirmed that a turn for the message began.
    Admitted,
    /// The runtime said that the turn is over.
    Ended,
    /// A message that answers is in the log.
    Replied,
    /// The agent chose not to answer.
    Silent,
    /// The attempt failed; [`Delivery::reason`] says why.
    Failed,
    /// No program will try again by itself; a person may still open the next attempt.
    Dead,
}

impl Rung {
    /// Every rung, from the lowest to the highest.
    pub const ALL: [Self; 8] = [
        Self::Stored,
        Self::Received,
        Self::Admitted,
        Self::Ended,
        Self::Replied,
        Self::Silent,
        Self::Failed,
        Self::Dead,
    ];

    /// Returns the word that stands for this rung on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Received => "received",
            Self::Admitted => "admitted",
            Self::Ended => "ended",
            Self::Replied => "replied",
            Self::Silent => "silent",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }

    /// Returns the rung that this word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rung| rung.word() == word)
    }

    /// Whether this rung ends the attempt.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Replied | Self::Silent | Self::Failed | Self::Dead)
    }
}

/// The state of one delivery: a message on its way to one agent.
///
/// ```
/// use ois_protocol::Delivery;
/// let wire = r#"{"message":7,"agent":"HKH","attempt":1,"state":"received","at":"2026-02-06T12:34:56.789Z"}"#;
/// let delivery: Delivery = serde_json::from_str(wire).unwrap();
/// assert_eq!(serde_json::to_string(&delivery).unwrap(), wire);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The message that calls the agent.
    pub message: EventId,
    /// The agent that the message calls.
    pub agent: ShortName,
    /// The number of the attempt, from 1. A person who retries the delivery opens the next one.
    pub attempt: u32,
    /// How far the attempt came.
    pub state: Rung,
    /// The runtime's name for the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Why the attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The reason in words for people, at most [`Delivery::DETAIL_CHARS`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The message that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<EventId>,
    /// When the server took this report. A monitor's own clock is not trusted.
    pub at: Timestamp,
    /// Whether an earlier attempt may have begun a turn as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub possible_duplicate: bool,
    /// Whether the answer came after the attempt had been given up: a notice that says that none will
    /// come is overtaken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

impl Delivery {
    /// The length in characters to which a longer [`Delivery::detail`] is cut.
    pub const DETAIL_CHARS: usize = 500;

    /// Returns a first attempt of which nothing is known but that its message is stored.
    pub fn stored(message: EventId, agent: ShortName, at: Timestamp) -> Self {
        Self {
            message,
            agent,
            attempt: 1,
            state: Rung::Stored,
            run: None,
            reason: None,
            detail: None,
            answer: None,
            at,
            possible_duplicate: false,
            late: false,
        }
    }

    /// Returns the id of the delivery that this is a state of.
    pub fn id(&self) -> DeliveryId {
        DeliveryId { message: self.message, agent: self.agent.clone() }
    }
}

/// Why an attempt failed, or why no program will try again.
///
/// ```
/// use ois_protocol::Reason;
/// assert_eq!(serde_json::to_string(&Reason::Unreachable).unwrap(), r#""unreachable""#);
/// assert_eq!(serde_json::from_str::<Reason>(r#""sunspots""#).unwrap(), Reason::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The runtime could not be reached.
    Unreachable,
    /// The runtime does not let the monitor in: a token or a scope is wrong.
    Unauthorized,
    /// The runtime had no time for a turn.
    Busy,
    /// The runtime will never accept this message.
    Rejected,
    /// The runtime accepted the message and never did anything about it.
    Dropped,
    /// The turn was cut short because the runtime's process ended.
    Interrupted,
    /// The turn ended with an error, for example an error of the model.
    Error,
    /// A turn may have begun, and no evidence shows how it ended.
    Unclear,
    /// A person stopped the turn.
    Stopped,
    /// The server refused to store the answer.
    AnswerRefused,
    /// The delivery's deadline passed.
    Deadline,
    /// The turn went on for longer than the server allows.
    Timeout,
    /// The agent was connected with a client that reports nothing, so the end is not known.
    NoMonitor,
    /// A reason that only a newer program knows.
    #[serde(other)]
    Unknown,
}

/// The name of a delivery, `MESSAGE:AGENT`, as in `POST /api/deliveries/{id}/retry`.
///
/// ```
/// let id: ois_protocol::DeliveryId = "7:HKH".parse().unwrap();
/// assert_eq!((id.message.get(), id.agent.as_str(), id.to_string()), (7, "HKH", "7:HKH".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveryId {
    /// The message that calls the agent.
    pub message: EventId,
    /// The agent that the message calls.
    pub agent: ShortName,
}

/// The error for a text that is not the name of a delivery.
///
/// ```
/// assert!("HKH".parse::<ois_protocol::DeliveryId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delivery is named MESSAGE:AGENT")]
pub struct DeliveryIdError;

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.message, self.agent)
    }
}

impl FromStr for DeliveryId {
    type Err = DeliveryIdError;

    fn from_str(text: &str) -> Result<Self, DeliveryIdError> {
        let (message, agent) = text.split_once(':').ok_or(DeliveryIdError)?;
        let message = message.parse().ok().and_then(EventId::new).ok_or(DeliveryIdError)?;
        Ok(Self { message, agent: agent.parse().map_err(|_| DeliveryIdError)? })
    }
}

/// The name of one attempt at a call of the agent that speaks, `MESSAGE:ATTEMPT`.
///
/// ```
/// let id: ois_protocol::AttemptId = "41:2".parse().unwrap();
/// assert_eq!((id.message.get(), id.attempt, id.to_string()), (41, 2, "41:2".to_owned()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttemptId {
    /// The message that calls the agent.
    pub message: EventId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// The error for a text that is not the name of an attempt.
///
/// ```
/// assert!("41".parse::<ois_protocol::AttemptId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attempt is named MESSAGE:ATTEMPT")]
pub struct AttemptIdError;

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.message, self.attempt)
    }
}

impl FromStr for AttemptId {
    type Err = AttemptIdError;

    fn from_str(text: &str) -> Result<Self, AttemptIdError> {
        let (message, attempt) = text.split_once(':').ok_or(AttemptIdError)?;
        let message = message.parse().ok().and_then(EventId::new).ok_or(AttemptIdError)?;
        let attempt = attempt.parse().ok().filter(|attempt| *attempt > 0).ok_or(AttemptIdError)?;
        Ok(Self { message, attempt })
    }
}

impl TryFrom<String> for AttemptId {
    type Error = AttemptIdError;

    fn try_from(text: String) -> Result<Self, AttemptIdError> {
        text.parse()
    }
}

impl From<AttemptId> for String {
    fn from(id: AttemptId) -> Self {
        id.to_string()
    }
}

/// The calls that a monitor has in its journal, those included whose end the server has not
/// confirmed. An attempt stands for the attempts before it.
///
/// ```
/// let wire = r#"{"calls":["41:1","43:2"]}"#;
/// let holding: ois_protocol::Holding = serde_json::from_str(wire).unwrap();
/// assert_eq!(serde_json::to_string(&holding).unwrap(), wire);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The attempts that the monitor knows of, in any order.
    pub calls: Vec<AttemptId>,
}

/// Tells the monitors of an agent which of them is awake. A monitor that reads another instance
/// than its own stands by; one that reads its own takes over.
///
/// ```
/// let wire = r#"{"agent":"ARIA","awake":"6f1c0d9e2b7a4c55"}"#;
/// let standby: ois_protocol::Standby = serde_json::from_str(wire).unwrap();
/// assert_eq!(standby.awake, "6f1c0d9e2b7a4c55");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standby {
    /// The agent whose monitors these are.
    pub agent: ShortName,
    /// The instance of the monitor that is awake, as its sign-in named it.
    pub awake: String,
}
