//! Administration: one request and one answer, whether the server runs or not.
//!
//! A running server takes requests over `.ois/admin.sock`, one JSON line each way. If no server
//! runs, the command opens the store itself.

pub(crate) mod agents;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use ois_auth::{NewMember, OsEntropy, PasswordHash, Registered, Token, generate_password};
use ois_http::{Keys, Server};
use ois_protocol::{DisplayName, EventId, Kind, Role, ShortName, Timestamp, UtcOffset};
use ois_store::{Damage, Log, Oddity, Verified};
use serde::{Deserialize, Serialize};

use self::agents::{Question, Told};
use crate::team::Team;

/// A request about a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Register an agent with a fresh token.
    AddAgent { name: DisplayName, duties: Vec<ShortName> },
    /// Register a user. Without a password, one is generated.
    AddUser { name: DisplayName, role: Role, password: Option<String> },
    /// Give a user another password. Without a password, one is generated.
    ResetPassword { name: ShortName, password: Option<String> },
    /// Remove a member.
    Remove { kind: Kind, name: ShortName },
    /// List the registered members of this kind.
    List { kind: Kind },
    /// Check every record of the log.
    Verify,
    /// Import an old deployment's chat from this folder into an empty team. Its day files were kept
    /// at this offset from UTC.
    Import { dir: PathBuf, offset: String },
    /// A question about what agents may use and how far mentions came.
    Agents { question: Question },
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// A member was added, or got a new secret, which is shown this one time.
    Secret { name: DisplayName, secret: String },
    /// A user was added, or got a password that the caller knows.
    Done { name: DisplayName },
    /// The registered members.
    Members(Vec<Listed>),
    /// What a walk over the log has found.
    Whole(Whole),
    /// This many messages were imported; `oddities` says what was unusual about them.
    Imported { messages: usize, oddities: Vec<String> },
    /// The answer to a question about agents.
    Agents(Told),
    /// The request was refused, for this reason.
    Refused(String),
}

/// One registered member, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) name: ShortName,
    pub(crate) display: DisplayName,
    pub(crate) role: Role,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) duties: Vec<ShortName>,
    /// When the member was registered; absent for the agents of AGENT_TOKENS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) added: Option<Timestamp>,
}

/// What a walk over the log has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whole {
    pub(crate) team: String,
    pub(crate) events: u64,
    pub(crate) segments: u64,
    pub(crate) head: EventId,
    /// The hash of the chain after the head. A log whose end was cut off has another one.
    pub(crate) chain: String,
    /// What is not as it was written, or missing, the first thousand; none in the answer of an older
    /// server, which refuses instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) damage: Vec<Damage>,
    /// The number of all that is damaged.
    #[serde(default)]
    pub(crate) damaged: usize,
}

/// The most damages that an answer names: it is one line of limited length.
const MOST_DAMAGES: usize = 1000;

impl Whole {
    /// What was found of this team's log, as it is told.
    pub(crate) fn new(team: String, found: Verified) -> Self {
        let Verified { head, chain, events, segments, mut damage, .. } = found;
        let damaged = damage.len();
        damage.truncate(MOST_DAMAGES);
        Self { team, events, segments, head, chain, damage, damaged }
    }
}

/// The most bytes of a request or an answer.
pub(crate) const LINE_BYTES: u64 = 1 << 20;

/// Does what the request asks for. `server` is the server that runs on this team, if one does. A
/// refusal is an answer as well.
pub(crate) async fn execute(
    team: &Team,
    server: Option<&Server>,
    request: Request,
    now: Timestamp,
) -> Answer {
    match apply(team, server, request, now).await {
        Ok(answer) => answer,
        Err(error) => Answer::Refused(format!("{error:#}")),
    }
}

async fn apply(
    team: &Team,
    server: Option<&Server>,
    request: Request,
    now: Timestamp,
) -> Result<Answer> {
    let keys = &team.keys;
    let mut entropy = OsEntropy::open()?;
    match request {
        Request::AddAgent { name, duties } => {
            let token = Token::random(&mut entropy);
            let new = NewMember { display: name.clone(), role: Role::Agent, duties };
            keys.change(|keyring| keyring.add_agent(new, token.hash(), now)).await??;
            Ok(Answer::Secret { name, secret: token.reveal().to_owned() })
        }
        Request::AddUser { name, role, password } => {
            let (hash, generated) = hashed(password, &mut entropy)?;
            let new = NewMember { display: name.clone(), role, duties: Vec::new() };
            keys.change(|keyring| keyring.add_user(new, hash, now)).await??;
            Ok(told(name, generated))
        }
        Request::ResetPassword { name, password } => {
            let (hash, generated) = hashed(password, &mut entropy)?;
            let member = keys.change(|keyring| keyring.reset_password(&name, hash)).await??;
            Ok(told(member.display, generated))
        }
        Request::Remove { kind, name } => {
            let member = keys.change(|keyring| keyring.remove(kind, &name)).await??;
            Ok(Answer::Done { name: member.display })
        }
        Request::List { kind } => Ok(Answer::Members(list(keys, kind))),
        Request::Verify => verify(team),
        Request::Import { dir, offset } => import(team, &dir, offset.parse()?, now).await,
        Request::Agents { question } => {
            agents::answer(team, server, question, now).await.map(Answer::Agents)
        }
    }
}

fn verify(team: &Team) -> Result<Answer> {
    let store = &team.store;
    let found = store.verify().context("cannot read the log")?;
    Ok(Answer::Whole(Whole::new(store.team().to_owned(), found)))
}

async fn import(team: &Team, dir: &Path, offset: UtcOffset, now: Timestamp) -> Result<Answer> {
    let imported = team.store.import(dir, offset, now).await.context("nothing was imported")?;
    let oddities = imported
        .oddities
        .iter()
        .map(|Oddity { file, line, what }| format!("{file}:{line}: {what}"));
    Ok(Answer::Imported { messages: imported.messages, oddities: oddities.collect() })
}

fn hashed(
    password: Option<String>,
    entropy: &mut OsEntropy,
) -> Result<(PasswordHash, Option<String>)> {
    match password {
        Some(password) => Ok((PasswordHash::of(&password, entropy)?, None)),
        None => {
            let generated = generate_password(entropy);
            Ok((PasswordHash::of(&generated, entropy)?, Some(generated)))
        }
    }
}

fn told(name: DisplayName, generated: Option<String>) -> Answer {
    match generated {
        Some(secret) => Answer::Secret { name, secret },
        None => Answer::Done { name },
    }
}

fn list(keys: &Keys, kind: Kind) -> Vec<Listed> {
    keys.ask(|keyring| {
        let added =
            |name: &ShortName| keyring.register().find(name).map(|one: &Registered| one.added);
        let members = keyring.members().filter(|member| member.kind == kind);
        members
            .map(|member| Listed {
                name: member.name.clone(),
                display: member.display.clone(),
                role: member.role,
                duties: member.duties.clone(),
                added: added(&member.name),
            })
            .collect()
    })
}

/// Asks the running server at this root; returns `None` if no server listens there.
#[cfg(unix)]
pub(crate) fn ask_running(root: &Path, request: &Request) -> Result<Option<Answer>> {
    use std::{
        io::{BufRead, BufReader, ErrorKind, Read, Write},
        os::unix::net::UnixStream,
    };
    let mut stream = match UnixStream::connect(socket_path(root)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).context("cannot reach the running server's admin socket"),
    };
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).context("cannot ask the running server")?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_BYTES))
        .read_line(&mut answer)
        .context("cannot hear the running server")?;
    if answer.is_empty() {
        bail!("the running server did not answer");
    }
    serde_json::from_str(&answer)
        .map(Some)
        .map_err(|_| anyhow!("the running server is of another version"))
}

/// Returns the path of the socket on which a running server takes requests.
pub(crate) fn socket_path(root: &Path) -> PathBuf {
    root.join(".ois").join("admin.sock")
}
