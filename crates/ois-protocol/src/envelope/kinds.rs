//! The five kinds of structured text: the keys that each knows, in the order in which they are
//! written.

use super::{
    fields::{Fields, Writer},
    word::{AgentStatus, Level, Priority, TaskStatus, When, Word},
};

/// What reading and writing need to know of a kind.
pub(super) trait Structured: Sized {
    /// The first line of the kind's texts, without the colon.
    const TITLE: &'static str;
    /// The kind's keys and their aliases.
    const KEYS: &'static [&'static str];
    /// Takes the fields that the kind knows.
    fn read(fields: &mut Fields) -> Self;
    /// Writes the fields that are set.
    fn write(&self, writer: &mut Writer);
}

/// A request that somebody does something.
///
/// ```
/// use ois_protocol::envelope::{Body, Envelope, TaskRequest};
/// let body = TaskRequest { kind: Some("review".to_owned()), ..TaskRequest::default() };
/// let text = Envelope::from(Body::TaskRequest(body)).to_string();
/// assert_eq!(text, "Task Request:\n\nType: review\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskRequest {
    /// `Type`: the sort of work.
    pub kind: Option<String>,
    /// What is to be done.
    pub description: Option<String>,
    /// How urgent the task is.
    pub priority: Option<Word<Priority>>,
    /// The time by which the task is to be done: a time, or words such as `2 hours`.
    pub deadline: Option<When>,
    /// `Data` or `Data location`: where the data is, or the data itself.
    pub data: Option<String>,
    /// How the result is to be reported.
    pub callback: Option<String>,
    /// `RequestID`, for example `task-20260204-001`.
    pub request_id: Option<String>,
}

/// A report that a task is done.
///
/// ```
/// use ois_protocol::envelope::{Body, Envelope, TaskStatus, Word};
/// let done = Envelope::parse("Task Complete:\n\nStatus: partial").unwrap();
/// assert!(matches!(done.body, Body::TaskComplete(done)
///     if done.status == Some(Word::Known(TaskStatus::Partial))));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskComplete {
    /// `RequestID` of the request that this answers.
    pub request_id: Option<String>,
    /// `Type` of the request that this answers.
    pub kind: Option<String>,
    /// How much of the task was done.
    pub status: Option<Word<TaskStatus>>,
    /// How long the task took, in words such as `45 minutes`.
    pub duration: Option<String>,
    /// Where the result is, or the result itself.
    pub output: Option<String>,
    /// The result in a few words.
    pub summary: Option<String>,
    /// The errors that occurred, if any did.
    pub errors: Option<String>,
}

/// A report that a task could not be done.
///
/// ```
/// use ois_protocol::envelope::{Body, Envelope};
/// let failed = Envelope::parse("Task Failed:\n\nReason: no data\nPartial output: none").unwrap();
/// assert!(matches!(failed.body, Body::TaskFailed(failed)
///     if failed.partial_output.as_deref() == Some("none")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFailed {
    /// `RequestID` of the request that this answers; the original format leaves it out.
    pub request_id: Option<String>,
    /// `Type` of the request that this answers.
    pub kind: Option<String>,
    /// How much of the task was done.
    pub status: Option<Word<TaskStatus>>,
    /// Why the task failed.
    pub reason: Option<String>,
    /// `Partial output`: the part of the result that exists all the same.
    pub partial_output: Option<String>,
    /// What the requester could try instead.
    pub suggestion: Option<String>,
}

/// A report on the state of an agent.
///
/// ```
/// use ois_protocol::envelope::{AgentStatus, Body, Envelope, Word};
/// let update = Envelope::parse("Status Update:\n\nAgent: HKH\nStatus: busy").unwrap();
/// assert!(matches!(update.body, Body::StatusUpdate(update)
///     if update.status == Some(Word::Known(AgentStatus::Busy))));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The agent that the report is about.
    pub agent: Option<String>,
    /// The time at which the report was true.
    pub time: Option<When>,
    /// The agent's state.
    pub status: Option<Word<AgentStatus>>,
    /// `CurrentTask`: the task that the agent works on, or `idle`.
    pub current_task: Option<String>,
    /// The resources that the agent has or needs.
    pub resources: Option<String>,
}

/// A call for attention.
///
/// ```
/// use ois_protocol::envelope::{Body, Envelope, Level, Word};
/// let alert = Envelope::parse("⚠️ Alert:\n\nLevel: critical\nMessage: disk full").unwrap();
/// assert!(matches!(alert.body, Body::Alert(alert)
///     if alert.level == Some(Word::Known(Level::Critical))));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    /// How severe the alert is.
    pub level: Option<Word<Level>>,
    /// The person or the program that raised the alert.
    pub source: Option<String>,
    /// When the alert was raised.
    pub time: Option<When>,
    /// What the alert is about.
    pub message: Option<String>,
    /// What is to be done, or `none`.
    pub action: Option<String>,
}

impl Structured for TaskRequest {
    const TITLE: &'static str = "Task Request:";
    const KEYS: &'static [&'static str] = &[
        "Type",
        "Description",
        "Priority",
        "Deadline",
        "Data",
        "Data location",
        "Callback",
        "RequestID",
    ];

    fn read(fields: &mut Fields) -> Self {
        Self {
            kind: fields.take(&["Type"]),
            description: fields.take(&["Description"]),
            priority: fields.take(&["Priority"]).map(Word::from),
            deadline: fields.take(&["Deadline"]).map(When::from),
            data: fields.take(&["Data", "Data location"]),
            callback: fields.take(&["Callback"]),
            request_id: fields.take(&["RequestID"]),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.field("Type", self.kind.as_deref());
        writer.field("Description", self.description.as_deref());
        writer.field("Priority", self.priority.as_ref().map(Word::as_str));
        writer.field("Deadline", written(self.deadline.as_ref()).as_deref());
        writer.field("Data", self.data.as_deref());
        writer.field("Callback", self.callback.as_deref());
        writer.field("RequestID", self.request_id.as_deref());
    }
}

impl Structured for TaskComplete {
    const TITLE: &'static str = "Task Complete:";
    const KEYS: &'static [&'static str] =
        &["RequestID", "Type", "Status", "Duration", "Output", "Summary", "Errors"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            request_id: fields.take(&["RequestID"]),
            kind: fields.take(&["Type"]),
            status: fields.take(&["Status"]).map(Word::from),
            duration: fields.take(&["Duration"]),
            output: fields.take(&["Output"]),
            summary: fields.take(&["Summary"]),
            errors: fields.take(&["Errors"]),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.field("RequestID", self.request_id.as_deref());
        writer.field("Type", self.kind.as_deref());
        writer.field("Status", self.status.as_ref().map(Word::as_str));
        writer.field("Duration", self.duration.as_deref());
        writer.field("Output", self.output.as_deref());
        writer.field("Summary", self.summary.as_deref());
        writer.field("Errors", self.errors.as_deref());
    }
}

impl Structured for TaskFailed {
    const TITLE: &'static str = "Task Failed:";
    const KEYS: &'static [&'static str] =
        &["RequestID", "Type", "Status", "Reason", "Partial output", "Suggestion"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            request_id: fields.take(&["RequestID"]),
            kind: fields.take(&["Type"]),
            status: fields.take(&["Status"]).map(Word::from),
            reason: fields.take(&["Reason"]),
            partial_output: fields.take(&["Partial output"]),
            suggestion: fields.take(&["Suggestion"]),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.field("RequestID", self.request_id.as_deref());
        writer.field("Type", self.kind.as_deref());
        writer.field("Status", self.status.as_ref().map(Word::as_str));
        writer.field("Reason", self.reason.as_deref());
        writer.field("Partial output", self.partial_output.as_deref());
        writer.field("Suggestion", self.suggestion.as_deref());
    }
}

impl Structured for StatusUpdate {
    const TITLE: &'static str = "Status Update:";
    const KEYS: &'static [&'static str] = &["Agent", "Time", "Status", "CurrentTask", "Resources"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            agent: fields.take(&["Agent"]),
            time: fields.take(&["Time"]).map(When::from),
            status: fields.take(&["Status"]).map(Word::from),
            current_task: fields.take(&["CurrentTask"]),
            resources: fields.take(&["Resources"]),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.field("Agent", self.agent.as_deref());
        writer.field("Time", written(self.time.as_ref()).as_deref());
        writer.field("Status", self.status.as_ref().map(Word::as_str));
        writer.field("CurrentTask", self.current_task.as_deref());
        writer.field("Resources", self.resources.as_deref());
    }
}

impl Structured for Alert {
    const TITLE: &'static str = "⚠️ Alert:";
    const KEYS: &'static [&'static str] = &["Level", "Source", "Time", "Message", "Action"];

    fn read(fields: &mut Fields) -> Self {
        Self {
            level: fields.take(&["Level"]).map(Word::from),
            source: fields.take(&["Source"]),
            time: fields.take(&["Time"]).map(When::from),
            message: fields.take(&["Message"]),
            action: fields.take(&["Action"]),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.field("Level", self.level.as_ref().map(Word::as_str));
        writer.field("Source", self.source.as_deref());
        writer.field("Time", written(self.time.as_ref()).as_deref());
        writer.field("Message", self.message.as_deref());
        writer.field("Action", self.action.as_deref());
    }
}

fn written(when: Option<&When>) -> Option<String> {
    when.map(When::to_string)
}
