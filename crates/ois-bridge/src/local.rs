//! The door for agents on the same host: `POST /send`, `POST /send_to_user`, `GET /status`.
//!
//! It listens on the loopback device only and has no token, as in the original, so it refuses what a
//! web page could send: requests with an `Origin`, or for a host that is not this one.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HOST, ORIGIN},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use ois_protocol::{Chat, EventId};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{Ask, machine::NotSaid},
    tasks::Tasks,
};

/// The agents of this host, by what they are called.
pub(crate) type Agents = Arc<BTreeMap<String, mpsc::Sender<Ask>>>;

type Answer = (StatusCode, Value);

/// The body of `POST /send` and `POST /send_to_user`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    text: Option<String>,
    reply_to: Option<EventId>,
    agent: Option<String>,
}

/// Takes connections until it is time to end.
pub(crate) async fn serve(
    listener: TcpListener,
    agents: Agents,
    tasks: Tasks,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let agents = Arc::clone(&agents);
                    tasks.spawn(|stop| connection(stream, agents, stop));
                }
                Err(error) => {
                    // Out of file handles, for example; it must not spin.
                    tracing::warn!(%error, "cannot take a connection on the local port");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = stop.cancelled() => return,
        }
    }
}

/// Opens the port, before anybody is told of it.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let words = "the local port has no token: it must be on the loopback device";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    TcpListener::bind(address).await
}

async fn connection(stream: TcpStream, agents: Agents, stop: CancellationToken) {
    let service = service_fn(move |request| {
        let agents = Arc::clone(&agents);
        async move { Ok::<_, std::convert::Infallible>(reply(answer(request, &agents).await)) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS).keep_alive(false);
    let serving = server.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = Box::pin(serving) => if let Err(error) = served {
            tracing::debug!(%error, "a local connection ended early");
        },
        () = stop.cancelled() => {}
    }
}

async fn answer(request: Request<Incoming>, agents: &Agents) -> Answer {
    if request.headers().contains_key(ORIGIN) || !is_for_us(&request) {
        return refusal(StatusCode::FORBIDDEN, "this port is for programs on this host");
    }
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::POST, "/send" | "/send_to_user") => spoken(request, agents, &path).await,
        (&Method::GET, "/status") => status(agents).await,
        (_, "/send" | "/send_to_user" | "/status") => {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        }
        _ => refusal(StatusCode::NOT_FOUND, "not found"),
    }
}

async fn spoken(request: Request<Incoming>, agents: &Agents, path: &str) -> Answer {
    let asked = request.uri().query().and_then(agent_of_query);
    let read = timeout(BODY, Limited::new(request.into_body(), LONGEST).collect()).await;
    let Ok(Ok(bytes)) = read else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "body is too long or was cut off");
    };
    let Ok(body) = serde_json::from_slice::<Body>(&bytes.to_bytes()) else {
        return refusal(StatusCode::BAD_REQUEST, "body is not JSON of the right shape");
    };
    let Some(text) = body.text.filter(|text| !text.is_empty()) else {
        return refusal(StatusCode::BAD_REQUEST, "missing text");
    };
    let agent = match named(agents, body.agent.or(asked).as_deref()) {
        Ok(agent) => agent,
        Err(answer) => return answer,
    };
    if path == "/send" {
        let chat = Chat { text, reply_to: body.reply_to, ..Chat::in_main() };
        send(agent, chat).await
    } else {
        tell_owner(agent, text).await
    }
}

async fn send(agent: &mpsc::Sender<Ask>, chat: Chat) -> Answer {
    let (reply, said) = oneshot::channel();
    if agent.send(Ask::Say { chat: Box::new(chat), reply }).await.is_err() {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "ws not connected");
    }
    match timeout(ACK, said).await {
        Ok(Ok(Ok(said))) => (StatusCode::OK, json!({ "ok": true, "id": said.id })),
        Ok(Ok(Err(NotSaid::Refused(why)))) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &why),
        Ok(Ok(Err(NotSaid::NotKept(why)))) => refusal(StatusCode::SERVICE_UNAVAILABLE, &why),
        Ok(Ok(Err(NotSaid::Offline)) | Err(_)) => {
            refusal(StatusCode::SERVICE_UNAVAILABLE, "ws not connected")
        }
        // It is kept and will be sent; the server has not confirmed it yet.
        Err(_) => (StatusCode::OK, json!({ "ok": true, "queued": true })),
    }
}

async fn tell_owner(agent: &mpsc::Sender<Ask>, text: String) -> Answer {
    let (reply, told) = oneshot::channel();
    if agent.send(Ask::TellOwner { text, reply }).await.is_err() {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the monitor is ending");
    }
    match told.await {
        Ok(Ok(())) => (StatusCode::OK, json!({ "ok": true })),
        Ok(Err(unheard)) => refusal(StatusCode::BAD_GATEWAY, &unheard.to_string()),
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, "the monitor is ending"),
    }
}

async fn status(agents: &Agents) -> Answer {
    let mut all = Vec::new();
    for agent in agents.values() {
        let (reply, status) = oneshot::channel();
        if agent.send(Ask::Status { reply }).await.is_ok()
            && let Ok(status) = status.await
        {
            all.push(status);
        }
    }
    (StatusCode::OK, json!({ "ok": true, "agents": all }))
}

/// The agent that is meant: the only one, or the one that is named in any case.
fn named<'a>(agents: &'a Agents, name: Option<&str>) -> Result<&'a mpsc::Sender<Ask>, Answer> {
    let Some(name) = name else {
        return match agents.len() {
            1 => Ok(agents.values().next().expect("there is one")),
            _ => Err(refusal(
                StatusCode::BAD_REQUEST,
                "several agents live here: name one in \"agent\"",
            )),
        };
    };
    let folded = name.to_lowercase();
    let agent = agents.iter().find(|(label, _)| label.to_lowercase() == folded);
    agent.map(|(_, asks)| asks).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "no such agent here"))
}

/// The value of `agent=` in a query, unescaped.
fn agent_of_query(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("agent="))?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Whether the request names this host by a loopback name. A page elsewhere that has its own name
/// point here still sends that name.
fn is_for_us(request: &Request<Incoming>) -> bool {
    let Some(host) = request.headers().get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(name.to_ascii_lowercase().as_str(), "127.0.0.1" | "localhost" | "::1")
}

fn refusal(status: StatusCode, words: &str) -> Answer {
    (status, json!({ "error": words }))
}

fn reply((status, body): Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let json = "application/json; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(json));
    response
}

const LONGEST: usize = 1 << 20;
const HEADERS: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(10);
/// How long the server's word is waited for before it counts as kept, not yet stored.
const ACK: Duration = Duration::from_secs(10);
