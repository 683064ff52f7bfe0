//! The OIS server: it reads the settings, puts the parts together and runs until it is told to
//! stop.

mod admin;
mod admin_socket;
mod clock;
mod commands;
mod demo;
mod descriptors;
mod init;
mod run;
mod settings;
mod team;

use std::process::ExitCode;

use crate::settings::Settings;

fn main() -> ExitCode {
    let settings: Settings =
        match ois_cli::settings(std::env::args_os(), |name| std::env::var_os(name)) {
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

#[expect(
    clippy::print_stderr,
    reason = "the last word of a program that could not do what it was asked"
)]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
