//! Whether an answer holds what was recorded.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

/// Fields of a message that say something by not being there.
const TELLING: [&str; 3] = ["mentions", "attachments", "fromArchive"];

/// Checks that `found` holds at least `recorded`; `at` is the place, for the failure.
///
/// A mark such as `<id:number>` stands for every value of its kind.
pub(super) fn holds(found: &Value, recorded: &Value, at: &str) -> Result<()> {
    match recorded {
        Value::Object(fields) => {
            for (key, value) in fields {
                holds(&found[key], value, &format!("{at}.{key}"))?;
            }
            let is_message = fields.contains_key("user") && fields.contains_key("text");
            for key in TELLING.into_iter().filter(|key| is_message && !fields.contains_key(*key)) {
                ensure!(found.get(key).is_none(), "{at}.{key} is {}, was none", found[key]);
            }
            Ok(())
        }
        Value::Array(items) => {
            let Some(others) = found.as_array() else { bail!("{at} is {found}, was a list") };
            ensure!(
                items.len() == others.len(),
                "{at} has {} items, had {}",
                others.len(),
                items.len()
            );
            items.iter().zip(others).enumerate().try_for_each(|(index, (recorded, found))| {
                holds(found, recorded, &format!("{at}[{index}]"))
            })
        }
        Value::String(mark) if is_mark(mark) => {
            ensure!(fits(found, mark), "{at} is {}, was {mark}", shortened(found));
            Ok(())
        }
        plain => {
            ensure!(found == plain, "{at} is {}, was {}", shortened(found), shortened(plain));
            Ok(())
        }
    }
}

fn is_mark(text: &str) -> bool {
    text.starts_with('<') && text.ends_with('>') || text.starts_with("/uploads/<")
}

fn fits(found: &Value, mark: &str) -> bool {
    let text = found.as_str().unwrap_or_default();
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match mark {
        "<id:number>" => found.as_u64().is_some_and(|id| id < 1 << 53),
        "<hex64>" => text.len() == 64 && is_hex(text),
        // 2026-02-06T12:34:56.789Z
        "<iso-ms-z>" => text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.',
        "<24>" => found.as_array().is_some_and(|list| !list.is_empty()),
        "<code>" => !text.is_empty(),
        "<100000 chars>" => text.len() == 100_000,
        _ => {
            let ending = mark.strip_prefix("/uploads/<hex32>");
            let Some(ending) = ending else { return false };
            let name = text.strip_prefix("/uploads/").and_then(|name| name.strip_suffix(ending));
            name.is_some_and(|name| name.len() == 32 && is_hex(name))
        }
    }
}

pub(super) fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.len() < 300 {
        text
    } else {
        format!("{}…", text.chars().take(200).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn more_is_welcome_and_less_is_not() {
        assert!(holds(&json!({"a": 1, "b": 2}), &json!({"a": 1}), "it").is_ok());
        assert!(holds(&json!({"b": 2}), &json!({"a": 1}), "it").is_err());
        assert!(holds(&json!([1, 2]), &json!([1]), "it").is_err());
    }

    #[test]
    fn marks_stand_for_their_kind() {
        assert!(holds(&json!(7), &json!("<id:number>"), "it").is_ok());
        assert!(holds(&json!("7"), &json!("<id:number>"), "it").is_err());
        assert!(holds(&json!("2026-02-06T12:34:56.789Z"), &json!("<iso-ms-z>"), "it").is_ok());
        let name = format!("/uploads/{}.png", "0a".repeat(16));
        assert!(holds(&json!(name), &json!("/uploads/<hex32>.png"), "it").is_ok());
        assert!(holds(&json!(name), &json!("/uploads/<hex32>"), "it").is_err());
    }

    #[test]
    fn a_message_without_mentions_has_none() {
        let recorded = json!({"user": "a", "text": "b"});
        assert!(holds(&json!({"user": "a", "text": "b", "room": "x"}), &recorded, "it").is_ok());
        let called = json!({"user": "a", "text": "b", "mentions": ["c"]});
        assert!(holds(&called, &recorded, "it").is_err());
    }
}
