//! A bridge with one agent, and a runtime that does what the test tells it.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use ois_bridge::{AgentConfig, Bridge, Evidence, Runtime, RuntimeError, Working};
use ois_client::Token;
use ois_inbox::{Assignment, Done, Outcome};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
};

/// How the agent signs, and its token.
pub(crate) const ARIA: &str = "ARIA ⚔️";
pub(crate) const ARIA_TOKEN: &str = "token-of-aria";

pub(crate) struct Rig {
    bridge: Bridge,
}

impl Rig {
    pub(crate) async fn start(url: &str, runtime: ToldRuntime, folder: Option<&Path>) -> Self {
        let agent = AgentConfig {
            folder: folder.map(Path::to_owned),
            inbox: ois_inbox::Settings { look_back_ms: 0, ..ois_inbox::Settings::default() },
            ..AgentConfig::new("ARIA", url.parse().unwrap(), Token::new(ARIA_TOKEN))
        };
        let local = Some("127.0.0.1:0".parse().unwrap());
        let agents: Vec<(AgentConfig, Arc<dyn Runtime>)> = vec![(agent, Arc::new(runtime))];
        Self { bridge: Bridge::start(agents, local).await.unwrap() }
    }

    pub(crate) async fn stop(self) {
        assert!(self.bridge.stop(Duration::from_secs(30)).await);
    }

    /// Waits until no call is open.
    pub(crate) async fn until_idle(&self) {
        while self.status().await["calls"] != 0 {}
    }

    pub(crate) async fn until_online(&self) {
        while self.status().await["online"] != true {}
    }

    async fn status(&self) -> Value {
        self.http("GET", "/status", "").await.1["agents"][0].take()
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.http("POST", path, body).await
    }

    async fn http(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.bridge.local().unwrap()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }
}

/// A runtime that hands each call to the test.
pub(crate) struct ToldRuntime(mpsc::UnboundedSender<Work>);

/// What it was handed.
pub(crate) struct Told(mpsc::UnboundedReceiver<Work>);

/// A turn that has begun and waits for the test's word.
pub(crate) struct Work {
    pub(crate) delivery: Assignment,
    settle: oneshot::Sender<Outcome>,
}

impl ToldRuntime {
    pub(crate) fn new() -> (Self, Told) {
        let (work, told) = mpsc::unbounded_channel();
        (Self(work), Told(told))
    }
}

impl Told {
    pub(crate) async fn next(&mut self) -> Work {
        self.0.recv().await.unwrap()
    }
}

impl Work {
    pub(crate) fn settle(self, outcome: Outcome) {
        self.settle.send(outcome).unwrap();
    }
}

impl Runtime for ToldRuntime {
    fn deliver(&self, delivery: Assignment, evidence: Evidence) -> Working<Done> {
        let told = self.0.clone();
        Box::pin(async move {
            assert!(evidence.begun(None).await);
            evidence.admitted(delivery.key.clone()).await;
            let (settle, settled) = oneshot::channel();
            assert!(told.send(Work { delivery, settle }).is_ok());
            settled.await.unwrap().into()
        })
    }

    fn stop(&self, _: Assignment) -> Working<Result<bool, RuntimeError>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn probe(&self) -> Working<Result<(), RuntimeError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn tell_owner(&self, text: String) -> Working<Result<(), RuntimeError>> {
        Box::pin(std::future::ready(Err(RuntimeError(text))))
    }
}

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "a stand-in's tasks end with the test")]
    drop(tokio::spawn(task));
}
