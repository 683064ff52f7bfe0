//! The structured texts of the message format: task requests and results, status updates, alerts.
//!
//! ```text
//! Task Request:
//!
//! Type: data-analysis
//! Description: Count the users of last week.
//! Priority: high
//! ```
//!
//! The first line names the kind. After it, a line that begins with one of the kind's keys (in any
//! case, with or without spaces) and a colon begins a field. A line that begins with any single
//! capitalised word, a colon and a space begins a field as well; such fields are kept in
//! [`Envelope::other`]. A value runs to the next field. A line inside a value that would begin a
//! field is written with a leading backslash and read back without it.
//!
//! Some things are not kept: carriage returns, blank lines around a value, white space at its end,
//! the case of known words, and the order of known keys, which are written in the format's own
//! order. A text that names no kind in its first line, or that has none of the kind's keys, is free
//! text. Markers such as `[AUTO]` may stand in any text; see [`Marker`].

mod fields;
mod kinds;
mod marker;
mod word;

use std::fmt;

pub use self::{
    fields::Field,
    kinds::{Alert, StatusUpdate, TaskComplete, TaskFailed, TaskRequest},
    marker::Marker,
    word::{AgentStatus, Level, Priority, TaskStatus, Vocabulary, When, Word},
};
use self::{
    fields::{Writer, split},
    kinds::Structured,
};

/// One structured text.
///
/// ```
/// use ois_protocol::envelope::{Body, Envelope, Priority, Word};
/// let text = "Task Request:\n\ntype: review\nPriority: High\nTeam: blue\n";
/// let envelope = Envelope::parse(text).unwrap();
/// let Body::TaskRequest(request) = &envelope.body else { panic!() };
/// assert_eq!(request.priority, Some(Word::Known(Priority::High)));
/// assert_eq!(envelope.other[0].key(), "Team");
/// assert_eq!(envelope.to_string(), "Task Request:\n\nType: review\nPriority: high\nTeam: blue\n");
/// assert_eq!(Envelope::parse("Good morning"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The kind of the text and the fields that the kind knows.
    pub body: Body,
    /// The text between the first line and the first field, normally empty.
    pub intro: String,
    /// The fields that the kind does not know, and second or empty ones of the fields that it does
    /// know, in order.
    pub other: Vec<Field>,
}

/// The kinds of structured text, each with its fields.
///
/// ```
/// use ois_protocol::envelope::{Alert, Body, Envelope};
/// let body = Body::Alert(Alert { message: Some("disk full".to_owned()), ..Alert::default() });
/// assert_eq!(Envelope::from(body).to_string(), "⚠️ Alert:\n\nMessage: disk full\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A request that somebody does something.
    TaskRequest(TaskRequest),
    /// A report that a task is done.
    TaskComplete(TaskComplete),
    /// A report that a task could not be done.
    TaskFailed(TaskFailed),
    /// A report on the state of an agent.
    StatusUpdate(StatusUpdate),
    /// A call for attention.
    Alert(Alert),
}

impl Envelope {
    /// Parses a text; returns `None` if it is free text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let (title, rest) = text.trim_start().split_once('\n')?;
        let title = title.trim_start_matches(['⚠', '\u{fe0f}']).trim();
        let title = title.strip_suffix([':', '：'])?.trim_end().to_lowercase();
        match title.as_str() {
            "task request" => read(rest, Body::TaskRequest),
            "task complete" => read(rest, Body::TaskComplete),
            "task failed" => read(rest, Body::TaskFailed),
            "status update" => read(rest, Body::StatusUpdate),
            "alert" => read(rest, Body::Alert),
            _ => None,
        }
    }
}

impl From<Body> for Envelope {
    fn from(body: Body) -> Self {
        Self { body, intro: String::new(), other: Vec::new() }
    }
}

impl fmt::Display for Envelope {
    /// Writes the text, ended by a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { body, intro, other } = self;
        f.write_str(&match body {
            Body::TaskRequest(body) => written(body, intro, other),
            Body::TaskComplete(body) => written(body, intro, other),
            Body::TaskFailed(body) => written(body, intro, other),
            Body::StatusUpdate(body) => written(body, intro, other),
            Body::Alert(body) => written(body, intro, other),
        })
    }
}

fn read<T: Structured>(text: &str, body: fn(T) -> Body) -> Option<Envelope> {
    let (intro, mut fields) = split(text, T::KEYS);
    fields.has_one_of(T::KEYS).then(|| Envelope {
        body: body(T::read(&mut fields)),
        intro,
        other: fields.rest(),
    })
}

fn written<T: Structured>(body: &T, intro: &str, other: &[Field]) -> String {
    let mut writer = Writer::new(T::TITLE, T::KEYS);
    writer.intro(intro);
    body.write(&mut writer);
    writer.others(other);
    writer.text
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    #[test]
    fn the_alias_the_case_and_the_sign_do_not_matter() {
        let text = "task request:\r\n\r\nTYPE: a\r\nData location: /shared/x\r\nrequest id: 7\r\n";
        let Some(Envelope { body: Body::TaskRequest(request), .. }) = Envelope::parse(text) else {
            panic!("no task request")
        };
        assert_eq!(request.data.as_deref(), Some("/shared/x"));
        assert_eq!(request.request_id.as_deref(), Some("7"));
        for title in ["⚠️ Alert:", "⚠ Alert:", "Alert:", "ALERT：", " alert: "] {
            let envelope = Envelope::parse(&format!("{title}\n\nLevel：Fire\n")).unwrap();
            let Body::Alert(alert) = envelope.body else { panic!("{title}") };
            assert_eq!(alert.level, Some(Word::Other("Fire".to_owned())));
        }
    }

    #[test]
    fn free_text_is_no_envelope() {
        let free = [
            "",
            "Alert:",
            "Alert: the disk is full",
            "Task Request:\n\nplease look at it",
            "Task Request\n\nType: a",
            "Alert:\n\nColour: red",
        ];
        for text in free {
            assert_eq!(Envelope::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_runs_to_the_next_field() {
        let text = "Task Complete:\n\nas promised\n\nOutput:\n  - a: 1\n\n  - b\nwhat: is it\nSummary: one\ntwo\nCost: 3\n";
        let envelope = Envelope::parse(text).unwrap();
        assert_eq!(envelope.intro, "as promised");
        assert_eq!((envelope.other[0].key(), envelope.other[0].value()), ("Cost", "3"));
        let Body::TaskComplete(done) = &envelope.body else { panic!("no result") };
        assert_eq!(done.output.as_deref(), Some("  - a: 1\n\n  - b\nwhat: is it"));
        assert_eq!(done.summary.as_deref(), Some("one\ntwo"));
        let written = "Task Complete:\n\nas promised\n\nOutput:\n  - a: 1\n\n  - b\nwhat: is it\nSummary:\none\ntwo\nCost: 3\n";
        assert_eq!(envelope.to_string(), written);
    }

    #[test]
    fn a_second_or_empty_field_is_kept_as_another() {
        let envelope = Envelope::parse("Status Update:\n\nAgent: A\nTime:\nagent: B\n").unwrap();
        let other: Vec<_> = envelope.other.iter().map(|f| (f.key(), f.value())).collect();
        assert_eq!(other, [("Time", ""), ("agent", "B")]);
    }

    fn value() -> impl Strategy<Value = Option<String>> {
        let line = r"(\\*(Type|Priority|data location|Level|Note)?[:：]?[ \t]?|\PC){0,8}";
        option::of(prop::collection::vec(line, 0..4).prop_map(|lines| lines.join("\n")))
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            values in prop::collection::vec(value(), 6), intro in value(), note in value()
        ) {
            let [kind, description, data, callback, deadline, priority] = &values[..] else {
                unreachable!()
            };
            let body = Body::TaskRequest(TaskRequest {
                kind: kind.clone(),
                description: description.clone(),
                priority: priority.as_deref().map(Word::from),
                deadline: deadline.as_deref().map(When::from),
                data: data.clone(),
                callback: callback.clone(),
                request_id: Some("r-1".to_owned()),
            });
            let other = vec![Field::new("Note", &note.unwrap_or_default()).unwrap()];
            let said = Envelope { body, intro: intro.unwrap_or_default(), other };
            let read = Envelope::parse(&said.to_string()).unwrap();
            prop_assert_eq!(said.to_string(), read.to_string());
            let (Body::TaskRequest(said), Body::TaskRequest(read)) = (said.body, read.body) else {
                panic!("another kind")
            };
            let kept = |value: &Option<String>| {
                value.as_deref().map(fields::kept).filter(|value| !value.is_empty())
            };
            prop_assert_eq!(kept(&said.description), read.description);
            prop_assert_eq!(kept(&said.data), read.data);
        }

        #[test]
        fn what_was_read_once_is_read_the_same_again(
            title in "(Task (Request|Complete|Failed)|Status Update|Alert):\n",
            lines in prop::collection::vec(
                r"(\\?(type|Status|Data location|Data|Level|Time|Agent|Foo|foo bar)[:：] ?)?(high|2026-02-04T10:00:00Z|\PC){0,3}", 0..8)
        ) {
            let text = title + &lines.join("\n");
            if let Some(envelope) = Envelope::parse(&text) {
                prop_assert_eq!(Envelope::parse(&envelope.to_string()), Some(envelope));
            }
        }

        #[test]
        fn any_text_can_be_read(text in r"(\PC|\n|\r){0,60}") {
            drop(Envelope::parse(&text));
        }
    }
}
