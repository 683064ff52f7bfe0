//! One window of the browser: it is led to an address, looked at and waited for.
//!
//! Input is in `input.rs`, the emulated screen in `screen.rs`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cdp::{Cdp, exception};
use super::screen::{Screen, Theme};
use crate::{TIMEOUT, binary};

/// A window of a [`Browser`](super::Browser).
#[derive(Debug)]
pub struct Page {
    pub(super) cdp: Cdp,
    pub(super) user_agent: String,
    /// Whether touch events take the place of mouse events.
    pub(super) touched: bool,
}

impl Page {
    pub(super) fn attach(mut cdp: Cdp, user_agent: String) -> Result<Self> {
        for domain in ["Page", "Runtime", "Log", "Network", "Audits", "DOM"] {
            cdp.call(&format!("{domain}.enable"), json!({}))?;
        }
        let mut page = Self { cdp, user_agent, touched: false };
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

    /// Stops the clock that the page reads, until the next load: states that expire stay for as long
    /// as the test looks at them. Timers run on.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn stop_clock(&mut self) -> Result<()> {
        self.eval("{ const now = Date.now(); Date.now = () => now; }")?;
        Ok(())
    }

    /// Waits until a JavaScript expression is true in the page, a reload in between included.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn wait(&mut self, expression: &str) -> Result<()> {
        self.wait_within(TIMEOUT, expression)
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
    pub(super) fn poll(&mut self, within: Duration, expression: &str) -> Result<Value> {
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
                // The page that was asked is gone: the one in its place is asked instead.
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

    /// Takes a picture of the visible part of the page, as `target/screenshots/NAME.png`.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub fn screenshot(&mut self, name: &str) -> Result<PathBuf> {
        // After two frames the latest change has been painted.
        self.eval("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")?;
        let picture = self.cdp.call("Page.captureScreenshot", json!({"format": "png"}))?;
        let data = STANDARD.decode(picture["data"].as_str().unwrap_or_default())?;
        let dir = binary::target_dir()?.join("screenshots");
        std::fs::create_dir_all(&dir).context("cannot make target/screenshots")?;
        let path = dir.join(format!("{name}.png"));
        std::fs::write(&path, data).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// The problems of the page so far: console errors, exceptions, policy violations, dialogs.
    ///
    /// # Errors
    /// When the browser has died.
    pub fn problems(&mut self) -> Result<Vec<String>> {
        // Every event before the answer has been noted by then.
        self.eval("new Promise(done => setTimeout(done))")?;
        Ok(self.cdp.problems.clone())
    }

    /// Every address that the page has asked for so far, WebSockets included.
    #[must_use]
    pub fn requests(&self) -> &[String] {
        &self.cdp.requests
    }
}

fn is_navigation(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    ["navigated or closed", "context was destroyed", "Cannot find context", "Promise was collected"]
        .iter()
        .any(|part| text.contains(part))
}
