//! What the operator chooses: flags, environment variables and the file that `--env-file` names.

mod agents;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use ois_cli::Logging;
use ois_http::{Cidr, PublicUrl};
use ois_protocol::{
    DeliveryId, DisplayName, EventId, Limits, Role, Rung, ShortName, UtcOffset, http::UsageBy,
};

pub(crate) use self::agents::{Agents, BudgetCommand};

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
    pub(crate) logging: Logging,
}

/// Where things are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct Place {
    /// The team's folder: chat/, shared files, and .ois with the server's own
    #[arg(long, env = "OIS_ROOT", default_value = "./ois-data", global = true, value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Where uploads are kept, if not in the team's folder
    #[arg(long, env = "UPLOAD_DIR", global = true, value_name = "DIR")]
    pub(crate) upload_dir: Option<PathBuf>,
    /// When a message counts as stored: `sync` on the disk, `os` in the system's cache
    #[arg(long, env = "OIS_DURABILITY", default_value = "sync", value_name = "WHEN")]
    pub(crate) durability: Durability,
    /// The zone of the day files chat/YYYY-MM-DD.md, as +08:00 [default: +08:00 where an old
    /// deployment's chat was imported, else UTC]
    #[arg(
        long,
        env = "OIS_UTC_OFFSET",
        global = true,
        allow_hyphen_values = true,
        value_name = "OFFSET"
    )]
    pub(crate) utc_offset: Option<UtcOffset>,
    /// Start although the log is damaged: cut it off there and keep the rest aside
    #[arg(long, env = "OIS_REPAIR", value_parser = FalseyValueParser::new())]
    pub(crate) repair: bool,
    /// Read settings from this file of NAME=VALUE lines, as the original's .env; flags and the
    /// environment go before it
    #[arg(long, env = "OIS_ENV_FILE", global = true, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

/// When an append is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// After `fdatasync`.
    Sync,
    /// After `write`.
    Os,
}

/// How the server is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct Doors {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "OIS_LISTEN", default_value = "127.0.0.1:8800", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The port alone, as the original named it; goes before the one in --listen
    #[arg(long, env = "PORT", value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The address people and monitors use, as https://ois.example.org: for invites, the Origin
    /// check and `Secure` cookies
    #[arg(long, env = "OIS_PUBLIC_URL", global = true, value_name = "URL")]
    pub(crate) public_url: Option<PublicUrl>,
    /// Proxies whose X-Forwarded-For is believed, as 10.0.0.0/8; several with commas
    #[arg(
        long = "trusted-proxy",
        env = "OIS_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "CIDR"
    )]
    pub(crate) trusted_proxies: Vec<Cidr>,
}

impl Doors {
    /// Where to listen.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.listen.ip(), self.port.unwrap_or(self.listen.port()))
    }

    /// The address to open in a browser, of a server that listens there.
    pub(crate) fn page(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => {
                format!("{}://{}", if url.is_https() { "https" } else { "http" }, url.authority())
            }
            None if listening.ip().is_unspecified() => {
                format!("http://127.0.0.1:{}", listening.port())
            }
            None => format!("http://{listening}"),
        }
    }
}

/// Who may come in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Members")]
pub(crate) struct People {
    /// One password that all people share; whoever has it picks a name
    #[arg(long, env = "PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub(crate) password: Option<String>,
    /// The same, read from a file
    #[arg(long, env = "OIS_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Agents as token:display,token:display
    #[arg(long, env = "AGENT_TOKENS", hide_env_values = true, value_name = "TOKENS")]
    pub(crate) agent_tokens: Option<String>,
    /// Add a small built-in agent that answers mentions
    #[arg(long, env = "OIS_DEMO", value_parser = FalseyValueParser::new())]
    pub(crate) demo: bool,
}

/// How much is too much.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Bounds {
    /// Bytes of one message's text
    #[arg(long, env = "OIS_MAX_TEXT", default_value_t = Limits::default().text_bytes, value_name = "BYTES")]
    max_text: usize,
    /// Bytes of one WebSocket frame
    #[arg(long, env = "OIS_MAX_FRAME", default_value_t = Limits::default().frame_bytes, value_name = "BYTES")]
    max_frame: usize,
    /// Bytes below which an upload or a PUT must stay
    #[arg(long, env = "OIS_MAX_UPLOAD", default_value_t = Limits::default().upload_bytes, value_name = "BYTES")]
    max_upload: u64,
    /// Bytes of a JSON body
    #[arg(long, env = "OIS_MAX_JSON", default_value_t = Limits::default().json_bytes, value_name = "BYTES")]
    max_json: usize,
    /// Messages a second that a member may send for long; 0 for no limit. Who sends more is read
    /// more slowly, and over HTTP told to come back
    #[arg(long, env = "OIS_CHAT_RATE", default_value_t = Limits::default().chat_rate, value_name = "NUMBER")]
    chat_rate: u32,
    /// Messages that a member may send at once
    #[arg(long, env = "OIS_CHAT_BURST", default_value_t = Limits::default().chat_burst, value_name = "NUMBER")]
    chat_burst: u32,
    /// Seconds after which a peer that takes nothing is closed
    #[arg(long, env = "OIS_STALL_SECONDS", default_value_t = Limits::default().stall_ms / 1000, value_name = "SECONDS")]
    stall_seconds: u64,
    /// Seconds between pings; a peer that misses one is closed
    #[arg(long, env = "OIS_PING_SECONDS", default_value_t = Limits::default().ping_ms / 1000, value_name = "SECONDS")]
    ping_seconds: u64,
    /// Bytes of the log's end kept in memory; who is further behind reads from disk
    #[arg(long, env = "OIS_TAIL_BYTES", default_value_t = 8 << 20, value_name = "BYTES")]
    pub(crate) tail_bytes: usize,
}

impl Bounds {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            text_bytes: self.max_text,
            frame_bytes: self.max_frame,
            upload_bytes: self.max_upload,
            json_bytes: self.max_json,
            chat_rate: self.chat_rate,
            chat_burst: self.chat_burst,
            stall_ms: self.stall_seconds * 1000,
            ping_ms: self.ping_seconds.max(1) * 1000,
            ..Limits::default()
        }
    }
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lay a new team's folder, with its first user and its register template
    Init,
    /// Add, list and remove agents
    Agent {
        #[command(subcommand)]
        what: AgentCommand,
    },
    /// Add, list and remove people, and reset passwords
    User {
        #[command(subcommand)]
        what: UserCommand,
    },
    /// Register an agent and print one line that starts its monitor on the other host
    Invite {
        /// How the agent signs; its first word is what others mention
        name: DisplayName,
        /// What the agent is for, as reviewer; may be repeated
        #[arg(long = "duty", value_name = "DUTY")]
        duties: Vec<ShortName>,
    },
    /// Take over the chat of an old deployment from DIR (its OIS_ROOT) into an empty team
    Import {
        /// The old deployment's folder
        dir: PathBuf,
    },
    /// Set, list and remove what agents may use in a day
    Budget {
        #[command(subcommand)]
        what: BudgetCommand,
    },
    /// What agents' turns have cost
    Usage {
        /// Summed up by agent, room or day
        #[arg(long, default_value = "agent", value_parser = usage_by, value_name = "WORD")]
        by: String,
        /// Only turns that began on this day or later, as 2026-02-06
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// How far mentions came, in the order of their messages
    Deliveries {
        /// Only those in this state, as dead
        #[arg(long, value_parser = state, value_name = "STATE")]
        state: Option<Rung>,
        /// Only those of this agent
        #[arg(long, value_name = "NAME")]
        agent: Option<ShortName>,
        /// Only those of messages after this one
        #[arg(long, value_name = "ID")]
        after: Option<EventId>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Drive a delivery again that failed or was given up
    Retry {
        /// Which, as `deliveries` names it: MESSAGE:AGENT
        delivery: DeliveryId,
    },
    /// Check every record of the log and print its head, to be noted elsewhere
    Verify {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// What to do with agents.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Register an agent and print its token, once
    Add {
        /// How the agent signs; its first word is what others mention
        name: DisplayName,
        /// What the agent is for, as reviewer; may be repeated
        #[arg(long = "duty", value_name = "DUTY")]
        duties: Vec<ShortName>,
    },
    /// Who is registered
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an agent; its connections end at once
    Remove {
        /// Its short name
        name: ShortName,
    },
}

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Register a user; prints a generated password, once, unless one comes on standard input
    Add {
        /// How the user signs; the first word is what others mention
        name: DisplayName,
        /// What the user may do
        #[arg(long, default_value = "member", value_parser = role, value_name = "ROLE")]
        role: Role,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Who is registered
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a user; sessions and connections end at once
    Remove {
        /// The short name
        name: ShortName,
    },
    /// Give a user another password; sessions end at once
    Password {
        /// The short name
        name: ShortName,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

fn role(text: &str) -> Result<Role, String> {
    match text {
        "admin" => Ok(Role::Admin),
        "member" => Ok(Role::Member),
        "guest" => Ok(Role::Guest),
        _ => Err("a user's role is admin, member or guest".to_owned()),
    }
}

fn usage_by(word: &str) -> Result<String, String> {
    word.parse::<UsageBy>().map(|_| word.to_owned()).map_err(|error| error.to_string())
}

fn state(word: &str) -> Result<Rung, String> {
    let words = || Rung::ALL.map(Rung::word).join(", ");
    Rung::from_word(word).ok_or_else(|| format!("a delivery is one of {}", words()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

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
        assert_eq!((desk.deadline_ms, desk.offset), (5_400_000, UtcOffset::LEGACY));
        assert_eq!((desk.guard.hops, desk.guard.returns, desk.guard.repeats), (20, 5, 1));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        let why = |words: &[&str]| {
            let refused = Settings::try_parse_from([&["ois-server"], words].concat());
            refused.unwrap_err().to_string()
        };
        assert!(why(&["--loop-hops", "0"]).contains("0 is not in 1..=1000"));
        assert!(why(&["--delivery-deadline", "40d"]).contains("from 1s to 30d"));
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
