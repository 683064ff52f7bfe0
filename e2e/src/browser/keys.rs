//! The fields of the events that tell the browser of a pressed key.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The two events, down and up, of a key such as `Enter`, `a` or `Control+Shift+ArrowLeft`.
pub(super) fn press(chord: &str) -> Result<[Value; 2]> {
    let mut modifiers = 0;
    let mut rest = chord;
    while let Some((modifier, after)) = rest.split_once('+').filter(|(_, after)| !after.is_empty())
    {
        modifiers |= match modifier {
            "Alt" => ALT,
            "Control" => CONTROL,
            "Meta" => META,
            "Shift" => SHIFT,
            other => anyhow::bail!("no modifier {other}"),
        };
        rest = after;
    }
    let (code, number, text) = key(rest).with_context(|| format!("no key {rest}"))?;
    let mut down = json!({
        "type": "rawKeyDown", "key": rest, "code": code, "modifiers": modifiers,
        "windowsVirtualKeyCode": number, "nativeVirtualKeyCode": number,
    });
    let mut up = down.clone();
    up["type"] = "keyUp".into();
    if let (Some(text), 0) = (text, modifiers & !SHIFT) {
        down["type"] = "keyDown".into();
        down["text"] = text.into();
    }
    if modifiers & CONTROL != 0
        && let Some((_, command)) = EDITS.iter().find(|(key, _)| *key == rest)
    {
        down["commands"] = json!([command]);
    }
    Ok([down, up])
}

/// Code, number and typed text of a key.
fn key(name: &str) -> Option<(String, u32, Option<String>)> {
    let named = NAMED.iter().find(|(key, ..)| *key == name);
    if let Some((code, number, text)) = named.map(|(key, number, text)| (key, number, text)) {
        return Some(((*code).to_owned(), *number, text.map(str::to_owned)));
    }
    let mut characters = name.chars();
    let (Some(one), None) = (characters.next(), characters.next()) else { return None };
    let upper = one.to_ascii_uppercase();
    let code = match upper {
        'A'..='Z' => format!("Key{upper}"),
        '0'..='9' => format!("Digit{upper}"),
        ' ' => "Space".to_owned(),
        _ => String::new(),
    };
    let number = if upper.is_ascii_alphanumeric() || upper == ' ' { u32::from(upper) } else { 0 };
    Some((code, number, Some(name.to_owned())))
}

const ALT: u32 = 1;
const CONTROL: u32 = 2;
const META: u32 = 4;
const SHIFT: u32 = 8;

const NAMED: [(&str, u32, Option<&str>); 15] = [
    ("Enter", 13, Some("\r")),
    ("Tab", 9, None),
    ("Escape", 27, None),
    ("Backspace", 8, None),
    ("Delete", 46, None),
    ("ArrowLeft", 37, None),
    ("ArrowUp", 38, None),
    ("ArrowRight", 39, None),
    ("ArrowDown", 40, None),
    ("Home", 36, None),
    ("End", 35, None),
    ("PageUp", 33, None),
    ("PageDown", 34, None),
    ("F2", 113, None),
    ("F5", 116, None),
];

/// Without a window there is no one else to turn these chords into edits.
const EDITS: [(&str, &str); 6] =
    [("a", "selectAll"), ("c", "copy"), ("v", "paste"), ("x", "cut"), ("z", "undo"), ("y", "redo")];

#[cfg(test)]
mod tests {
    use super::press;

    #[test]
    fn a_letter_types_itself() {
        let [down, up] = press("a").expect("a key");
        assert_eq!(
            (&down["type"], &down["text"], &down["code"]),
            (&"keyDown".into(), &"a".into(), &"KeyA".into())
        );
        assert_eq!(up["type"], "keyUp");
    }

    #[test]
    fn a_chord_types_nothing_but_edits() {
        let [down, _] = press("Control+a").expect("a chord");
        assert_eq!(down["type"], "rawKeyDown");
        assert_eq!(down["commands"][0], "selectAll");
        assert_eq!(press("Control+Shift+ArrowLeft").expect("a chord")[0]["modifiers"], 10);
    }

    #[test]
    fn a_plus_is_a_key_too_and_an_unknown_name_is_none() {
        assert_eq!(press("+").expect("a key")[0]["text"], "+");
        assert!(press("Hyper+a").is_err());
        assert!(press("Return").is_err());
    }
}
