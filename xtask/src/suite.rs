//! The suites of `cargo xtask test`, in the order in which they run.

use anyhow::{Context, Result};

/// One suite of `cargo xtask test`, which is one line of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Suite {
    /// `cargo fmt --check`.
    Fmt,
    /// The arrows between crates and the circles of files.
    Layers,
    /// Licences, banned crates and sources, against `deny.toml`.
    Deny,
    /// The lints, warnings denied.
    Clippy,
    /// The build of the whole workspace, once; other suites need it.
    Build,
    /// All tests that need no program from outside the toolchain.
    Unit,
    /// The examples in the documentation.
    Doc,
    /// The page's modules under Node.
    Web,
    /// The examples in Python and Node against a real server.
    Examples,
    /// The page in a browser.
    Browser,
    /// The real OpenClaw gateway.
    Openclaw,
    /// One message from the page through a gateway to the disk.
    Whole,
    /// The server killed with `kill -9` under load.
    Crash,
    /// The benchmark, as short as it can be.
    Bench,
}

impl Suite {
    /// Every suite, in the order in which they run.
    pub(crate) const ALL: [Self; 14] = [
        Self::Fmt,
        Self::Layers,
        Self::Deny,
        Self::Clippy,
        Self::Build,
        Self::Unit,
        Self::Doc,
        Self::Web,
        Self::Examples,
        Self::Browser,
        Self::Openclaw,
        Self::Whole,
        Self::Crash,
        Self::Bench,
    ];

    /// The suite of this name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|suite| suite.name() == name);
        found.with_context(|| format!("no suite {name}; see cargo xtask --help"))
    }

    /// The suite's word on the command line and in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Layers => "layers",
            Self::Deny => "deny",
            Self::Clippy => "clippy",
            Self::Build => "build",
            Self::Unit => "unit",
            Self::Doc => "doc",
            Self::Web => "web",
            Self::Examples => "examples",
            Self::Browser => "browser",
            Self::Openclaw => "openclaw",
            Self::Whole => "whole",
            Self::Crash => "crash",
            Self::Bench => "bench",
        }
    }

    /// The suite's line in the help.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Fmt => "the format, as cargo fmt leaves it",
            Self::Layers => "which crate may use which, and circles of files",
            Self::Deny => "licences, banned crates, sources, wildcards (deny.toml)",
            Self::Clippy => "every lint, warnings denied",
            Self::Build => "libraries, binaries and tests, built once for all other suites",
            Self::Unit => "unit and integration tests (with cargo-nextest when it is installed)",
            Self::Doc => "the examples in the documentation",
            Self::Web => "the page's modules; needs Node",
            Self::Examples => "the examples in Python and Node; needs both",
            Self::Browser => "the page in a real browser; needs chromium",
            Self::Openclaw => "a real OpenClaw gateway; needs Node, npm and Python",
            Self::Whole => "a word on the page, its answer on the disk; needs all of these",
            Self::Crash => "kill -9 under load, and nothing lost",
            Self::Bench => "every scenario of the benchmark works; no time fails it",
        }
    }

    /// Whether the suite runs binaries that [`Suite::Build`] made.
    pub(crate) fn needs_build(self) -> bool {
        matches!(
            self,
            Self::Unit
                | Self::Doc
                | Self::Examples
                | Self::Browser
                | Self::Openclaw
                | Self::Whole
                | Self::Crash
                | Self::Bench
        )
    }

    /// Whether the suite needs a program that the toolchain does not bring.
    pub(crate) fn needs_outside(self) -> bool {
        matches!(self, Self::Web | Self::Examples | Self::Browser | Self::Openclaw | Self::Whole)
    }

    /// The suite that runs a test target, known by its name and the features that it requires.
    pub(crate) fn of_test_target(name: &str, required_features: &[String]) -> Self {
        let requires = |feature: &str| required_features.iter().any(|known| known == feature);
        match name {
            _ if requires("browser") && requires("openclaw") => Self::Whole,
            _ if requires("browser") => Self::Browser,
            _ if requires("openclaw") || requires("real-gateway") => Self::Openclaw,
            "crash" => Self::Crash,
            "examples" => Self::Examples,
            _ => Self::Unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for suite in Suite::ALL {
            assert_eq!(Suite::named(suite.name()).expect("known"), suite);
        }
    }

    #[test]
    fn a_test_that_needs_the_outside_belongs_to_its_suite() {
        let needs = |feature: &str| vec![feature.to_owned()];
        assert_eq!(Suite::of_test_target("page", &needs("browser")), Suite::Browser);
        assert_eq!(Suite::of_test_target("real_gateway", &needs("real-gateway")), Suite::Openclaw);
        assert_eq!(Suite::of_test_target("crash", &[]), Suite::Crash);
        assert_eq!(Suite::of_test_target("transcripts", &[]), Suite::Unit);
    }
}
