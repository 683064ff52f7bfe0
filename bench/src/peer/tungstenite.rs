//! The usual first implementation with tokio: a task for each connection, a broadcast channel
//! between them.
//!
//! It has the two known improvements, small read buffers and one flush for everything that has
//! come. It stores nothing, and a slow receiver misses messages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio::task::JoinSet;
use tokio_tungstenite::accept_async_with_config;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, Utf8Bytes};

use super::ois::TOKEN;

/// Listens, prints the address, and serves until it is killed.
///
/// # Errors
/// Fails when the peer cannot listen.
pub(super) fn run() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())
}

struct Room {
    messages: broadcast::Sender<Utf8Bytes>,
    recent: Mutex<VecDeque<Value>>,
    id: AtomicU64,
}

#[expect(clippy::print_stdout, reason = "a server says where it listens")]
async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
    println!("listening on {}", listener.local_addr()?);
    // A receiver that is this far behind misses the oldest messages.
    let (messages, _) = broadcast::channel(4096);
    let room = Arc::new(Room { messages, recent: Mutex::default(), id: AtomicU64::new(now_ms()) });
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(member(stream, Arc::clone(&room)));
        while connections.try_join_next().is_some() {}
    }
}

async fn member(stream: TcpStream, room: Arc<Room>) -> Result<()> {
    stream.set_nodelay(true)?;
    let small = WebSocketConfig::default().read_buffer_size(4096);
    let mut socket = accept_async_with_config(stream, Some(small)).await?;
    let mut messages = None;
    loop {
        tokio::select! {
            frame = socket.next() => {
                let Some(Ok(frame)) = frame else { return Ok(()) };
                let Message::Text(text) = frame else { continue };
                let frame: Value = serde_json::from_str(&text)?;
                if frame["type"] == "agent_auth" && frame["token"] == TOKEN {
                    // The subscription comes first, so that nothing is missed that is said after
                    // the answer.
                    messages = Some(room.messages.subscribe());
                    let ok = json!({"type": "auth_ok", "user": "Bench", "isAgent": true});
                    socket.feed(Message::text(ok.to_string())).await?;
                    socket.feed(Message::text(room.history())).await?;
                    socket.flush().await?;
                } else if messages.is_some() {
                    room.say(&frame["text"]);
                }
            }
            message = next(&mut messages) => {
                socket.feed(Message::Text(message?)).await?;
                while let Some(messages) = &mut messages {
                    match messages.try_recv() {
                        Ok(message) => socket.feed(Message::Text(message)).await?,
                        Err(TryRecvError::Lagged(_)) => {}
                        Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                    }
                }
                socket.flush().await?;
            }
        }
    }
}

/// Returns the next message, once the member is signed in.
async fn next(messages: &mut Option<broadcast::Receiver<Utf8Bytes>>) -> Result<Utf8Bytes> {
    let Some(messages) = messages else { return std::future::pending().await };
    loop {
        match messages.recv().await {
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            message => return Ok(message?),
        }
    }
}

impl Room {
    fn history(&self) -> String {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        json!({"type": "history", "messages": *recent}).to_string()
    }

    fn say(&self, text: &Value) {
        // The lock is held from here on, so that all members see one order.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let id = self.id.fetch_add(1, Ordering::Relaxed);
        let message =
            json!({"id": id, "user": "Bench", "text": text, "time": now_ms(), "agent": true});
        let frame = json!({"type": "message", "message": message}).to_string();
        recent.push_back(message);
        if recent.len() > 50 {
            recent.pop_front();
        }
        // An error means that there is no receiver.
        drop(self.messages.send(frame.into()));
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}
