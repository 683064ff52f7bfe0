//! Opening a team: its store, an import if an old deployment lies there, and its keyring.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use ois_auth::{AgentTokens, Keyring, OsEntropy};
use ois_http::Keys;
use ois_protocol::{Timestamp, UtcOffset};
use ois_store::{DiskConfig, DiskStore, ImportError, Imported, Oddity, Records, Store};

use crate::settings::{Durability, People, Place, Settings};

/// A team's store and keyring, held by this process alone.
pub(crate) struct Team {
    pub(crate) store: Arc<DiskStore>,
    pub(crate) keys: Arc<Keys>,
    /// The zone of the day files.
    pub(crate) offset: UtcOffset,
}

impl Team {
    /// Opens the team at the root, creating it if there is none, and imports an old deployment's
    /// chat that lies there, once.
    pub(crate) async fn open(settings: &Settings, now: Timestamp) -> Result<Self> {
        let place = &settings.place;
        let store = Arc::new(open_store(place, settings.tuning.file_workers(), now)?);
        let offset = settle(place, &store, now).await?;
        let keys = Keys::open(Arc::clone(&store) as Arc<dyn Store>).await?;
        Ok(Self { store, keys: Arc::new(keys), offset })
    }

    /// Whether no member is registered yet.
    pub(crate) fn is_new(&self) -> bool {
        self.keys.ask(|keyring| keyring.register().iter().next().is_none())
    }

    /// Creates the first administrator, at the first start only, and returns the generated
    /// password, which is shown this one time.
    pub(crate) async fn found(&self, now: Timestamp) -> Result<Option<String>> {
        let mut entropy = OsEntropy::open()?;
        Ok(self.keys.change(|keyring| keyring.first_admin(now, &mut entropy)).await??)
    }

    /// Admits the agents and the shared password of the settings, which are valid for this start
    /// only.
    pub(crate) async fn admit(&self, people: &People) -> Result<()> {
        let agents = people.agent_tokens.as_deref().map(AgentTokens::parse).transpose();
        let agents = agents.context("AGENT_TOKENS")?.unwrap_or_default();
        let password = shared_password(people)?;
        let mut entropy = OsEntropy::open()?;
        let change = |keyring: &mut Keyring| -> Result<()> {
            keyring.configure(agents).context("AGENT_TOKENS")?;
            keyring.share(password.as_deref(), &mut entropy);
            Ok(())
        };
        self.keys.change(change).await??;
        for doubt in self.keys.ask(Keyring::doubtful_names) {
            tracing::warn!("{doubt}; such names are not given any more");
        }
        Ok(())
    }
}

fn open_store(place: &Place, workers: usize, now: Timestamp) -> Result<DiskStore> {
    let config = DiskConfig {
        upload_dir: place.upload_dir.clone(),
        durability: match place.durability {
            Durability::Sync => ois_store::Durability::Sync,
            Durability::Os => ois_store::Durability::Os,
        },
        repair: place.repair,
        workers,
        ..DiskConfig::new(&place.root)
    };
    DiskStore::open(config, now)
        .with_context(|| format!("cannot open the team at {}", place.root.display()))
}

fn shared_password(people: &People) -> Result<Option<String>> {
    match (&people.password, &people.password_file) {
        (Some(_), Some(_)) => bail!("set PASSWORD or --password-file, not both"),
        (Some(password), None) => Ok(Some(password.clone())),
        (None, Some(path)) => read_password(path).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_password(path: &Path) -> Result<String> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(password.to_owned())
}

/// Imports an old deployment's chat if one lies at the root, at the first start only, and returns
/// the zone of the day files: the one that is set, or the one that was settled then.
async fn settle(place: &Place, store: &DiskStore, now: Timestamp) -> Result<UtcOffset> {
    if let Some(settled) = store.record(ZONE).await.context("cannot read the team's zone")? {
        let settled = String::from_utf8_lossy(&settled.value)
            .parse()
            .context("the team's zone is damaged")?;
        return Ok(place.utc_offset.unwrap_or(settled));
    }
    let legacy = place.utc_offset.unwrap_or(UtcOffset::LEGACY);
    let imported = match store.import(store.root(), legacy, now).await {
        Ok(imported) => {
            report(&imported);
            imported.messages > 0
        }
        // An earlier start ended between the import and the line below.
        Err(ImportError::NotEmpty) => true,
        Err(error) => {
            return Err(error).context("cannot take over the chat of the old deployment");
        }
    };
    let usual = if imported { UtcOffset::LEGACY } else { UtcOffset::UTC };
    let zone = place.utc_offset.unwrap_or(usual);
    store
        .put_record(ZONE, zone.to_string().as_bytes(), None)
        .await
        .context("cannot keep the team's zone")?;
    Ok(zone)
}

/// Logs what was imported, and what was unusual about it.
fn report(imported: &Imported) {
    if imported.messages > 0 {
        tracing::info!(messages = imported.messages, "took over the chat of an old deployment");
    }
    for Oddity { file, line, what } in &imported.oddities {
        tracing::warn!(file, line, "{what}");
    }
}

/// The name of the record that says in which zone the day files are kept.
const ZONE: &str = "zone";
