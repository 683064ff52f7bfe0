//! Input in a window: clicks, keys, files that are chosen and dropped.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::keys;
use super::page::Page;
use crate::TIMEOUT;

impl Page {
    /// Waits until the element can be seen and nothing lies over it, and clicks its middle.
    ///
    /// # Errors
    /// When that is not so in time.
    pub fn click(&mut self, selector: &str) -> Result<()> {
        let (x, y) = self.middle(selector)?;
        let event = |kind: &str, buttons: u32| json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1});
        let moved = json!({"type": "mouseMoved", "x": x, "y": y});
        for event in [moved, event("mousePressed", 1), event("mouseReleased", 0)] {
            self.cdp.call("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Moves the mouse over the middle of an element.
    ///
    /// # Errors
    /// When it is not to be seen in time.
    pub fn hover(&mut self, selector: &str) -> Result<()> {
        let (x, y) = self.middle(selector)?;
        self.cdp.call("Input.dispatchMouseEvent", json!({"type": "mouseMoved", "x": x, "y": y}))?;
        Ok(())
    }

    /// Types `text` where the focus is: ASCII key by key, other characters as an input method does.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn type_text(&mut self, text: &str) -> Result<()> {
        for character in text.chars() {
            if character.is_ascii_graphic() || character == ' ' {
                self.press(&character.to_string())?;
            } else {
                self.cdp.call("Input.insertText", json!({"text": character.to_string()}))?;
            }
        }
        Ok(())
    }

    /// Presses a key: `Enter`, `a`, `Shift+Tab`, `Control+a`.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn press(&mut self, chord: &str) -> Result<()> {
        for event in keys::press(chord)? {
            self.cdp.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// Puts `text` into the field at once, in place of what it held.
    ///
    /// # Errors
    /// When the field is not to be seen in time.
    pub fn fill(&mut self, selector: &str, text: &str) -> Result<()> {
        self.click(selector)?;
        self.press("Control+a")?;
        self.press("Backspace")?;
        self.cdp.call("Input.insertText", json!({"text": text}))?;
        Ok(())
    }

    /// Chooses files in a file input, hidden or not.
    ///
    /// # Errors
    /// When there is no such input.
    pub fn choose_files(&mut self, selector: &str, paths: &[&Path]) -> Result<()> {
        let expression = format!("document.querySelector({})", json!(selector));
        let found = self.cdp.call("Runtime.evaluate", json!({"expression": expression}))?;
        let object = found["result"]["objectId"].as_str();
        let object = object.with_context(|| format!("no {selector}"))?;
        self.cdp.call("DOM.setFileInputFiles", json!({"objectId": object, "files": paths}))?;
        Ok(())
    }

    /// Drags files from outside over an element and lets them go.
    ///
    /// # Errors
    /// When the element is not to be seen in time.
    pub fn drop_files(&mut self, selector: &str, paths: &[&Path]) -> Result<()> {
        let (x, y) = self.middle(selector)?;
        let data = json!({"items": [], "files": paths, "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({"type": kind, "x": x, "y": y, "data": data});
            self.cdp.call("Input.dispatchDragEvent", event)?;
        }
        Ok(())
    }

    /// The middle of an element that is to be seen and has stood still between two looks.
    fn middle(&mut self, selector: &str) -> Result<(f64, f64)> {
        let look = format!(
            "(() => {{ const e = document.querySelector({}); if (!e) return null; \
             e.scrollIntoView({{block: 'nearest', inline: 'nearest'}}); \
             const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2; \
             const top = document.elementFromPoint(x, y); \
             const before = e.lookedAt, seen = r.width && r.height && top \
             && (e.contains(top) || top.contains(e) && top.matches('label')); \
             const still = seen && before && before[0] === x && before[1] === y; \
             e.lookedAt = seen && !still && [x, y]; return still ? [x, y] : null; }})()",
            json!(selector)
        );
        let point =
            self.poll(TIMEOUT, &look).with_context(|| format!("{selector} not to be seen"))?;
        Ok((point[0].as_f64().unwrap_or_default(), point[1].as_f64().unwrap_or_default()))
    }
}
