//! Agents' turns, what they cost, and what they may.

use hyper::Response;
use ois_protocol::{
    Budget, Member,
    http::{Budgets, RunsAnswer, UsageAnswer, UsageBy},
};

use crate::{
    body::{self, Body},
    reply::{self, Refusal},
    route::Ask,
    state::State,
};

/// `GET /api/runs`: those under way; without `active=1` also the last that are over.
pub(crate) async fn list(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let agent = ask.target.get("agent").map(str::parse).transpose()?;
    let cause = ask.target.get("cause").map(str::parse).transpose()?;
    let active = matches!(ask.target.get("active"), Some("1" | "true"));
    let ended = if active { 0 } else { super::limit(ask, USUAL, MOST)? };
    Ok(reply::json(&RunsAnswer { runs: state.hub.runs(agent, cause, ended).await? }))
}

/// `POST /api/runs/{id}/stop`: has the agent's monitor stop it; the runtime's word is the answer.
pub(crate) async fn stop(
    state: &State,
    member: &Member,
    ask: &Ask,
) -> Result<Response<Body>, Refusal> {
    super::only_people(member)?;
    let run = ask.target.between("/api/runs/", "/stop").to_owned();
    tracing::info!(by = %member.name, %run, "to be stopped");
    Ok(reply::json(&state.hub.stop_run(run, member.name.clone()).await?))
}

/// `GET /api/usage`: by agent, room or day.
pub(crate) async fn usage(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let by = ask.target.get("by").unwrap_or("agent").parse::<UsageBy>();
    let by = by.map_err(|error| Refusal::bad(error.to_string()))?;
    let from = ask.target.get("from").map(str::to_owned);
    Ok(reply::json(&UsageAnswer { usage: state.hub.usage(by, from).await? }))
}

/// `GET /api/budgets`.
pub(crate) async fn budgets(state: &State) -> Result<Response<Body>, Refusal> {
    Ok(reply::json(&state.hub.budgets().await?))
}

/// `PUT /api/budgets`: replaces them all.
pub(crate) async fn set_budgets(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let limit = state.settings.limits.json_bytes;
    let budgets: Budgets = body::json(&ask.head, &mut ask.body, limit).await?;
    if budgets.budgets.len() > BUDGETS {
        return Err(Refusal::bad(format!("at the most {BUDGETS} budgets")));
    }
    if budgets.budgets.iter().any(limits_nothing) {
        return Err(Refusal::bad("a budget limits turns, inputTokens or microUsd"));
    }
    Ok(reply::json(&state.hub.set_budgets(budgets).await?))
}

fn limits_nothing(budget: &Budget) -> bool {
    budget.turns.is_none() && budget.input_tokens.is_none() && budget.micro_usd.is_none()
}

const USUAL: usize = 50;
const MOST: usize = 1000;
const BUDGETS: usize = 500;
