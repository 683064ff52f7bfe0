//! The REST bodies about deliveries, runs, their cost, and budgets.

use serde::{Deserialize, Serialize};

use crate::{budget::Budget, delivery::Delivery, run::Run};

/// The answer to `GET /api/deliveries` and `GET /api/messages/{id}/deliveries`.
///
/// ```
/// use ois_protocol::http::DeliveriesAnswer;
/// let answer: DeliveriesAnswer = serde_json::from_str(r#"{"deliveries":[],"more":false}"#).unwrap();
/// assert!(answer.deliveries.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveriesAnswer {
    /// The state of each delivery, in the order of their messages.
    pub deliveries: Vec<Delivery>,
    /// Whether there are more after the last one.
    pub more: bool,
}

/// The answer to `POST /api/deliveries/{id}/retry`: the next attempt.
///
/// ```
/// use ois_protocol::http::Retried;
/// let wire = r#"{"delivery":{"message":7,"agent":"HKH","attempt":2,"state":"stored","at":"2026-02-06T12:34:56.789Z"}}"#;
/// assert_eq!(serde_json::from_str::<Retried>(wire).unwrap().delivery.attempt, 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// The state of the delivery after the retry.
    pub delivery: Delivery,
}

/// The answer to `GET /api/runs`.
///
/// ```
/// use ois_protocol::http::RunsAnswer;
/// assert!(serde_json::from_str::<RunsAnswer>(r#"{"runs":[]}"#).unwrap().runs.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsAnswer {
    /// The turns under way, ordered by their start, then the finished ones from the newest back.
    pub runs: Vec<Run>,
}

/// The key by which usage is summed up.
///
/// ```
/// use ois_protocol::http::UsageBy;
/// assert_eq!("room".parse(), Ok(UsageBy::Room));
/// assert!("weather".parse::<UsageBy>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageBy {
    /// Usage is summed up for each agent.
    Agent,
    /// Usage is summed up for each room.
    Room,
    /// Usage is summed up for each day of the team's zone.
    Day,
}

/// The error for a text that is not a word of [`UsageBy`].
///
/// ```
/// use ois_protocol::http::UsageBy;
/// let error = "weather".parse::<UsageBy>().unwrap_err();
/// assert_eq!(error.to_string(), "usage is summed up by agent, room or day");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("usage is summed up by agent, room or day")]
pub struct UsageByError;

impl std::str::FromStr for UsageBy {
    type Err = UsageByError;

    fn from_str(word: &str) -> Result<Self, UsageByError> {
        match word {
            "agent" => Ok(Self::Agent),
            "room" => Ok(Self::Room),
            "day" => Ok(Self::Day),
            _ => Err(UsageByError),
        }
    }
}

/// The answer to `GET /api/usage`.
///
/// ```
/// use ois_protocol::http::UsageAnswer;
/// let wire = r#"{"usage":[{"key":"HKH","turns":3,"inputTokens":900,"outputTokens":40,"microUsd":0}]}"#;
/// assert_eq!(serde_json::from_str::<UsageAnswer>(wire).unwrap().usage[0].turns, 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageAnswer {
    /// One row for each agent, room or day that has any usage.
    pub usage: Vec<UsageRow>,
}

/// What an agent, a room or a day has used.
///
/// ```
/// use ois_protocol::http::UsageRow;
/// assert_eq!(UsageRow::default().turns, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    /// The short name of an agent, the name of a room, or a day as `YYYY-MM-DD`.
    pub key: String,
    /// The number of turns that began.
    pub turns: u64,
    /// The number of tokens that were read, as far as runtimes report them.
    pub input_tokens: u64,
    /// The number of tokens that were written, as far as runtimes report them.
    pub output_tokens: u64,
    /// The money that was spent, in millionths of a US dollar, as far as runtimes report it.
    pub micro_usd: u64,
}

/// The body of `PUT /api/budgets`, and the answer to it and to `GET /api/budgets`.
///
/// ```
/// use ois_protocol::http::Budgets;
/// let wire = r#"{"budgets":[{"agent":"HKH","turns":5,"policy":"ask"}]}"#;
/// assert_eq!(serde_json::from_str::<Budgets>(wire).unwrap().budgets.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    /// Every budget of the team; a `PUT` replaces all earlier ones.
    pub budgets: Vec<Budget>,
}
