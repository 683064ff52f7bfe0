//! One agent gives a task to another and waits for the result.
//!
//! The message format's `Task Request` goes out as a plain message that mentions the worker, and
//! the result comes back as a reply: `Task Complete` or `Task Failed`. The people in the room can
//! read both.
//!
//! ```text
//! OIS_URL=ws://127.0.0.1:8800 OIS_AGENT_TOKEN=worker's… cargo run -p task-delegation -- work
//! OIS_URL=ws://127.0.0.1:8800 OIS_AGENT_TOKEN=asker's…  cargo run -p task-delegation -- ask worker "to be or not to be"
//! ```

use std::env::{args, var};

use anyhow::{Context, Result, bail};
use ois_client::{Config, Credential, Event, Link};
use ois_protocol::{
    Chat, DisplayName, EventId, Message, Nonce,
    envelope::{Body, Envelope, Priority, TaskComplete, TaskFailed, TaskRequest, TaskStatus, Word},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let url = var("OIS_URL").unwrap_or_else(|_| "ws://127.0.0.1:8800".to_owned());
    let token = var("OIS_AGENT_TOKEN").context("OIS_AGENT_TOKEN is not set")?;
    let link = Link::start(Config::new(url.parse()?, Credential::agent(&token)))?;
    let words: Vec<String> = args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["work"] => work(link).await,
        ["ask", worker, data] => ask(link, worker, data).await,
        _ => bail!("say either: work, or: ask NAME TEXT"),
    }
}

/// Does the tasks that it is given, for as long as the link stands.
async fn work(mut link: Link) -> Result<()> {
    let mut me = String::new();
    while let Some(event) = link.next().await {
        match event {
            Event::Connected(auth) => {
                me = auth.user.parse::<DisplayName>()?.short().to_string();
                say("at work");
            }
            Event::Message(message) if message.mentions.contains(&me) => {
                if let Some(Body::TaskRequest(task)) = body(&message) {
                    link.say(reply(&message, done(&task))).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The task itself: it counts words.
fn done(task: &TaskRequest) -> Body {
    let (request_id, kind) = (task.request_id.clone(), task.kind.clone());
    match &task.data {
        Some(data) => Body::TaskComplete(TaskComplete {
            request_id,
            kind,
            status: Some(Word::Known(TaskStatus::Success)),
            output: Some(data.split_whitespace().count().to_string()),
            summary: Some("counted the words".to_owned()),
            ..TaskComplete::default()
        }),
        None => Body::TaskFailed(TaskFailed {
            request_id,
            kind,
            reason: Some("the request has no Data".to_owned()),
            ..TaskFailed::default()
        }),
    }
}

/// Sends one request and waits for the result.
async fn ask(mut link: Link, worker: &str, data: &str) -> Result<()> {
    let task = Body::TaskRequest(TaskRequest {
        kind: Some("count-words".to_owned()),
        description: Some(format!("@{worker} how many words are these?")),
        priority: Some(Word::Known(Priority::Low)),
        data: Some(data.to_owned()),
        callback: Some("as a reply in this room".to_owned()),
        ..TaskRequest::default()
    });
    let text = Envelope::from(task).to_string();
    // The link keeps the message until the server has it, and sends it again after a lost
    // connection.
    let nonce = link.say(Chat { text, ..Chat::in_main() }).await?;
    let mut asked = None;
    while let Some(event) = link.next().await {
        match event {
            Event::Ack(ack) => asked = asked.or_else(|| request_id(&ack.nonce, &nonce, ack.id)),
            Event::Refused(error) => bail!("the server refused it: {}", error.message),
            Event::Message(message) if asked.is_some() && message.reply_to == asked => {
                match body(&message) {
                    Some(Body::TaskComplete(task)) => return finish(link, &task).await,
                    Some(Body::TaskFailed(task)) => bail!("{}", task.reason.unwrap_or_default()),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    bail!("the link ended first")
}

/// Returns the request's id once the stored message is the request.
fn request_id(acked: &Nonce, ours: &Nonce, id: EventId) -> Option<EventId> {
    (acked == ours).then_some(id)
}

async fn finish(link: Link, task: &TaskComplete) -> Result<()> {
    say(&format!("{} words", task.output.as_deref().unwrap_or("no")));
    link.close().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what it tells whoever started it")]
fn say(line: &str) {
    println!("{line}");
}

fn body(message: &Message) -> Option<Body> {
    Envelope::parse(&message.text).map(|envelope| envelope.body)
}

fn reply(message: &Message, body: Body) -> Chat {
    Chat {
        text: Envelope::from(body).to_string(),
        reply_to: Some(message.id),
        cause: Some(message.id),
        ..Chat::in_main()
    }
}
