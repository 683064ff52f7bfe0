//! Settings from a file of `NAME=VALUE` lines.
//!
//! Its values become flags in front of the command line's own, so that the order is: flags, then the
//! environment, then the file, then the defaults.

use std::{ffi::OsString, fs, path::Path};

use anyhow::{Context, Result, bail};
use clap::Command;

/// The command line with the file's settings in it, if it or the environment names a file.
pub(crate) fn merge(
    command: &Command,
    args: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>> {
    let Some(path) = named(&args).or_else(|| environment("OIS_ENV_FILE")) else { return Ok(args) };
    let path = Path::new(&path);
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let values = parse(&text).with_context(|| format!("in {}", path.display()))?;
    let unset = values.into_iter().filter(|(name, _)| environment(name).is_none());
    let flags = unset.filter_map(|(name, value)| {
        let arg =
            command.get_arguments().find(|arg| arg.get_env().is_some_and(|it| *it == *name))?;
        Some(format!("--{}={value}", arg.get_long()?).into())
    });
    let mut merged = args;
    let own = merged.split_off(merged.len().min(1));
    merged.extend(flags);
    merged.extend(own);
    Ok(merged)
}

fn named(args: &[OsString]) -> Option<OsString> {
    let at = args.iter().position(|arg| arg == "--env-file");
    let joined = |arg: &OsString| arg.to_str()?.strip_prefix("--env-file=").map(OsString::from);
    at.and_then(|at| args.get(at + 1).cloned()).or_else(|| args.iter().find_map(joined))
}

/// Lines `NAME=VALUE`, also after `export`, the value also in quotes; `#` begins a comment.
fn parse(text: &str) -> Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        // The line may be a secret, so it is named by its number.
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {} is not NAME=VALUE", at + 1)
        };
        values.push((name.trim().to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(values)
}

fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    let bare = || value.split_once(" #").map_or(value, |(value, _)| value.trim_end());
    within('"').or_else(|| within('\'')).unwrap_or_else(bare)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::settings::Settings;

    fn settings(file: &str, args: &[&str], environment: &[&str]) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        fs::write(&path, file).unwrap();
        let mut line: Vec<OsString> = vec!["ois-monitor".into(), "--env-file".into(), path.into()];
        line.extend(args.iter().map(OsString::from));
        let look = |name: &str| environment.contains(&name).then(|| "7".into());
        let merged = merge(&Settings::command(), line, look).unwrap();
        let matches = Settings::command().try_get_matches_from(merged).unwrap();
        Settings::from_arg_matches(&matches).unwrap()
    }

    const ORIGINAL: &str = "# monitor\nexport OIS_URL=ws://ois.lan:8800\nOIS_AGENT_TOKEN='t 1'\nOIS_CONTEXT_COUNT=20 # more\nGATEWAY_TOKEN=\"a=b\"\nNODE_ENV=production\n";

    #[test]
    fn the_originals_file_is_understood() {
        let settings = settings(ORIGINAL, &[], &[]);
        assert_eq!(settings.room.url, "ws://ois.lan:8800");
        assert_eq!(settings.room.token.as_deref(), Some("t 1"));
        assert_eq!(settings.handling.context_count, 20);
        assert_eq!(settings.gateway.gateway_token.as_deref(), Some("a=b"));
    }

    #[test]
    fn flags_and_the_environment_go_before_the_file() {
        assert_eq!(settings(ORIGINAL, &["--context-count", "3"], &[]).handling.context_count, 3);
        let left = settings(ORIGINAL, &[], &["OIS_CONTEXT_COUNT"]);
        assert_eq!(left.handling.context_count, 10, "left to the environment");
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number_only() {
        let error = parse("A=1\ns3cret\n").unwrap_err().to_string();
        assert_eq!(error, "line 2 is not NAME=VALUE");
    }
}
