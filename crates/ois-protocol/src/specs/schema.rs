//! The subset of JSON Schema that the specifications use. It is stricter in one point: a field that
//! the schema does not name is an error.

use serde_json::{Map, Value};

/// Returns the schema with this name.
pub(crate) fn named<'a>(spec: &'a Value, name: &str) -> &'a Value {
    let schema = &spec["components"]["schemas"][name];
    assert!(schema.is_object(), "there is no schema {name}");
    schema
}

/// Returns every difference between `value` and the schema, each with its place.
pub(crate) fn faults(spec: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(spec, schema, value, "", &mut faults);
    faults
}

fn check(spec: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let schema = resolved(spec, schema).as_object().unwrap();
    let mut fault = |what: &str| faults.push(format!("{at}: {what}"));
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "type" if !one_or_many(rule).any(|kind| is_a(kind, value)) => fault("another type"),
            "const" if rule != value => fault("another constant"),
            "enum" if !rule.as_array().unwrap().contains(value) => fault("another word"),
            "minimum" if value.as_u64() < rule.as_u64() => fault("too small"),
            "maximum" if value.as_u64() > rule.as_u64() => fault("too great"),
            "minLength" if length(value) < rule.as_u64() => fault("too short"),
            "maxLength" if length(value) > rule.as_u64() => fault("too long"),
            "type" | "const" | "enum" | "minimum" | "maximum" | "minLength" | "maxLength" => {}
            "properties" | "required" | "items" => {}
            "description" | "format" | "contentMediaType" | "default" => {}
            other => panic!("the test does not know the keyword {other}"),
        }
    }
    if let Some(fields) = value.as_object() {
        check_fields(spec, schema, fields, at, faults);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(spec, &schema["items"], item, &format!("{at}/{index}"), faults);
    }
}

fn check_fields(
    spec: &Value,
    schema: &Map<String, Value>,
    fields: &Map<String, Value>,
    at: &str,
    faults: &mut Vec<String>,
) {
    for name in schema["required"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        if !fields.contains_key(name) {
            faults.push(format!("{at}/{name}: missing"));
        }
    }
    for (name, value) in fields {
        match schema["properties"].get(name) {
            Some(schema) => check(spec, schema, value, &format!("{at}/{name}"), faults),
            None => faults.push(format!("{at}/{name}: unknown")),
        }
    }
}

/// Follows a reference; any other node is returned as it is.
pub(crate) fn resolved<'a>(spec: &'a Value, node: &'a Value) -> &'a Value {
    match node.get("$ref") {
        Some(path) => {
            let path = path.as_str().unwrap().strip_prefix('#').unwrap();
            spec.pointer(path).unwrap_or_else(|| panic!("nothing is at {path}"))
        }
        None => node,
    }
}

fn one_or_many(rule: &Value) -> impl Iterator<Item = &str> {
    let many = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
    many.iter().map(|kind| kind.as_str().unwrap())
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the test does not know the type {other}"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

#[test]
fn a_value_that_is_not_as_the_schema_says_is_found_out() {
    let spec = serde_json::json!({"s": {"type": "object", "required": ["a"], "properties": {
        "a": {"type": "integer", "minimum": 1},
        "b": {"type": "array", "items": {"type": "string", "enum": ["x"]}},
    }}});
    let count = |value: Value| faults(&spec, &serde_json::json!({ "$ref": "#/s" }), &value).len();
    assert_eq!(count(serde_json::json!({"a": 1, "b": ["x"]})), 0);
    assert_eq!(count(serde_json::json!({"a": 0, "b": ["y", 1], "c": null})), 5);
    assert_eq!(count(serde_json::json!({})), 1);
    assert_eq!(count(serde_json::json!("a")), 1);
}
