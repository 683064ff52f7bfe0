//! One window: go somewhere, look, click, type, wait.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cdp::{Cdp, exception};
use super::keys;
use crate::binary;

/// A window of a [`Browser`](super::Browser).
#[derive(Debug)]
pub struct Page {
    cdp: Cdp,
    user_agent: String,
}

/// A screen: width and height in CSS pixels, device pixels per CSS pixel, and whether it is touched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// Device pixels per CSS pixel.
    pub scale: f64,
    /// A phone's viewport rules and a finger instead of a mouse.
    pub mobile: bool,
}

impl Screen {
    /// A screen on a desk.
    pub const DESK: Self = Self { width: 1280, height: 800, scale: 1.0, mobile: false };
    /// A phone, upright.
    pub const PHONE: Self = Self { width: 390, height: 844, scale: 2.0, mobile: true };
}

/// What the page is told the person prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// `prefers-color-scheme: light`.
    Light,
    /// `prefers-color-scheme: dark`.
    Dark,
}

/// How long a page may take unless a test says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

impl Page {
    pub(super) fn attach(mut cdp: Cdp, user_agent: String) -> Result<Self> {
        for domain in ["Page", "Runtime", "Log", "Network", "Audits", "DOM"] {
            cdp.call(&format!("{domain}.enable"), json!({}))?;
        }
        let mut page = Self { cdp, user_agent };
        page.screen(Screen::DESK)?;
        page.theme(Theme::Light)?;
        page.language("en-US")?;
        Ok(page)
    }

    /// Opens `url` and waits until it has loaded.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn goto(&mut self, url: &str) -> Result<()> {
        let before = self.cdp.loads;
        let answer = self.cdp.call("Page.navigate", json!({"url": url}))?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("cannot open {url}: {error}");
        }
        self.cdp.wait_load(before)
    }

    /// Loads the page again and waits until it has loaded.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn reload(&mut self) -> Result<()> {
        let before = self.cdp.loads;
        self.cdp.call("Page.reload", json!({}))?;
        self.cdp.wait_load(before)
    }

    /// The value of a JavaScript expression; a promise is awaited.
    ///
    /// # Errors
    /// When it throws; the error carries the exception.
    pub fn eval(&mut self, expression: &str) -> Result<Value> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let answer = self.cdp.call("Runtime.evaluate", params)?;
        if let Some(details) = answer.get("exceptionDetails") {
            bail!("{expression}: {}", exception(details));
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until a JavaScript expression is true in the page, a reload in between included.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn wait(&mut self, expression: &str) -> Result<()> {
        self.wait_within(PATIENCE, expression)
    }

    /// Waits as [`wait`](Self::wait) does, for as long as `within`.
    ///
    /// # Errors
    /// When it is not true in time.
    pub fn wait_within(&mut self, within: Duration, expression: &str) -> Result<()> {
        self.poll(within, &format!("!!({expression})"))
            .with_context(|| format!("still not: {expression}"))?;
        Ok(())
    }

    /// Waits until `expression`, in the page, yields something and answers with that.
    fn poll(&mut self, within: Duration, expression: &str) -> Result<Value> {
        let until = Instant::now() + within;
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_millis();
            let script = format!(
                "new Promise(done => {{ const end = performance.now() + {left}; const look = () => {{ \
                 let found = null, error = ''; try {{ found = {expression} }} catch (e) {{ error = String(e) }} \
                 if (found || performance.now() > end) done({{found, error}}); else setTimeout(look, 20); }}; look(); }})"
            );
            match self.eval(&script) {
                Ok(answer) if answer["found"] != json!(false) && !answer["found"].is_null() => {
                    return Ok(answer["found"].clone());
                }
                Ok(answer) => bail!("not within {within:?} {}", answer["error"]),
                // The page that was asked is gone: ask the one that took its place.
                Err(error) if is_navigation(&error) && Instant::now() < until => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The texts of all elements that `selector` finds, trimmed.
    ///
    /// # Errors
    /// When the selector is none.
    pub fn texts(&mut self, selector: &str) -> Result<Vec<String>> {
        let script = format!(
            "[...document.querySelectorAll({})].map(e => e.textContent.trim())",
            json!(selector)
        );
        Ok(serde_json::from_value(self.eval(&script)?)?)
    }

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

    /// Gives the window the size and kind of a screen.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn screen(&mut self, screen: Screen) -> Result<()> {
        let metrics = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": screen.scale,
            "mobile": screen.mobile,
        });
        self.cdp.call("Emulation.setDeviceMetricsOverride", metrics)?;
        self.cdp.call("Emulation.setTouchEmulationEnabled", json!({"enabled": screen.mobile}))?;
        Ok(())
    }

    /// Tells the page which theme is preferred, and that motion is not.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn theme(&mut self, theme: Theme) -> Result<()> {
        let scheme = if theme == Theme::Dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.cdp.call("Emulation.setEmulatedMedia", json!({"features": features}))?;
        Ok(())
    }

    /// Tells the page which language is preferred (`en-US`, `zh-CN`), from the next load on.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn language(&mut self, language: &str) -> Result<()> {
        let agent = json!({"userAgent": self.user_agent, "acceptLanguage": language});
        self.cdp.call("Emulation.setUserAgentOverride", agent)?;
        Ok(())
    }

    /// Cuts the page off from the network, or lets it back.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn network(&mut self, network: Network) -> Result<()> {
        let conditions = json!({
            "offline": network == Network::Cut, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.cdp.call("Network.emulateNetworkConditions", conditions)?;
        Ok(())
    }

    /// Takes a picture of what is to be seen, as `target/screenshots/NAME.png`.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub fn screenshot(&mut self, name: &str) -> Result<PathBuf> {
        // Two frames: what was just changed has been painted then.
        self.eval("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")?;
        let picture = self.cdp.call("Page.captureScreenshot", json!({"format": "png"}))?;
        let data = STANDARD.decode(picture["data"].as_str().unwrap_or_default())?;
        let dir = binary::target_dir()?.join("screenshots");
        std::fs::create_dir_all(&dir).context("cannot make target/screenshots")?;
        let path = dir.join(format!("{name}.png"));
        std::fs::write(&path, data).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// What went wrong in the page so far: console errors, exceptions, policy violations, dialogs.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn problems(&mut self) -> Result<Vec<String>> {
        // Whatever came before the answer has been noted then.
        self.eval("new Promise(done => setTimeout(done))")?;
        Ok(self.cdp.problems.clone())
    }

    /// Every address that the page has asked for so far, WebSockets included.
    #[must_use]
    pub fn requests(&self) -> &[String] {
        &self.cdp.requests
    }

    fn middle(&mut self, selector: &str) -> Result<(f64, f64)> {
        let look = format!(
            "(() => {{ const e = document.querySelector({}); if (!e) return null; \
             e.scrollIntoView({{block: 'nearest', inline: 'nearest'}}); \
             const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2; \
             const top = document.elementFromPoint(x, y); \
             return r.width && r.height && top && (e.contains(top) || top.contains(e) && top.matches('label')) \
             ? [x, y] : null; }})()",
            json!(selector)
        );
        let point =
            self.poll(PATIENCE, &look).with_context(|| format!("{selector} not to be seen"))?;
        Ok((point[0].as_f64().unwrap_or_default(), point[1].as_f64().unwrap_or_default()))
    }
}

/// Whether a page can be reached and can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// As ever.
    There,
    /// Nothing goes in or out.
    Cut,
}

fn is_navigation(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    ["navigated or closed", "context was destroyed", "Cannot find context", "Promise was collected"]
        .iter()
        .any(|part| text.contains(part))
}
