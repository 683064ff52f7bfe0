//! Agents' turns: listed, stopped, and what they used.

use ois_auth::{Action, Denied};
use ois_protocol::{
    ErrorCode, ErrorFrame, EventId, Run, ShortName, Stopped,
    http::{UsageBy, UsageRow},
};

use crate::{access::viewer::Viewer, state::State};

/// What [`list`] needs.
pub(crate) const LIST: Action = Action::Read;
/// What [`stop`] needs.
pub(crate) const STOP: Action = Action::Direct;
/// What [`usage`] needs.
pub(crate) const USAGE: Action = Action::Read;

/// Why turns were not listed, stopped or summed up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunsError {
    /// The viewer may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The hot loop or the agent's monitor refused.
    #[error("{}", .0.message)]
    Refused(ErrorFrame),
}

impl From<ErrorFrame> for RunsError {
    fn from(frame: ErrorFrame) -> Self {
        Self::Refused(frame)
    }
}

/// Which turns are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Only this agent's.
    pub(crate) agent: Option<ShortName>,
    /// Only those that this message caused.
    pub(crate) cause: Option<EventId>,
    /// How many of those that are over, at the most; those under way are always listed.
    pub(crate) ended: usize,
}

/// The turns under way that the viewer sees, then those that are over, the newest first.
///
/// # Errors
/// [`RunsError`], which says why not.
pub(crate) async fn list(
    state: &State,
    viewer: &Viewer,
    wanted: Wanted,
) -> Result<Vec<Run>, RunsError> {
    viewer.may(LIST)?;
    let viewer = viewer.clone();
    let sees = move |room: &_| viewer.sees(room);
    Ok(state.hub.runs(wanted.agent, wanted.cause, wanted.ended, sees).await?)
}

/// Has the agent's monitor stop a turn; the runtime's own word is the answer. Several agents may have
/// turns of the same name: then the agent has to be named.
///
/// # Errors
/// [`RunsError`]: the viewer may not, there is no such turn where the viewer looks, it is over, or
/// the monitor is not there or does not answer.
pub(crate) async fn stop(
    state: &State,
    viewer: &Viewer,
    run: String,
    agent: Option<ShortName>,
) -> Result<Stopped, RunsError> {
    let by = viewer.may(STOP)?.name.clone();
    let rooms = state.hub.rooms_of_run(run.clone(), agent.clone()).await?;
    if !rooms.iter().any(|room| viewer.sees(room)) {
        return Err(ErrorFrame::new(ErrorCode::NotFound, "there is no such run").into());
    }
    tracing::info!(%by, %run, "a turn is to be stopped");
    Ok(state.hub.stop_run(run, agent, by).await?)
}

/// What turns have used from this day (`YYYY-MM-DD`) on; by room, only of rooms that the viewer
/// sees.
///
/// # Errors
/// [`RunsError`], which says why not.
pub(crate) async fn usage(
    state: &State,
    viewer: &Viewer,
    by: UsageBy,
    from_day: Option<String>,
) -> Result<Vec<UsageRow>, RunsError> {
    viewer.may(USAGE)?;
    let mut rows = state.hub.usage(by, from_day).await?;
    if by == UsageBy::Room {
        rows.retain(|row| row.key.parse().is_ok_and(|room| viewer.sees(&room)));
    }
    Ok(rows)
}
