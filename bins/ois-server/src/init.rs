//! Laying a team's folder, taking over an old one, and checking the log.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};

use ois_store::Oddity;

use crate::{clock::now, commands::say, settings::Settings, team::Team};

/// What `init` lays into a new team's folder, for agents and people to fill in.
const REGISTER: &str = include_str!("../templates/AGENTS.md");

/// Lays the folder and makes the first user. Where there is a team already, nothing changes.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let root = &settings.place.root;
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    for folder in ["shared", "docs"] {
        fs::create_dir_all(root.join(folder)).with_context(|| format!("cannot make {folder}"))?;
    }
    lay(&root.join("AGENTS.md"), REGISTER)?;
    with_team(settings, async |team| {
        match &team.first_password {
            Some(password) => tell_password(password),
            None => say("this team has its first user already"),
        }
        say(&format!(
            "the team lies in {}; start it with `ois-server --root {}`",
            root.display(),
            root.display()
        ));
        Ok(())
    })
}

/// Takes over an old deployment's chat.
pub(crate) fn import(settings: &Settings, from: &Path) -> Result<()> {
    with_team(settings, async |team| {
        let imported =
            team.store.import(from, team.offset, now()).await.context("nothing was imported")?;
        for Oddity { file, line, what } in &imported.oddities {
            say(&format!("{file}:{line}: {what}"));
        }
        say(&format!("{} messages imported from {}", imported.messages, from.display()));
        Ok(())
    })
}

/// Tells the first administrator's password, for the only time.
pub(crate) fn tell_password(password: &str) {
    say(&format!(
        "user admin, password {password} (shown once; `ois-server user password admin` makes a new one)"
    ));
}

fn with_team(settings: &Settings, act: impl AsyncFnOnce(&Team) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let team = Team::open(&settings.place, None, now()).await?;
        let done = act(&team).await;
        team.store.close().await.context("the store did not close cleanly")?;
        done
    })
}

/// Writes a file that is not there yet.
fn lay(path: &Path, text: &str) -> Result<()> {
    match fs::File::create_new(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done.with_context(|| format!("cannot write {}", path.display())),
    }
}
