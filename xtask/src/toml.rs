//! As much TOML as `deny.toml` needs: tables, strings, booleans, and lists of strings or of inline tables.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// A file as `section.key` → value; an inline table in a list is known by its first string,
/// its lists as `section.key.FIRST.key`.
pub(crate) type Settings = BTreeMap<String, Vec<String>>;

/// Reads `text`.
///
/// # Errors
/// When a line is neither a table's head, nor a key with a value, nor part of a list.
pub(crate) fn parse(text: &str) -> Result<Settings> {
    let mut settings = Settings::new();
    let mut section = String::new();
    let mut lines = text.lines().map(without_comment).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
            continue;
        }
        let (key, value) =
            line.split_once('=').with_context(|| format!("not understood: {line}"))?;
        let mut value = value.trim().to_owned();
        if value.starts_with('[') {
            while !value.ends_with(']') {
                let more = lines.next().with_context(|| format!("{} does not end", key.trim()))?;
                value.push('\n');
                value.push_str(&more);
            }
        }
        let key = format!("{section}.{}", key.trim());
        for (name, list) in lists_in_tables(&value) {
            settings.insert(format!("{key}.{name}"), list);
        }
        settings.insert(key, values(&value)?);
    }
    Ok(settings)
}

fn values(value: &str) -> Result<Vec<String>> {
    let Some(list) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        let plain = matches!(value, "true" | "false").then(|| value.to_owned());
        let text = plain.or_else(|| strings(value).into_iter().next());
        return Ok(vec![text.with_context(|| format!("neither text nor truth: {value}"))?]);
    };
    if !list.contains('{') {
        return Ok(strings(list));
    }
    let tables = list.split('{').skip(1);
    tables
        .map(|table| match strings(table).into_iter().next() {
            Some(first) => Ok(first),
            None => bail!("a table without text: {table}"),
        })
        .collect()
}

/// The lists in the inline tables of a list, as `FIRST.key`: FIRST is the table's first string.
fn lists_in_tables(value: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for table in value.split('{').skip(1) {
        let Some(first) = strings(table).into_iter().next() else { continue };
        for (before, list) in table.split('[').zip(table.split('[').skip(1)) {
            let key = before
                .trim_end()
                .trim_end_matches('=')
                .split([',', ' '])
                .rfind(|word| !word.is_empty());
            let list = list.split(']').next().unwrap_or_default();
            found.extend(key.map(|key| (format!("{first}.{key}"), strings(list))));
        }
    }
    found
}

/// What stands between pairs of quotation marks; none of ours is escaped.
fn strings(text: &str) -> Vec<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn without_comment(line: &str) -> String {
    let mut quoted = false;
    let comment = line.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == '#' && !quoted
    });
    line[..comment.map_or(line.len(), |(at, _)| at)].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn tables_texts_truths_and_lists_are_read() {
        let text = "# top\n[licenses]\nallow = [\"MIT\", # why\n  \"Zlib\",\n]\n[bans]\nwildcards = \"deny\" # so\n\
                    all = true\ndeny = [\n  { crate = \"openssl\", reason = \"one # of two\" },\n  { crate = \"chrono\", wrappers = [\"old\"] },\n]\n";
        let settings = parse(text).expect("readable");
        assert_eq!(settings["licenses.allow"], ["MIT", "Zlib"]);
        assert_eq!(settings["bans.wildcards"], ["deny"]);
        assert_eq!(settings["bans.all"], ["true"]);
        assert_eq!(settings["bans.deny"], ["openssl", "chrono"]);
        assert_eq!(settings["bans.deny.chrono.wrappers"], ["old"]);
        assert!(!settings.contains_key("bans.deny.openssl.wrappers"));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(parse("[a]\nword").is_err());
        assert!(parse("[a]\nlist = [\"x\",").is_err());
        assert!(parse("[a]\nnumber = {").is_err());
    }
}
