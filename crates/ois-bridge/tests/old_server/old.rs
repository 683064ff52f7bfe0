//! The stand-in for OIS 1.2.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::{SinkExt, StreamExt};
use ois_protocol::Timestamp;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex as Turnstile, mpsc, watch},
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

use crate::rig::{ARIA, ARIA_TOKEN, spawn};

/// A server that forgets nothing and promises nothing.
pub(crate) struct OldServer {
    port: u16,
    shared: Arc<Shared>,
    sign_ins: Turnstile<mpsc::UnboundedReceiver<()>>,
}

struct Shared {
    /// All messages; whoever is connected follows it.
    log: watch::Sender<Vec<Value>>,
    /// Counts up when everybody is thrown out.
    era: watch::Sender<u64>,
    /// Whether the next chat frame is stored and then everybody thrown out.
    drops: Mutex<bool>,
    signed_in: mpsc::UnboundedSender<()>,
}

impl OldServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (signed_in, sign_ins) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            log: watch::Sender::new(Vec::new()),
            era: watch::Sender::new(0),
            drops: Mutex::new(false),
            signed_in,
        });
        let inner = Arc::clone(&shared);
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn(connection(stream, Arc::clone(&inner)));
            }
        });
        Self { port, shared, sign_ins: Turnstile::new(sign_ins) }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Waits for the next sign-in; each counts once.
    pub(crate) async fn until_signed_in(&self) {
        self.sign_ins.lock().await.recv().await.unwrap();
    }

    /// Somebody says something.
    pub(crate) fn says(&self, user: &str, text: &str) {
        self.says_raw(json!({ "user": user, "text": text }));
    }

    /// The same with any fields.
    pub(crate) fn says_raw(&self, message: Value) {
        self.shared.append(message);
    }

    pub(crate) fn drop_everybody(&self) {
        self.shared.era.send_modify(|era| *era += 1);
    }

    /// The next message is stored, but nobody hears of it: the process dies.
    pub(crate) fn drop_at_the_next_chat(&self) {
        *self.shared.drops.lock().unwrap() = true;
    }

    pub(crate) async fn until_heard(&self, user: &str, text: &str) {
        let is_there =
            |log: &Vec<Value>| log.iter().any(|it| it["user"] == user && it["text"] == text);
        self.shared.log.subscribe().wait_for(is_there).await.unwrap();
    }

    pub(crate) fn said_by(&self, user: &str) -> Vec<String> {
        let log = self.shared.log.borrow();
        let own = log.iter().filter(|message| message["user"] == user);
        own.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }
}

impl Shared {
    fn append(&self, mut message: Value) {
        self.log.send_modify(|log| {
            // `Date.now()`: two messages of one millisecond share an id.
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let now = u64::try_from(since.as_millis()).unwrap();
            message["id"] = json!(now);
            message["time"] = json!(Timestamp::from_ms(now));
            let text = message["text"].as_str().unwrap_or_default().to_lowercase();
            let called = |name: &str| text.contains(&format!("@{}", name.to_lowercase()));
            let names: BTreeSet<_> =
                ["ARIA", "HKH", "all"].into_iter().filter(|it| called(it)).collect();
            if !names.is_empty() {
                message["mentions"] = json!(names);
            }
            log.push(message);
        });
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let (mut log, mut era) = (shared.log.subscribe(), shared.era.subscribe());
    let mut told = log.borrow_and_update().len();
    let mut signed_in = false;
    loop {
        let frames = tokio::select! {
            // Everybody hears everything, signed in or not.
            _ = log.changed() => {
                let log = log.borrow_and_update();
                let new: Vec<Value> = log[told..].iter().map(|it| json!({"type": "message", "message": it})).collect();
                told = log.len();
                new
            }
            _ = era.changed() => return,
            raw = socket.next() => match raw {
                Some(Ok(raw)) => match answer(&raw, &shared, &mut signed_in) {
                    Some(frames) => frames,
                    None => return,
                },
                _ => return,
            },
        };
        for frame in frames {
            if socket.send(Message::text(frame.to_string())).await.is_err() {
                return;
            }
        }
    }
}

/// What a frame is answered with; nothing at all if the process dies.
fn answer(raw: &Message, shared: &Shared, signed_in: &mut bool) -> Option<Vec<Value>> {
    let text = raw.to_text().unwrap_or_default();
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    match frame["type"].as_str() {
        Some("agent_auth") if frame["token"] == ARIA_TOKEN => {
            *signed_in = true;
            shared.signed_in.send(()).unwrap();
            let log = shared.log.borrow();
            let last = &log[log.len().saturating_sub(50)..];
            Some(vec![
                json!({"type": "auth_ok", "user": ARIA, "isAgent": true}),
                json!({"type": "history", "messages": last}),
            ])
        }
        Some("agent_auth" | "auth") => Some(vec![json!({"type": "auth_fail"})]),
        Some("ping") => Some(vec![json!({"type": "pong"})]),
        Some("chat" | "message") if *signed_in => {
            if std::mem::take(&mut *shared.drops.lock().unwrap()) {
                shared.era.send_modify(|era| *era += 1);
                shared.append(json!({"user": ARIA, "text": frame["text"]}));
                return None;
            }
            shared.append(json!({"user": ARIA, "text": frame["text"]}));
            Some(Vec::new())
        }
        _ => Some(Vec::new()),
    }
}
