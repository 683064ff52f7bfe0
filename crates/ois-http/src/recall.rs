//! What the desk knows outlives the process: it is what the log makes of it, and a checkpoint keeps
//! the reading short.
//!
//! The checkpoint is one record, written when the server stops and now and then while it runs. A
//! missing, old or unreadable one costs time at the start and nothing else.

use ois_chat::{Desk, DeskSettings, Fact};
use ois_protocol::{Budget, EventId, http::Budgets};
use ois_store::{Filter, Limit, ReadError, RecordError, Store};
use serde::{Deserialize, Serialize};

use crate::hot::Hot;

/// What is kept: everything up to an event, as the desk knew it.
#[derive(Serialize, Deserialize)]
struct Checkpoint<D> {
    through: EventId,
    desk: D,
}

const CHECKPOINT: &str = "desk";
const BUDGETS: &str = "budgets";
/// After so many facts, or so many events that were none, the checkpoint is written again.
const FACTS: u64 = 4096;
const EVENTS: u64 = 200_000;
/// How much of the log is read at once.
const CHUNK: Limit = Limit { records: 4096, bytes: 4 << 20 };

/// What the log says of agents, for who asks while no server runs.
///
/// # Errors
/// [`ReadError`] if the log cannot be read.
pub async fn desk(store: &dyn Store, settings: DeskSettings) -> Result<Desk, ReadError> {
    recall(store, settings).await.map(|(desk, _)| desk)
}

/// The desk as the log makes it, and the event up to which it had been kept.
pub(crate) async fn recall(
    store: &dyn Store,
    settings: DeskSettings,
) -> Result<(Desk, EventId), ReadError> {
    let head = *store.head().borrow();
    let (mut desk, mut through) = match checkpoint(store).await {
        Some(kept) if kept.through <= head => (kept.desk.with(settings), kept.through),
        _ => (Desk::new(settings), EventId::ZERO),
    };
    // What was held is judged again, in case nobody was told.
    match budgets(store).await {
        Ok(budgets) => desk.set_budgets(budgets),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "the budgets do not count until they are set again"
        ),
    }
    let kept = through;
    while through < head {
        let records = store.read(through, &Filter::default(), CHUNK).await?.records;
        let Some(last) = records.last() else { break };
        through = last.id;
        for record in &records {
            let fact = record.kind.and_then(|kind| Fact::read(kind, &record.room, &record.payload));
            if let Some(fact) = fact {
                desk.apply(&fact);
            }
        }
    }
    Ok((desk, kept))
}

/// The budgets as they are kept.
///
/// # Errors
/// [`BudgetsError`].
pub async fn budgets(store: &dyn Store) -> Result<Vec<Budget>, BudgetsError> {
    Ok(read_budgets(store).await?.0)
}

/// Changes the budgets that are kept. A server that runs counts by the new ones once it is told by
/// [`Server::budgets_changed`](crate::Server::budgets_changed).
///
/// # Errors
/// [`BudgetsError`]; then nothing has changed.
pub async fn change_budgets<T>(
    store: &dyn Store,
    change: impl FnOnce(&mut Vec<Budget>) -> T,
) -> Result<T, BudgetsError> {
    let (mut budgets, version) = read_budgets(store).await?;
    let answer = change(&mut budgets);
    put_budgets(store, &Budgets { budgets }, version).await?;
    Ok(answer)
}

/// Keeps budgets in place of all others, also of damaged ones.
pub(crate) async fn keep_budgets(store: &dyn Store, budgets: &Budgets) -> Result<(), RecordError> {
    let version = store.record(BUDGETS).await?.map(|record| record.version);
    put_budgets(store, budgets, version).await
}

async fn read_budgets(store: &dyn Store) -> Result<(Vec<Budget>, Option<u64>), BudgetsError> {
    let Some(record) = store.record(BUDGETS).await? else { return Ok((Vec::new(), None)) };
    let read: Budgets = serde_json::from_slice(&record.value)?;
    Ok((read.budgets, Some(record.version)))
}

async fn put_budgets(
    store: &dyn Store,
    budgets: &Budgets,
    version: Option<u64>,
) -> Result<(), RecordError> {
    let value = serde_json::to_vec(budgets).expect("budgets have only text keys");
    store.put_record(BUDGETS, &value, version).await.map(drop)
}

/// Why the budgets were not read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetsError {
    /// The store did not do it.
    #[error("cannot read or keep the budgets")]
    Store(#[from] RecordError),
    /// What is kept is not what this version writes.
    #[error("the budgets that are kept are damaged")]
    Damaged(#[from] serde_json::Error),
}

impl Hot {
    /// Writes the checkpoint if it would save enough reading, or at the end.
    pub(crate) async fn keep_desk(&self, at_the_end: bool) {
        let _turn = self.turn.lock().await;
        let head = self.tail.borrow().head();
        let events = head.get().saturating_sub(self.kept_through.get().get());
        let facts = self.facts.get();
        if !(facts >= FACTS || events >= EVENTS || at_the_end && facts > 0) {
            return;
        }
        let checkpoint = {
            let desk = self.desk.borrow();
            serde_json::to_vec(&Checkpoint { through: head, desk: &*desk })
        };
        let value = match checkpoint {
            Ok(value) => value,
            Err(error) => return tracing::error!(%error, "cannot write the desk down"),
        };
        if let Err(error) = put(&*self.store, &value).await {
            let error = &error as &dyn std::error::Error;
            return tracing::warn!(
                error,
                "cannot keep the desk's checkpoint; the next start reads more"
            );
        }
        self.facts.set(0);
        self.kept_through.set(head);
    }
}

async fn checkpoint(store: &dyn Store) -> Option<Checkpoint<Desk>> {
    let record = store.record(CHECKPOINT).await.ok()??;
    match serde_json::from_slice(&record.value) {
        Ok(kept) => Some(kept),
        Err(error) => {
            tracing::info!(%error, "the desk's checkpoint is of another version; reading the log");
            None
        }
    }
}

async fn put(store: &dyn Store, value: &[u8]) -> Result<(), RecordError> {
    let known = store.record(CHECKPOINT).await?.map(|record| record.version);
    store.put_record(CHECKPOINT, value, known).await.map(drop)
}
