//! Paths and names of uploads: an accepted one stays within the root and reads back.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use ois_protocol::{StorePath, UploadName};

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<StorePath>() {
        let shown = path.to_string();
        assert_eq!(shown.parse::<StorePath>().unwrap(), path);
        assert!(Path::new(&shown).components().all(|one| matches!(one, Component::Normal(_))));
        assert!(path.components().iter().all(|name| name.len() <= 255));
    }
    if let Ok(name) = text.parse::<UploadName>() {
        assert_eq!(name.as_str(), text);
        assert_eq!(Path::new(text).components().count(), 1);
    }
});
