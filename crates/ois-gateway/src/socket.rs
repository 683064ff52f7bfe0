//! The threads around [`Rpc`], which own the WebSocket and the clock.
//!
//! Two threads serve a link. One reads the socket and passes on what comes. The other, the owner,
//! waits for those bytes, for requests and for the next deadline, all through one bounded channel.
//! When the channel is full, its senders wait: the reader, and with it the gateway; or a caller,
//! whose request is then sent a little later.

mod stream;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error as WsError, Message, WebSocket};

use crate::config::{Address, GatewayConfig};
use crate::error::GatewayError;
use crate::rpc::{Effect, RequestId, Rpc};
use crate::wire::event::{GatewayEvent, RunStep};
use crate::wire::hello::{Hello, connect_params};
use crate::wire::refusal::{closed, handshake_status};
use stream::Stream;

/// The answer to one request.
pub(crate) type Answer = Result<Value, GatewayError>;

/// A message to the owner of a link.
pub(crate) enum Input {
    /// Bytes from the socket; an empty list means that the socket has ended.
    Bytes(Vec<u8>),
    /// A request, the channel for its answer, and how long the answer may take.
    Ask { method: &'static str, params: Value, timeout: Duration, reply: SyncSender<Answer> },
    /// A listener that wants to hear of events.
    Listen(SyncSender<GatewayEvent>),
    /// A follower of one run, under a number of its own.
    Follow { number: u64, run_id: String, on_step: StepCallback },
    /// The follower with this number has ended.
    Unfollow(u64),
    /// No handle needs the link any more.
    Close,
}

/// A callback that is called with each step of a run; it must not block.
pub(crate) type StepCallback = Box<dyn FnMut(&RunStep) + Send>;

/// Why a link has ended; empty while it stands.
pub(crate) type Ended = Arc<OnceLock<GatewayError>>;

/// The number of inputs that may wait for the owner: enough that every caller is served at the
/// owner's next turn.
const INPUTS: usize = 64;

/// The longest frame that is read, in bytes. A gateway sends at most its `policy.maxPayload`, 25
/// MiB today.
const LONGEST_FRAME: usize = 64 << 20;

/// Opens a link, starts its threads and waits until the gateway has accepted the connection.
pub(crate) fn open(
    config: &GatewayConfig,
) -> Result<(SyncSender<Input>, Hello, Ended), GatewayError> {
    let address =
        Address::parse(&config.url).map_err(|why| GatewayError::Address { why: why.to_owned() })?;
    let started = Instant::now();
    let deadline = started + config.connect_within;
    let mut socket = handshake(&address, deadline, config.connect_within)?;
    let unreachable = |cause| GatewayError::unreachable(&address, cause);
    let bytes = socket.get_mut().split().map_err(unreachable)?;

    // When the channel is full, its senders wait; the module's documentation says which.
    let (inputs, inbox) = mpsc::sync_channel(INPUTS);
    // The channel holds the one greeting or the one refusal.
    let (greeting, greeted) = mpsc::sync_channel(1);
    let ended = Ended::default();
    let connect = connect_params(&config.token, &config.display_name);
    let owner = Owner {
        socket,
        rpc: Rpc::open(connect, 0, millis(config.connect_within)),
        started,
        replies: BTreeMap::new(),
        listeners: Vec::new(),
        followers: BTreeMap::new(),
        greeting: Some(greeting),
        ended: Arc::clone(&ended),
    };
    let reader_inputs = inputs.clone();
    spawn("ois-gateway-read", move || read(bytes, &reader_inputs)).map_err(unreachable)?;
    spawn("ois-gateway", move || owner.run(&inbox)).map_err(unreachable)?;
    // The owner answers at the deadline at the latest.
    match greeted.recv() {
        Ok(hello) => Ok((inputs, hello?, ended)),
        Err(_) => Err(GatewayError::lost("its thread ended")),
    }
}

/// Connects and upgrades to a WebSocket. It sends no `Origin`.
fn handshake(
    address: &Address,
    deadline: Instant,
    timeout: Duration,
) -> Result<WebSocket<Stream>, GatewayError> {
    let stream = Stream::open(address, deadline)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .max_frame_size(Some(LONGEST_FRAME))
        .max_message_size(Some(LONGEST_FRAME));
    let timed_out = || GatewayError::TimedOut {
        what: "the WebSocket handshake".to_owned(),
        after_ms: millis(timeout),
    };
    match tungstenite::client::client_with_config(address.websocket(), stream, Some(config)) {
        Ok((socket, _response)) => Ok(socket),
        Err(HandshakeError::Interrupted(_)) => Err(timed_out()),
        Err(HandshakeError::Failure(WsError::Http(response))) => {
            let retry_after = response.headers().get("retry-after");
            let seconds = retry_after.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
            Err(handshake_status(response.status().as_u16(), seconds.map(|s| s * 1000)))
        }
        Err(HandshakeError::Failure(WsError::Io(error))) => match error.kind() {
            ErrorKind::TimedOut => Err(timed_out()),
            _ => Err(GatewayError::unreachable(address, error)),
        },
        Err(HandshakeError::Failure(error)) => Err(GatewayError::bad(error.to_string())),
    }
}

/// Passes on the bytes that come, until the socket or the owner ends.
fn read(mut socket: TcpStream, inputs: &SyncSender<Input>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = match socket.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // An error counts as an end; the owner reports it to the callers that wait.
            Err(_) => 0,
            Ok(length) => length,
        };
        let gone = inputs.send(Input::Bytes(buffer[..length].to_vec())).is_err();
        if gone || length == 0 {
            return;
        }
    }
}

/// The state of the owning thread.
struct Owner {
    socket: WebSocket<Stream>,
    rpc: Rpc,
    started: Instant,
    replies: BTreeMap<RequestId, SyncSender<Answer>>,
    listeners: Vec<Listener>,
    followers: BTreeMap<u64, (String, StepCallback)>,
    greeting: Option<SyncSender<Result<Hello, GatewayError>>>,
    ended: Ended,
}

/// A listener, and how many events did not fit into its channel.
struct Listener {
    events: SyncSender<GatewayEvent>,
    missed: u64,
}

impl Owner {
    fn run(mut self, inbox: &Receiver<Input>) {
        // Bytes that came right behind the handshake are in the WebSocket's own buffer.
        self.take_frames();
        while self.ended.get().is_none() {
            let now_ms = self.now_ms();
            let wait = Duration::from_millis(self.rpc.next_tick_ms().saturating_sub(now_ms));
            match inbox.recv_timeout(wait) {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.end(GatewayError::lost("not needed")),
            }
            let effects = self.rpc.tick(self.now_ms());
            self.carry_out(effects);
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Bytes(bytes) => {
                self.socket.get_mut().feed(&bytes);
                self.take_frames();
            }
            Input::Ask { method, params, timeout, reply } => {
                let now_ms = self.now_ms();
                let deadline_ms = now_ms.saturating_add(millis(timeout));
                let (id, effect) = self.rpc.request(method, &params, now_ms, deadline_ms);
                self.replies.insert(id, reply);
                self.carry_out(vec![effect]);
            }
            Input::Listen(events) => self.listeners.push(Listener { events, missed: 0 }),
            Input::Follow { number, run_id, on_step } => {
                self.followers.insert(number, (run_id, on_step));
            }
            Input::Unfollow(number) => drop(self.followers.remove(&number)),
            Input::Close => {
                // This is politeness only; the gateway sees the end either way.
                drop(self.socket.close(None).and_then(|()| self.socket.flush()));
                self.end(GatewayError::lost("closed by us"));
            }
        }
    }

    /// Takes all frames that are complete.
    fn take_frames(&mut self) {
        loop {
            let now_ms = self.now_ms();
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let effects = self.rpc.receive(&text, now_ms);
                    self.carry_out(effects);
                }
                Ok(Message::Close(frame)) => {
                    let error = match frame {
                        Some(frame) => closed(frame.code.into(), &frame.reason),
                        None => GatewayError::lost("closed by the gateway"),
                    };
                    return self.end(error);
                }
                Ok(_) => self.rpc.note_activity(now_ms),
                Err(WsError::Io(error)) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => return self.end(GatewayError::lost(error.to_string())),
            }
        }
    }

    fn end(&mut self, error: GatewayError) {
        let effects = self.rpc.close(error);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => {
                    if let Err(error) = self.socket.send(Message::text(frame)) {
                        self.end(GatewayError::lost(error.to_string()));
                    }
                }
                Effect::Ready(hello) => self.greet(Ok(*hello)),
                Effect::Answer(id, answer) => {
                    if let Some(reply) = self.replies.remove(&id) {
                        // The caller may have gone.
                        drop(reply.try_send(answer));
                    }
                }
                Effect::Event(event) => {
                    if let GatewayEvent::Run(run) = &event {
                        let own = self.followers.values_mut();
                        own.filter(|(run_id, _)| *run_id == run.run_id)
                            .for_each(|(_, on_step)| on_step(&run.step));
                    }
                    self.listeners.retain_mut(|listener| listener.tell(&event));
                }
                Effect::Close(error) => {
                    // The first reason stands; `close` gives one only once.
                    drop(self.ended.set(error.clone()));
                    self.greet(Err(error));
                    self.socket.get_mut().shut();
                }
            }
        }
    }

    fn greet(&mut self, greeting: Result<Hello, GatewayError>) {
        if let Some(greeted) = self.greeting.take() {
            // The send fails only if the caller's thread has died.
            drop(greeted.try_send(greeting));
        }
    }

    fn now_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }
}

impl Listener {
    /// Sends an event to the listener; returns `false` if the listener has gone. A full channel
    /// loses the event, and the next one that fits is preceded by the number of those lost.
    fn tell(&mut self, event: &GatewayEvent) -> bool {
        if self.missed > 0 {
            match self.events.try_send(GatewayEvent::Missed(self.missed)) {
                Ok(()) => self.missed = 0,
                Err(TrySendError::Full(_)) => {
                    self.missed += 1;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match self.events.try_send(event.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.missed += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    // The thread is not joined: both threads end with the socket, which the owner shuts in every
    // case.
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
