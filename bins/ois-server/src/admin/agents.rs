//! Administration of budgets, usage and deliveries: asked of the running server, or of the log if
//! no server runs.

use anyhow::{Context, Result, anyhow, bail};
use ois_chat::{Desk, DeskSettings, ladder::Query};
use ois_http::Server;
use ois_protocol::{
    Budget, Delivery, DeliveryId, ErrorFrame, EventId, NewEvent, RoomName, Rung, ShortName,
    Timestamp,
    http::{DeliveriesAnswer, UsageRow},
};
use ois_store::Log;
use serde::{Deserialize, Serialize};

use crate::team::Team;

/// A question about agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Question {
    /// List the budgets.
    Budgets,
    /// Set this budget in place of the one for the same agent and room.
    SetBudget { budget: Budget },
    /// Remove the budget for this agent and room.
    RemoveBudget { agent: Option<ShortName>, room: Option<RoomName> },
    /// Sum up what turns have cost, by agent, room or day.
    Usage { by: String, from: Option<String> },
    /// List how far mentions came.
    Deliveries { state: Option<Rung>, agent: Option<ShortName>, after: Option<EventId> },
    /// Retry a delivery.
    Retry { delivery: DeliveryId },
}

/// The answer to a question about agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// All budgets that are set now.
    Budgets(Vec<Budget>),
    /// What turns have cost.
    Usage(Vec<UsageRow>),
    /// How far mentions came.
    Deliveries(DeliveriesAnswer),
    /// The next attempt at the delivery.
    Retried(Delivery),
}

/// How many deliveries one answer holds; that many fit into its length.
const DELIVERIES: usize = 200;

/// Does what the question asks for. `server` is the server that runs on this team, if one does.
pub(crate) async fn answer(
    team: &Team,
    server: Option<&Server>,
    question: Question,
    now: Timestamp,
) -> Result<Told> {
    match question {
        Question::Budgets => Ok(Told::Budgets(ois_http::budgets(&*team.store).await?)),
        Question::SetBudget { budget } => {
            ois_http::change_budgets(&*team.store, |budgets| put(budgets, budget)).await?;
            budgets_now(team, server).await
        }
        Question::RemoveBudget { agent, room } => {
            let remove = |budgets: &mut Vec<Budget>| {
                let before = budgets.len();
                budgets.retain(|it| (&it.agent, &it.room) != (&agent, &room));
                budgets.len() < before
            };
            if !ois_http::change_budgets(&*team.store, remove).await? {
                bail!("there is no such budget");
            }
            budgets_now(team, server).await
        }
        Question::Usage { by, from } => usage(team, server, &by, from).await.map(Told::Usage),
        Question::Deliveries { state, agent, after } => {
            let query = Query { after, state, agent, ..Query::default() };
            deliveries(team, server, query).await.map(Told::Deliveries)
        }
        Question::Retry { delivery } => retry(team, server, delivery, now).await.map(Told::Retried),
    }
}

/// Puts a budget where the first one for the same agent and room stood, or at the end.
fn put(budgets: &mut Vec<Budget>, budget: Budget) {
    let is_same = |it: &Budget| (&it.agent, &it.room) == (&budget.agent, &budget.room);
    let at = budgets.iter().position(is_same).unwrap_or(budgets.len());
    budgets.retain(|it| !is_same(it));
    budgets.insert(at, budget);
}

async fn budgets_now(team: &Team, server: Option<&Server>) -> Result<Told> {
    if let Some(server) = server {
        server.budgets_changed().await.map_err(words)?;
    }
    Ok(Told::Budgets(ois_http::budgets(&*team.store).await?))
}

async fn usage(
    team: &Team,
    server: Option<&Server>,
    by: &str,
    from: Option<String>,
) -> Result<Vec<UsageRow>> {
    let by = by.parse()?;
    match server {
        Some(server) => server.usage(by, from).await.map_err(words),
        None => Ok(desk(team).await?.runs().usage(by, from.as_deref())),
    }
}

async fn deliveries(
    team: &Team,
    server: Option<&Server>,
    query: Query,
) -> Result<DeliveriesAnswer> {
    if let Some(server) = server {
        return server.deliveries(query, DELIVERIES).await.map_err(words);
    }
    let desk = desk(team).await?;
    let mut found = desk.ladder().find(&query).cloned();
    let deliveries = found.by_ref().take(DELIVERIES).collect();
    Ok(DeliveriesAnswer { deliveries, more: found.next().is_some() })
}

async fn retry(
    team: &Team,
    server: Option<&Server>,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Delivery> {
    if let Some(server) = server {
        return server.retry(id).await.map_err(words);
    }
    let event = desk(team).await?.retry(&id, now)?;
    let NewEvent::Delivery { delivery, .. } = event.clone() else {
        bail!("an unexpected event");
    };
    let after = *team.store.head().borrow();
    team.store.append(vec![event], now, after).await?;
    Ok(Delivery { at: now, ..delivery })
}

/// Builds the desk from the log. It decides nothing here, so the usual settings are enough.
async fn desk(team: &Team) -> Result<Desk> {
    let settings = DeskSettings { offset: team.offset, ..DeskSettings::default() };
    ois_http::desk(&*team.store, settings).await.context("cannot read the log")
}

fn words(error: ErrorFrame) -> anyhow::Error {
    anyhow!(error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(agent: Option<&str>, turns: u64) -> Budget {
        let agent = agent.map(|name| format!(r#""agent":"{name}","#)).unwrap_or_default();
        serde_json::from_str(&format!(r#"{{{agent}"turns":{turns}}}"#)).unwrap()
    }

    #[test]
    fn a_budget_takes_the_place_of_those_for_the_same() {
        let mut budgets = vec![budget(Some("HKH"), 1), budget(None, 2), budget(Some("hkh"), 3)];
        put(&mut budgets, budget(Some("HKH"), 4));
        assert_eq!(budgets, [budget(Some("HKH"), 4), budget(None, 2)]);
        put(&mut budgets, budget(Some("ARIA"), 5));
        assert_eq!(budgets.last(), Some(&budget(Some("ARIA"), 5)));
    }

    #[test]
    fn a_question_survives_the_socket() {
        let question = Question::SetBudget { budget: budget(Some("HKH"), 4) };
        let line = serde_json::to_string(&question).unwrap();
        assert_eq!(serde_json::from_str::<Question>(&line).unwrap(), question);
    }
}
