//! Which crate may use which.
//!
//! Arrows between our crates run downwards only, siblings of layer 1 meet in layer 2, and the quiet
//! crates use nothing that does I/O. Dev-dependencies are free: a test may put two siblings together.

use cargo_metadata::{DependencyKind, Package};

/// The crates that one of our crates may use.
struct Rule {
    name: &'static str,
    layer: u8,
    ours: &'static [&'static str],
    foreign: Foreign,
}

/// The crates of others that one of our crates may use.
enum Foreign {
    /// Only the crates of this list.
    Only(&'static [&'static str]),
    /// Any crate but those that belong to binaries.
    Library,
    /// Any crate without exception.
    Any,
}

/// The breaches of the rules among our own packages, one sentence each.
pub(crate) fn violations(packages: &[Package]) -> Vec<String> {
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    packages.iter().flat_map(|package| violations_of(package, &ours)).collect()
}

fn violations_of(package: &Package, ours: &[&str]) -> Vec<String> {
    let name = package.name.as_str();
    let rule = RULES.iter().find(|rule| rule.name == name);
    if rule.is_none() && !stands_beside(package) {
        return vec![format!("{name} has no rule in xtask/src/layers.rs: which layer is it in?")];
    }
    let used = package.dependencies.iter().filter(|used| used.kind != DependencyKind::Development);
    used.filter_map(|dependency| {
        let other = dependency.name.as_str();
        if BESIDE.contains(&other) {
            return Some(format!("{name} uses {other}, which stands beside the house"));
        }
        let rule = rule?;
        if ours.contains(&other) { rule.against_ours(other) } else { rule.against_foreign(other) }
    })
    .collect()
}

/// Whether a package is no part of the house: chores, end-to-end tests, examples.
fn stands_beside(package: &Package) -> bool {
    let path = package.manifest_path.as_str().replace('\\', "/");
    BESIDE.contains(&package.name.as_str()) || path.contains("/examples/")
}

impl Rule {
    fn against_ours(&self, other: &str) -> Option<String> {
        if self.ours.contains(&other) {
            return None;
        }
        let name = self.name;
        let Some(used) = RULES.iter().find(|rule| rule.name == other) else {
            return Some(format!("{name} uses {other}, which is in no layer"));
        };
        let why = match used.layer.cmp(&self.layer) {
            std::cmp::Ordering::Greater => "an arrow upwards",
            std::cmp::Ordering::Equal => "a sibling",
            std::cmp::Ordering::Less => "below it but not among what it may use",
        };
        Some(format!("{name} uses {other}: {why}"))
    }

    fn against_foreign(&self, other: &str) -> Option<String> {
        let name = self.name;
        match self.foreign {
            Foreign::Only(allowed) if !allowed.contains(&other) => {
                Some(format!("{name} uses {other}, which is not on its short list"))
            }
            Foreign::Library if OF_BINARIES.contains(&other) => {
                Some(format!("{name} uses {other}, which only binaries do"))
            }
            Foreign::Only(_) | Foreign::Library | Foreign::Any => None,
        }
    }
}

const BESIDE: [&str; 4] = ["xtask", "e2e", "bench", "simulation"];

/// The crates for errors without a type, for the command line and for printing logs: they belong to
/// binaries.
const OF_BINARIES: [&str; 3] = ["anyhow", "clap", "tracing-subscriber"];

const RULES: [Rule; 13] = [
    Rule {
        name: "ois-protocol",
        layer: 0,
        ours: &[],
        foreign: Foreign::Only(&["serde", "serde_json", "thiserror", "unicode-normalization"]),
    },
    Rule {
        name: "ois-auth",
        layer: 1,
        ours: &["ois-protocol"],
        foreign: Foreign::Only(&[
            "argon2",
            "blake3",
            "getrandom",
            "serde",
            "serde_json",
            "thiserror",
            "unicode-security",
        ]),
    },
    Rule {
        name: "ois-chat",
        layer: 1,
        ours: &["ois-protocol"],
        foreign: Foreign::Only(&["memchr", "serde", "serde_json", "thiserror"]),
    },
    Rule {
        name: "ois-inbox",
        layer: 1,
        ours: &["ois-protocol"],
        foreign: Foreign::Only(&["serde", "thiserror"]),
    },
    Rule {
        name: "ois-store",
        layer: 1,
        ours: &["ois-protocol"],
        foreign: Foreign::Only(&[
            "blake3",
            "bytes",
            "getrandom",
            "memchr",
            "rustix",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
        ]),
    },
    Rule { name: "ois-gateway", layer: 1, ours: &[], foreign: Foreign::Library },
    Rule { name: "ois-client", layer: 1, ours: &["ois-protocol"], foreign: Foreign::Library },
    Rule {
        name: "ois-http",
        layer: 2,
        ours: &["ois-protocol", "ois-auth", "ois-chat", "ois-store"],
        foreign: Foreign::Library,
    },
    Rule {
        name: "ois-bridge",
        layer: 2,
        ours: &["ois-protocol", "ois-inbox", "ois-client", "ois-gateway"],
        foreign: Foreign::Library,
    },
    Rule { name: "ois-cli", layer: 2, ours: &[], foreign: Foreign::Any },
    Rule { name: "ois-server", layer: 3, ours: BELOW, foreign: Foreign::Any },
    Rule { name: "ois-monitor", layer: 3, ours: BELOW, foreign: Foreign::Any },
    Rule { name: "ois", layer: 3, ours: BELOW, foreign: Foreign::Any },
];

/// The crates of ours that a binary may use: all that lie below it.
const BELOW: &[&str] = &[
    "ois-protocol",
    "ois-auth",
    "ois-chat",
    "ois-inbox",
    "ois-store",
    "ois-gateway",
    "ois-client",
    "ois-http",
    "ois-bridge",
    "ois-cli",
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::graph::{self, dependency};

    fn package(name: &str, uses: &[&str]) -> Package {
        let uses: Vec<Value> = uses.iter().map(|other| dependency(other, "^1", None)).collect();
        graph::package(name, &json!({"dependencies": uses}))
    }

    fn house(changed: Package) -> Vec<String> {
        let mut packages = vec![
            package("ois-protocol", &["serde"]),
            package("ois-auth", &["ois-protocol", "argon2"]),
            package("ois-chat", &["ois-protocol"]),
            package("ois-store", &["ois-protocol", "tokio"]),
            package("ois-gateway", &["ureq"]),
            package("ois-client", &["ois-protocol", "tokio"]),
            package("ois-http", &["ois-store", "ois-chat", "hyper"]),
            package("ois-bridge", &["ois-client", "ois-gateway"]),
            package("ois-server", &["ois-http", "ois-bridge", "anyhow"]),
            package("xtask", &["anyhow"]),
            package("e2e", &["ureq", "anyhow"]),
        ];
        packages.retain(|package| package.name != changed.name);
        packages.push(changed);
        violations(&packages)
    }

    fn only_violation(changed: Package) -> String {
        let found = house(changed);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn the_house_as_planned_is_in_order() {
        assert_eq!(house(package("ois-monitor", &["ois-bridge", "clap"])), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let found = only_violation(package("ois-protocol", &["ois-store"]));
        assert_eq!(found, "ois-protocol uses ois-store: an arrow upwards");
    }

    #[test]
    fn siblings_of_layer_1_do_not_know_each_other() {
        let found = only_violation(package("ois-store", &["ois-auth"]));
        assert_eq!(found, "ois-store uses ois-auth: a sibling");
    }

    #[test]
    fn siblings_of_layer_2_do_not_know_each_other() {
        assert!(only_violation(package("ois-bridge", &["ois-http"])).contains("a sibling"));
    }

    #[test]
    fn the_server_doors_do_not_know_the_gateway() {
        let found = only_violation(package("ois-http", &["ois-gateway"]));
        assert_eq!(found, "ois-http uses ois-gateway: below it but not among what it may use");
    }

    #[test]
    fn the_gateway_uses_nothing_of_ours() {
        assert!(only_violation(package("ois-gateway", &["ois-protocol"])).contains("ois-protocol"));
    }

    #[test]
    fn quiet_crates_do_no_io() {
        for (quiet, loud) in
            [("ois-protocol", "tokio"), ("ois-auth", "ureq"), ("ois-chat", "tracing")]
        {
            let found = only_violation(package(quiet, &[loud]));
            assert_eq!(found, format!("{quiet} uses {loud}, which is not on its short list"));
        }
    }

    #[test]
    fn only_binaries_use_anyhow() {
        let found = only_violation(package("ois-http", &["anyhow"]));
        assert_eq!(found, "ois-http uses anyhow, which only binaries do");
    }

    #[test]
    fn nobody_uses_what_stands_beside() {
        assert!(only_violation(package("ois-server", &["e2e"])).contains("beside"));
        assert!(only_violation(package("e2e", &["xtask"])).contains("beside"));
    }

    #[test]
    fn a_crate_without_a_rule_is_asked_for_one() {
        assert!(only_violation(package("ois-common", &[])).contains("no rule"));
    }

    #[test]
    fn examples_may_use_what_they_show() {
        let mut example = package("echo-agent", &["ois-client", "anyhow"]);
        example.manifest_path = "/house/examples/echo-agent/Cargo.toml".into();
        assert_eq!(house(example), Vec::<String>::new());
    }

    #[test]
    fn a_test_may_put_siblings_together() {
        let uses = |kind: &str| {
            let used = dependency("ois-auth", "^1", Some(kind));
            graph::package("ois-store", &json!({"dependencies": [used]}))
        };
        assert_eq!(house(uses("dev")), Vec::<String>::new());
        assert_eq!(house(uses("build")).len(), 1);
    }
}
