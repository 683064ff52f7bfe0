//! The commands beside serving.

mod agents;

use std::{
    io::{IsTerminal, Read},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail};
use ois_protocol::{DisplayName, Kind, ShortName, UtcOffset};
use ois_store::DiskStore;

use crate::{
    admin::{self, Answer, Listed, Request, Whole, agents::Question},
    clock::now,
    init,
    settings::{AgentCommand, Command, Settings, UserCommand},
    team::Team,
};

/// Runs the command of the settings.
pub(crate) fn run(mut settings: Settings) -> Result<()> {
    settings.logging.begin()?;
    let Some(command) = settings.command.take() else { bail!("no command") };
    match command {
        Command::Init => init::run(&settings),
        Command::Verify { json } => verify(&settings, json),
        Command::Import { dir } => import(&settings, &dir),
        Command::Invite { name, duties } => invite(&settings, name, duties),
        Command::Agent { what } => agent(&settings, what),
        Command::User { what } => user(&settings, what),
        Command::Budget { what } => agents::budget(&settings, what),
        Command::Usage { by, from, json } => agents::usage(&settings, by, from, json),
        Command::Deliveries { state, agent, after, json } => {
            agents::deliveries(&settings, Question::Deliveries { state, agent, after }, json)
        }
        Command::Retry { delivery } => agents::retry(&settings, Question::Retry { delivery }),
    }
}

fn agent(settings: &Settings, what: AgentCommand) -> Result<()> {
    match what {
        AgentCommand::Add { name, duties } => {
            let (name, token) = secret(ask(settings, Request::AddAgent { name, duties })?)?;
            say(&format!("{name} is registered; its token, shown once:\n{token}"));
        }
        AgentCommand::List { json } => list(settings, Kind::Agent, json)?,
        AgentCommand::Remove { name } => remove(settings, Kind::Agent, name)?,
    }
    Ok(())
}

fn user(settings: &Settings, what: UserCommand) -> Result<()> {
    match what {
        UserCommand::Add { name, role, password_stdin } => {
            let password = password(password_stdin)?;
            announce(&ask(settings, Request::AddUser { name, role, password })?, "is registered")
        }
        UserCommand::Password { name, password_stdin } => {
            let password = password(password_stdin)?;
            announce(
                &ask(settings, Request::ResetPassword { name, password })?,
                "has a new password",
            )
        }
        UserCommand::List { json } => list(settings, Kind::Human, json),
        UserCommand::Remove { name } => remove(settings, Kind::Human, name),
    }
}

/// Prints one line that starts a monitor on the other host, and nothing else, on standard output.
fn invite(settings: &Settings, name: DisplayName, duties: Vec<ShortName>) -> Result<()> {
    let url = match &settings.doors.public_url {
        Some(url) => format!("{}://{}", if url.is_https() { "wss" } else { "ws" }, url.authority()),
        None => format!("ws://{}", settings.doors.address()),
    };
    let (name, token) = secret(ask(settings, Request::AddAgent { name, duties })?)?;
    say(&format!(
        "OIS_URL={url} OIS_AGENT_TOKEN={token} OIS_AGENT_NAME='{}' ois-monitor",
        name.short()
    ));
    if settings.doors.public_url.is_none() {
        tracing::warn!(
            "set --public-url (OIS_PUBLIC_URL) so that invites carry an address that other hosts reach"
        );
    }
    Ok(())
}

/// Imports an old deployment's chat, also beside a running server.
fn import(settings: &Settings, dir: &Path) -> Result<()> {
    // The old server knew only this zone.
    let offset = settings.place.utc_offset.unwrap_or(UtcOffset::LEGACY);
    let dir = dir.canonicalize().with_context(|| format!("cannot find {}", dir.display()))?;
    let Answer::Imported { messages, oddities } =
        ask(settings, Request::Import { dir: dir.clone(), offset: offset.to_string() })?
    else {
        bail!("an unexpected answer")
    };
    oddities.iter().for_each(|oddity| say(oddity));
    say(&format!("{messages} messages imported from {}", dir.display()));
    Ok(())
}

/// Checks every record of the log, also beside a running server. It reads only; the exit code says
/// whether all is whole.
fn verify(settings: &Settings, json: bool) -> Result<()> {
    let root = &settings.place.root;
    let found = match admin::ask_running(root, &Request::Verify)? {
        Some(Answer::Whole(found)) => found,
        Some(Answer::Refused(why)) => bail!(why),
        Some(_) => bail!("an unexpected answer"),
        None => {
            let inspected = DiskStore::inspect(root);
            let (team, found) = inspected
                .with_context(|| format!("cannot check the team at {}", root.display()))?;
            Whole::new(team, found)
        }
    };
    let count = found.damaged;
    if json {
        let Whole { team, events, segments, head, chain, damage, .. } = found;
        let head = serde_json::json!({ "id": head, "chain": chain });
        let ok = damage.is_empty();
        say(&serde_json::json!({ "ok": ok, "team": team, "events": events, "segments": segments, "head": head, "damaged": count, "damage": damage }).to_string());
    } else {
        let Whole { events, segments, head, chain, damage, .. } = found;
        damage.iter().for_each(|damage| say(&format!("damaged {damage}")));
        say(&format!("{events} events in {segments} segments are whole"));
        say(&format!("head: {head} {chain}"));
    }
    if count > 0 {
        bail!("the log is damaged, in {count} places");
    }
    Ok(())
}

fn list(settings: &Settings, kind: Kind, json: bool) -> Result<()> {
    let Answer::Members(members) = ask(settings, Request::List { kind })? else {
        bail!("an unexpected answer")
    };
    if json {
        say(&serde_json::to_string_pretty(&members)?);
    } else if members.is_empty() {
        say("nobody yet");
    } else {
        members.iter().for_each(|member| say(&line(member)));
    }
    Ok(())
}

fn line(member: &Listed) -> String {
    let role = serde_json::to_value(member.role).unwrap_or_default();
    let since = match member.added {
        Some(added) => format!("since {added}"),
        None => "from AGENT_TOKENS".to_owned(),
    };
    let duties: String = member.duties.iter().map(|duty| format!(", @{duty}")).collect();
    format!(
        "{}  {} ({}{duties}), {since}",
        member.name,
        member.display,
        role.as_str().unwrap_or_default()
    )
}

fn remove(settings: &Settings, kind: Kind, name: ShortName) -> Result<()> {
    announce(&ask(settings, Request::Remove { kind, name })?, "is removed")
}

/// Asks the running server, or does the work in this process if none runs.
fn ask(settings: &Settings, request: Request) -> Result<Answer> {
    let root = &settings.place.root;
    let answer = match admin::ask_running(root, &request)? {
        Some(answer) => answer,
        None => here(settings, request)?,
    };
    match answer {
        Answer::Refused(why) => Err(anyhow!(why)),
        answer => Ok(answer),
    }
}

fn here(settings: &Settings, request: Request) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let team = Team::open(settings, now()).await?;
        if let Some(password) = team.found(now()).await? {
            init::tell_password(&password);
        }
        let answer = admin::execute(&team, None, request, now()).await;
        team.store.close().await.context("the store did not close cleanly")?;
        Ok(answer)
    })
}

fn secret(answer: Answer) -> Result<(DisplayName, String)> {
    match answer {
        Answer::Secret { name, secret } => Ok((name, secret)),
        other => bail!("an unexpected answer: {other:?}"),
    }
}

fn announce(answer: &Answer, what: &str) -> Result<()> {
    match answer {
        Answer::Secret { name, secret } => {
            say(&format!("{name} {what}; the password, shown once:\n{secret}"));
        }
        Answer::Done { name } => say(&format!("{name} {what}")),
        other => bail!("an unexpected answer: {other:?}"),
    }
    Ok(())
}

fn password(from_stdin: bool) -> Result<Option<String>> {
    if !from_stdin {
        return Ok(None);
    }
    if std::io::stdin().is_terminal() {
        say("password, then Enter and Ctrl-D:");
    }
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("cannot read the password")?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Writes a line for the person who gave the command.
#[expect(clippy::print_stdout, reason = "what the command was given for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
