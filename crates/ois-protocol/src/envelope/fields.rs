//! Reading and writing lines of the form `Key: value`.

/// A field that its kind does not know.
///
/// ```
/// use ois_protocol::envelope::Field;
/// let field = Field::new("Team", "blue").unwrap();
/// assert_eq!((field.key(), field.value()), ("Team", "blue"));
/// assert!(Field::new("two words", "").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    key: String,
    value: String,
}

impl Field {
    /// Creates a field with this key, which must be one capitalised word of at most 32 ASCII
    /// letters, digits, `-` and `_`, because no other key would be read back. Returns `None` for
    /// any other key.
    pub fn new(key: &str, value: &str) -> Option<Self> {
        is_word(key).then(|| Self { key: key.to_owned(), value: kept(value) })
    }

    /// Returns the key, which stands before the colon, as written.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value, which stands behind the colon.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// The fields of a text that have not been taken yet.
pub(super) struct Fields(Vec<Field>);

impl Fields {
    /// Takes the first field that has one of these keys and a value that is not empty.
    pub(super) fn take(&mut self, keys: &[&str]) -> Option<String> {
        let fits = |field: &Field| is_one_of(&field.key, keys) && !field.value.is_empty();
        let at = self.0.iter().position(fits)?;
        Some(self.0.remove(at).value)
    }

    /// Whether there is a field with one of these keys.
    pub(super) fn has_one_of(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|field| is_one_of(&field.key, keys))
    }

    /// Returns the fields that were not taken, in order.
    pub(super) fn rest(self) -> Vec<Field> {
        self.0
    }
}

/// Splits a text without carriage returns into the text before the first field and the fields.
/// `keys` are the keys that begin a field although they need not look like one.
pub(super) fn split(text: &str, keys: &[&str]) -> (String, Fields) {
    let (mut intro, mut fields) = (String::new(), Vec::<Field>::new());
    for line in text.split('\n') {
        if let Some((key, value)) = field(line, keys) {
            fields.push(Field { key: key.to_owned(), value: value.trim().to_owned() });
        } else {
            let value = fields.last_mut().map_or(&mut intro, |field| &mut field.value);
            value.push('\n');
            value.push_str(unescaped(line, keys));
        }
    }
    for field in &mut fields {
        field.value = kept(&field.value);
    }
    (kept(&intro), Fields(fields))
}

/// Returns a value as it comes back: without carriage returns, blank lines around it and white
/// space at its end. A value of a single line also loses white space before it.
pub(super) fn kept(value: &str) -> String {
    let value = value.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = value.split('\n').collect();
    let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(lines.len());
    let value = lines[first..].join("\n");
    let value = value.trim_end();
    if value.contains('\n') { value.to_owned() } else { value.trim_start().to_owned() }
}

/// Builds the text of an envelope.
pub(super) struct Writer {
    keys: &'static [&'static str],
    /// The text that has been written so far.
    pub(super) text: String,
}

impl Writer {
    /// Starts a text with the kind's first line.
    pub(super) fn new(title: &str, keys: &'static [&'static str]) -> Self {
        Self { keys, text: format!("{title}\n\n") }
    }

    /// Writes the text that comes before the fields.
    pub(super) fn intro(&mut self, intro: &str) {
        let intro = kept(intro);
        if !intro.is_empty() {
            self.lines(&intro);
            self.text.push('\n');
        }
    }

    /// Writes a field, unless its value is absent or empty.
    pub(super) fn field(&mut self, key: &str, value: Option<&str>) {
        let value = kept(value.unwrap_or_default());
        if !value.is_empty() {
            self.pair(key, &value);
        }
    }

    /// Writes the fields that the kind does not know.
    pub(super) fn others(&mut self, others: &[Field]) {
        for field in others {
            self.pair(&field.key, &field.value);
        }
    }

    /// Writes a key and its value. A value of several lines begins on a line of its own, so that
    /// its first line may be indented.
    fn pair(&mut self, key: &str, value: &str) {
        self.text.push_str(key);
        self.text.push(':');
        if value.contains('\n') {
            self.text.push('\n');
            self.lines(value);
        } else {
            self.text.push_str(if value.is_empty() { "" } else { " " });
            self.text.push_str(value);
            self.text.push('\n');
        }
    }

    fn lines(&mut self, value: &str) {
        for line in value.split('\n') {
            if field(line.trim_start_matches('\\'), self.keys).is_some() {
                self.text.push('\\');
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}

fn unescaped<'a>(line: &'a str, keys: &[&str]) -> &'a str {
    match line.strip_prefix('\\') {
        Some(rest) if field(rest.trim_start_matches('\\'), keys).is_some() => rest,
        _ => line,
    }
}

/// Returns the key and the value of a line that begins a field.
fn field<'a>(line: &'a str, keys: &[&str]) -> Option<(&'a str, &'a str)> {
    let (key, value) = line.split_once([':', '：'])?;
    let apart = value.is_empty() || value.starts_with(char::is_whitespace);
    (is_one_of(key, keys) || apart && is_word(key)).then_some((key, value))
}

fn is_one_of(key: &str, keys: &[&str]) -> bool {
    let letters = |text: &str| text.replace(' ', "").to_ascii_lowercase();
    !key.starts_with(' ') && keys.iter().any(|known| letters(known) == letters(key))
}

fn is_word(key: &str) -> bool {
    key.len() <= 32
        && key.starts_with(|c: char| c.is_ascii_uppercase())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_a_field_if_it_names_a_key_or_looks_like_one() {
        let keys = &["Partial output"];
        for line in ["partial OUTPUT:x", "PartialOutput：x", "Note: x", "Note:"] {
            assert!(field(line, keys).is_some(), "{line}");
        }
        for line in
            [" Partial output: x", "Note:x", "note: x", "Two words: x", "Https://x", "Über: x"]
        {
            assert!(field(line, keys).is_none(), "{line}");
        }
    }

    #[test]
    fn a_line_that_looks_like_a_field_is_escaped_inside_a_value() {
        let mut writer = Writer::new("T:", &["Type"]);
        writer.field("Type", Some("a\ntype: b\n\\Note: c\n\\d"));
        assert_eq!(writer.text, "T:\n\nType:\na\n\\type: b\n\\\\Note: c\n\\d\n");
    }
}
