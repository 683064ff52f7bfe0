//! The outbox's disk: what was said stays until it is known to be stored.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ois_client::{Keep, Kept};
use ois_protocol::{Chat, Nonce, Timestamp};

use crate::{disk::Disk, scene::Scene};

/// The outbox's disk.
#[derive(Clone, Debug)]
pub(super) struct Drafts {
    disk: Arc<Mutex<Disk<Draft>>>,
    /// A disk knows no clock.
    now: Arc<Mutex<Timestamp>>,
}

#[derive(Clone, Debug)]
pub(super) enum Draft {
    Put(Kept),
    Gone(Nonce),
}

impl Drafts {
    pub(super) fn new() -> Self {
        Self { disk: Arc::new(Mutex::new(Disk::new())), now: Arc::default() }
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk<Draft>> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell_time(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// The folder is empty: nobody will send what was kept in it.
    pub(super) fn forget(&self, name: &str, scene: &mut Scene) {
        for draft in self.disk().entries() {
            if let Draft::Put(Kept { chat: Chat { nonce: Some(nonce), .. }, .. }) = draft {
                scene.ledger.kept.remove(&(name.to_owned(), nonce.clone()));
            }
        }
        self.disk().rewrite(Vec::new());
    }

    fn write(&self, draft: Draft) -> io::Result<()> {
        let now = *self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut disk = self.disk();
        disk.write([draft], now).map_err(|_| io::ErrorKind::StorageFull)?;
        disk.sync();
        Ok(())
    }
}

impl Keep for Drafts {
    fn load(&mut self) -> io::Result<Vec<Kept>> {
        let mut kept: Vec<Kept> = Vec::new();
        for draft in self.disk().entries() {
            match draft {
                Draft::Put(one) => kept.push(one.clone()),
                Draft::Gone(nonce) => kept.retain(|one| one.chat.nonce.as_ref() != Some(nonce)),
            }
        }
        Ok(kept)
    }

    fn put(&mut self, kept: &Kept) -> io::Result<()> {
        self.write(Draft::Put(kept.clone()))
    }

    fn remove(&mut self, nonce: &Nonce) -> io::Result<()> {
        self.write(Draft::Gone(nonce.clone()))
    }
}
