//! One agent: its link to the room, its runtime, its journal, and the loop that carries out what the
//! machine decides.
//!
//! The loop waits for whatever happens next, feeds it to the [`AgentMachine`], and carries out the
//! actions in order. Until what was decided is done, it takes nothing further in.

mod actions;
mod activity;
mod ask;
mod fetch;
mod log;
pub(crate) mod machine;
mod presence;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use ois_client::{Address, Config as LinkConfig, Credential, Link, Rest, Token};
use ois_inbox::IdentityMismatch;
use ois_protocol::{Timestamp, Topic};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::ask::{Ask, Status};
use self::machine::{AgentMachine, AgentSettings, NotSaid, Said};
use crate::{
    clock,
    journal::{self, Drafts, Journal, JournalError},
    runtime::{Runtime, Step},
    tasks::Tasks,
};

/// One agent of this host.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// What the local port and the log call it: normally its short name.
    pub label: String,
    /// Where the server is.
    pub server: Address,
    /// The agent's token there.
    pub token: Token,
    /// Where it remembers; without a folder all is forgotten at the end.
    pub folder: Option<PathBuf>,
    /// How its calls are handled.
    pub inbox: ois_inbox::Settings,
    /// How often its runtime is asked whether it lives.
    pub probe_every: Duration,
}

impl AgentConfig {
    /// An agent that remembers nothing beyond the process, handled the usual way.
    pub fn new(label: impl Into<String>, server: Address, token: Token) -> Self {
        Self {
            label: label.into(),
            server,
            token,
            folder: None,
            inbox: ois_inbox::Settings::default(),
            probe_every: Duration::from_secs(60),
        }
    }
}

pub(crate) struct Agent {
    label: String,
    machine: AgentMachine,
    journal: Journal,
    link: Link,
    runtime: Arc<dyn Runtime>,
    /// The server's HTTP side, for messages that are not in memory.
    rest: Rest,
    tasks: Tasks,
    steps: (mpsc::Sender<Step>, mpsc::Receiver<Step>),
    asks: mpsc::Receiver<Ask>,
    /// Turns that wait to learn whether they may begin, by ticket.
    permits: BTreeMap<u64, oneshot::Sender<()>>,
    /// Callers that wait to learn what became of what they said, by number.
    callers: BTreeMap<u64, oneshot::Sender<Result<Said, NotSaid>>>,
    /// The last ticket or number that was given out.
    last_number: u64,
}

/// Why an agent's loop ended.
enum End {
    Stopped,
    Mismatch(IdentityMismatch),
}

impl Agent {
    /// Opens the journal and starts the link.
    pub(crate) fn open(
        config: AgentConfig,
        runtime: Arc<dyn Runtime>,
        tasks: Tasks,
        asks: mpsc::Receiver<Ask>,
    ) -> Result<Self, JournalError> {
        let (journal, state, drafts) = journal::open(config.folder.as_deref())?;
        let instance = journal::instance(config.folder.as_deref())?;
        let settings = AgentSettings {
            instance: instance.clone(),
            inbox: config.inbox,
            probe_every_ms: u64::try_from(config.probe_every.as_millis()).unwrap_or(u64::MAX),
            address_hash: hash(&config.server.to_string()),
        };
        let machine = AgentMachine::new(settings, state, clock::now());
        let rest = Rest::new(config.server.clone(), config.token.clone(), FETCH);
        let link = start_link(&config.server, config.token, instance, &machine, drafts).map_err(
            |source| JournalError::Disk { folder: config.folder.unwrap_or_default(), source },
        )?;
        Ok(Self {
            label: config.label,
            machine,
            journal,
            link,
            runtime,
            rest,
            tasks,
            // Full: a runtime waits before it goes on.
            steps: mpsc::channel(16),
            asks,
            permits: BTreeMap::new(),
            callers: BTreeMap::new(),
            last_number: 0,
        })
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        self.machine.start(clock::now());
        let end = loop {
            if let Some(end) = self.carry_out().await {
                break end;
            }
            if let Some(end) = self.next(&stop).await {
                break end;
            }
        };
        if let End::Mismatch(mismatch) = end {
            let agent = &self.label;
            tracing::error!(%agent, %mismatch, "this agent ends here: give it another state folder");
        }
        if let Some(record) = self.machine.last_record()
            && let Err(error) = self.journal.append(&[record], self.machine.inbox_state())
        {
            tracing::warn!(agent = %self.label, %error, "cannot note how far was read");
        }
        let left = self.link.close().await;
        if !left.is_empty() {
            let drafts = left.drafts.len();
            tracing::info!(agent = %self.label, drafts, "the server has not confirmed these; a state folder keeps them");
        }
    }

    /// Waits for whatever happens next and feeds it to the machine. While the disk takes nothing,
    /// that is the time or the end.
    async fn next(&mut self, stop: &CancellationToken) -> Option<End> {
        let settled = self.machine.is_settled();
        let wake = self.machine.next_wake().map(|at| moment(at, clock::now()));
        tokio::select! {
            event = self.link.next(), if settled => match event {
                Some(event) => {
                    log::event(&self.label, &event);
                    self.machine.link_event(event, clock::now());
                }
                None => return Some(End::Stopped),
            },
            Some(step) = self.steps.1.recv(), if settled => self.step(step),
            Some(ask) = self.asks.recv(), if settled => self.ask(ask),
            () = at(wake) => if settled {
                self.machine.wake(clock::now());
            },
            () = stop.cancelled() => return Some(End::Stopped),
        }
        None
    }

    /// The runtime tells something.
    fn step(&mut self, step: Step) {
        match step {
            Step::AskToBegin { id, epoch, permit } => {
                let ticket = self.next_number();
                self.permits.insert(ticket, permit);
                self.machine.ask_to_begin(id, epoch, ticket, clock::now());
            }
            Step::Reported(report) => {
                log::report(&self.label, &report);
                self.machine.report(report, clock::now(), clock::dice());
            }
        }
    }

    /// The local port asks something.
    fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Say { chat, reply } => {
                let caller = self.next_number();
                self.callers.retain(|_, reply| !reply.is_closed());
                self.callers.insert(caller, reply);
                let online = self.link.speaker().is_online();
                self.machine.say(caller, clock::fresh_nonce(), *chat, online);
            }
            Ask::TellOwner { text, reply } => {
                let telling = self.runtime.tell_owner(text);
                // A caller that does not wait any more gets no answer.
                self.tasks.spawn(|_stop| async move { drop(reply.send(telling.await)) });
            }
            Ask::Status { reply } => {
                let status = self.machine.status();
                // As above.
                drop(reply.send(Status {
                    agent: self.label.clone(),
                    online: self.link.speaker().is_online(),
                    presence: status.presence,
                    proven_at: status.proven_at,
                    calls: status.calls,
                    given_up: status.given_up,
                    waiting: status.waiting,
                    standby: status.standby,
                    heard: status.messages_received,
                }));
            }
        }
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

fn start_link(
    server: &Address,
    token: Token,
    instance: String,
    machine: &AgentMachine,
    drafts: Drafts,
) -> std::io::Result<Link> {
    let mut config = LinkConfig::new(server.clone(), Credential::Agent(token));
    config.instance = Some(instance);
    config.after = machine.resume_after();
    // What becomes of the agent's own calls and turns; a server of OIS 1 ignores it.
    config.subscribe = vec![Topic::Deliveries, Topic::Runs];
    Link::start_with(config, drafts)
}

/// The moment of the runtime's clock at which the system's clock will show `at`.
fn moment(at: Timestamp, now: Timestamp) -> Instant {
    Instant::now() + Duration::from_millis(at.since_ms(now))
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// How long the server may take to give a message.
const FETCH: Duration = Duration::from_secs(10);

/// Eight hex digits that stand for an old server's team: its address by FNV-1a.
fn hash(address: &str) -> String {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    format!("{:08x}", address.bytes().fold(0x811c_9dc5, step))
}
