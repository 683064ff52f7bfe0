//! One frame of every kind that the code knows, with every field that it may have.
//!
//! Each list is a walk by an exhaustive `match`: a new variant does not compile until it has its
//! place here, and then the specification needs it too.

use std::iter;

use crate::{
    Ack, Activity, ActivityState, Attachment, AuthOk, Chat, ClientFrame, Delivery, ErrorCode,
    ErrorFrame, EventId, Held, History, Holding, LoopSign, Measure, Message, Notice, Offer,
    Partial, Policy, Presence, PresenceState, Reason, Role, Run, Rung, ServerFrame, ShortName,
    SignIn, Spent, Standby, Stop, Stopped, Timestamp, Topic, Usage,
};

/// Returns every frame that a client sends.
pub(crate) fn client() -> Vec<ClientFrame> {
    iter::successors(Some(ClientFrame::Ping), |frame| match frame {
        ClientFrame::Ping => Some(ClientFrame::Auth(sign_in())),
        ClientFrame::Auth(_) => Some(ClientFrame::AgentAuth(sign_in())),
        ClientFrame::AgentAuth(_) => Some(ClientFrame::Chat(chat())),
        ClientFrame::Chat(_) => Some(ClientFrame::Activity(activity())),
        ClientFrame::Activity(_) => Some(ClientFrame::Delivery(delivery())),
        ClientFrame::Delivery(_) => Some(ClientFrame::Presence(presence())),
        ClientFrame::Presence(_) => Some(ClientFrame::Run(run())),
        ClientFrame::Run(_) => Some(ClientFrame::Stopped(stopped())),
        ClientFrame::Stopped(_) => Some(ClientFrame::Holding(holding())),
        ClientFrame::Holding(_) => None,
    })
    .collect()
}

/// Returns every frame that a server sends.
pub(crate) fn server() -> Vec<ServerFrame> {
    iter::successors(Some(ServerFrame::Pong), |frame| match frame {
        ServerFrame::Pong => Some(ServerFrame::AuthOk(auth_ok())),
        ServerFrame::AuthOk(_) => Some(ServerFrame::AuthFail),
        ServerFrame::AuthFail => Some(ServerFrame::History(history())),
        ServerFrame::History(_) => Some(ServerFrame::CaughtUp { id: id() }),
        ServerFrame::CaughtUp { .. } => Some(ServerFrame::Message { message: message() }),
        ServerFrame::Message { .. } => Some(ServerFrame::Ack(ack())),
        ServerFrame::Ack(_) => Some(ServerFrame::Error(error())),
        ServerFrame::Error(_) => Some(ServerFrame::Delivery(delivery())),
        ServerFrame::Delivery(_) => Some(ServerFrame::Activity(activity())),
        ServerFrame::Activity(_) => Some(ServerFrame::Presence(presence())),
        ServerFrame::Presence(_) => Some(ServerFrame::Run(run())),
        ServerFrame::Run(_) => Some(ServerFrame::Stop(stop())),
        ServerFrame::Stop(_) => Some(ServerFrame::Standby(standby())),
        // A client parses a newer server's frame as this; no server sends it.
        ServerFrame::Standby(_) | ServerFrame::Unknown => None,
    })
    .collect()
}

/// Returns a message with every field set.
pub(crate) fn message() -> Message {
    Message {
        id: id(),
        user: "HKH 🐱".to_owned(),
        text: "@ARIA".to_owned(),
        time: time(),
        mentions: vec!["ARIA".to_owned()],
        attachments: vec![attachment()],
        from_archive: true,
        room: "lab".parse().unwrap(),
        reply_to: Some(id()),
        cause: Some(id()),
        hop: 2,
        agent: true,
        calls: vec![aria()],
        offers: vec![Offer { duty: "reviewer".parse().unwrap(), agents: vec![aria()] }],
        held: vec![Held::by_budget(aria(), spent(), Policy::Stop)],
        notice: Some(notices().swap_remove(0)),
    }
}

fn aria() -> ShortName {
    "ARIA".parse().unwrap()
}

fn spent() -> Spent {
    Spent {
        agent: Some(aria()),
        room: Some("lab".parse().unwrap()),
        measure: Measure::Turns,
        used: 4,
        limit: 5,
    }
}

/// Returns a notice of every kind.
pub(crate) fn notices() -> Vec<Notice> {
    iter::successors(
        Some(Notice::Dead { agents: vec![aria()], reason: Reason::Deadline }),
        |notice| match notice {
            Notice::Dead { .. } => Some(Notice::Unclaimed { duty: "reviewer".parse().unwrap() }),
            Notice::Unclaimed { .. } => {
                Some(Notice::Loop { root: id(), sign: LoopSign::Hops, agents: vec![aria()] })
            }
            Notice::Loop { .. } => Some(Notice::BudgetWarning { spent: spent() }),
            Notice::BudgetWarning { .. } => {
                Some(Notice::BudgetReached { spent: spent(), policy: Policy::Ask })
            }
            Notice::BudgetReached { .. } => Some(Notice::Ask { agent: aria(), until: time() }),
            Notice::Ask { .. } => Some(Notice::NotAllowed { agent: aria() }),
            Notice::NotAllowed { .. } => {
                Some(Notice::Digest { agent: aria(), messages: vec![id()] })
            }
            // A client parses a newer server's notice as this; no server sends it.
            Notice::Digest { .. } | Notice::Unknown => None,
        },
    )
    .collect()
}

fn id() -> EventId {
    EventId::MAX
}

fn time() -> Timestamp {
    Timestamp::from_ms(1_770_381_296_789)
}

fn attachment() -> Attachment {
    Attachment {
        url: "/uploads/0a.png".to_owned(),
        name: "a.png".to_owned(),
        mime: "image/png".to_owned(),
        size: 70,
    }
}

fn sign_in() -> SignIn {
    let subscribe = vec![Topic::Deliveries, Topic::Activity, Topic::Presence, Topic::Runs];
    let instance = Some("6f1c0d9e2b7a4c55".to_owned());
    SignIn { token: Some("t".to_owned()), after: Some(EventId::ZERO), subscribe, instance }
}

fn chat() -> Chat {
    Chat {
        text: String::new(),
        attachments: vec![attachment()],
        room: "lab".parse().unwrap(),
        reply_to: Some(id()),
        nonce: Some("n".parse().unwrap()),
        cause: Some(id()),
    }
}

fn auth_ok() -> AuthOk {
    AuthOk {
        user: "HKH 🐱".to_owned(),
        is_agent: true,
        role: Some(Role::Agent),
        team: Some("5f3a90c2".to_owned()),
        protocol: Some(crate::frame::PROTOCOL),
        head: Some(id()),
        session: Some("1".to_owned()),
    }
}

fn history() -> History {
    History { messages: vec![message()], truncated: true, oldest: Some(id()) }
}

fn ack() -> Ack {
    Ack { nonce: "n".parse().unwrap(), id: id(), duplicate: true }
}

fn error() -> ErrorFrame {
    ErrorFrame {
        nonce: Some("n".parse().unwrap()),
        about: Some("7:ARIA".to_owned()),
        retry_after_ms: Some(1000),
        ..ErrorFrame::new(ErrorCode::Busy, "too much to do")
    }
}

fn delivery() -> Delivery {
    Delivery {
        message: id(),
        agent: "ARIA".parse().unwrap(),
        attempt: 1,
        state: Rung::Failed,
        run: Some("r".to_owned()),
        reason: Some(Reason::Unreachable),
        detail: Some("gateway unreachable".to_owned()),
        answer: Some(id()),
        at: time(),
        possible_duplicate: true,
        late: true,
    }
}

fn activity() -> Activity {
    Activity {
        agent: Some("ARIA".parse().unwrap()),
        room: "main".parse().unwrap(),
        state: ActivityState::Working,
        run: Some("r".to_owned()),
        note: Some("reading files".to_owned()),
        partial: Some(Partial { seq: 1, text: "Good".to_owned() }),
    }
}

fn presence() -> Presence {
    Presence {
        name: "ARIA".parse().unwrap(),
        state: PresenceState::Deaf,
        since: time(),
        proven_at: Some(time()),
    }
}

fn run() -> Run {
    Run {
        run: "r".to_owned(),
        agent: "ARIA".parse().unwrap(),
        cause: id(),
        attempt: 2,
        room: "main".parse().unwrap(),
        start: time(),
        end: Some(time()),
        outcome: Some(Rung::Failed),
        reason: Some(Reason::Error),
        usage: Some(Usage { input_tokens: Some(1), output_tokens: Some(2), micro_usd: Some(3) }),
        capped: true,
    }
}

fn stop() -> Stop {
    Stop { run: "r".to_owned(), agent: aria(), by: "Mira".parse().unwrap() }
}

fn stopped() -> Stopped {
    Stopped { run: "r".to_owned(), stopped: false, detail: Some("no such run".to_owned()) }
}

fn holding() -> Holding {
    Holding { calls: vec!["41:2".parse().unwrap()] }
}

fn standby() -> Standby {
    Standby { agent: aria(), awake: "6f1c0d9e2b7a4c55".to_owned() }
}
