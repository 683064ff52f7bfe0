//! `history.json` as older servers have left it: complete, torn, or with odd entries.

use std::{io, path::Path};

use ois_protocol::{Attachment, EventId, Timestamp};
use serde_json::{Map, Value};

use super::{ImportError, Oddity, Said, disk, odd, plain, read_text};

/// The messages of `chat/history.json`, in its order.
pub(super) fn read(
    chat: &Path,
    now: Timestamp,
    oddities: &mut Vec<Oddity>,
) -> Result<Vec<Said>, ImportError> {
    let path = chat.join(FILE);
    match std::fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(disk(&path, io::Error::other("it is no regular file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(disk(&path, source)),
    }
    let text = read_text(&path, oddities)?;
    let mut said: Vec<Said> = Vec::new();
    for (line, value) in values(&text, oddities) {
        let before = said.last().map(|said| said.time);
        let mut entry = Entry { line, oddities };
        said.push(entry.said(value, before, now));
    }
    Ok(said)
}

/// The elements of an array, with their lines, up to where it is no JSON any more: the old server
/// wrote the file in place, so a crash left a part of it.
fn values(text: &str, oddities: &mut Vec<Oddity>) -> Vec<(usize, Value)> {
    let mut values = Vec::new();
    let skip = |at: usize, also: &[char]| {
        let rest = text[at..].trim_start_matches(|c: char| c.is_whitespace() || also.contains(&c));
        text.len() - rest.len()
    };
    let mut at = skip(0, &['\u{feff}']);
    let (mut line, mut counted) = (1, 0);
    if text[at..].starts_with('[') {
        at += 1;
    } else if at < text.len() {
        oddities.push(odd(FILE, 1, "it is no array; nothing of it was read"));
        return values;
    }
    loop {
        at = skip(at, &[',']);
        line += text[counted..at].matches('\n').count();
        counted = at;
        let rest = &text[at..];
        if rest.is_empty() || rest.starts_with(']') {
            if rest.is_empty() {
                oddities.push(odd(FILE, line, "the file ends early"));
            }
            return values;
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => values.push((line, value)),
            _ => {
                oddities.push(odd(FILE, line, "no JSON from here on; the rest was not read"));
                return values;
            }
        }
        at += stream.byte_offset();
    }
}

/// One entry, and where to say what is odd about it.
struct Entry<'o> {
    line: usize,
    oddities: &'o mut Vec<Oddity>,
}

impl Entry<'_> {
    fn odd(&mut self, what: &str) {
        self.oddities.push(odd(FILE, self.line, what));
    }

    fn said(&mut self, value: Value, before: Option<Timestamp>, now: Timestamp) -> Said {
        let mut fields = match value {
            Value::Object(fields) => fields,
            other => {
                self.odd("an entry is no object; kept as text");
                Map::from_iter([("text".to_owned(), other)])
            }
        };
        let id = self.id(&fields, now);
        let time = self.time(&fields, id, before, now);
        let user = self.text(fields.remove("user"), "user", "?");
        let text = self.text(fields.remove("text"), "text", "");
        let mut message = plain(user.clone(), text.clone(), time);
        for attachment in list(&fields, "attachments") {
            match serde_json::from_value::<Attachment>(attachment.clone()) {
                Ok(attachment) => message.attachments.push(attachment),
                Err(_) => {
                    self.odd("an attachment that cannot be shown safely; kept as text");
                    let line = format!("\n[attachment] {attachment}");
                    message.text.push_str(line.trim_start_matches(if text.is_empty() {
                        "\n"
                    } else {
                        ""
                    }));
                }
            }
        }
        message.mentions =
            list(&fields, "mentions").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let reference = |name: &str| fields.get(name)?.as_u64().and_then(EventId::new);
        message.reply_to = reference("replyTo");
        message.cause = reference("cause");
        let hop = fields.get("hop").and_then(Value::as_u64).unwrap_or(0);
        message.hop = u32::try_from(hop).unwrap_or(u32::MAX);
        let is = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or(false);
        message.agent = is("agent");
        message.from_archive = is("fromArchive");
        Said { id, time, user, plain_text: text, message }
    }

    /// The id, if a client may remember it: the old server's were milliseconds, so none is later
    /// than now.
    fn id(&mut self, fields: &Map<String, Value>, now: Timestamp) -> Option<EventId> {
        let id = fields.get("id").and_then(Value::as_u64).and_then(EventId::new);
        let id = id.filter(|id| *id > EventId::ZERO && *id <= EventId::from(now));
        if id.is_none() {
            self.odd("no id that the old server could have given; it got one from its time");
        }
        id
    }

    fn time(
        &mut self,
        fields: &Map<String, Value>,
        id: Option<EventId>,
        before: Option<Timestamp>,
        now: Timestamp,
    ) -> Timestamp {
        let told = match fields.get("time") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(ms)) => ms.as_u64().map(Timestamp::from_ms),
            _ => None,
        };
        if let Some(time) = told.filter(|time| *time <= now) {
            return time;
        }
        self.odd("no time, or one to come; it got that of its id, or of the entry before, or now");
        let of_id = id.map(|id| Timestamp::from_ms(id.get()));
        let of_place = if told.is_some() { Some(now) } else { before };
        of_id.or(of_place).unwrap_or_default()
    }

    fn text(&mut self, value: Option<Value>, field: &str, missing: &str) -> String {
        match value {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => {
                self.odd(&format!("{field} is missing"));
                missing.to_owned()
            }
            Some(other) => {
                self.odd(&format!("{field} is no text; kept as it was written"));
                other.to_string()
            }
        }
    }
}

fn list<'v>(fields: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    fields.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

const FILE: &str = "history.json";
