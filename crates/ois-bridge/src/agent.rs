//! One agent: its link to the room, its inbox, its runtime, and the order of things between them.
//!
//! The loop takes whatever happens next, asks the inbox, and carries out the effects in order. What
//! is to be on disk is there before the next thing is done; when the disk takes nothing, the loop
//! waits for it and reads nothing further meanwhile.

mod activity;
mod ask;
mod carry;
mod fetch;
mod hear;
mod presence;
mod steps;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use ois_client::{Address, Config as LinkConfig, Credential, Link, Rest, Token};
use ois_inbox::{Effect, IdentityMismatch, Inbox};
use ois_protocol::{Chat, Nonce, Timestamp, Topic};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

pub(crate) use self::ask::{Ask, NotSaid, Said, Status};
use self::presence::WakePath;
use crate::{
    clock,
    journal::{self, Drafts, Journal, JournalError},
    runtime::{Runtime, Step},
    tasks::{Stop, Tasks},
};

/// One agent of this host.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// What the local port and the log call it: normally its short name.
    pub label: String,
    /// The server.
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
    address_hash: String,
    inbox: Inbox,
    journal: Journal,
    link: Link,
    runtime: Arc<dyn Runtime>,
    /// The server's HTTP side, for what is not in memory.
    rest: Rest,
    path: WakePath,
    probe_every: Duration,
    /// When the runtime is asked next; `None` while it is being asked.
    probe_at: Option<Instant>,
    tasks: Tasks,
    steps: (mpsc::Sender<Step>, mpsc::Receiver<Step>),
    asks: mpsc::Receiver<Ask>,
    /// Who waits to hear what became of what it said.
    waiting: BTreeMap<Nonce, oneshot::Sender<Result<Said, NotSaid>>>,
    heard: u64,
}

/// Why an agent ended by itself.
enum End {
    Stopped,
    IdentityMismatch(IdentityMismatch),
}

impl Agent {
    /// Opens what it remembers and starts its link.
    pub(crate) fn open(
        config: AgentConfig,
        runtime: Arc<dyn Runtime>,
        tasks: Tasks,
        asks: mpsc::Receiver<Ask>,
    ) -> Result<Self, JournalError> {
        let (journal, state, drafts) = journal::open(config.folder.as_deref())?;
        let inbox = Inbox::new(config.inbox, state);
        let rest = Rest::new(config.server.clone(), config.token.clone(), FETCH);
        let link = start_link(&config.server, config.token, &inbox, drafts).map_err(|source| {
            JournalError::Disk { folder: config.folder.unwrap_or_default(), source }
        })?;
        Ok(Self {
            label: config.label,
            address_hash: hash(&config.server.to_string()),
            inbox,
            journal,
            link,
            runtime,
            rest,
            path: WakePath::default(),
            probe_every: config.probe_every,
            probe_at: Some(Instant::now()),
            tasks,
            // Full: a runtime waits before it goes on.
            steps: mpsc::channel(16),
            asks,
            waiting: BTreeMap::new(),
            heard: 0,
        })
    }

    pub(crate) async fn run(mut self, mut stop: Stop) {
        let effects = self.inbox.start(clock::now());
        let mut end = self.carry_out(effects, &mut stop).await;
        while end.is_none() {
            end = self.next(&mut stop).await;
        }
        if let Some(End::IdentityMismatch(stranger)) = end {
            let agent = &self.label;
            tracing::error!(%agent, %stranger, "this agent ends here: give it another state folder");
        }
        let Effect::Journal(cursor) = self.inbox.cursor() else { return };
        if let Err(error) = self.journal.append(&[cursor], self.inbox.state()) {
            tracing::warn!(agent = %self.label, %error, "cannot note how far was read");
        }
        self.link.close().await;
    }

    /// Waits for whatever happens next, and does what follows from it.
    async fn next(&mut self, stop: &mut Stop) -> Option<End> {
        let wake = self.inbox.next_wake().map(|at| moment(at, clock::now()));
        let end = tokio::select! {
            event = self.link.next() => match event {
                Some(event) => self.event(event, stop).await,
                None => Some(End::Stopped),
            },
            Some(step) = self.steps.1.recv() => self.step(step, stop).await,
            Some(ask) = self.asks.recv() => self.ask(ask, stop).await,
            () = at(wake) => {
                let effects = self.inbox.wake(clock::now());
                self.carry_out(effects, stop).await
            }
            () = at(self.probe_at) => {
                self.probe();
                None
            }
            () = stop.asked() => Some(End::Stopped),
        };
        self.watch_work().await;
        end
    }

    async fn ask(&mut self, ask: Ask, stop: &mut Stop) -> Option<End> {
        match ask {
            Ask::Say { chat, reply } => return self.say_for_agent(*chat, reply, stop).await,
            Ask::TellOwner { text, reply } => {
                let telling = self.runtime.tell_owner(text);
                // Who does not wait any more gets no answer.
                self.tasks.spawn(|_stop| async move { drop(reply.send(telling.await)) });
            }
            Ask::Status { reply } => {
                let status = Status {
                    agent: self.label.clone(),
                    online: self.link.speaker().is_online(),
                    presence: self.path.state(),
                    proven_at: self.path.proven_at(),
                    calls: self.inbox.state().calls.len(),
                    given_up: self.inbox.state().given_up.len(),
                    heard: self.heard,
                };
                // As above.
                drop(reply.send(status));
            }
        }
        None
    }

    /// Says what the agent itself wants to say.
    async fn say_for_agent(
        &mut self,
        chat: Chat,
        reply: oneshot::Sender<Result<Said, NotSaid>>,
        stop: &mut Stop,
    ) -> Option<End> {
        let speaker = self.link.speaker();
        if !speaker.is_online() {
            drop(reply.send(Err(NotSaid::Offline)));
            return None;
        }
        let chat = Chat { cause: self.inbox.cause(), ..chat };
        let effects = self.inbox.spoke(&chat);
        let end = self.carry_out(effects, stop).await;
        match speaker.say(chat).await {
            Ok(nonce) => {
                self.waiting.retain(|_, reply| !reply.is_closed());
                self.waiting.insert(nonce, reply);
            }
            Err(error) => drop(reply.send(Err(NotSaid::NotKept(error.to_string())))),
        }
        end
    }

    fn answer(&mut self, nonce: &Nonce, answer: Result<Said, NotSaid>) {
        if let Some(reply) = self.waiting.remove(nonce) {
            // Who does not wait any more gets no answer.
            drop(reply.send(answer));
        }
    }
}

fn start_link(
    server: &Address,
    token: Token,
    inbox: &Inbox,
    drafts: Drafts,
) -> std::io::Result<Link> {
    let mut config = LinkConfig::new(server.clone(), Credential::Agent(token));
    config.after = inbox.resume_after();
    // What becomes of its own calls and turns; a server of OIS 1 ignores it.
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
