//! The programs that the outside suites need on the machine, and how they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::command::{Log, workspace};
use crate::suite::Suite;

/// Whether this machine must run every suite and may have packages installed for it.
pub(crate) fn on_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// The programs that `suite` needs and this machine lacks, with the command that installs them; none
/// if the suite can run.
pub(crate) fn missing(suite: Suite) -> Option<String> {
    let needs: &[Tool] = match suite {
        Suite::Web => &[Tool::Node],
        Suite::Examples => &[Tool::Node, Tool::Python],
        Suite::Browser => &[Tool::Chromium],
        Suite::Openclaw => &[Tool::Node, Tool::Npm, Tool::Python],
        Suite::Whole => &[Tool::Chromium, Tool::Node, Tool::Npm, Tool::Python],
        _ => &[],
    };
    let lacking: Vec<Tool> = needs.iter().copied().filter(|tool| !tool.is_there()).collect();
    let packages: Vec<&str> = lacking.iter().map(|tool| tool.package()).collect();
    let names: Vec<&str> = lacking.iter().map(|tool| tool.name()).collect();
    (!lacking.is_empty())
        .then(|| format!("no {}: apt-get install {}", names.join(", no "), packages.join(" ")))
}

/// Installs the programs that `suites` need and this machine lacks: Debian packages only on CI, the
/// OpenClaw gateway wherever there is an npm.
///
/// # Errors
/// When an installation fails.
pub(crate) fn prepare(suites: &[Suite], log: &mut Log) -> Result<()> {
    // The suite `whole` needs the programs of both of its halves.
    let wanted = |suite| suites.contains(&suite);
    let browser = wanted(Suite::Browser) || wanted(Suite::Whole);
    let openclaw = wanted(Suite::Openclaw) || wanted(Suite::Whole);
    if on_ci() {
        let mut tools = Vec::new();
        if browser {
            tools.extend([Tool::Chromium, Tool::CjkFont, Tool::EmojiFont]);
        }
        if openclaw {
            tools.extend([Tool::Node, Tool::Npm, Tool::Python]);
        }
        if wanted(Suite::Examples) || wanted(Suite::Web) {
            tools.extend([Tool::Node, Tool::Python]);
        }
        apt(&tools, log)?;
    }
    if openclaw && missing(Suite::Openclaw).is_none() {
        let mut script = Command::new("bash");
        script.arg(gateway_script()).arg(openclaw_cache()).arg("--install-only");
        log.run(script, INSTALL).context("cannot install OpenClaw")?;
    }
    Ok(())
}

/// The path of the script that keeps an OpenClaw gateway in the foreground.
pub(crate) fn gateway_script() -> PathBuf {
    workspace().join("e2e/openclaw/openclaw-gateway.sh")
}

/// The directory in which the gateway is installed.
pub(crate) fn openclaw_cache() -> PathBuf {
    let named = std::env::var_os("OIS_OPENCLAW_CACHE").map(PathBuf::from);
    named.unwrap_or_else(|| workspace().join("target/openclaw"))
}

/// Whether there is a program of this name in `PATH`.
pub(crate) fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|place| place.join(name).is_file())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Chromium,
    CjkFont,
    EmojiFont,
    Node,
    Npm,
    Python,
}

impl Tool {
    fn is_there(self) -> bool {
        match self {
            Self::Chromium => {
                let names = ["chromium", "chromium-browser", "google-chrome"];
                std::env::var_os("OIS_CHROMIUM").is_some() || names.into_iter().any(has_program)
            }
            Self::CjkFont => {
                Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").exists()
            }
            Self::EmojiFont => {
                Path::new("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf").exists()
            }
            Self::Node => has_program("node"),
            Self::Npm => has_program("npm"),
            Self::Python => has_program("python3"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::CjkFont => "CJK font",
            Self::EmojiFont => "emoji font",
            Self::Node => "Node",
            Self::Npm => "npm",
            Self::Python => "Python 3",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::CjkFont => "fonts-noto-cjk",
            Self::EmojiFont => "fonts-noto-color-emoji",
            Self::Node => "nodejs",
            Self::Npm => "npm",
            Self::Python => "python3",
        }
    }
}

fn apt(tools: &[Tool], log: &mut Log) -> Result<()> {
    let mut packages: Vec<&str> =
        tools.iter().filter(|tool| !tool.is_there()).map(|tool| tool.package()).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    ensure!(has_program("apt-get"), "no apt-get to install {} with", packages.join(", "));
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        command
    };
    log.run(apt(&["update", "-q"]), INSTALL)?;
    let install = [&["install", "-qy", "--no-install-recommends"], packages.as_slice()].concat();
    log.run(apt(&install), INSTALL)
}

const INSTALL: Duration = Duration::from_secs(15 * 60);
