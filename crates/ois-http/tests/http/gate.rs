//! A store whose log can be held up.

use std::sync::{Arc, Mutex, mpsc};

use ois_protocol::{EventId, NewEvent, Nonce, ShortName, Timestamp};
use ois_store::{
    AppendError, Appended, Filter, Layered, Limit, Log, Page, Pending, ReadError, Store, Visitor,
};
use tokio::sync::{Semaphore, watch};

/// Stands before another store's log.
pub(crate) struct Gate {
    inner: Arc<dyn Log>,
    /// Hears of each append, which waits until it is let through.
    appending: Option<(mpsc::SyncSender<usize>, Arc<Semaphore>)>,
    /// Is called before each visit, on the thread that asks.
    visiting: Option<Mutex<Box<dyn FnMut() + Send>>>,
}

impl Gate {
    /// A store whose appends wait, before anything is written, until they are let through;
    /// `waiting` hears of each.
    pub(crate) fn appends(
        inner: Arc<dyn Store>,
        waiting: mpsc::SyncSender<usize>,
        let_through: Arc<Semaphore>,
    ) -> Layered {
        Self::before(inner, Some((waiting, let_through)), None)
    }

    /// A store that does this before each visit.
    pub(crate) fn visits(inner: Arc<dyn Store>, before: impl FnMut() + Send + 'static) -> Layered {
        Self::before(inner, None, Some(Mutex::new(Box::new(before))))
    }

    fn before(
        store: Arc<dyn Store>,
        appending: Option<(mpsc::SyncSender<usize>, Arc<Semaphore>)>,
        visiting: Option<Mutex<Box<dyn FnMut() + Send>>>,
    ) -> Layered {
        let parts = Layered::of(store);
        let log = Arc::new(Self { inner: Arc::clone(&parts.log), appending, visiting });
        Layered { log, ..parts }
    }
}

impl Log for Gate {
    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            if let Some((waiting, let_through)) = &self.appending {
                waiting.send(events.len()).unwrap();
                let_through.acquire().await.unwrap().forget();
            }
            self.inner.append(events, now, after).await
        })
    }

    fn visit<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<EventId, ReadError>> {
        if let Some(visiting) = &self.visiting {
            visiting.lock().unwrap()();
        }
        self.inner.visit(after, filter, limit, each)
    }

    fn team(&self) -> &str {
        self.inner.team()
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.inner.head()
    }

    fn oldest(&self) -> EventId {
        self.inner.oldest()
    }

    fn read<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        self.inner.read(after, filter, limit)
    }

    fn read_before<'a>(
        &'a self,
        before: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        self.inner.read_before(before, filter, limit)
    }

    fn find_nonce<'a>(
        &'a self,
        author: &'a ShortName,
        nonce: &'a Nonce,
        since: Timestamp,
    ) -> Pending<'a, Result<Option<EventId>, ReadError>> {
        self.inner.find_nonce(author, nonce, since)
    }

    fn writable(&self) -> bool {
        self.inner.writable()
    }
}
