//! Files of the store on their way out: conditions, ranges and pieces.

mod disposition;
pub(crate) mod mime;
mod range;

use bytes::Bytes;
use futures_util::stream;
use httpdate::{fmt_http_date, parse_http_date};
use hyper::{
    Method, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
        IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
        RANGE,
    },
    http::request::Parts,
};
use ois_protocol::{ErrorCode, Timestamp};
use ois_store::{FileError, FileReader};

pub(crate) use disposition::attachment;
use range::Range;

use crate::{
    body::{self, Body},
    reply::Refusal,
    request::HttpRequest,
    sending::Sending,
};

/// Answers with a file, as the request's conditions and range ask for it.
///
/// # Errors
/// 412 and 416 by the request's own conditions, and the store's errors.
pub(crate) async fn send(
    request: &HttpRequest,
    file: Box<dyn FileReader>,
    kind: HeaderValue,
) -> Result<Response<Body>, Refusal> {
    let head = &request.head;
    let seen = Seen { tag: tag(head, &*file).await?, modified: file.modified() };
    if fails(&head.headers, &seen) {
        return Err(FileError::Changed.into());
    }
    if is_known(&head.headers, &seen) {
        return Ok(answer(StatusCode::NOT_MODIFIED, &seen, body::empty()));
    }
    let length = file.len();
    let (status, start, end) = match wanted_range(head, &seen, length) {
        Range::Whole => (StatusCode::OK, 0, length),
        Range::Part(start, end) => (StatusCode::PARTIAL_CONTENT, start, end),
        Range::Outside => {
            let words = "the range lies outside of the file";
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let refusal = Refusal::new(status, ErrorCode::NotFound, words);
            return Err(refusal.with(CONTENT_RANGE, &format!("bytes */{length}")));
        }
    };
    let mut answer = answer(status, &seen, body::empty());
    if end - start <= PIECE as u64 && head.method == Method::GET {
        *answer.body_mut() = body::full(short(&*file, start, end).await?);
    } else if let Some(sending) = Sending::new(request, &*file, start, end) {
        *answer.body_mut() = body::elsewhere();
        answer.extensions_mut().insert(sending);
    } else {
        *answer.body_mut() = pieces(file, start, end);
    }
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, (end - start).into());
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{length}", end - 1);
        headers.insert(CONTENT_RANGE, HeaderValue::from_str(&range).expect("digits"));
    }
    Ok(answer)
}

/// The file's tag. A long file that was never hashed is read for it only if the request needs the tag.
async fn tag(head: &Parts, file: &dyn FileReader) -> Result<Option<String>, FileError> {
    let known = file.known_tag();
    if known.is_some() || (file.len() > HASHED_UNASKED && !needs_tag(head)) {
        return Ok(known);
    }
    file.tag().await.map(Some)
}

fn needs_tag(head: &Parts) -> bool {
    let named = [IF_MATCH, IF_NONE_MATCH, IF_RANGE];
    head.method == Method::HEAD || named.iter().any(|name| head.headers.contains_key(name))
}

/// A tag as a header's value, in quotes.
pub(crate) fn quoted(tag: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("tags are hex")
}

/// The tags of `If-Match` or `If-None-Match` as they are written, with their quotes; `*` is one too.
pub(crate) fn tags<'a>(headers: &'a HeaderMap, name: &hyper::header::HeaderName) -> Vec<&'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|tag| !tag.is_empty()).collect()
}

/// The state of a file that a client's conditions are compared with.
struct Seen {
    tag: Option<String>,
    modified: Timestamp,
}

impl Seen {
    /// Whether the tag stands for the same bytes (strong comparison).
    fn is(&self, tag: &str) -> bool {
        let unquoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        tag == "*" || unquoted.is_some_and(|tag| self.tag.as_deref() == Some(tag))
    }

    /// Whether the tag stands for the same content (weak comparison).
    fn is_like(&self, tag: &str) -> bool {
        self.is(tag.strip_prefix("W/").unwrap_or(tag))
    }

    /// The time of the last change in whole seconds, as a date in a header has it.
    fn seconds(&self) -> u64 {
        self.modified.ms() / 1000
    }
}

/// Whether the request has a condition that the file does not meet.
fn fails(headers: &HeaderMap, seen: &Seen) -> bool {
    if headers.contains_key(IF_MATCH) {
        return !tags(headers, &IF_MATCH).into_iter().any(|tag| seen.is(tag));
    }
    date(headers, &IF_UNMODIFIED_SINCE).is_some_and(|date| seen.seconds() > date)
}

/// Whether the client has this state of the file already.
fn is_known(headers: &HeaderMap, seen: &Seen) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        return tags(headers, &IF_NONE_MATCH).into_iter().any(|tag| seen.is_like(tag));
    }
    date(headers, &IF_MODIFIED_SINCE).is_some_and(|date| seen.seconds() <= date)
}

fn wanted_range(head: &Parts, seen: &Seen, length: u64) -> Range {
    let Some(range) = head.headers.get(RANGE).filter(|_| head.method == Method::GET) else {
        return Range::Whole;
    };
    if let Some(condition) = head.headers.get(IF_RANGE) {
        let text = condition.to_str().unwrap_or_default();
        let same_date = date(&head.headers, &IF_RANGE) == Some(seen.seconds());
        if !seen.is(text) && !same_date {
            return Range::Whole;
        }
    }
    Range::parse(range.to_str().unwrap_or_default(), length)
}

fn answer(status: StatusCode, seen: &Seen, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    // The map gets its final size at once instead of growing several times.
    headers.reserve(HEADERS);
    if let Some(tag) = &seen.tag {
        headers.insert(ETAG, quoted(tag));
    }
    let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seen.seconds());
    let modified = HeaderValue::from_str(&fmt_http_date(modified)).expect("dates are ASCII");
    headers.insert(LAST_MODIFIED, modified);
    answer
}

/// The few bytes from `start` to `end`, read before the answer begins: out of the page cache that
/// takes microseconds, less than asking another thread.
async fn short(file: &dyn FileReader, start: u64, end: u64) -> Result<Vec<u8>, FileError> {
    let length = usize::try_from(end - start).unwrap_or(PIECE);
    let bytes = file.read_at(start, length).await?;
    // The file is shorter than it was, so the announced length cannot be kept.
    if bytes.len() == length { Ok(bytes) } else { Err(FileError::Changed) }
}

/// The bytes from `start` to `end`, each piece read when the peer takes it.
fn pieces(file: Box<dyn FileReader>, start: u64, end: u64) -> Body {
    body::pieces(stream::try_unfold((file, start), move |(file, at)| async move {
        let most = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
        if most == 0 {
            return Ok(None);
        }
        let piece = file.read_at(at, most).await?;
        if piece.is_empty() {
            // The file is shorter than it was, so the announced length cannot be kept.
            return Err(FileError::Changed);
        }
        let next = at + piece.len() as u64;
        Ok(Some((Bytes::from(piece), (file, next))))
    }))
}

fn date(headers: &HeaderMap, name: &hyper::header::HeaderName) -> Option<u64> {
    let date = parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
    date.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// How many bytes of a file are in memory for one download.
const PIECE: usize = 64 << 10;

/// An upper bound for the number of headers of an answer with a file.
const HEADERS: usize = 12;

/// The longest file in bytes that is hashed although the request does not need the tag.
const HASHED_UNASKED: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: Timestamp = Timestamp::from_ms(1_770_379_200_500);
    const DATE: &str = "Fri, 06 Feb 2026 12:00:00 GMT";
    const BEFORE: &str = "Fri, 06 Feb 2026 11:59:59 GMT";

    fn seen() -> Seen {
        Seen { tag: Some("0a".to_owned()), modified: MODIFIED }
    }

    fn headers(name: hyper::header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_file_is_known_again_by_its_tag_or_its_date() {
        let known = |name, value| is_known(&headers(name, value), &seen());
        assert!(known(IF_NONE_MATCH, "\"0a\"") && known(IF_NONE_MATCH, "\"1\", W/\"0a\""));
        assert!(known(IF_NONE_MATCH, "*") && known(IF_MODIFIED_SINCE, DATE));
        assert!(!known(IF_NONE_MATCH, "\"0b\"") && !known(IF_NONE_MATCH, "0a"));
        assert!(!known(IF_MODIFIED_SINCE, BEFORE) && !known(IF_MODIFIED_SINCE, "yesterday"));
    }

    #[test]
    fn a_condition_fails_for_what_has_changed() {
        let fails = |name, value| fails(&headers(name, value), &seen());
        assert!(fails(IF_MATCH, "\"0b\"") && fails(IF_MATCH, "W/\"0a\""));
        assert!(fails(IF_UNMODIFIED_SINCE, BEFORE));
        assert!(!fails(IF_MATCH, "\"0a\"") && !fails(IF_MATCH, "*"));
        assert!(!fails(IF_UNMODIFIED_SINCE, DATE));
    }

    #[test]
    fn a_range_of_what_was_seen_before_is_not_cut_out_of_what_is_there_now() {
        let range = |condition: &str| {
            let request = hyper::Request::get("/").header(RANGE, "bytes=1-2");
            let request = request.header(IF_RANGE, condition).body(()).unwrap();
            wanted_range(&request.into_parts().0, &seen(), 10)
        };
        assert_eq!(range("\"0a\""), Range::Part(1, 3));
        assert_eq!(range(DATE), Range::Part(1, 3));
        assert_eq!(range("\"0b\""), Range::Whole);
        assert_eq!(range(BEFORE), Range::Whole);
    }
}
