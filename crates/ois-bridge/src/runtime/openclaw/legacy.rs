//! One turn the original monitor's way: `POST /tools/invoke` with `sessions_send`.

use std::time::Duration;

use ois_gateway::{GatewayError, Http, SessionsSend};
use ois_inbox::{Assignment, Outcome, packet};
use ois_protocol::Reason;

use super::{
    Evidence, Settings,
    turn::{not_begun, words},
};

/// Hands a message over. A gateway that waits for the agent tells its answer; another one says no
/// more than that it has the message, and the agent answers by the local port, or not.
pub(super) fn deliver(
    settings: &Settings,
    assignment: &Assignment,
    evidence: &Evidence,
) -> Outcome {
    if assignment.under_way.is_some() {
        // Nobody can be asked; it is tried anew, and marked.
        let why = "the monitor ended during the turn".to_owned();
        return Outcome::Failed { reason: Reason::Unclear, why };
    }
    let http = match Http::new(&settings.gateway) {
        Ok(http) => http,
        Err(error) => return not_begun(&error),
    };
    let own = || format!("agent:{}:webchat", settings.agent);
    let session_key = settings.session_key.clone().unwrap_or_else(own);
    let (bounds, message) = (settings.bounds, &assignment.message);
    let text = packet::legacy(message, &assignment.context, bounds.context_count, bounds.offset);
    if !evidence.begun_blocking(None) {
        return Outcome::Unclear { why: "the turn was not to begin".to_owned() };
    }
    match http.sessions_send(&SessionsSend { session_key, message: text, caller: None }, TURN) {
        Ok(sent) => match sent.reply {
            Some(text) => Outcome::Replied(text),
            None => Outcome::Silent,
        },
        // The original did not wait at all: an agent that takes longer answers by the local port.
        Err(GatewayError::TimedOut { .. }) => Outcome::Silent,
        Err(error @ GatewayError::Rejected { .. }) => {
            Outcome::Rejected { reason: Reason::Rejected, why: words(&error) }
        }
        Err(error) if error.may_have_begun() => {
            Outcome::Failed { reason: Reason::Unclear, why: words(&error) }
        }
        Err(error) => not_begun(&error),
    }
}

/// Says something in the agent's own session.
pub(super) fn tell(
    settings: &Settings,
    session_key: String,
    message: String,
) -> Result<(), GatewayError> {
    let send = SessionsSend { session_key, message, caller: None };
    match Http::new(&settings.gateway)?.sessions_send(&send, TELL) {
        Ok(_) | Err(GatewayError::TimedOut { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// How long a gateway may take that waits for the agent's answer.
const TURN: Duration = Duration::from_secs(600);
/// How long whoever speaks to the local port is kept waiting.
const TELL: Duration = Duration::from_secs(10);
