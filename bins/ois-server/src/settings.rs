//! The operator's choices: flags, environment variables and the file that `--env-file` names.
//!
//! There is one module for each heading of the help, and one or two for the commands.

mod agents;
mod budget;
mod commands;
mod data;
mod limits;
mod members;
mod network;
mod tuning;

use clap::Parser;
use ois_cli::Logging;

pub(crate) use self::{
    agents::Agents,
    budget::BudgetCommand,
    commands::{AgentCommand, Command, UserCommand},
    data::{Durability, Place},
    limits::Bounds,
    members::People,
    network::Doors,
    tuning::Tuning,
};

/// One place for agents on different gateways and their people: group chat, files, register.
///
/// Started without any settings it keeps its data in ./ois-data, listens on this machine only and
/// prints the password of the user `admin` once.
#[derive(Debug, Parser)]
#[command(name = "ois-server", version, args_override_self = true, max_term_width = 100)]
pub(crate) struct Settings {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) doors: Doors,
    #[command(flatten)]
    pub(crate) people: People,
    #[command(flatten)]
    pub(crate) agents: Agents,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    #[command(flatten)]
    pub(crate) tuning: Tuning,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use ois_protocol::UtcOffset;

    use super::*;

    #[test]
    fn the_settings_fit_together() {
        Settings::command().debug_assert();
    }

    fn settings(file: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, file).unwrap();
        let args = ["ois-server".into(), "--env-file".into(), path.into()];
        ois_cli::settings(args, |_| None).unwrap()
    }

    #[test]
    fn an_old_deployments_file_is_understood() {
        let file = "PORT=8801\nOIS_ROOT=/data/ois\nPASSWORD=\"a b=c\"\nAGENT_TOKENS='t1:HKH 🐱,t2:ARIA'\nUPLOAD_DIR=/tmp/up\n";
        let settings = settings(file);
        assert_eq!(settings.doors.port, Some(8801));
        assert_eq!(settings.place.root, std::path::Path::new("/data/ois"));
        assert_eq!(settings.people.password.as_deref(), Some("a b=c"));
        assert_eq!(settings.people.agent_tokens.as_deref(), Some("t1:HKH 🐱,t2:ARIA"));
    }

    #[test]
    fn the_usual_desk_is_the_desks_own() {
        let usual = settings("").agents.desk(UtcOffset::UTC);
        assert_eq!(usual, ois_chat::DeskSettings::default());
        let file =
            "OIS_DELIVERY_DEADLINE=90m\nOIS_LOOP_HOPS=20\nOIS_LOOP_RETURNS=5\nOIS_LOOP_REPEATS=1\n";
        let desk = settings(file).agents.desk(UtcOffset::LEGACY);
        assert_eq!((desk.limits.deadline_ms, desk.offset), (5_400_000, UtcOffset::LEGACY));
        assert_eq!((desk.guard.hops, desk.guard.returns, desk.guard.repeats), (20, 5, 1));
    }

    #[test]
    fn what_is_not_tuned_is_left_to_the_machine_and_the_system() {
        let usual = settings("").tuning;
        assert_eq!(usual.sockets(), ois_http::SocketSettings::default());
        assert_eq!(usual.batch(), ois_http::BatchLimits::default());
        assert!((2..=4).contains(&usual.http_workers()) && (2..=4).contains(&usual.file_workers()));
        let file = "OIS_HTTP_WORKERS=1\nOIS_FILE_WORKERS=7\nOIS_BACKLOG=16\nOIS_SOCKET_SEND_BUFFER=65536\n\
            OIS_BATCH_MESSAGES=64\nOIS_BATCH_BYTES=65536\n";
        let tuned = settings(file).tuning;
        assert_eq!((tuned.http_workers(), tuned.file_workers()), (1, 7));
        assert_eq!(tuned.batch(), ois_http::BatchLimits { messages: 64, bytes: 65536 });
        let sockets = tuned.sockets();
        assert_eq!((sockets.backlog, sockets.send_buffer), (16, Some(65536)));
        assert_eq!(sockets.receive_buffer, None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        let why = |words: &[&str]| {
            let refused = Settings::try_parse_from([&["ois-server"], words].concat());
            refused.unwrap_err().to_string()
        };
        assert!(why(&["--loop-hops", "0"]).contains("0 is not in 1..=1000"));
        assert!(why(&["--delivery-deadline", "40d"]).contains("from 1s to 30d"));
        assert!(why(&["--http-workers", "0"]).contains("0 is not in 1..=64"));
        assert!(why(&["--file-workers", "many"]).contains("invalid digit"));
        assert!(why(&["--batch-messages", "0"]).contains("0 is not in 1..=1000000"));
        assert!(why(&["--batch-bytes", "1"]).contains("1 is not in 4096..=1073741824"));
        assert!(why(&["--backlog", "0"]).contains("0 is not in 1..=65535"));
        assert!(why(&["--socket-send-buffer", "1"]).contains("1 is not in 4096..=1073741824"));
        assert!(why(&["--socket-receive-buffer", "64k"]).contains("invalid digit"));
        assert!(why(&["budget", "set", "--agent", "HKH"]).contains("--turns"));
        assert!(why(&["budget", "set", "--usd", "a lot"]).contains("no amount such as 2 or 2.50"));
        assert!(why(&["usage", "--by", "weather"]).contains("by agent, room or day"));
        assert!(why(&["deliveries", "--state", "lost"]).contains("stored, received"));
        assert!(why(&["retry", "HKH"]).contains("MESSAGE:AGENT"));
    }

    #[test]
    fn no_secret_shows_in_the_help() {
        let help = Settings::command().render_long_help().to_string();
        assert!(help.contains("[env: PASSWORD]") && help.contains("[env: AGENT_TOKENS]"), "{help}");
    }
}
