//! Compares the pages in `specs/` with the code in both directions: every frame, field and word of
//! the code stands in them, and every example in them is what the code reads and writes.
//!
//! The tests live inside the crate because only there a `match` on a `#[non_exhaustive]` enum has to
//! name every variant.

mod names;
mod rest;
mod samples;
mod schema;
mod text;
mod websocket;

use std::collections::BTreeSet;

use serde_json::Value;

/// Parses a specification.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn websocket_spec() -> Value {
    parsed(include_str!("../../../specs/websocket.json"))
}

fn http_spec() -> Value {
    parsed(include_str!("../../../specs/http.json"))
}

/// Returns the keys of an object.
fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}
