//! Paths into the served tree and names of uploads. They are parsed once and safe from then on.

use std::{fmt, str::FromStr};

/// A path under the team's root, made of components without `.`, `..`, NUL or slashes; it never
/// leads above the root.
///
/// One leading slash is ignored, because the original's page sends one. Empty and `.` components
/// are skipped. `..` goes up as the original resolved it, but never above the root. The store
/// checks what the file system makes of the path (links, devices).
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
    /// Returns the path of the root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.components.is_empty()
    }

    /// Returns the names of the path, from the root down.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Returns the last name; `None` for the root.
    pub fn file_name(&self) -> Option<&str> {
        self.components.last().map(String::as_str)
    }

    /// Returns the folder that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, parents) = self.components.split_last()?;
        Some(Self { components: parents.to_vec() })
    }

    /// Returns the path of the entry with this name in this folder.
    ///
    /// # Errors
    /// Fails with a [`PathError`] if `name` is not one plain name.
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

/// The name of an upload: 32 hex digits and an optional extension. The name is also the capability
/// to read the file, so logs redact it: `Debug` shows the first four digits only.
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
    /// Creates a name from random bytes, with the lower-case extension of the sender's file name if
    /// that is at most 16 ASCII letters and digits.
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

    /// Returns the name as it stands in the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the extension without its dot, or an empty text.
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

/// Why a text is not a path into the tree.
///
/// ```
/// use ois_protocol::{PathError, StorePath};
/// assert_eq!("..".parse::<StorePath>(), Err(PathError::Outside));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path leads above the root.
    #[error("path leads outside")]
    Outside,
    /// The path has a NUL, a control character or a backslash, or a name that is not allowed.
    #[error("path holds a character that is not allowed")]
    Character,
    /// The path is longer than 4,096 bytes, or one of its names is longer than 255.
    #[error("path is too long")]
    TooLong,
}

/// Refuses what no name may hold: control characters, and the backslash, which other systems use as
/// a separator, so that one name on the server would be two on a client.
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
