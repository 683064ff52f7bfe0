//! What the log says of an agent.

use std::time::Duration;

use ois_client::{Event, Lost};
use ois_inbox::Ending;
use ois_protocol::{EventId, Reason, ServerFrame, Standby};

use super::machine::RuntimeReport;

/// The link tells something that an operator may want to read.
pub(super) fn event(agent: &str, event: &Event) {
    match event {
        Event::Connected(auth) => {
            tracing::info!(%agent, user = %auth.user, protocol = ?auth.protocol, "signed in");
        }
        Event::Error(error) => {
            tracing::warn!(%agent, code = ?error.code, words = %error.message, about = error.about, "the server complains");
        }
        Event::Truncated(oldest) => {
            tracing::warn!(%agent, ?oldest, "messages before this one are not kept any more");
        }
        Event::Told(ServerFrame::Standby(Standby { awake, .. })) => {
            tracing::info!(%agent, awake, "the server has said which monitor is awake");
        }
        Event::Disconnected { why, pause } => disconnected(agent, why, *pause),
        _ => {}
    }
}

/// The runtime reports something.
pub(super) fn report(agent: &str, report: &RuntimeReport) {
    match report {
        RuntimeReport::Admitted { id, run } => {
            tracing::info!(%agent, call = %id, %run, "the turn has begun");
        }
        RuntimeReport::Settled { id, .. } => {
            tracing::debug!(%agent, call = %id, "the runtime has told the outcome");
        }
        _ => {}
    }
}

/// A call is over.
pub(super) fn ended(agent: &str, id: EventId, ending: &Ending) {
    let call = id.get();
    match ending {
        Ending::Replied { answer } => {
            let answer = answer.map(|id| id.get());
            tracing::info!(%agent, call, answer, "answered");
        }
        Ending::Silent => tracing::info!(%agent, call, "the agent chose to say nothing"),
        Ending::Failed { reason: Reason::Stopped, detail } => {
            tracing::info!(%agent, call, detail, "stopped");
        }
        Ending::Failed { reason, detail } => {
            tracing::error!(%agent, call, ?reason, detail, "not answered");
        }
        Ending::Withdrawn => tracing::info!(%agent, call, "nobody waits for this agent's answer"),
    }
}

fn disconnected(agent: &str, why: &Lost, pause: Duration) {
    let cause = std::error::Error::source(why).map(ToString::to_string);
    match why {
        Lost::Unauthorized => {
            tracing::error!(%agent, "the server does not accept OIS_AGENT_TOKEN; trying again later");
        }
        _ => tracing::warn!(%agent, %why, cause, ?pause, "not connected; trying again"),
    }
}
