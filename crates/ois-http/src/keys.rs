//! The keyring of the running server, and the records that keep it.
//!
//! Register and sessions are kept as two records of the store. A change is made on a copy, stored,
//! and then shown, one change after the other; a caller that only reads never waits for a disk.

use std::sync::{Arc, PoisonError, RwLock};

use ois_auth::{Keyring, Register, Sessions};
use ois_store::{RecordError, Store};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;

/// The keyring, and the store that keeps its records.
pub struct Keys {
    store: Arc<dyn Store>,
    shown: RwLock<Keyring>,
    /// Held by a change from the copy until it is shown, across the write to the disk.
    kept: Mutex<Kept>,
}

/// The versions of both records in the store, and whether the stored sessions are out of date.
struct Kept {
    register: Option<u64>,
    sessions: Option<u64>,
    behind: bool,
}

impl Keys {
    /// Reads the records of the last run.
    ///
    /// # Errors
    /// [`KeysError`] if a record cannot be read or understood.
    pub async fn open(store: Arc<dyn Store>) -> Result<Self, KeysError> {
        let (register, register_version) = load::<Register>(&*store, REGISTER).await?;
        let (sessions, sessions_version) = load::<Sessions>(&*store, SESSIONS).await?;
        let kept = Kept { register: register_version, sessions: sessions_version, behind: false };
        let shown = RwLock::new(Keyring::new(register, sessions));
        Ok(Self { store, shown, kept: Mutex::new(kept) })
    }

    /// Reads something short out of the keyring.
    pub fn ask<T>(&self, question: impl FnOnce(&Keyring) -> T) -> T {
        // A keyring is replaced whole, so that a panic leaves none half changed.
        question(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes who is registered. Others see the change once it is durable; `change` may be slow, since
    /// it works on a copy.
    ///
    /// # Errors
    /// [`RecordError`]; then nothing has changed.
    pub async fn change<T>(
        &self,
        change: impl FnOnce(&mut Keyring) -> T,
    ) -> Result<T, RecordError> {
        let mut kept = self.kept.lock().await;
        let before = self.ask(Clone::clone);
        let mut keyring = before.clone();
        let answer = change(&mut keyring);
        if keyring.register() != before.register() {
            kept.register =
                Some(save(&*self.store, REGISTER, keyring.register(), kept.register).await?);
        }
        if keyring.sessions() != before.sessions() {
            self.keep_sessions(&mut kept, keyring.sessions()).await;
        }
        self.show(keyring);
        Ok(answer)
    }

    /// Changes who is signed in. The change counts from now on even if the disk does not take it, so
    /// that a full disk keeps nobody from reading. Sessions that could not be stored are stored with the
    /// next change; a restart before that goes back to the sessions that were stored last.
    pub async fn change_sessions<T>(&self, change: impl FnOnce(&mut Keyring) -> T) -> T {
        let mut kept = self.kept.lock().await;
        let before = self.ask(|keyring| keyring.sessions().clone());
        let mut keyring = self.ask(Clone::clone);
        let answer = change(&mut keyring);
        if kept.behind || *keyring.sessions() != before {
            self.keep_sessions(&mut kept, keyring.sessions()).await;
        }
        self.show(keyring);
        answer
    }

    async fn keep_sessions(&self, kept: &mut Kept, sessions: &Sessions) {
        match save(&*self.store, SESSIONS, sessions, kept.sessions).await {
            Ok(version) => {
                kept.sessions = Some(version);
                kept.behind = false;
            }
            Err(error) => {
                kept.behind = true;
                tracing::error!(error = &error as &dyn std::error::Error, "sessions are not kept");
            }
        }
    }

    fn show(&self, keyring: Keyring) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = keyring;
    }
}

/// Why the keyring could not be read at the start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The store did not give the record of this name.
    #[error("cannot read the record {0:?}")]
    Store(&'static str, #[source] RecordError),
    /// The record of this name is not one that this version writes.
    #[error("the record {0:?} is damaged")]
    Damaged(&'static str, #[source] serde_json::Error),
}

async fn load<T: DeserializeOwned + Default>(
    store: &dyn Store,
    key: &'static str,
) -> Result<(T, Option<u64>), KeysError> {
    match store.record(key).await.map_err(|error| KeysError::Store(key, error))? {
        None => Ok((T::default(), None)),
        Some(record) => {
            let value = serde_json::from_slice(&record.value)
                .map_err(|error| KeysError::Damaged(key, error))?;
            Ok((value, Some(record.version)))
        }
    }
}

async fn save<T: Serialize>(
    store: &dyn Store,
    key: &str,
    value: &T,
    version: Option<u64>,
) -> Result<u64, RecordError> {
    let json = serde_json::to_vec(value).expect("register and sessions have only text keys");
    store.put_record(key, &json, version).await
}

const REGISTER: &str = "register";
const SESSIONS: &str = "sessions";
