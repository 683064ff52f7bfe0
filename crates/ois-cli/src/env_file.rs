//! Settings from a file of `NAME=VALUE` lines, as the original server read its `.env`.
//!
//! The file's values become flags in front of those of the command line, which gives this order of
//! precedence: flags, the environment, the file, the defaults.

use std::{ffi::OsString, path::Path};

use anyhow::{Context, Result, bail};
use clap::Command;

/// Returns the command line with the settings of the file that `--env-file` or `OIS_ENV_FILE`
/// names.
///
/// # Errors
/// Fails if there is no such file, or if a line in it is not `NAME=VALUE`. The error names the line
/// by its number only, since it may hold a secret.
pub(crate) fn merge(
    command: &Command,
    args: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>> {
    let named = named_by(&args).or_else(|| environment("OIS_ENV_FILE"));
    let Some(path) = named else { return Ok(args) };
    let path = Path::new(&path);
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let values = parse(&text).with_context(|| format!("in {}", path.display()))?;
    let mut merged: Vec<OsString> = args.iter().take(1).cloned().collect();
    for (name, value) in values {
        if environment(&name).is_none() {
            merged.extend(flag(command, &name, &value));
        }
    }
    merged.extend(args.into_iter().skip(1));
    Ok(merged)
}

/// Returns the file that the command line names.
fn named_by(args: &[OsString]) -> Option<OsString> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--env-file") => return args.next().cloned(),
            Some(text) => {
                if let Some(path) = text.strip_prefix("--env-file=") {
                    return Some(path.into());
                }
            }
            None => {}
        }
    }
    None
}

/// Returns the flag that stands for an environment variable; `None` for variables of other
/// programs.
fn flag(command: &Command, name: &str, value: &str) -> Option<OsString> {
    let known = command.get_arguments().find(|arg| arg.get_env().is_some_and(|env| env == name))?;
    let long = known.get_long()?;
    if known.get_action().takes_values() {
        return Some(format!("--{long}={value}").into());
    }
    matches!(value, "1" | "true" | "yes" | "on").then(|| format!("--{long}").into())
}

/// Parses lines of the form `NAME=VALUE`, optionally after `export`, with the value optionally in
/// quotes; `#` begins a comment.
fn parse(text: &str) -> Result<Vec<(String, String)>> {
    let mut values = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself may be a secret, so the error names its number only.
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {} is not NAME=VALUE", index + 1)
        };
        values.push((name.trim().to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(values)
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value.split_once(" #").map_or(value, |(value, _)| value.trim_end())
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, ArgMatches};

    use super::*;

    fn program() -> Command {
        Command::new("ois")
            .args_override_self(true)
            .arg(Arg::new("port").long("port").env("OIS_TEST_PORT"))
            .arg(Arg::new("name").long("name").env("OIS_TEST_NAME"))
            .arg(Arg::new("demo").long("demo").env("OIS_TEST_DEMO").action(ArgAction::SetTrue))
            .arg(Arg::new("env-file").long("env-file"))
    }

    fn read(file: &str, args: &[&str], environment: &[&str]) -> ArgMatches {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, file).unwrap();
        let mut line: Vec<OsString> = vec!["ois".into(), "--env-file".into(), path.into()];
        line.extend(args.iter().map(OsString::from));
        let look = |name: &str| environment.contains(&name).then(|| OsString::from("set"));
        program().get_matches_from(merge(&program(), line, look).unwrap())
    }

    fn value(matches: &ArgMatches, name: &str) -> Option<String> {
        matches.get_one::<String>(name).cloned()
    }

    #[test]
    fn values_come_from_the_file_in_the_forms_people_write() {
        let file = "# OIS\r\nOIS_TEST_PORT=8801\r\nexport OIS_TEST_NAME=\"a b=c # d\"\nOIS_TEST_DEMO=true\nNODE_ENV=production\n";
        let matches = read(file, &[], &[]);
        assert_eq!(value(&matches, "port").as_deref(), Some("8801"));
        assert_eq!(value(&matches, "name").as_deref(), Some("a b=c # d"));
        assert!(matches.get_flag("demo"));
        assert_eq!(value(&read("OIS_TEST_NAME='x' \n", &[], &[]), "name").as_deref(), Some("x"));
        assert_eq!(value(&read("OIS_TEST_NAME=x # y\n", &[], &[]), "name").as_deref(), Some("x"));
    }

    #[test]
    fn flags_go_before_the_environment_and_that_before_the_file() {
        let file = "OIS_TEST_PORT=1\n";
        assert_eq!(value(&read(file, &["--port", "2"], &[]), "port").as_deref(), Some("2"));
        assert_eq!(
            value(&read(file, &[], &["OIS_TEST_PORT"]), "port"),
            None,
            "left to the environment"
        );
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number_only() {
        let error = parse("PORT=1\ns3cret\n").unwrap_err().to_string();
        assert_eq!(error, "line 2 is not NAME=VALUE");
    }
}
