//! Creates a team's folder.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};

use ois_protocol::Kind;

use crate::{
    admin::{self, Request},
    clock::now,
    commands::say,
    settings::Settings,
    team::Team,
};

/// The register that `init` lays into a new team's folder, for agents and people to fill in.
const REGISTER: &str = include_str!("../templates/AGENTS.md");

/// Creates the folder and the first user. Nothing changes if there is a team already.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let root = &settings.place.root;
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    for folder in ["shared", "docs"] {
        fs::create_dir_all(root.join(folder)).with_context(|| format!("cannot make {folder}"))?;
    }
    lay(&root.join("AGENTS.md"), REGISTER)?;
    if admin::ask_running(root, &Request::List { kind: Kind::Human })?.is_some() {
        say("a server runs on this team already");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(found(settings))?;
    let place = root.display();
    say(&format!("the team lies in {place}; start it with `ois-server --root {place}`"));
    Ok(())
}

async fn found(settings: &Settings) -> Result<()> {
    let team = Team::open(settings, now()).await?;
    match team.found(now()).await? {
        Some(password) => tell_password(&password),
        None => say("this team has its first user already"),
    }
    team.store.close().await.context("the store did not close cleanly")
}

/// Prints the first administrator's password, which is shown this one time.
pub(crate) fn tell_password(password: &str) {
    say(&format!(
        "user admin, password {password} (shown once; `ois-server user password admin` makes a new one)"
    ));
}

/// Writes a file unless it exists already.
fn lay(path: &Path, text: &str) -> Result<()> {
    match fs::File::create_new(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done.with_context(|| format!("cannot write {}", path.display())),
    }
}
