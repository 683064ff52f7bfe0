//! What the desk knows outlives the process: it is what the log makes of it, and a checkpoint keeps
//! the reading short.
//!
//! The checkpoint is one record, written when the server stops and now and then while it runs. A
//! missing, old or unreadable one costs time at the start and nothing else.

use std::cell::Cell;

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

/// What the log says of agents, for a caller that asks while no server runs.
///
/// # Errors
/// [`ReadError`] if the log cannot be read.
pub async fn desk(store: &dyn Store, settings: DeskSettings) -> Result<Desk, ReadError> {
    let head = *store.head().borrow();
    restore(store, settings, head).await.map(|(desk, _)| desk)
}

/// The desk as the log makes it up to the event `head`, and the event up to which the checkpoint was.
pub(crate) async fn restore(
    store: &dyn Store,
    settings: DeskSettings,
    head: EventId,
) -> Result<(Desk, EventId), ReadError> {
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
        let page = store.read(through, &Filter::default(), CHUNK).await?;
        if page.cursor == through {
            break;
        }
        let records = page.records;
        through = page.cursor;
        for record in records.iter().filter(|record| record.id <= head) {
            if let Some(fact) = Fact::read(record) {
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

/// Changes the budgets that are stored. A server that runs counts by the new ones once it is told by
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

/// How far the checkpoint is behind the desk.
#[derive(Debug)]
pub(crate) struct Progress {
    /// How many facts the desk has taken since.
    facts: Cell<u64>,
    /// The event up to which the checkpoint is.
    through: Cell<EventId>,
}

impl Progress {
    /// A checkpoint up to this event has just been read.
    pub(crate) fn new(through: EventId) -> Self {
        Self { facts: Cell::new(0), through: Cell::new(through) }
    }

    /// The desk has taken a fact.
    pub(crate) fn count(&self) {
        self.facts.set(self.facts.get() + 1);
    }

    /// A checkpoint is being made of the desk as it is now. Answers with how many facts it saves.
    fn begin(&self) -> u64 {
        self.facts.replace(0)
    }

    /// The checkpoint that would have saved so many facts was not written.
    fn failed(&self, facts: u64) {
        self.facts.set(self.facts.get() + facts);
    }

    /// Whether a checkpoint would save enough reading.
    fn is_worth_writing(&self, head: EventId, at_the_end: bool) -> bool {
        let events = head.get().saturating_sub(self.through.get().get());
        let facts = self.facts.get();
        facts >= FACTS || events >= EVENTS || at_the_end && facts > 0
    }
}

impl Hot {
    /// Writes the checkpoint if it would save enough reading, or at the end. What is written is a copy
    /// of the desk, which becomes JSON on another thread, so that nobody on the loop waits for it.
    pub(crate) async fn write_checkpoint(&self, at_the_end: bool) {
        let (through, desk) = {
            let team = self.team.borrow();
            if !self.progress.is_worth_writing(team.head(), at_the_end) {
                return;
            }
            (team.head(), team.desk().clone())
        };
        let facts = self.progress.begin();
        let encode = move || serde_json::to_vec(&Checkpoint { through, desk });
        let written = match tokio::task::spawn_blocking(encode).await {
            Ok(Ok(value)) => put(&*self.store, &value).await.map_err(anything),
            Ok(Err(error)) => Err(anything(error)),
            Err(error) => Err(anything(error)),
        };
        match written {
            Ok(()) => self.progress.through.set(through),
            Err(error) => {
                self.progress.failed(facts);
                let words = "cannot write the desk's checkpoint; the next start reads more";
                tracing::warn!(error = &*error, "{words}");
            }
        }
    }
}

fn anything(error: impl std::error::Error + 'static) -> Box<dyn std::error::Error> {
    error.into()
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
