//! The budgets of agents: read and replaced.

use ois_auth::{Action, Denied};
use ois_protocol::{Budget, ErrorFrame, http::Budgets};

use crate::{access::viewer::Viewer, state::State};

/// What [`read`] needs.
pub(crate) const READ: Action = Action::Read;
/// What [`set`] needs.
pub(crate) const SET: Action = Action::Administer;
/// The most budgets that a team has.
pub(crate) const MOST: usize = 500;

/// Why budgets were not read or not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BudgetsError {
    /// The viewer may not do this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There are more budgets than a team may have.
    #[error("at the most {MOST} budgets")]
    TooMany,
    /// One of the budgets has no limit.
    #[error("a budget limits turns, inputTokens or microUsd")]
    LimitsNothing,
    /// The hot loop or the store refused.
    #[error("{}", .0.message)]
    Refused(ErrorFrame),
}

/// The budgets that count now.
///
/// # Errors
/// [`BudgetsError`], which says why not.
pub(crate) async fn read(state: &State, viewer: &Viewer) -> Result<Budgets, BudgetsError> {
    viewer.may(READ)?;
    state.hub.budgets().await.map_err(BudgetsError::Refused)
}

/// Replaces all budgets, and answers with those that count from now on.
///
/// # Errors
/// [`BudgetsError`]; then the budgets of before count.
pub(crate) async fn set(
    state: &State,
    viewer: &Viewer,
    budgets: Budgets,
) -> Result<Budgets, BudgetsError> {
    viewer.may(SET)?;
    if budgets.budgets.len() > MOST {
        return Err(BudgetsError::TooMany);
    }
    if budgets.budgets.iter().any(limits_nothing) {
        return Err(BudgetsError::LimitsNothing);
    }
    state.hub.set_budgets(budgets).await.map_err(BudgetsError::Refused)
}

fn limits_nothing(budget: &Budget) -> bool {
    let Budget { turns, input_tokens, output_tokens, micro_usd, .. } = budget;
    [turns, input_tokens, output_tokens, micro_usd].into_iter().all(Option::is_none)
}
