//! The page: its files are in the binary, each packed once, when it is first asked for.

mod table;

use std::{collections::BTreeMap, io::Write, sync::OnceLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::{
    Response, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    },
};

use crate::{
    body::{self, Body},
    content,
    reply::Refusal,
    route::Ask,
    state::State,
};

/// The page's files by their paths. A server whose page nobody opens does not touch them: they and
/// what they are packed to would be 0.4 MiB.
pub(crate) struct Page {
    files: BTreeMap<String, Entry>,
}

/// One file as it lies in the binary.
struct Entry {
    name: &'static str,
    bytes: &'static [u8],
    ready: OnceLock<File>,
}

/// One file, ready to be sent.
struct File {
    kind: HeaderValue,
    tag: String,
    plain: Bytes,
    /// Packed by gzip, if that is shorter.
    packed: Option<Bytes>,
}

impl Page {
    /// Every file, none of them packed yet.
    pub(crate) fn new() -> Self {
        let files = table::FILES.iter().map(|(name, bytes)| {
            let ready = OnceLock::new();
            (path_of(name), Entry { name, bytes, ready })
        });
        Self { files: files.collect() }
    }

    /// The file at this path, packed and hashed if it is the first time.
    fn file(&self, path: &str) -> Option<&File> {
        let entry = self.files.get(path)?;
        Some(entry.ready.get_or_init(|| File::new(entry.name, entry.bytes)))
    }
}

/// Whether a file of the page is at this path.
pub(crate) fn has(path: &str) -> bool {
    table::FILES.iter().any(|(name, _)| path_of(name) == path)
}

/// `GET /` and `GET /web/{file}`.
pub(crate) fn give(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    let file = state.page.file(&ask.target.path);
    let file = file.ok_or_else(|| Refusal::not_found("not found"))?;
    let headers = &ask.head.headers;
    let known = content::tags(headers, &IF_NONE_MATCH).into_iter().any(|tag| file.is(tag));
    let packed = file.packed.as_ref().filter(|_| takes_gzip(headers));
    let bytes = packed.unwrap_or(&file.plain);
    let mut answer = Response::new(if known { body::empty() } else { body::full(bytes.clone()) });
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = answer.headers_mut();
    headers.extend(POLICIES.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.insert(CONTENT_TYPE, file.kind.clone());
    // Names do not change with what is behind them, so browsers ask each time; mostly for nothing.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    // Weak, since the packed and the plain form share it.
    let tag = HeaderValue::from_str(&file.tag).expect("tags are hex");
    headers.insert(ETAG, tag);
    if packed.is_some() && !known {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}

impl File {
    fn new(name: &str, bytes: &'static [u8]) -> Self {
        let hash = blake3::hash(bytes).to_hex();
        Self {
            kind: content::mime_of(name),
            tag: format!("W/\"{}\"", &hash[..32]),
            plain: Bytes::from_static(bytes),
            packed: pack(bytes).filter(|packed| packed.len() < bytes.len()).map(Bytes::from),
        }
    }

    fn is(&self, tag: &str) -> bool {
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == &self.tag[2..]
    }
}

/// Where a file of `web/` is: the page itself at the root, all else under its own name.
fn path_of(name: &str) -> String {
    if name == "index.html" { "/".to_owned() } else { format!("/web/{name}") }
}

fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).ok()
}

/// Whether the browser names gzip, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1").parse::<f32>();
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// What a browser must not do with the page. Nothing comes from elsewhere; no script or style
/// stands in a text.
const POLICIES: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
         connect-src 'self'; media-src 'self' blob:; font-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

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
        let served: BTreeSet<String> =
            table::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(served, expected);
    }

    #[test]
    fn everything_the_page_names_is_there() {
        let page = Page::new();
        let page = String::from_utf8(page.file("/").unwrap().plain.to_vec()).unwrap();
        let named = page.split('"').filter(|text| text.starts_with("/web/"));
        let missing: Vec<&str> = named.filter(|path| !has(path)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn a_packed_file_is_the_plain_one() {
        let page = Page::new();
        let file = page.file("/").unwrap();
        let mut plain = Vec::new();
        let mut decoder = flate2::write::GzDecoder::new(&mut plain);
        decoder.write_all(file.packed.as_ref().unwrap()).unwrap();
        decoder.finish().unwrap();
        assert_eq!(plain, file.plain);
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        let takes = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, GZIP;q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes_gzip(&HeaderMap::new()));
    }
}
