//! The page's files: they are in the binary, and each is compressed when it is first requested.

use std::{collections::BTreeMap, io::Write, sync::OnceLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::header::HeaderValue;

use super::files::FILES;
use crate::content::mime;

/// The page's files by their paths. Compressed and plain together they would take 0.4 MiB, so a
/// server whose page nobody opens does not touch them.
pub(crate) struct Assets {
    files: BTreeMap<String, Entry>,
}

/// One file as it lies in the binary, and its form for sending once it has been requested.
struct Entry {
    name: &'static str,
    bytes: &'static [u8],
    ready: OnceLock<Asset>,
}

/// One file, ready to be sent.
pub(super) struct Asset {
    /// Its media type.
    pub(super) mime: HeaderValue,
    /// Its entity tag. The tag is weak, since the compressed and the plain form share it.
    pub(super) tag: String,
    /// Its bytes.
    pub(super) plain: Bytes,
    /// The same compressed by gzip, if that is shorter.
    pub(super) gzip: Option<Bytes>,
}

impl Assets {
    /// Every file, none of them compressed yet.
    pub(crate) fn new() -> Self {
        let files = FILES.iter().map(|(name, bytes)| {
            let ready = OnceLock::new();
            (path_of(name), Entry { name, bytes, ready })
        });
        Self { files: files.collect() }
    }

    /// The file at this path; the first call for a path compresses and hashes the file.
    pub(super) fn file(&self, path: &str) -> Option<&Asset> {
        let entry = self.files.get(path)?;
        Some(entry.ready.get_or_init(|| Asset::new(entry.name, entry.bytes)))
    }
}

impl Asset {
    fn new(name: &str, bytes: &'static [u8]) -> Self {
        let hash = blake3::hash(bytes).to_hex();
        Self {
            mime: mime::of(name),
            tag: format!("W/\"{}\"", &hash[..32]),
            plain: Bytes::from_static(bytes),
            gzip: compress(bytes).filter(|gzip| gzip.len() < bytes.len()).map(Bytes::from),
        }
    }

    /// Whether a tag of `If-None-Match` stands for this file (weak comparison).
    pub(super) fn matches(&self, tag: &str) -> bool {
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == &self.tag[2..]
    }
}

/// The path of a file of `web/`: the page itself is at the root, the others keep their names.
fn path_of(name: &str) -> String {
    if name == "index.html" { "/".to_owned() } else { format!("/web/{name}") }
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_that_lies_in_the_folder_is_served_and_its_tests_are_not() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let names = files.map(|entry| entry.file_name().into_string().unwrap());
        let expected: BTreeSet<String> = names.filter(|name| name != "package.json").collect();
        let served: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(served, expected);
    }

    #[test]
    fn everything_the_page_names_is_there() {
        let assets = Assets::new();
        let page = String::from_utf8(assets.file("/").unwrap().plain.to_vec()).unwrap();
        let named = page.split('"').filter(|text| text.starts_with("/web/"));
        let missing: Vec<&str> = named.filter(|path| assets.file(path).is_none()).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn a_compressed_file_is_the_plain_one() {
        let assets = Assets::new();
        let file = assets.file("/").unwrap();
        let mut plain = Vec::new();
        let mut decoder = flate2::write::GzDecoder::new(&mut plain);
        decoder.write_all(file.gzip.as_ref().unwrap()).unwrap();
        decoder.finish().unwrap();
        assert_eq!(plain, file.plain);
    }
}
