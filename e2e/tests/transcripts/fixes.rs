//! The answers that differ on purpose from those of the original, and the reasons.

use serde_json::{Value, json};

/// One step whose answer changed.
pub(super) struct Fix {
    /// The step's name in the recording.
    pub(super) step: &'static str,
    /// The answer that the request gets now.
    pub(super) now: Now,
    /// The reason for the difference.
    pub(super) because: &'static str,
}

/// The answer of a fixed step.
pub(super) enum Now {
    /// One of these statuses and a JSON `error` that names no path of the host.
    Error(&'static [u16]),
    /// Status 200 and at least this JSON.
    Ok(fn() -> Value),
    /// An `error` frame with one of these codes, to the sender alone; nothing is said in the room.
    Refused(&'static [&'static str]),
    /// The message as recorded, but with no mentions.
    NoMentions,
    /// As recorded, and every id differs from the others.
    UniqueIds,
}

/// The fix of a step, if it has one.
pub(super) fn of(step: &str) -> Option<&'static Fix> {
    FIXES.iter().find(|fix| fix.step == step)
}

const fn fix(step: &'static str, now: Now, because: &'static str) -> Fix {
    Fix { step, now, because }
}

fn ok() -> Value {
    json!({"ok": true})
}

fn unicode_name() -> Value {
    json!({"ok": true, "file": {"originalName": "写真.txt", "name": "写真.txt", "size": 1}})
}

fn into_folder() -> Value {
    json!({"ok": true, "file": {"originalName": "p.txt", "name": "p.txt", "size": 1}})
}

fn people_too() -> Value {
    let agents = [("HKH", "HKH 🐱"), ("ARIA", "ARIA ⚔️"), ("Mikasa", "Mikasa 🌸")];
    let mut members = vec![json!({"name": "admin", "display": "admin", "kind": "human"})];
    members.extend(
        agents.map(|(name, display)| json!({"name": name, "display": display, "kind": "agent"})),
    );
    json!({ "members": members })
}

const JSON_ERRORS: &str = "every error is JSON";
const NO_SUCH: &str = "what is not there is 404, and no path of the host is told";
const WRONG_KIND: &str = "a file where a folder is meant, or the reverse, is the client's error";
const BAD_BODY: &str = "a body that lacks what is needed is the client's error";
const BAD_FRAME: &str = "a frame that cannot be understood is answered instead of ignored";
const MISSING: &[u16] = &[404];
const BAD: &[u16] = &[400];
const KIND: &[u16] = &[400, 404, 409];
const TOO_LONG: &[u16] = &[413];

/// Every step that is answered otherwise.
pub(super) const FIXES: &[Fix] = &[
    fix("login.bad-json", Now::Error(BAD), JSON_ERRORS),
    fix("login.username-not-string", Now::Error(BAD), "a name is text"),
    fix("login.get", Now::Error(&[404, 405]), JSON_ERRORS),
    fix("files.missing", Now::Error(MISSING), NO_SUCH),
    fix("files.of-a-file", Now::Error(KIND), WRONG_KIND),
    fix("file.get-missing", Now::Error(MISSING), NO_SUCH),
    fix("file.get-dir", Now::Error(KIND), WRONG_KIND),
    fix("file.post-missing-parent", Now::Ok(ok), "parents are created"),
    fix("file.post-no-path", Now::Error(BAD), BAD_BODY),
    fix("file.post-no-content", Now::Error(BAD), BAD_BODY),
    fix("file.post-120KB", Now::Ok(ok), "files up to 2 MiB can be saved as JSON"),
    fix("rename.onto-existing", Now::Error(&[409]), "a rename never replaces"),
    fix("rename.no-body", Now::Error(BAD), BAD_BODY),
    fix("mkdir", Now::Ok(ok), "the page's button works"),
    fix("delete-as-the-page-does", Now::Ok(ok), "the page's button works"),
    fix("api.unknown", Now::Error(MISSING), JSON_ERRORS),
    fix("page.unknown", Now::Error(MISSING), JSON_ERRORS),
    fix("upload.unicode-name", Now::Ok(unicode_name), "names are UTF-8"),
    fix(
        "upload.with-path-field",
        Now::Ok(into_folder),
        "the file goes into the folder it was dropped on",
    ),
    fix("upload.wrong-field", Now::Error(BAD), BAD_BODY),
    fix("upload.exactly-20MB", Now::Error(TOO_LONG), "over the limit is 413"),
    fix("upload.over-20MB", Now::Error(TOO_LONG), "over the limit is 413"),
    fix("uploads.missing", Now::Error(MISSING), JSON_ERRORS),
    fix("uploads.dir", Now::Error(MISSING), JSON_ERRORS),
    fix(
        "ws.unauth-chat-ignored",
        Now::Refused(&["unauthorized"]),
        "the sender learns that nobody heard",
    ),
    fix("members.ok", Now::Ok(people_too), "people with an account are members as well"),
    fix("ws.mention.prefix", Now::NoMentions, "only whole names of members are mentions"),
    fix(
        "ws.attachment-arbitrary",
        Now::Refused(&["bad_frame"]),
        "an attachment is an upload or an http address",
    ),
    fix("ws.chat-no-text", Now::Refused(&["bad_frame"]), "a message has a text"),
    fix("ws.chat-number-text", Now::Refused(&["bad_frame"]), "a text is text"),
    fix("ws.bad-json-ignored", Now::Refused(&["bad_json"]), BAD_FRAME),
    fix("ws.json-null", Now::Refused(&["bad_frame", "bad_json"]), BAD_FRAME),
    fix("ws.json-array", Now::Refused(&["bad_frame", "bad_json"]), BAD_FRAME),
    fix("ws.unknown-type-ignored", Now::Refused(&["unknown_type"]), BAD_FRAME),
    fix("ws.flood-110", Now::UniqueIds, "an id is given once, so that no monitor drops a message"),
];
