//! The commands that the operator may run instead of serving.

use std::path::PathBuf;

use clap::Subcommand;
use ois_protocol::{DeliveryId, DisplayName, EventId, Role, Rung, ShortName, http::UsageBy};

use super::BudgetCommand;

/// What the program does instead of serving.
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
        /// Only deliveries in this state, as dead
        #[arg(long, value_parser = state, value_name = "STATE")]
        state: Option<Rung>,
        /// Only deliveries to this agent
        #[arg(long, value_name = "NAME")]
        agent: Option<ShortName>,
        /// Only deliveries of messages after this one
        #[arg(long, value_name = "ID")]
        after: Option<EventId>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Drive a delivery again that failed or was given up
    Retry {
        /// The delivery, as `deliveries` names it: MESSAGE:AGENT
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
    /// List the registered agents
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an agent; its connections end at once
    Remove {
        /// The agent's short name
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
    /// List the registered users
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a user; sessions and connections end at once
    Remove {
        /// The user's short name
        name: ShortName,
    },
    /// Give a user another password; sessions end at once
    Password {
        /// The user's short name
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
