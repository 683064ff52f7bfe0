//! Which places in the tree are the server's own.

use ois_protocol::StorePath;

use crate::FileError;

/// The server's own directory, neither shown nor touched.
pub(crate) const OWN: &str = ".ois";

/// Refuses what may not be read.
pub(crate) fn readable(path: &StorePath) -> Result<(), FileError> {
    match path.components().first() {
        Some(first) if first.eq_ignore_ascii_case(OWN) => Err(FileError::Denied),
        _ => Ok(()),
    }
}

/// Whether a file system may take where this begins for [`OWN`]: one that folds names leaves ASCII
/// what it is up to case, and the short names that some give have a `~`. For all other names, which
/// is nearly all there are, nobody has to look.
pub(crate) fn may_be_own(path: &StorePath) -> bool {
    let plain = |name: &String| name.is_ascii() && !name.starts_with('.') && !name.contains('~');
    !path.components().first().is_some_and(plain)
}

/// Refuses what may not be written, removed or renamed: the root, `.ois`, and in `chat` the names of
/// the files that the archive writes, also before they are there, and all below them.
pub(crate) fn writable(path: &StorePath) -> Result<(), FileError> {
    readable(path)?;
    match path.components() {
        [] => Err(FileError::Denied),
        [chat, name, ..] if is_chat(chat) && is_archive(name) => Err(FileError::Denied),
        _ => Ok(()),
    }
}

/// Refuses what may not be given another name, get one, be removed or become a file: in addition to
/// [`writable`], the folder `chat` itself, with all that is in it.
pub(crate) fn movable(path: &StorePath) -> Result<(), FileError> {
    writable(path)?;
    match path.components() {
        [chat] if is_chat(chat) => Err(FileError::Denied),
        _ => Ok(()),
    }
}

/// Whether a name is shown in lists.
pub(crate) fn is_shown(name: &str) -> bool {
    !name.starts_with('.') && name != "ois-web" && StorePath::root().join(name).is_ok()
}

fn is_chat(name: &str) -> bool {
    name.eq_ignore_ascii_case("chat")
}

/// `history.json`, the name under which it is written, and `YYYY-MM-DD.md`.
fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["history.json", ".history.json.new"].contains(&&*name)
        || name.strip_suffix(".md").is_some_and(is_date)
}

/// Whether it has the form of a date.
pub(crate) fn is_date(text: &str) -> bool {
    let form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> StorePath {
        text.parse().unwrap()
    }

    #[test]
    fn the_servers_own_directory_is_out_of_reach() {
        for own in [".ois", ".ois/key", ".OIS/key", "a/../.ois/log", "//.ois"] {
            assert!(matches!(readable(&path(own)), Err(FileError::Denied)), "{own}");
        }
        assert!(readable(&path(".oisx")).is_ok());
        assert!(readable(&path("a/.ois")).is_ok());
    }

    #[test]
    fn names_that_a_file_system_may_take_for_the_servers_own_are_looked_at() {
        for alias in [".OIS", ".ois\u{200d}", ".x/y", "OIS~1/key", "．ois", "ｏis", ""] {
            assert!(may_be_own(&path(alias)), "{alias}");
        }
        for plain in ["a/.ois", "ois", "notes/ａ", "README.md"] {
            assert!(!may_be_own(&path(plain)), "{plain}");
        }
    }

    #[test]
    fn what_the_archive_writes_is_read_by_all_and_written_by_none_else() {
        let own = [
            "chat/history.json",
            "chat/.history.json.new",
            "chat/2026-02-06.md",
            "Chat/History.json",
            "chat/2026-02-06.md/below",
            "chat/.history.json.new/below",
            "",
        ];
        for own in own {
            assert!(readable(&path(own)).is_ok());
            assert!(writable(&path(own)).is_err(), "{own}");
        }
        for free in ["chat/notes.md", "chat/2026-02-06.txt", "history.json", "a/chat/history.json"]
        {
            assert!(movable(&path(free)).is_ok(), "{free}");
        }
        assert!(movable(&path("chat")).is_err());
        assert!(writable(&path("chat")).is_ok());
    }

    #[test]
    fn hidden_names_are_not_shown() {
        for (name, shown) in [("a", true), (".a", false), ("ois-web", false), ("a\\b", false)] {
            assert_eq!(is_shown(name), shown, "{name}");
        }
    }
}
