//! The OIS server: settings, then the parts put together, then running until told to stop.

mod admin;
mod admin_socket;
mod clock;
mod commands;
mod demo;
mod env_file;
mod init;
mod logging;
mod run;
mod settings;
mod team;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::settings::Settings;

fn main() -> ExitCode {
    let settings = match settings() {
        Ok(settings) => settings,
        Err(error) => return fail(&error),
    };
    let done = match settings.command {
        Some(_) => commands::run(settings),
        None => run::run(settings),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn settings() -> anyhow::Result<Settings> {
    let args = env_file::merge(&Settings::command(), std::env::args_os().collect(), |name| {
        std::env::var_os(name)
    })?;
    let matches = Settings::command().get_matches_from(args);
    Ok(Settings::from_arg_matches(&matches)?)
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of a program that could not do what it was asked"
)]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
