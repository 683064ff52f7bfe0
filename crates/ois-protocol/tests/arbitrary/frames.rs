//! Client frames: bytes, JSON of any shape, and correct frames with something done to them.

use ois_protocol::{Chat, ClientFrame, ErrorCode, EventId, SignIn, Topic};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Correct frames of every kind that has ever been sent.
const RIGHT: [&str; 9] = [
    r#"{"type":"ping"}"#,
    r#"{"type":"auth","token":"t","after":7,"subscribe":["presence","runs"]}"#,
    r#"{"type":"agent_auth","token":"a-s3cret"}"#,
    r#"{"type":"chat","text":"hi","room":"main","replyTo":7,"nonce":"n-1","cause":5}"#,
    r#"{"type":"message","text":"\u5199\n\"x\" \\ \ud83d\ude00","attachments":null,"user":"FAKE"}"#,
    r#"{"type":"chat","text":"","attachments":[{"url":"/uploads/0a.png","originalName":"a.png","mimeType":"image/png","size":70}]}"#,
    r#"{"type":"activity","state":"typing","label":"x","id":7}"#,
    r#"{"type":"delivery","id":7,"agent":"ARIA","state":"received","attempt":1}"#,
    r#"{"text":"the type comes last","nonce":"n","type":"chat"}"#,
];

/// Parses a frame. One that is accepted must mean the same when it is written and read again, and a
/// refusal must give a short reason.
fn hold(bytes: &[u8]) -> Result<(), TestCaseError> {
    match ClientFrame::parse(bytes) {
        Ok(frame) => {
            serde_json::from_slice::<IgnoredAny>(bytes).unwrap();
            prop_assert!(bytes.trim_ascii_start().starts_with(b"{"), "it is no object");
            let again = serde_json::to_vec(&frame).unwrap();
            prop_assert_eq!(ClientFrame::parse(&again).unwrap(), frame);
        }
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            prop_assert!(error.to_string().len() <= bytes.len() + 200);
            let json = serde_json::from_slice::<Value>(bytes);
            prop_assert!(error.code() != ErrorCode::BadJson || json.is_err(), "it is JSON");
        }
    }
    Ok(())
}

/// What a broken or hostile client does to a frame.
#[derive(Clone, Debug)]
enum Change {
    Put(usize, Vec<u8>),
    Take(usize, usize),
    Double(usize, usize),
    End(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: usize| at % (bytes.len() + 1);
        let range = |at: usize, length: usize| place(at)..bytes.len().min(place(at) + length);
        match self {
            Self::Put(at, what) => drop(bytes.splice(range(*at, 0), what.iter().copied())),
            Self::Take(at, length) => drop(bytes.drain(range(*at, *length))),
            Self::Double(at, length) => {
                let piece = bytes[range(*at, *length)].to_vec();
                bytes.splice(range(*at, 0), piece);
            }
            Self::End(at) => bytes.truncate(place(*at)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let word = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "null",
        "true",
        "-1",
        "1e999",
        "\\u0000",
        "\\ud800",
        "9007199254740993",
        "\"type\":",
        "\"chat\"",
        "\"text\":",
        "\u{0}",
        "\u{feff}",
    ]);
    let bytes =
        prop_oneof![word.prop_map(|word| word.as_bytes().to_vec()), vec(any::<u8>(), 1..4),];
    prop_oneof![
        4 => (any::<usize>(), bytes).prop_map(|(at, what)| Change::Put(at, what)),
        2 => (any::<usize>(), 1_usize..20).prop_map(|(at, length)| Change::Take(at, length)),
        2 => (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Change::Double(at, length)),
        1 => any::<usize>().prop_map(Change::End),
    ]
}

/// JSON of any shape with the field names that frames have.
fn shape() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        select(KEYS.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(KEYS.to_vec()), inner), 0..6).prop_map(|pairs| pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

const KEYS: [&str; 20] = [
    "type",
    "text",
    "token",
    "after",
    "subscribe",
    "attachments",
    "url",
    "size",
    "room",
    "replyTo",
    "nonce",
    "cause",
    "id",
    "state",
    "chat",
    "auth",
    "run",
    "presence",
    "delivery",
    "activity",
];

fn chat() -> impl Strategy<Value = ClientFrame> {
    let id = || prop::option::of((0_u64..1 << 53).prop_map(|id| EventId::new(id).unwrap()));
    let nonce =
        prop::option::of("[!-~]{1,64}").prop_map(|nonce| nonce.map(|it| it.parse().unwrap()));
    ("(?s).{0,60}", id(), nonce, id()).prop_map(|(text, reply_to, nonce, cause)| {
        ClientFrame::Chat(Chat { text, reply_to, nonce, cause, ..Chat::in_main() })
    })
}

fn sign_in() -> impl Strategy<Value = ClientFrame> {
    let topics = vec(select(vec![Topic::Runs, Topic::Presence, Topic::Activity]), 0..4);
    let after = prop::option::of((0_u64..1 << 53).prop_map(|id| EventId::new(id).unwrap()));
    (prop::option::of("\\PC{0,40}"), after, topics, any::<bool>()).prop_map(
        |(token, after, subscribe, agent)| {
            let sign_in = SignIn { token, after, subscribe, ..SignIn::default() };
            if agent { ClientFrame::AgentAuth(sign_in) } else { ClientFrame::Auth(sign_in) }
        },
    )
}

proptest! {
    #[test]
    fn bytes_are_read_or_refused(bytes: Vec<u8>) {
        hold(&bytes)?;
    }

    #[test]
    fn json_of_any_shape_is_read_or_refused(shape in shape()) {
        hold(&serde_json::to_vec(&shape).unwrap())?;
    }

    #[test]
    fn a_right_frame_with_something_done_to_it_is_read_or_refused(
        frame in select(RIGHT.to_vec()), changes in vec(change(), 0..5)
    ) {
        let mut bytes = frame.as_bytes().to_vec();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        hold(&bytes)?;
    }

    #[test]
    fn what_a_client_says_is_understood_as_it_was_meant(frame in prop_oneof![chat(), sign_in()]) {
        let wire = serde_json::to_vec(&frame).unwrap();
        prop_assert_eq!(ClientFrame::parse(&wire).unwrap(), frame);
    }
}

#[test]
fn the_right_frames_are_right() {
    for frame in RIGHT.iter().filter(|frame| !frame.contains("\"state\"")) {
        ClientFrame::parse(frame.as_bytes()).unwrap();
    }
}

#[test]
fn a_million_brackets_are_refused_like_any_other_frame() {
    for open in ["[", "{\"a\":", "{\"type\":["] {
        let error = ClientFrame::parse(open.repeat(100_000).as_bytes()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BadJson);
        let inside = format!(r#"{{"type":"chat","text":"x","other":{}}}"#, open.repeat(100_000));
        assert_eq!(ClientFrame::parse(inside.as_bytes()).unwrap_err().code(), ErrorCode::BadJson);
    }
}

#[test]
fn a_list_is_no_frame() {
    for list in [r#"["ping"]"#, r#"["chat"]"#, r#" ["",null]"#] {
        let error = ClientFrame::parse(list.as_bytes()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BadFrame, "{list}");
    }
}
