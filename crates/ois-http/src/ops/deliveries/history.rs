//! The states of a message's deliveries, read out of the log.

use ois_protocol::{Delivery, EventId, EventKind, ServerFrame, event};
use ois_store::{Filter, Limit, Store};

use super::DeliveriesError;
use crate::access::viewer::Viewer;

/// Every state of a message's deliveries that the log has within two days of the message, the oldest
/// first.
pub(super) async fn read(
    store: &dyn Store,
    viewer: &Viewer,
    message: EventId,
) -> Result<Vec<Delivery>, DeliveriesError> {
    let (all, one) = (Filter::default(), Limit { records: 1, bytes: 1 });
    let found = store.read(message.before(), &all, one).await?.records;
    let here = found.first().filter(|record| record.id == message);
    let here = here.filter(|record| record.kind == Some(EventKind::Message));
    let seen = here.filter(|record| viewer.sees(&record.room));
    let record = seen.ok_or(DeliveriesError::NoMessage)?;
    let mut deliveries: Vec<Delivery> = match event::decode(&record.payload) {
        Ok(ServerFrame::Message { message }) => {
            let stored = |agent| Delivery::stored(message.id, agent, message.time);
            message.calls.into_iter().map(stored).collect()
        }
        _ => Vec::new(),
    };
    let until = record.time.after_ms(SPAN_MS);
    let states = Filter { kinds: Some(vec![EventKind::Delivery]), ..Filter::default() };
    let mut after = message;
    loop {
        let page = store.read(after, &states, CHUNK).await?;
        for state in &page.records {
            if let Ok(ServerFrame::Delivery(state)) = event::decode(&state.payload)
                && state.message == message
            {
                deliveries.push(state);
            }
        }
        let is_late = page.records.last().is_some_and(|last| last.time > until);
        if is_late || page.cursor == after {
            return Ok(deliveries);
        }
        after = page.cursor;
        // Two days may be long: other tasks have a turn in between.
        tokio::task::yield_now().await;
    }
}

/// The last state of each agent's delivery, in the order in which the agents first appear.
pub(super) fn last_of_each(states: Vec<Delivery>) -> Vec<Delivery> {
    let mut last: Vec<Delivery> = Vec::new();
    for state in states {
        match last.iter_mut().find(|known| known.agent == state.agent) {
            Some(known) => *known = state,
            None => last.push(state),
        }
    }
    last
}

/// How much of the log is read at once.
const CHUNK: Limit = Limit { records: 4096, bytes: 4 << 20 };
/// How long after a message its deliveries are looked for. Nearly every state is reached within the
/// deadline of a delivery, a day.
const SPAN_MS: u64 = 48 * 3600 * 1000;
