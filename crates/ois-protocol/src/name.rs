//! The names of members, rooms, duties and drafts.

use std::{borrow::Cow, cmp::Ordering, fmt, hash, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

use self::characters::{check_seen, is_unseen, trailing_symbols};
use crate::text::parsed;

mod characters;

/// Words that stand for something else in an address, or for the server itself, and therefore
/// cannot be a short name.
pub const RESERVED: [&str; 5] = ["all", "所有人", "one", "fyi", "ois"];

/// The prefix of a duty of which the first holder that claims is woken.
const ONE_OF: &str = "one:";

/// Brings a text into the form in which names are compared, as people read them: NFKC, then lower
/// case.
pub fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// Returns a [folded](fold) text without the characters that nobody sees, such as joiners, fillers and
/// variation selectors, so that two names that look the same are the same.
///
/// ```
/// assert_eq!(ois_protocol::name::seen("o\u{200d}is"), "ois");
/// ```
pub fn seen(folded: &str) -> Cow<'_, str> {
    if folded.contains(is_unseen) { folded.replace(is_unseen, "").into() } else { folded.into() }
}

/// Returns what is [seen] of a folded name without the emoji and other symbols at its end, which need
/// not be typed to address somebody. A name that has nothing else is returned with them.
///
/// ```
/// assert_eq!(ois_protocol::name::bare("阿梅🌸"), "阿梅");
/// assert_eq!(ois_protocol::name::bare("🐱"), "🐱");
/// ```
pub fn bare(folded: &str) -> Cow<'_, str> {
    let seen = seen(folded);
    match seen.len() - trailing_symbols(&seen) {
        0 => seen,
        end if end == seen.len() => seen,
        end => seen[..end].to_owned().into(),
    }
}

/// The full name under which a member writes, for example `HKH 🐱`.
///
/// It has 1 to 64 characters, no control or bidirectional characters, and no white space at either
/// end.
///
/// ```
/// use ois_protocol::DisplayName;
/// let name: DisplayName = "HKH 🐱".parse().unwrap();
/// assert_eq!(name.short().as_str(), "HKH");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DisplayName(Arc<str>);

impl DisplayName {
    /// The most characters that a name may have.
    pub const MAX_CHARS: usize = 64;

    /// Returns the name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name that people mention: the name up to its first white space.
    pub fn short(&self) -> ShortName {
        let text = self.0.split(char::is_whitespace).next().unwrap_or_default();
        ShortName::trusted(text)
    }

    /// Checks the name as one of a new member: every character of it can be seen, and its short name
    /// holds a letter or a digit and is not [reserved](ShortName::is_reserved). The register may hold
    /// older names that would not pass.
    ///
    /// # Errors
    /// Fails with [`NameError::Reserved`], [`NameError::Character`] or [`NameError::NoLetter`].
    pub fn check_new(&self) -> Result<(), NameError> {
        let short = self.short();
        if short.is_reserved() {
            return Err(NameError::Reserved);
        }
        check_seen(&self.0)?;
        if !short.as_str().chars().any(char::is_alphanumeric) {
            return Err(NameError::NoLetter);
        }
        Ok(())
    }
}

impl FromStr for DisplayName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        check_characters(text, Self::MAX_CHARS)?;
        Ok(Self(text.into()))
    }
}

/// The part of a name by which a member is addressed, for example `HKH`.
///
/// Two short names are the same if they [`fold`] to the same text: `ARIA`, `aria` and `ＡＲＩＡ`. Every
/// message carries copies of some short names, so a copy shares the text.
///
/// ```
/// let aria: ois_protocol::ShortName = "ARIA".parse().unwrap();
/// assert_eq!(aria, "aria".parse().unwrap());
/// ```
#[derive(Clone)]
pub struct ShortName {
    text: Arc<str>,
    folded: Arc<str>,
}

impl ShortName {
    /// Returns the name as its bearer writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name in the form in which it is compared.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether the name stands for something else in an address, or for the server itself: it is
    /// one of [`RESERVED`], or it begins with `one:`.
    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.folded()) || self.folded.starts_with(ONE_OF)
    }

    /// Checks the name as a new one, of a member or a duty: it is not
    /// [reserved](ShortName::is_reserved), and every character of it can be seen. Joiners and variation
    /// selectors may stand within an emoji.
    ///
    /// # Errors
    /// Fails with [`NameError::Reserved`] or [`NameError::Character`].
    pub fn check_new(&self) -> Result<(), NameError> {
        if self.is_reserved() { Err(NameError::Reserved) } else { check_seen(&self.text) }
    }

    fn trusted(text: &str) -> Self {
        let (text, folded) = (Arc::from(text), fold(text));
        let folded = if *folded == *text { Arc::clone(&text) } else { folded.into() };
        Self { text, folded }
    }
}

impl FromStr for ShortName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_characters(text, DisplayName::MAX_CHARS)?;
        if text.contains(char::is_whitespace) {
            return Err(NameError::WhiteSpace);
        }
        Ok(Self::trusted(text))
    }
}

impl PartialEq for ShortName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for ShortName {}

impl PartialOrd for ShortName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ShortName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl hash::Hash for ShortName {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl fmt::Debug for ShortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// The name of a room: 1 to 64 characters without white space, compared as written.
///
/// ```
/// assert!(ois_protocol::RoomName::main().is_main());
/// assert!("two words".parse::<ois_protocol::RoomName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoomName(Cow<'static, str>);

impl RoomName {
    /// The room that every team has, and the only one that old clients know.
    pub const MAIN: &'static str = "main";

    /// Returns the name of the room `main`.
    pub const fn main() -> Self {
        Self(Cow::Borrowed(Self::MAIN))
    }

    /// Returns the name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the room that old clients know.
    pub fn is_main(&self) -> bool {
        self.0 == Self::MAIN
    }
}

impl FromStr for RoomName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_characters(text, DisplayName::MAX_CHARS)?;
        if text.contains(char::is_whitespace) {
            return Err(NameError::WhiteSpace);
        }
        Ok(if text == Self::MAIN { Self::main() } else { Self(Cow::Owned(text.to_owned())) })
    }
}

/// A sender's own name for a draft, with which sending it twice yields one message.
///
/// It has 1 to 128 printable ASCII characters without spaces and is unique per member for seven
/// days.
///
/// ```
/// let nonce: ois_protocol::Nonce = "01HZX-7f".parse().unwrap();
/// assert_eq!(nonce.as_str(), "01HZX-7f");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// Returns the nonce as the sender wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Nonce {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.len() {
            0 => Err(NameError::Empty),
            1..=128 if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(Self(text.to_owned())),
            1..=128 => Err(NameError::Character),
            _ => Err(NameError::TooLong(128)),
        }
    }
}

/// Why a text is not a valid name.
///
/// ```
/// use ois_protocol::{DisplayName, NameError};
/// assert_eq!("".parse::<DisplayName>(), Err(NameError::Empty));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text has nothing but white space.
    #[error("name is empty")]
    Empty,
    /// The text has more than this many characters.
    #[error("name is longer than {0} characters")]
    TooLong(usize),
    /// The text has a control, bidirectional or otherwise invisible character.
    #[error("name holds a character that cannot be shown")]
    Character,
    /// The text has white space where none is allowed.
    #[error("name holds white space")]
    WhiteSpace,
    /// The text has only symbols, so that nobody could type it.
    #[error("name needs a letter or a digit before its first space")]
    NoLetter,
    /// The text is taken for another name by people who read it.
    #[error("name looks like one that is registered, reserved or signed in already")]
    Confusable,
    /// The text is a word that addresses something else.
    #[error("name is reserved: all, 所有人, one, one:…, fyi and OIS mean something else")]
    Reserved,
}

impl Serialize for DisplayName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

impl Serialize for ShortName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_str().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DisplayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for ShortName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ShortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_characters(text: &str, most: usize) -> Result<(), NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.chars().count() > most {
        return Err(NameError::TooLong(most));
    }
    if text.chars().any(is_hidden) {
        return Err(NameError::Character);
    }
    Ok(())
}

/// Whether a character changes how the text around it is read without being seen: controls, the
/// bidirectional marks of UAX #9, zero-width spaces, line separators and the byte order mark. The
/// joiner U+200D and the variation selectors are allowed, because emoji are made of them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_the_same_in_any_case_and_width() {
        let aria: ShortName = "ARIA".parse().unwrap();
        assert_eq!(aria, "aria".parse().unwrap());
        assert_eq!(aria, "ＡＲＩＡ".parse().unwrap());
        assert_ne!(aria, "ARIAx".parse().unwrap());
    }

    #[test]
    fn a_name_that_cannot_be_seen_or_typed_is_refused() {
        assert_eq!("".parse::<DisplayName>(), Err(NameError::Empty));
        assert_eq!(" \t".parse::<DisplayName>(), Err(NameError::Empty));
        assert_eq!("a\u{202e}b".parse::<DisplayName>(), Err(NameError::Character));
        assert_eq!("a\nb".parse::<DisplayName>(), Err(NameError::Character));
        assert_eq!("x".repeat(65).parse::<DisplayName>(), Err(NameError::TooLong(64)));
        assert_eq!("🐱".parse::<DisplayName>().unwrap().check_new(), Err(NameError::NoLetter));
        assert_eq!(
            "ALL of us".parse::<DisplayName>().unwrap().check_new(),
            Err(NameError::Reserved)
        );
        for reserved in ["所有人", "OIS", "ＯＩＳ 🐱", "one:reviewer", "One：x"] {
            let name: DisplayName = reserved.parse().unwrap();
            assert_eq!(name.check_new(), Err(NameError::Reserved), "{reserved}");
        }
        for unseen in
            ["O\u{200d}IS", "admin\u{3164}", "a\u{115f}", "a\u{2800}", "HKH\u{fe0f}", "小\u{ad}明"]
        {
            let name: DisplayName = unseen.parse().unwrap();
            assert_eq!(name.check_new(), Err(NameError::Character), "{unseen:?}");
            assert_eq!(name.short().check_new(), Err(NameError::Character), "{unseen:?}");
        }
        for emoji in ["HKH⚔️", "小明 👨\u{200d}💻", "Zoë ❤️\u{200d}🔥", "7️⃣of9", "Ann 🏴\u{200d}☠️"]
        {
            assert_eq!(emoji.parse::<DisplayName>().unwrap().check_new(), Ok(()), "{emoji}");
        }
        assert_eq!("Oiska".parse::<DisplayName>().unwrap().check_new(), Ok(()));
        assert_eq!("小明 👨‍💻".parse::<DisplayName>().unwrap().check_new(), Ok(()));
    }

    #[test]
    fn what_is_not_seen_and_the_symbols_at_the_end_can_be_left_out() {
        for (name, expected) in [
            ("阿梅🌸", "阿梅"),
            ("HKH⚔\u{fe0f}", "hkh"),
            ("a\u{200d}b→c★🏴\u{200d}☠\u{fe0f}", "ab→c"),
            ("🐱", "🐱"),
            ("⠓⠅", "⠓⠅"),
        ] {
            assert_eq!(bare(&fold(name)), expected);
        }
    }

    #[test]
    fn a_nonce_is_short_and_printable() {
        assert!("01HZX-7f".parse::<Nonce>().is_ok());
        for wrong in ["", "a b", "é", &"n".repeat(129)] {
            assert!(wrong.parse::<Nonce>().is_err(), "{wrong}");
        }
    }
}
