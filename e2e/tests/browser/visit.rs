//! One person before the page: server, browser and window, and what one does there all the time.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use e2e::admin;
use e2e::browser::{Browser, Page};
use e2e::rest::Rest;
use e2e::server::{PASSWORD, Server, Settings};
use serde_json::json;
use tempfile::TempDir;

/// Agents of a team that writes in more than one script: token and display name.
pub(crate) const TEAM: [(&str, &str); 5] = [
    ("token-of-hkh", "HKH 🐱"),
    ("token-of-aria", "ARIA ⚔️"),
    ("token-of-mikasa", "Mikasa 🌸"),
    ("token-of-xue", "小雪 ❄️"),
    ("token-of-neko", "Neko🐾"),
];

/// The person before the page.
pub(crate) const PERSON: &str = "Mira";

/// The browser says so by itself whenever a page asks who it is without being signed in.
pub(crate) const STRANGER: &str = "/api/verify";

/// A picture of one green pixel.
pub(crate) const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc`h`\0\0\x01\x84\0\xc1\x8d1`\xfc\0\0\0\0IEND\xaeB`\x82";

/// A server and a window on its page.
pub(crate) struct Visit {
    pub(crate) page: Page,
    pub(crate) browser: Browser,
    pub(crate) server: Server,
    files: TempDir,
    _root: TempDir,
}

impl Visit {
    /// A team of [`TEAM`], its page not opened yet.
    pub(crate) fn prepare() -> Result<Self> {
        Self::of_agents(TempDir::new()?, &TEAM)
    }

    /// A team of `agents` on what lies in `root`, its page not opened yet.
    pub(crate) fn of_agents(root: TempDir, agents: &[(&str, &str)]) -> Result<Self> {
        let agents: Vec<String> =
            agents.iter().map(|(token, display)| format!("{token}:{display}")).collect();
        let mut settings = Settings::at(root.path());
        settings.env.push(("AGENT_TOKENS".to_owned(), agents.join(",")));
        let server = Server::start(settings)?;
        let mut browser = Browser::start()?;
        let page = browser.page()?;
        Ok(Self { page, browser, server, files: TempDir::new()?, _root: root })
    }

    /// The same, with [`PERSON`] signed in and the room in view.
    pub(crate) fn signed_in() -> Result<Self> {
        let mut visit = Self::prepare()?;
        visit.sign_in()?;
        Ok(visit)
    }

    /// The same, with [`PERSON`] an admin of the team, and their REST calls.
    pub(crate) fn of_admin() -> Result<(Self, Rest)> {
        let mut visit = Self::prepare()?;
        let printed = admin::run(visit.server.root(), &["user", "add", PERSON, "--role", "admin"])?;
        let password = admin::secret(&printed)?;
        let token = visit.server.rest().login(PERSON, password)?;
        visit.sign_in_with(password)?;
        let rest = visit.server.rest().with_token(&token);
        Ok((visit, rest))
    }

    /// Registers an agent with a duty; answers with its token.
    pub(crate) fn add_agent(&self, name: &str, duty: &str) -> Result<String> {
        let printed = admin::run(self.server.root(), &["agent", "add", name, "--duty", duty])?;
        Ok(admin::secret(&printed)?.to_owned())
    }

    /// Opens the page and signs [`PERSON`] in.
    pub(crate) fn sign_in(&mut self) -> Result<()> {
        self.sign_in_with(PASSWORD)
    }

    fn sign_in_with(&mut self, password: &str) -> Result<()> {
        self.page.goto(&self.server.url())?;
        self.page.fill(&named("login-user"), PERSON)?;
        self.page.fill(&named("login-password"), password)?;
        self.page.click(&named("login-submit"))?;
        self.in_room()
    }

    /// Waits until the room is shown and its link works.
    pub(crate) fn in_room(&mut self) -> Result<()> {
        self.page.wait(
            "document.querySelector('ois-connection').dataset.state === 'ready' \
             && !document.querySelector('#app').hidden \
             && document.querySelectorAll('ois-roster .person').length > 0 \
             && (document.querySelector('.message') || !document.querySelector('ois-timeline .empty').hidden)",
        )
    }

    /// Writes `text` and sends it.
    pub(crate) fn say(&mut self, text: &str) -> Result<()> {
        self.page.fill(&named("composer"), text)?;
        self.page.press("Enter")
    }

    /// Chooses `value` in the field of the settings with this `data-testid`.
    pub(crate) fn choose(&mut self, field: &str, value: &str) -> Result<()> {
        let field = format!("document.querySelector('#app {0}, ois-login {0}')", named(field));
        self.page.wait(&field)?;
        // An open list of choices is no part of the page: what the browser does then is done here.
        let value = json!(value);
        self.page.eval(&format!(
            "{field}.value = {value}; {field}.dispatchEvent(new Event('change', {{bubbles: true}}))"
        ))?;
        Ok(())
    }

    /// Waits until a stored message with this text is shown.
    pub(crate) fn sees(&mut self, text: &str) -> Result<()> {
        let shown = format!("{TEXTS}.includes({})", json!(text));
        self.page.wait(&shown)
    }

    /// The texts of all stored messages that are shown, top to bottom.
    pub(crate) fn shown(&mut self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.page.eval(TEXTS)?)?)
    }

    /// A file outside the browser, to be chosen or dropped.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.files.path().join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {name}"))?;
        Ok(path)
    }

    /// Nothing went wrong in the page but what contains one of `expected`, and it asked nobody else.
    pub(crate) fn was_calm(&mut self, expected: &[&str]) -> Result<()> {
        let mut problems = self.page.problems()?;
        problems.retain(|problem| !expected.iter().any(|known| problem.contains(known)));
        ensure!(problems.is_empty(), "went wrong in the page: {problems:#?}");
        let (http, ws) = (self.server.url(), self.server.ws_url());
        let ours = [format!("{http}/"), ws, format!("blob:{http}/")];
        let foreign: Vec<&String> = self
            .page
            .requests()
            .iter()
            .filter(|address| !ours.iter().any(|start| address.starts_with(start)))
            .collect();
        ensure!(foreign.is_empty(), "asked of others: {foreign:?}");
        Ok(())
    }
}

/// The selector of the element with this `data-testid`.
pub(crate) fn named(id: &str) -> String {
    format!("[data-testid={id}]")
}

/// The selector of the `n`th stored message, from 1.
pub(crate) fn message(n: usize) -> String {
    format!(":nth-child({n} of [data-testid=message])")
}

const TEXTS: &str =
    "[...document.querySelectorAll('[data-testid=message] .text')].map(e => e.textContent.trim())";
