//! The server's own commands, beside a running server or without one.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{binary, rest::Rest, server::Server};

/// `ois-server` with these words on this root, and nothing of our own environment.
///
/// # Errors
/// When the binary has not been built.
pub fn command(root: &Path, words: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary::path("ois-server")?);
    command.env_clear().args(words).arg("--root").arg(root);
    Ok(command)
}

/// Runs it; answers with what it printed.
///
/// # Errors
/// When it fails; the error carries what it said.
pub fn run(root: &Path, words: &[&str]) -> Result<String> {
    let output = command(root, words)?.output()?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{words:?}: {out}{err}");
    Ok(out.into_owned())
}

/// The last line of what was printed, where a secret stands.
///
/// # Errors
/// When nothing was printed.
pub fn secret(printed: &str) -> Result<&str> {
    printed.lines().last().context("nothing was printed")
}

/// Adds a user who administers, and logs it in.
///
/// # Errors
/// When the server refuses.
pub fn session(server: &Server) -> Result<Rest> {
    let printed = run(server.root(), &["user", "add", "Root", "--role", "admin"])?;
    let token = server.rest().login("Root", secret(&printed)?)?;
    Ok(server.rest().with_token(&token))
}
