//! A client's frame, sorted by what a server has to do about it.

use super::{Chat, ClientFrame, SignIn};
use crate::{
    delivery::{Delivery, Holding},
    presence::{Activity, Presence},
    run::{Run, Stopped},
};

/// A client's frame, sorted by what a server has to do about it. This enum and [`Report`] are
/// exhaustive: a server that matches them does not compile until it handles a new frame.
///
/// ```
/// use ois_protocol::{ClientFrame, ClientRequest, Report};
/// let frame = ClientFrame::parse(br#"{"type":"activity","state":"typing"}"#).unwrap();
/// assert!(matches!(frame.into_request(), ClientRequest::Report(Report::Activity(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRequest {
    /// A `pong` is wanted.
    Ping,
    /// A session signs in.
    SignIn(SignIn),
    /// An agent signs in.
    AgentSignIn(SignIn),
    /// A member says something.
    Say(Chat),
    /// A monitor reports on its agent.
    Report(Report),
}

/// What a monitor reports on its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// How far a mention came.
    Delivery(Delivery),
    /// A turn began or ended.
    Run(Run),
    /// Whether the agent can be woken.
    Presence(Presence),
    /// What the agent is doing right now.
    Activity(Activity),
    /// What became of a `stop`.
    Stopped(Stopped),
    /// The calls that its journal holds.
    Holding(Holding),
}

impl ClientFrame {
    /// Sorts the frame by what a server has to do about it.
    pub fn into_request(self) -> ClientRequest {
        match self {
            Self::Ping => ClientRequest::Ping,
            Self::Auth(sign_in) => ClientRequest::SignIn(sign_in),
            Self::AgentAuth(sign_in) => ClientRequest::AgentSignIn(sign_in),
            Self::Chat(chat) => ClientRequest::Say(chat),
            Self::Activity(said) => ClientRequest::Report(Report::Activity(said)),
            Self::Delivery(said) => ClientRequest::Report(Report::Delivery(said)),
            Self::Presence(said) => ClientRequest::Report(Report::Presence(said)),
            Self::Run(said) => ClientRequest::Report(Report::Run(said)),
            Self::Stopped(said) => ClientRequest::Report(Report::Stopped(said)),
            Self::Holding(said) => ClientRequest::Report(Report::Holding(said)),
        }
    }
}
