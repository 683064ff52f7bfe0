//! The packages and their dependencies, as `cargo metadata` tells them.

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};

use crate::command::{cargo, workspace};

/// The packages of the workspace alone.
///
/// # Errors
/// When cargo fails or answers with something else.
pub(crate) fn own() -> Result<Metadata> {
    metadata(MetadataCommand::new().no_deps())
}

/// The packages of the workspace and everything that they need, in every feature.
///
/// # Errors
/// When cargo fails or answers with something else.
pub(crate) fn all() -> Result<Metadata> {
    metadata(MetadataCommand::new().features(CargoOpt::AllFeatures))
}

fn metadata(command: &mut MetadataCommand) -> Result<Metadata> {
    let command = command.cargo_path(cargo()).current_dir(workspace()).verbose(true);
    command.exec().context("cargo metadata failed")
}

/// A package with nothing special beyond what `more` says in cargo's own words.
#[cfg(test)]
pub(crate) fn package(name: &str, more: &serde_json::Value) -> cargo_metadata::Package {
    let mut package = serde_json::json!({
        "name": name, "version": "1.0.0", "id": name, "features": {}, "targets": [],
        "dependencies": [], "manifest_path": format!("/house/crates/{name}/Cargo.toml"),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        package[key] = value.clone();
    }
    serde_json::from_value(package).expect("a package as cargo tells it")
}

/// A line under `[dependencies]`, as cargo tells it.
#[cfg(test)]
pub(crate) fn dependency(name: &str, req: &str, kind: Option<&str>) -> serde_json::Value {
    serde_json::json!({
        "name": name, "req": req, "kind": kind, "optional": false, "features": [],
        "uses_default_features": true,
    })
}
