//! Compares `specs/http.json` with the bodies.

use std::collections::BTreeSet;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    http_spec, keys, names,
    schema::{faults, named, resolved},
    websocket_spec,
};
use crate::{
    Attachment, Budget, Chat, Delivery, ErrorCode, Held, HeldBy, Kind, LoopSign, Measure, Message,
    Offer, Policy, PresenceState, Reason, Role, Run, Rung, Spent, Stopped, Usage,
    http::{
        AskTicket, Budgets, DeliveriesAnswer, Done, ErrorBody, FileAnswer, FileItem, FilesAnswer,
        Login, LoginAnswer, MakeDir, MemberView, MembersAnswer, MessageAnswer, Messages, Rename,
        Retried, RunsAnswer, Sent, Ticket, UploadAnswer, Uploaded, UsageAnswer, UsageRow, Verify,
        WriteFile,
    },
};

/// How a schema's values are read and written, and the names of its fields or words.
struct Body {
    schema: &'static str,
    again: fn(&Value) -> Value,
    names: fn() -> BTreeSet<&'static str>,
}

fn body<T: Serialize + DeserializeOwned>(schema: &'static str) -> Body {
    let again = |value: &Value| {
        let read: T = serde_json::from_value(value.clone()).unwrap();
        serde_json::to_value(read).unwrap()
    };
    Body { schema, again, names: || names::of::<T>() }
}

fn bodies() -> Vec<Body> {
    vec![
        body::<Attachment>("Attachment"),
        body::<AskTicket>("AskTicket"),
        body::<Chat>("Chat"),
        body::<Done>("Done"),
        body::<ErrorBody>("ErrorBody"),
        body::<FileAnswer>("FileAnswer"),
        body::<FileItem>("FileItem"),
        body::<FilesAnswer>("FilesAnswer"),
        body::<Login>("Login"),
        body::<LoginAnswer>("LoginAnswer"),
        body::<MakeDir>("MakeDir"),
        body::<MemberView>("MemberView"),
        body::<MembersAnswer>("MembersAnswer"),
        body::<Message>("Message"),
        body::<MessageAnswer>("MessageAnswer"),
        body::<Messages>("Messages"),
        body::<Rename>("Rename"),
        body::<Sent>("Sent"),
        body::<Ticket>("Ticket"),
        body::<UploadAnswer>("UploadAnswer"),
        body::<Uploaded>("Uploaded"),
        body::<Verify>("Verify"),
        body::<WriteFile>("WriteFile"),
        body::<ErrorCode>("ErrorCode"),
        body::<Budget>("Budget"),
        body::<Budgets>("Budgets"),
        body::<DeliveriesAnswer>("DeliveriesAnswer"),
        body::<Delivery>("Delivery"),
        body::<Held>("Held"),
        body::<HeldBy>("HeldBy"),
        body::<Kind>("Kind"),
        body::<LoopSign>("LoopSign"),
        body::<Measure>("Measure"),
        body::<Offer>("Offer"),
        body::<Policy>("Policy"),
        body::<PresenceState>("PresenceState"),
        body::<Reason>("Reason"),
        body::<Retried>("Retried"),
        body::<Run>("Run"),
        body::<RunsAnswer>("RunsAnswer"),
        body::<Rung>("Rung"),
        body::<Stopped>("Stopped"),
        body::<Usage>("Usage"),
        body::<UsageAnswer>("UsageAnswer"),
        body::<UsageRow>("UsageRow"),
        body::<Role>("Role"),
        body::<Spent>("Spent"),
    ]
}

/// Returns every node with a `content`, that is, request bodies and answers, with its place in the
/// specification.
fn contents(spec: &Value) -> Vec<(String, &Map<String, Value>)> {
    let mut found = Vec::new();
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap();
            let answers = answers.iter().map(|(status, answer)| (status.as_str(), answer));
            let request = operation.get("requestBody").map(|request| ("request", request));
            for (part, node) in answers.chain(request) {
                if let Some(content) = resolved(spec, node).get("content") {
                    let place = format!("{method} {path} {part}");
                    found.push((place, content.as_object().unwrap()));
                }
            }
        }
    }
    found
}

#[test]
fn every_body_is_specified_with_its_fields() {
    let spec = http_spec();
    let mut known: BTreeSet<&str> = bodies().iter().map(|body| body.schema).collect();
    known.insert("UploadForm"); // a form, which is the server's to read
    known.insert("Notice"); // one of several; the WebSocket's specification is held to each
    assert_eq!(keys(&spec["components"]["schemas"]), known);
    for body in bodies() {
        let schema = named(&spec, body.schema);
        let listed: BTreeSet<&str> = match schema.get("enum") {
            Some(words) => words.as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect(),
            None => keys(&schema["properties"]),
        };
        let mut names = (body.names)();
        names.remove("unknown");
        assert_eq!(listed, names, "{}", body.schema);
    }
}

#[test]
fn every_example_is_read_and_written_again() {
    let spec = http_spec();
    let bodies = bodies();
    let mut shown = BTreeSet::new();
    for (place, content) in contents(&spec) {
        let Some(json) = content.get("application/json") else { continue };
        let (schema, example) = (&json["schema"], &json["example"]);
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let body = bodies.iter().find(|body| body.schema == name).unwrap();
        assert_eq!(faults(&spec, schema, example), [""; 0], "{place}");
        assert_eq!((body.again)(example), *example, "{place}");
        shown.insert(name);
    }
    for name in ["Chat", "Login", "Messages", "UploadAnswer", "ErrorBody"] {
        assert!(shown.contains(name), "no example of {name}");
    }
}

#[test]
fn every_operation_says_who_may_and_what_an_answer_is() {
    let spec = http_spec();
    let mut ids = BTreeSet::new();
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{place}");
            let security = operation["security"].as_array().unwrap();
            for scheme in security.iter().flat_map(|s| s.as_object().unwrap().keys()) {
                assert!(spec["components"]["securitySchemes"].get(scheme).is_some(), "{place}");
            }
            let needs_token =
                !security.is_empty() && !security.contains(&Value::Object(Map::new()));
            assert!(!needs_token || operation["responses"].get("401").is_some(), "{place}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let answer = resolved(&spec, answer);
                assert!(answer["description"].is_string(), "{place} {status}");
                let error = &answer["content"]["application/json"]["schema"]["$ref"];
                let is_error = error == "#/components/schemas/ErrorBody";
                assert_eq!(is_error, status.as_str() >= "400", "{place} {status}");
            }
            for name in path.split(['{', '}']).skip(1).step_by(2) {
                let mut parameters = operation["parameters"].as_array().unwrap().iter();
                assert!(parameters.any(|p| p["name"] == name && p["in"] == "path"), "{place}");
            }
        }
    }
}

#[test]
fn what_both_specifications_describe_they_describe_alike() {
    let (http, websocket) = (http_spec(), websocket_spec());
    let both = keys(&http["components"]["schemas"]);
    let both =
        both.intersection(&keys(&websocket["components"]["schemas"])).copied().collect::<Vec<_>>();
    assert!(["Message", "Attachment", "ErrorCode", "Role"].iter().all(|name| both.contains(name)));
    for name in both {
        assert_eq!(named(&http, name), named(&websocket, name));
    }
    let (chat, frame) = (named(&http, "Chat"), named(&websocket, "ChatFrame"));
    for (field, schema) in chat["properties"].as_object().unwrap() {
        assert_eq!(*schema, frame["properties"][field], "{field}");
    }
}
