//! Values of which the format knows some: words of a list, and times.

use std::fmt;

use crate::time::Timestamp;

/// A value that is either one of a list of words or something else that an author wrote instead.
///
/// ```
/// use ois_protocol::envelope::{Priority, Word};
/// assert_eq!(Word::<Priority>::from("HIGH"), Word::Known(Priority::High));
/// assert_eq!(Word::<Priority>::from("asap").as_str(), "asap");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word<T> {
    /// A word of the list. It is read in any case and written in lower case.
    Known(T),
    /// Any other value, as written.
    Other(String),
}

/// A list of words that a field may hold.
pub trait Vocabulary: Copy + PartialEq + 'static {
    /// Each word in lower case, with the value that it stands for.
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Vocabulary> Word<T> {
    /// Returns the word as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(value) => word_of(*value),
            Self::Other(text) => text,
        }
    }
}

impl<T: Vocabulary> From<&str> for Word<T> {
    fn from(text: &str) -> Self {
        let known = T::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        known.map_or_else(|| Self::Other(text.to_owned()), |(_, value)| Self::Known(*value))
    }
}

impl<T: Vocabulary> From<String> for Word<T> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

fn word_of<T: Vocabulary>(value: T) -> &'static str {
    let found = T::WORDS.iter().find(|(_, other)| *other == value);
    found.expect("each value has its word").0
}

/// How urgent a task is.
///
/// ```
/// use ois_protocol::envelope::{Priority, Vocabulary};
/// assert!(Priority::High < Priority::Urgent);
/// assert_eq!(Priority::WORDS.len(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Priority {
    /// The task can wait until there is time.
    Low,
    /// The task takes its turn among others.
    Medium,
    /// The task goes before others.
    High,
    /// The task is to be done at once.
    Urgent,
}

impl Vocabulary for Priority {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("urgent", Self::Urgent),
    ];
}

/// How much of a task was done.
///
/// ```
/// use ois_protocol::envelope::{TaskStatus, Word};
/// assert_eq!(Word::Known(TaskStatus::Success).as_str(), "success");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TaskStatus {
    /// All of the task is done.
    Success,
    /// Some of the task is done.
    Partial,
    /// None of the task is done.
    Failed,
}

impl Vocabulary for TaskStatus {
    const WORDS: &'static [(&'static str, Self)] =
        &[("success", Self::Success), ("partial", Self::Partial), ("failed", Self::Failed)];
}

/// The state that an agent reports of itself.
///
/// ```
/// use ois_protocol::envelope::{AgentStatus, Word};
/// assert_eq!(Word::Known(AgentStatus::Maintenance).as_str(), "maintenance");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AgentStatus {
    /// The agent is connected and has time.
    Online,
    /// The agent is connected and at work.
    Busy,
    /// The agent is not connected.
    Offline,
    /// The agent is away for a while, on purpose.
    Maintenance,
}

impl Vocabulary for AgentStatus {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("online", Self::Online),
        ("busy", Self::Busy),
        ("offline", Self::Offline),
        ("maintenance", Self::Maintenance),
    ];
}

/// How severe an alert is.
///
/// ```
/// use ois_protocol::envelope::Level;
/// assert!(Level::Info < Level::Critical);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// The alert is for information only.
    Info,
    /// The condition may become worse.
    Warning,
    /// Something does not work.
    Error,
    /// Nothing works.
    Critical,
}

impl Vocabulary for Level {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("critical", Self::Critical),
    ];
}

/// A time, or words such as `2 hours`.
///
/// ```
/// use ois_protocol::envelope::When;
/// assert_eq!(When::from("2026-02-04T18:00:00+08:00").to_string(), "2026-02-04T10:00:00Z");
/// assert_eq!(When::from("2 hours"), When::Text("2 hours".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// A point in time, written in UTC, with milliseconds only if there are any.
    At(Timestamp),
    /// Any other text, as written.
    Text(String),
}

impl From<&str> for When {
    fn from(text: &str) -> Self {
        match text.trim().parse() {
            Ok(time) => Self::At(time),
            Err(_) => Self::Text(text.to_owned()),
        }
    }
}

impl From<String> for When {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.write_str(&time.to_string().replace(".000Z", "Z")),
            Self::Text(text) => f.write_str(text),
        }
    }
}
