//! The checks of `deny.toml` that need no database, for machines without cargo-deny.
//!
//! Licences by list, banned crates, registries and git sources, wildcard versions. Yanked crates and
//! advisories are left to cargo-deny itself, which reads the same file.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::command::workspace;
use crate::graph::{Graph, Package};
use crate::{license, toml};

/// What of `graph` breaks `deny.toml`, one sentence each.
pub(crate) fn violations(graph: &Graph) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(workspace().join("deny.toml")).context("cannot read deny.toml")?;
    check(graph, &toml::parse(&text).context("cannot read deny.toml")?)
}

fn check(graph: &Graph, settings: &toml::Settings) -> Result<Vec<String>> {
    let list = |key: &str| settings.get(key).cloned().unwrap_or_default();
    let licences = list("licenses.allow");
    let banned = list("bans.deny");
    let registries = list("sources.allow-registry");
    ensure!(
        !licences.is_empty() && !registries.is_empty(),
        "deny.toml lists no licence or no registry"
    );
    let mut found = Vec::new();
    for package in &graph.packages {
        let (name, version) = (&package.name, &package.version);
        let licence = package.license.as_deref().unwrap_or_default();
        if !license::is_satisfied(licence, &licences) {
            found
                .push(format!("{name} {version} has the licence {licence:?}, which is not listed"));
        }
        let wrappers = list(&format!("bans.deny.{name}.wrappers"));
        if banned.contains(name) && !is_only_used_by(name, &wrappers, graph) {
            found.push(format!("{name} {version} is banned; deny.toml says why"));
        }
        found.extend(source_violation(package, graph, &registries));
        if graph.workspace_members.contains(&package.id) {
            let wild = package.dependencies.iter().filter(|dependency| dependency.req == "*");
            found.extend(wild.map(|other| format!("{name} takes any version of {}", other.name)));
        }
    }
    Ok(found)
}

/// Whether all that ask for the crate `name` are among `wrappers`.
fn is_only_used_by(name: &str, wrappers: &[String], graph: &Graph) -> bool {
    let asks = |package: &&Package| {
        package.dependencies.iter().any(|other| other.name == name && other.kind.is_none())
    };
    let mut users = graph.packages.iter().filter(asks).peekable();
    users.peek().is_some() && users.all(|user| wrappers.contains(&user.name))
}

fn source_violation(package: &Package, graph: &Graph, registries: &[String]) -> Option<String> {
    let name = &package.name;
    let Some(source) = &package.source else {
        let ours = graph.workspace_members.contains(&package.id);
        return (!ours).then(|| format!("{name} comes from a directory outside the workspace"));
    };
    let known =
        source.strip_prefix("registry+").is_some_and(|url| registries.iter().any(|r| r == url));
    (!known).then(|| format!("{name} comes from {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Dependency;

    const DENY: &str = "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"openssl\" }]\n\
                        [sources]\nallow-registry = [\"https://index.example\"]\n";

    fn foreign(name: &str) -> Package {
        Package {
            id: format!("{name}-id"),
            name: name.into(),
            version: "1.0.0".into(),
            license: Some("MIT OR X".into()),
            source: Some("registry+https://index.example".into()),
            ..Package::default()
        }
    }

    fn found(package: Package) -> Vec<String> {
        let ours = Package { id: "ours".into(), source: None, ..foreign("ours") };
        let graph = Graph { packages: vec![ours, package], workspace_members: vec!["ours".into()] };
        check(&graph, &toml::parse(DENY).expect("readable")).expect("checked")
    }

    #[test]
    fn a_listed_licence_from_the_registry_passes() {
        assert_eq!(found(foreign("good")), Vec::<String>::new());
    }

    #[test]
    fn an_unlisted_or_missing_licence_is_found() {
        let odd = Package { license: Some("GPL-3.0-only".into()), ..foreign("odd") };
        assert_eq!(found(odd), ["odd 1.0.0 has the licence \"GPL-3.0-only\", which is not listed"]);
        assert_eq!(found(Package { license: None, ..foreign("none") }).len(), 1);
    }

    #[test]
    fn a_banned_crate_is_found() {
        assert_eq!(found(foreign("openssl")), ["openssl 1.0.0 is banned; deny.toml says why"]);
    }

    #[test]
    fn a_banned_crate_may_have_a_wrapper() {
        let user = |name: &str| Package {
            dependencies: vec![Dependency { name: "chrono".into(), ..Dependency::default() }],
            ..foreign(name)
        };
        let deny = DENY.replace("openssl\"", "chrono\", wrappers = [\"old\"]");
        let settings = toml::parse(&deny).expect("readable");
        let check = |users: &[&str]| {
            let mut packages: Vec<Package> = users.iter().map(|name| user(name)).collect();
            packages.push(foreign("chrono"));
            check(&Graph { packages, workspace_members: Vec::new() }, &settings)
                .expect("checked")
                .len()
        };
        assert_eq!(check(&["old"]), 0);
        assert_eq!(check(&["old", "new"]), 1);
    }

    #[test]
    fn git_other_registries_and_other_directories_are_found() {
        for source in [
            Some("git+https://git.example/x".to_owned()),
            Some("registry+https://other".into()),
            None,
        ] {
            assert_eq!(found(Package { source, ..foreign("stray") }).len(), 1);
        }
    }

    #[test]
    fn a_wildcard_of_ours_is_found() {
        let wild = Dependency { name: "serde".into(), req: "*".into(), kind: None };
        let ours = Package {
            id: "ours".into(),
            source: None,
            dependencies: vec![wild],
            ..foreign("wild")
        };
        assert_eq!(found(ours), ["wild takes any version of serde"]);
    }
}
