//! Paths and names of uploads: an accepted one stays within the root and is the same when read
//! again.

use std::path::{Component, Path};

use ois_protocol::{PathError, StorePath, UploadName};
use proptest::{collection::vec, prelude::*, sample::select};

/// Pieces of which attacks are made.
const PIECES: [&str; 22] = [
    "/",
    "//",
    ".",
    "..",
    "...",
    "../",
    "./",
    "\\",
    "..\\",
    "\0",
    "\n",
    "\u{7f}",
    "\u{85}",
    "%2e",
    "%2f",
    "~",
    "C:",
    "a",
    "b c",
    "写真",
    ".ois",
    "\u{2024}\u{2024}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(select(PIECES.to_vec()), 0..12).prop_map(|pieces| pieces.concat()),
        "(?s).{0,40}",
    ]
}

/// Whether the file system takes the text as one plain name.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let first = components.next();
    matches!(first, Some(Component::Normal(plain)) if plain == name) && components.next().is_none()
}

/// Resolves a path as the original server did; `None` if it leads outside.
fn resolved(text: &str) -> Option<Vec<&str>> {
    let mut places = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(places.pop()?),
            name => places.push(name),
        }
    }
    Some(places)
}

proptest! {
    #[test]
    fn a_path_that_is_taken_stays_within_and_reads_back(text in text()) {
        let Ok(path) = text.parse::<StorePath>() else { return Ok(()) };
        prop_assert_eq!(Some(path.components().iter().map(String::as_str).collect()), resolved(&text));
        for name in path.components() {
            prop_assert!(is_plain(name) && name.len() <= 255);
            prop_assert!(!name.contains(|c: char| c.is_control() || c == '\\'));
        }
        let shown = path.to_string();
        prop_assert_eq!(&shown.parse::<StorePath>().unwrap(), &path);
        prop_assert!(Path::new("/root").join(&shown).starts_with("/root"));
        prop_assert_eq!(path.is_root(), path.parent().is_none());
    }

    #[test]
    fn a_path_that_is_refused_leads_outside_or_holds_what_no_name_may(text in text()) {
        let Err(error) = text.parse::<StorePath>() else { return Ok(()) };
        match error {
            PathError::Outside => prop_assert_eq!(resolved(&text), None),
            PathError::TooLong => prop_assert!(text.len() > 255),
            _ => prop_assert!(text.contains(|c: char| c.is_control() || c == '\\')),
        }
    }

    #[test]
    fn a_name_that_is_joined_is_one_name_in_that_folder(folder in text(), name in text()) {
        let Ok(folder) = folder.parse::<StorePath>() else { return Ok(()) };
        let Ok(path) = folder.join(&name) else {
            prop_assert!(!is_plain(&name) || name.contains(|c: char| c.is_control() || c == '\\'));
            return Ok(());
        };
        prop_assert!(is_plain(&name));
        prop_assert_eq!(path.file_name(), Some(&*name));
        prop_assert_eq!(path.parent(), Some(folder));
    }

    #[test]
    fn the_name_of_an_upload_is_one_plain_name(text in prop_oneof![
        text(),
        "[0-9a-fA-F]{30,34}(\\.[a-zA-Z0-9./]{0,18})?",
    ]) {
        let Ok(name) = text.parse::<UploadName>() else { return Ok(()) };
        prop_assert_eq!(name.as_str(), &text);
        prop_assert!(is_plain(&text) && text.len() <= 49 && text.is_ascii());
        let debug = format!("{name:?}");
        prop_assert!(!debug.contains(&text[..5]), "its digits are a secret: {}", debug);
    }

    #[test]
    fn an_upload_is_named_so_that_it_is_found_again(random: [u8; 16], original in text()) {
        let name = UploadName::new(random, &original);
        prop_assert_eq!(&name.as_str().parse::<UploadName>().unwrap(), &name);
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert!(name.as_str().starts_with(&digits));
    }
}
