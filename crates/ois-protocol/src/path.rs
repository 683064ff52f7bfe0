//! Paths into the served tree and names of uploads: parsed once, safe ever after.

use std::{fmt, str::FromStr};

/// A place under the team's root: components without `.`, `..`, NUL or slashes, never above it.
///
/// One leading slash is ignored, as the original's page sends one; empty and `.` components are
/// skipped and `..` goes up as the original resolved it, but never above the root. What the file
/// system makes of it (links, devices) is the store's to check.
///
/// ```
/// use ois_protocol::StorePath;
/// let path: StorePath = "/notes/../docs//a b.txt".parse().unwrap();
/// assert_eq!(path.to_string(), "docs/a b.txt");
/// assert!("../etc/passwd".parse::<StorePath>().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePath {
    components: Vec<String>,
}

impl StorePath {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.components.is_empty()
    }

    /// The names on the way, from the root down.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// The last name; `None` for the root.
    pub fn file_name(&self) -> Option<&str> {
        self.components.last().map(String::as_str)
    }

    /// The folder it is in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, parents) = self.components.split_last()?;
        Some(Self { components: parents.to_vec() })
    }

    /// The place with this name in this folder.
    ///
    /// # Errors
    /// [`PathError`] if `name` is not one plain name.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        check(name)?;
        if name == "." || name == ".." || name.contains('/') {
            return Err(PathError::Character);
        }
        let mut components = self.components.clone();
        components.push(name.to_owned());
        Ok(Self { components })
    }
}

impl FromStr for StorePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > 4096 {
            return Err(PathError::TooLong);
        }
        let mut components: Vec<String> = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(components.pop().ok_or(PathError::Outside)?),
                name => {
                    check(name)?;
                    components.push(name.to_owned());
                }
            }
        }
        Ok(Self { components })
    }
}

impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.components.join("/"))
    }
}

/// The name of an upload: 32 hex digits and an optional extension. It is also the capability to
/// read it, so it is redacted in logs: `Debug` shows the first four digits only.
///
/// ```
/// use ois_protocol::UploadName;
/// let name = UploadName::new([0xab; 16], "holiday.PNG");
/// assert_eq!(name.as_str(), format!("{}.png", "ab".repeat(16)));
/// assert!("../../etc/passwd".parse::<UploadName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadName(String);

impl UploadName {
    /// A name from random bytes, with the lower-case extension of what the sender called the file
    /// if that is at the most 16 ASCII letters and digits.
    pub fn new(random: [u8; 16], original: &str) -> Self {
        use std::fmt::Write;
        let mut name = String::with_capacity(40);
        for byte in random {
            write!(name, "{byte:02x}").expect("a String takes all");
        }
        let extension = original.rsplit_once('.').map_or("", |(_, extension)| extension);
        if is_extension(extension) {
            name.push('.');
            name.push_str(&extension.to_ascii_lowercase());
        }
        Self(name)
    }

    /// The name as it stands in the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The extension without its dot, or nothing.
    pub fn extension(&self) -> &str {
        self.0.get(33..).unwrap_or_default()
    }
}

impl FromStr for UploadName {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let (digits, rest) = text.split_at_checked(32).ok_or(PathError::Character)?;
        let hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let extension = rest.is_empty() || rest.strip_prefix('.').is_some_and(is_extension);
        (hex && extension).then(|| Self(text.to_owned())).ok_or(PathError::Character)
    }
}

impl fmt::Debug for UploadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.0[..4])
    }
}

/// Why a text is no path into the tree.
///
/// ```
/// use ois_protocol::{PathError, StorePath};
/// assert_eq!("..".parse::<StorePath>(), Err(PathError::Outside));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It leads above the root.
    #[error("path leads outside")]
    Outside,
    /// A NUL, a control character or a backslash, or a name that is none.
    #[error("path holds a character that is not allowed")]
    Character,
    /// More than 4,096 bytes, or a name of more than 255.
    #[error("path is too long")]
    TooLong,
}

/// What no name may hold: controls, and the other system's separator, which would be one name on
/// the server and two on a client.
fn check(name: &str) -> Result<(), PathError> {
    if name.is_empty() || name.contains(|c: char| c.is_control() || c == '\\') {
        return Err(PathError::Character);
    }
    if name.len() > 255 {
        return Err(PathError::TooLong);
    }
    Ok(())
}

fn is_extension(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_above_the_root() {
        for text in ["..", "../", "/..", "a/../..", "a/b/../../../c", "./.."] {
            assert_eq!(text.parse::<StorePath>(), Err(PathError::Outside), "{text}");
        }
        for text in ["a\\..\\b", "a\0b", "a\nb", "\u{7f}"] {
            assert_eq!(text.parse::<StorePath>(), Err(PathError::Character), "{text:?}");
        }
        assert_eq!("x".repeat(256).parse::<StorePath>(), Err(PathError::TooLong));
    }

    #[test]
    fn the_ways_of_writing_the_root_are_the_root() {
        for text in ["", "/", ".", "./", "//", "a/.."] {
            assert!(text.parse::<StorePath>().unwrap().is_root(), "{text}");
        }
    }

    #[test]
    fn an_upload_name_is_hex_and_a_plain_extension() {
        let hex = "0123456789abcdef0123456789abcdef";
        for text in [hex.to_owned(), format!("{hex}.png")] {
            assert_eq!(text.parse::<UploadName>().unwrap().as_str(), text);
        }
        for text in [&hex[1..], &format!("{hex}."), &format!("{hex}.p/g"), &format!("{hex}x"), "é"]
        {
            assert!(text.parse::<UploadName>().is_err(), "{text}");
        }
        assert_eq!(UploadName::new([0; 16], "a.tar.gz; rm").extension(), "");
    }
}
