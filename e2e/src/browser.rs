//! Debian's chromium, driven over its DevTools protocol with nothing in between.
//!
//! A [`Browser`] is one process with a profile of its own; each [`Page`] of it is a window of its own
//! with its own cookies and storage, as two people have them. Clicks and keys are real input events.

mod cdp;
mod input;
mod keys;
mod page;
mod screen;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

pub use self::page::Page;
pub use self::screen::{Network, Screen, Theme};

use self::cdp::Cdp;
use crate::TIMEOUT;
use crate::process::Process;

/// The environment variable that names another browser of the same family.
pub const PROGRAM: &str = "OIS_CHROMIUM";

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    control: Cdp,
    /// The address of DevTools: `ws://127.0.0.1:PORT/devtools`.
    devtools: String,
    user_agent: String,
    downloads: PathBuf,
    // Last: the process ends before its profile is removed.
    _process: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser without a window.
    ///
    /// # Errors
    /// When none is installed (`apt-get install chromium`) or it does not come up.
    pub fn start() -> Result<Self> {
        let program = installed().context("no chromium: apt-get install chromium")?;
        let profile = TempDir::new().context("no temporary directory")?;
        let downloads = profile.path().join("downloads");
        let mut command = Command::new(program);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            // Settings of the person who runs the tests must not show.
            .env("HOME", profile.path())
            .env("XDG_CONFIG_HOME", profile.path())
            .env("XDG_CACHE_HOME", profile.path())
            // It leaves a directory for its lock behind, which goes with the profile.
            .env("TMPDIR", profile.path())
            .arg("about:blank");
        let process = Process::start("chromium", command)?;
        let url = process.line(TIMEOUT, |line| {
            Some(line.strip_prefix("DevTools listening on ")?.trim().to_owned())
        })?;
        let (devtools, _) = url.split_once("/browser/").context("an unknown DevTools address")?;
        let devtools = devtools.to_owned();
        let mut control = Cdp::open(&url)?;
        let version = control.call("Browser.getVersion", json!({}))?;
        let user_agent = version["userAgent"].as_str().unwrap_or_default().to_owned();
        Ok(Self { control, devtools, user_agent, downloads, _process: process, _profile: profile })
    }

    /// Opens a window with storage of its own.
    ///
    /// # Errors
    /// When the browser refuses or has died.
    pub fn page(&mut self) -> Result<Page> {
        let context = self.control.call("Target.createBrowserContext", json!({}))?;
        let context = &context["browserContextId"];
        let behaviour = json!({
            "behavior": "allow", "browserContextId": context, "downloadPath": self.downloads,
        });
        self.control.call("Browser.setDownloadBehavior", behaviour)?;
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = self.control.call("Target.createTarget", target)?;
        let target = target["targetId"].as_str().context("a page without an id")?;
        let page = Cdp::open(&format!("{}/page/{target}", self.devtools))?;
        Page::attach(page, self.user_agent.clone())
    }

    /// The directory into which pages download.
    #[must_use]
    pub fn downloads(&self) -> &std::path::Path {
        &self.downloads
    }
}

/// The browser's program, if there is one.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut all = names.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    all.find(|program| program.is_file())
}

const FLAGS: [&str; 15] = [
    "--headless=new",
    "--remote-debugging-port=0",
    // As root, which test machines often are, the sandbox does not start.
    "--no-sandbox",
    "--disable-gpu",
    // It complains about every service of a desktop that is not there.
    "--log-level=3",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    // A machine without a mouse would say that nothing can hover; a phone's screen says so by itself.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
];
