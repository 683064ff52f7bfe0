//! Frames from a server, read with the patience that an old one needs.
//!
//! OIS 1.2 passes on whatever a client sent: texts that are numbers, attachments that are anything.
//! One odd message must cost neither itself nor the history around it.

use ois_protocol::{Attachment, History, Message, ServerFrame};
use serde_json::Value;

/// Reads a frame; `None` if it is none that means anything to us.
pub(crate) fn parse(text: &str) -> Option<ServerFrame> {
    if let Ok(frame) = serde_json::from_str(text) {
        return Some(frame);
    }
    let mut frame: Value = serde_json::from_str(text).ok()?;
    match frame["type"].as_str()? {
        "message" => Some(ServerFrame::Message { message: mend(frame["message"].take())? }),
        "history" => {
            let messages = match frame["messages"].take() {
                Value::Array(messages) => messages.into_iter().filter_map(mend).collect(),
                _ => return None,
            };
            let truncated = frame["truncated"] == true;
            let oldest = serde_json::from_value(frame["oldest"].take()).ok();
            Some(ServerFrame::History(History { messages, truncated, oldest }))
        }
        _ => None,
    }
}

/// Makes a message of what is nearly one.
fn mend(mut message: Value) -> Option<Message> {
    let fields = message.as_object_mut()?;
    if let Some(text) = fields.get_mut("text")
        && !text.is_string()
    {
        *text = if text.is_null() { "".into() } else { text.to_string().into() };
    }
    if let Some(attachments) = fields.get_mut("attachments") {
        keep(attachments, |one| serde_json::from_value::<Attachment>(one.clone()).is_ok());
    }
    if let Some(mentions) = fields.get_mut("mentions") {
        keep(mentions, Value::is_string);
    }
    serde_json::from_value(message).ok()
}

/// Leaves what fits of a list; what is no list becomes an empty one.
fn keep(list: &mut Value, fits: impl Fn(&Value) -> bool) {
    match list.as_array_mut() {
        Some(items) => items.retain(fits),
        None => *list = Value::Array(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = r#"{"id":7,"user":"tester","text":42,"time":"2026-02-06T12:34:56.789Z","mentions":["ARIA",1],"attachments":[{"url":"javascript:alert(1)","any":{}},{"url":"/uploads/a.png"}]}"#;

    fn messages(frame: &str) -> Vec<Message> {
        match parse(frame) {
            Some(ServerFrame::Message { message }) => vec![message],
            Some(ServerFrame::History(history)) => history.messages,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_odd_message_of_an_old_server_is_still_heard() {
        let heard = messages(&format!(r#"{{"type":"message","message":{ODD}}}"#));
        assert_eq!(heard[0].text, "42");
        assert_eq!(heard[0].mentions, ["ARIA"]);
        assert_eq!(heard[0].attachments[0].url, "/uploads/a.png");
        assert_eq!(heard[0].attachments.len(), 1);
    }

    #[test]
    fn an_odd_message_does_not_cost_the_history_around_it() {
        let good = ODD.replace("42", "\"hi\"").replace("id\":7", "id\":8");
        let frame = format!(r#"{{"type":"history","messages":[{ODD},{good},{{"no":"id"}},null]}}"#);
        let ids: Vec<u64> = messages(&frame).iter().map(|message| message.id.get()).collect();
        assert_eq!(ids, [7, 8]);
    }

    #[test]
    fn what_is_no_frame_is_nothing() {
        for text in ["", "{", "null", "[1]", "{}", r#"{"type":"history","messages":7}"#] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
