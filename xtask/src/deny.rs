//! The checks of `deny.toml` that need no database and no network.
//!
//! Licences by list, banned crates, registries and git sources, wildcard versions. Yanked crates and
//! advisories are left to cargo-deny, which reads the same file. It is not required here, since a new
//! machine would compile it for about six minutes of processor time.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::semver::VersionReq;
use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use crate::command::workspace;

/// The settings of `deny.toml` that are checked here.
#[derive(Debug, Deserialize)]
struct Settings {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    /// SPDX identifiers, with their exceptions.
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

/// A crate that may not come in, except through its wrappers.
#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    /// The addresses of registries.
    allow_registry: Vec<String>,
}

/// The breaches of `deny.toml` in `graph`, one sentence each.
///
/// # Errors
/// When `deny.toml` cannot be read.
pub(crate) fn violations(graph: &Metadata) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(workspace().join("deny.toml")).context("cannot read deny.toml")?;
    check(&graph.packages, &graph.workspace_members, &text).context("cannot read deny.toml")
}

fn check(packages: &[Package], ours: &[PackageId], settings: &str) -> Result<Vec<String>> {
    let settings: Settings = toml::from_str(settings)?;
    let listed = settings.licenses.allow.iter().map(|name| Licensee::parse(name));
    let listed = listed.collect::<Result<Vec<_>, _>>()?;
    let bans: BTreeMap<&str, &Ban> =
        settings.bans.deny.iter().map(|ban| (ban.name.as_str(), ban)).collect();
    let mut found = Vec::new();
    for package in packages {
        let (name, version) = (&package.name, &package.version);
        let licence = package.license.as_deref().unwrap_or_default();
        if !is_satisfied(licence, &listed) {
            found
                .push(format!("{name} {version} has the licence {licence:?}, which is not listed"));
        }
        let ban = bans.get(name.as_str());
        if ban.is_some_and(|ban| !is_only_used_by(name, &ban.wrappers, packages)) {
            found.push(format!("{name} {version} is banned; deny.toml says why"));
        }
        let is_ours = ours.contains(&package.id);
        found.extend(source_violation(package, is_ours, &settings.sources.allow_registry));
        let any = package.dependencies.iter().filter(|other| other.req == VersionReq::STAR);
        found.extend(
            any.filter(|_| is_ours).map(|any| format!("{name} takes any version of {}", any.name)),
        );
    }
    Ok(found)
}

/// Whether the listed licences satisfy an SPDX expression; one that is no expression is not satisfied.
fn is_satisfied(expression: &str, listed: &[Licensee]) -> bool {
    // The lax mode takes the old slash for `OR`.
    Expression::parse_mode(expression, ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|needed| listed.iter().any(|licence| licence.satisfies(needed)))
    })
}

/// Whether all packages that ask for the crate `name` are among `wrappers`.
fn is_only_used_by(name: &str, wrappers: &[String], packages: &[Package]) -> bool {
    let asks = |package: &&Package| {
        let mut needed = package.dependencies.iter();
        needed.any(|other| other.name == name && other.kind == DependencyKind::Normal)
    };
    let mut users = packages.iter().filter(asks).peekable();
    users.peek().is_some() && users.all(|user| wrappers.iter().any(|known| user.name == *known))
}

fn source_violation(package: &Package, is_ours: bool, registries: &[String]) -> Option<String> {
    let name = &package.name;
    let Some(source) = &package.source else {
        return (!is_ours).then(|| format!("{name} comes from a directory outside the workspace"));
    };
    let registry = source.repr.strip_prefix("registry+");
    let is_known = registry.is_some_and(|url| registries.iter().any(|known| known == url));
    (!is_known).then(|| format!("{name} comes from {source}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::graph::{dependency, package};

    const DENY: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0 WITH LLVM-exception\"]\n\
                        [bans]\ndeny = [{ crate = \"openssl\" }]\n\
                        [sources]\nallow-registry = [\"https://index.example\"]\n";

    fn foreign(name: &str, more: &Value) -> Package {
        let mut all =
            json!({"license": "MIT OR GPL-2.0", "source": "registry+https://index.example"});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        package(name, &all)
    }

    fn found(name: &str, more: &Value) -> Vec<String> {
        let ours = foreign("ours", &json!({"source": null}));
        let members = [ours.id.clone()];
        check(&[ours, foreign(name, more)], &members, DENY).expect("checked")
    }

    #[test]
    fn a_listed_licence_from_the_registry_passes() {
        assert_eq!(found("good", &json!({})), Vec::<String>::new());
    }

    #[test]
    fn an_unlisted_or_missing_licence_is_found() {
        let odd = found("odd", &json!({"license": "GPL-3.0-only"}));
        assert_eq!(odd, ["odd 1.0.0 has the licence \"GPL-3.0-only\", which is not listed"]);
        for licence in
            [json!(null), json!("MIT AND GPL-3.0-only"), json!("Apache-2.0"), json!("x y")]
        {
            assert_eq!(found("odd", &json!({"license": licence})).len(), 1, "{licence}");
        }
    }

    #[test]
    fn exceptions_and_the_old_slash_are_understood() {
        for licence in ["Apache-2.0 WITH LLVM-exception", "MIT/Apache-2.0", "(MIT OR Zlib) AND MIT"]
        {
            let found = found("fine", &json!({"license": licence}));
            assert_eq!(found, Vec::<String>::new(), "{licence}");
        }
    }

    #[test]
    fn a_banned_crate_is_found() {
        let banned = found("openssl", &json!({}));
        assert_eq!(banned, ["openssl 1.0.0 is banned; deny.toml says why"]);
    }

    #[test]
    fn a_banned_crate_may_have_a_wrapper() {
        let user = |name: &str| {
            foreign(name, &json!({"dependencies": [dependency("chrono", "^1", None)]}))
        };
        let deny = DENY.replace("openssl\"", "chrono\", wrappers = [\"old\"]");
        let count = |users: &[&str]| {
            let mut packages: Vec<Package> = users.iter().map(|name| user(name)).collect();
            packages.push(foreign("chrono", &json!({})));
            check(&packages, &[], &deny).expect("checked").len()
        };
        assert_eq!(count(&["old"]), 0);
        assert_eq!(count(&["old", "new"]), 1);
    }

    #[test]
    fn git_other_registries_and_other_directories_are_found() {
        for source in
            [json!("git+https://git.example/x"), json!("registry+https://other"), json!(null)]
        {
            assert_eq!(found("stray", &json!({"source": source})).len(), 1, "{source}");
        }
    }

    #[test]
    fn a_wildcard_of_ours_is_found() {
        let any = json!([dependency("serde", "*", None)]);
        let ours = foreign("wild", &json!({"source": null, "dependencies": any}));
        let members = [ours.id.clone()];
        let found = check(&[ours], &members, DENY).expect("checked");
        assert_eq!(found, ["wild takes any version of serde"]);
        assert_eq!(self::found("other", &json!({"dependencies": any})), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_lists_no_licence_or_no_registry_is_refused() {
        for missing in ["licenses", "sources"] {
            assert!(check(&[], &[], &DENY.replace(missing, "other")).is_err(), "{missing}");
        }
    }
}
