//! Compares `specs/websocket.json` with the frames.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    keys, names, samples,
    schema::{faults, named, resolved},
    websocket_spec,
};
use crate::{
    ActivityState, Attachment, ClientFrame, ErrorCode, Held, HeldBy, LoopSign, Measure, Message,
    Offer, Partial, Policy, PresenceState, Reason, Role, Rung, ServerFrame, Spent, Topic, Usage,
};

/// Names of frames that are read as another frame.
const ALIASES: [(&str, &str); 1] = [("client.message", "chat")];

/// Returns every frame as JSON, under its name in the specification.
fn frames() -> Vec<(String, Value)> {
    let client = samples::client().into_iter().map(|f| ("client", serde_json::to_value(f)));
    let server = samples::server().into_iter().map(|f| ("server", serde_json::to_value(f)));
    let frames = client.chain(server).map(|(side, json)| (side, json.unwrap()));
    frames
        .map(|(side, json)| (format!("{side}.{}", json["type"].as_str().unwrap()), json))
        .collect()
}

/// Parses a payload as the side that receives it does, and writes it again.
fn read_and_written(side: &str, payload: &Value) -> Value {
    let bytes = serde_json::to_vec(payload).unwrap();
    if side == "client" {
        return serde_json::to_value(ClientFrame::parse(&bytes).unwrap()).unwrap();
    }
    let frame: ServerFrame = serde_json::from_slice(&bytes).unwrap();
    assert_ne!(frame, ServerFrame::Unknown, "{payload}");
    serde_json::to_value(frame).unwrap()
}

#[test]
fn every_frame_of_the_code_is_specified_and_no_other() {
    let spec = websocket_spec();
    let frames = frames();
    let known = frames.iter().map(|(name, _)| name.as_str());
    let aliases = ALIASES.iter().map(|(name, _)| *name);
    let known: BTreeSet<&str> = known.chain(aliases).collect();
    assert_eq!(keys(&spec["components"]["messages"]), known);
    assert_eq!(keys(&spec["channels"]["team"]["messages"]), known);
    for name in known {
        let message = &spec["components"]["messages"][name];
        let (_, kind) = name.split_once('.').unwrap();
        assert_eq!(message["name"], kind);
        let schema = resolved(&spec, &message["payload"]);
        assert_eq!(schema["properties"]["type"]["const"], kind, "{name}");
    }
}

#[test]
fn every_frame_is_part_of_an_operation() {
    let spec = websocket_spec();
    let mut used = BTreeSet::new();
    for operation in spec["operations"].as_object().unwrap().values() {
        for list in [&operation["messages"], &operation["reply"]["messages"]] {
            for message in list.as_array().into_iter().flatten() {
                let path = message["$ref"].as_str().unwrap();
                let name = path.strip_prefix("#/channels/team/messages/").unwrap();
                let entry = resolved(&spec, message);
                assert_eq!(entry["$ref"], format!("#/components/messages/{name}"));
                used.insert(name);
            }
        }
    }
    assert_eq!(used, keys(&spec["components"]["messages"]));
}

#[test]
fn every_frame_has_the_fields_of_its_schema_and_no_other() {
    let spec = websocket_spec();
    for (name, json) in frames() {
        let schema = &spec["components"]["messages"][&name]["payload"];
        assert_eq!(faults(&spec, schema, &json), [""; 0], "{name}");
        assert_eq!(keys(&json), keys(&resolved(&spec, schema)["properties"]), "{name}");
    }
}

#[test]
fn every_example_is_read_and_written_again() {
    let spec = websocket_spec();
    for (name, message) in spec["components"]["messages"].as_object().unwrap() {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            let mut payload = example["payload"].clone();
            assert_eq!(faults(&spec, &message["payload"], &payload), [""; 0], "{name}");
            let (side, _) = name.split_once('.').unwrap();
            let again = read_and_written(side, &payload);
            if let Some((_, kind)) = ALIASES.iter().find(|(alias, _)| alias == name) {
                payload["type"] = (*kind).into();
            }
            assert_eq!(again, payload, "{name}");
        }
    }
}

#[test]
fn every_word_and_every_field_of_a_part_is_specified() {
    let spec = websocket_spec();
    let words = |name: &str| -> BTreeSet<&str> {
        let words = named(&spec, name)["enum"].as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap()).collect()
    };
    // The value that stands for a newer word on the wire is no word of its own.
    let known = |mut names: BTreeSet<&'static str>| {
        names.remove("unknown");
        names
    };
    assert_eq!(words("ErrorCode"), known(names::of::<ErrorCode>()));
    assert_eq!(words("Topic"), known(names::of::<Topic>()));
    assert_eq!(words("Rung"), names::of::<Rung>());
    assert_eq!(words("Role"), names::of::<Role>());
    assert_eq!(words("ActivityState"), names::of::<ActivityState>());
    assert_eq!(words("PresenceState"), names::of::<PresenceState>());
    assert_eq!(words("Reason"), known(names::of::<Reason>()));
    assert_eq!(words("HeldBy"), known(names::of::<HeldBy>()));
    assert_eq!(words("LoopSign"), known(names::of::<LoopSign>()));
    assert_eq!(words("Measure"), names::of::<Measure>());
    assert_eq!(words("Policy"), names::of::<Policy>());
    let fields = |name: &str| keys(&named(&spec, name)["properties"]);
    assert_eq!(fields("Message"), names::of::<Message>());
    assert_eq!(fields("Attachment"), names::of::<Attachment>());
    assert_eq!(fields("Partial"), names::of::<Partial>());
    assert_eq!(fields("Usage"), names::of::<Usage>());
    assert_eq!(fields("Held"), names::of::<Held>());
    assert_eq!(fields("Offer"), names::of::<Offer>());
    assert_eq!(fields("Spent"), names::of::<Spent>());
}

#[test]
fn every_notice_is_as_its_schema_says_and_every_kind_is_named() {
    let spec = websocket_spec();
    let schema = named(&spec, "Notice");
    let mut kinds = BTreeSet::new();
    let mut fields = BTreeSet::new();
    for notice in samples::notices() {
        let json = serde_json::to_value(&notice).unwrap();
        assert_eq!(json["kind"], notice.kind());
        assert_eq!(faults(&spec, schema, &json), [""; 0], "{json}");
        kinds.insert(json["kind"].clone().to_string());
        fields.extend(keys(&json).into_iter().map(str::to_owned));
    }
    let named_kinds = schema["properties"]["kind"]["enum"].as_array().unwrap();
    assert_eq!(named_kinds.iter().map(Value::to_string).collect::<BTreeSet<_>>(), kinds);
    assert_eq!(keys(&schema["properties"]), fields.iter().map(String::as_str).collect());
}
