//! Bodies: those of requests, read piece by piece with a deadline for each piece, and those of answers.

use std::{convert::Infallible, error::Error, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Body as _, Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// The body of an answer. An error in it ends the connection, so that the peer sees the cut.
pub(crate) type Body = UnsyncBoxBody<Bytes, ois_store::FileError>;

/// A body without bytes.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(never).boxed_unsync()
}

/// A body that hyper does not send: `serve` does, once the head is out.
pub(crate) fn elsewhere() -> Body {
    StreamBody::new(stream::pending()).boxed_unsync()
}

/// A body of these bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(never).boxed_unsync()
}

/// A body of these bytes, which ends only after what is left of the request was read and thrown away.
///
/// Closing a socket with unread bytes makes the kernel reset it, and a peer that sends everything
/// before it reads would lose the answer that says why. The answer has no length, so that hyper waits
/// for the end of the body. What is thrown away is bounded by [`DRAINED_BYTES`] and [`DRAIN_STALL`].
pub(crate) fn full_then_drain(bytes: Bytes, rest: Incoming) -> Body {
    let drain = stream::unfold((Some(bytes), rest), |(first, mut rest)| async move {
        if let Some(bytes) = first {
            return Some((Ok(Frame::data(bytes)), (None, rest)));
        }
        let mut drained = 0;
        while let Ok(Some(Ok(frame))) = timeout(DRAIN_STALL, rest.frame()).await {
            drained += frame.data_ref().map_or(0, Bytes::len);
            if drained > DRAINED_BYTES {
                break;
            }
        }
        None
    });
    StreamBody::new(drain).boxed_unsync()
}

/// A body of pieces, each sent when it has been read.
pub(crate) fn pieces(
    stream: impl Stream<Item = Result<Bytes, ois_store::FileError>> + Send + 'static,
) -> Body {
    use futures_util::TryStreamExt;
    StreamBody::new(stream.map_ok(Frame::data)).boxed_unsync()
}

/// Why a request's body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The body is longer than this many bytes.
    #[error("the body is longer than {0} bytes")]
    TooLong(u64),
    /// No byte came for a while.
    #[error("the body stopped coming")]
    Stalled,
    /// The body ended before its announced end.
    #[error("the body was cut off")]
    CutOff(#[source] Box<dyn Error + Send + Sync>),
    /// The content type is another one than JSON's.
    #[error("the body is not application/json")]
    NotJson,
    /// The body is not JSON.
    #[error("the body is not JSON")]
    Json(#[source] serde_json::Error),
    /// The body is JSON of another shape than was expected.
    #[error("{0}")]
    Shape(String),
}

/// The next piece of a body; `None` at its end. A piece that takes longer than [`STALL`] is an error.
pub(crate) async fn next<B>(body: &mut B) -> Result<Option<Bytes>, BodyError>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        let frame = timeout(STALL, body.frame()).await;
        match frame.map_err(|_| BodyError::Stalled)? {
            None => return Ok(None),
            Some(Err(error)) => return Err(BodyError::CutOff(error.into())),
            // Trailers are not used.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            },
        }
    }
}

/// The length of the body in bytes as the header `Content-Length` announces it.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The whole body, if it has at the most `limit` bytes.
pub(crate) async fn whole(
    head: &Parts,
    body: &mut Incoming,
    limit: usize,
) -> Result<Vec<u8>, BodyError> {
    let too_long = BodyError::TooLong(limit as u64);
    if announced(&head.headers).is_some_and(|length| length > limit as u64) {
        return Err(too_long);
    }
    let mut whole = Vec::new();
    while let Some(piece) = next(body).await? {
        if whole.len() + piece.len() > limit {
            return Err(too_long);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// A JSON body. A missing content type is accepted and any other one is not: a form of a foreign page
/// can send neither JSON's type nor none without a preflight request.
pub(crate) async fn json<T: DeserializeOwned>(
    head: &Parts,
    body: &mut Incoming,
    limit: usize,
) -> Result<T, BodyError> {
    if !body.is_end_stream() && !may_be_json(&head.headers) {
        return Err(BodyError::NotJson);
    }
    parse(&whole(head, body, limit).await?)
}

/// Whether the content type is JSON's or missing.
pub(crate) fn may_be_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
}

/// JSON bytes as a value; no bytes at all count as an empty object.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BodyError> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() { BodyError::Shape(words(&error)) } else { BodyError::Json(error) }
    })
}

/// The error's sentence without the position in the text.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn never(never: Infallible) -> ois_store::FileError {
    match never {}
}

/// How long the next piece of a body may take.
const STALL: Duration = Duration::from_secs(30);

/// The most bytes of an unwanted body that are read so that its sender reads the answer.
const DRAINED_BYTES: usize = 32 << 20;

/// How long the next piece of an unwanted body may take: some senders stop when they see the answer,
/// and wait for its end.
const DRAIN_STALL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use hyper::header::HeaderValue;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Named {
        name: Option<String>,
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stands_still_is_given_up() {
        let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"half")))]);
        let mut body = StreamBody::new(Box::pin(first.chain(stream::pending())));
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "half");
        assert!(matches!(next(&mut body).await, Err(BodyError::Stalled)));
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert_eq!(parse::<Named>(b"").unwrap(), Named { name: None });
    }

    #[test]
    fn no_json_and_json_of_another_shape_are_told_apart() {
        assert!(matches!(parse::<Named>(b"{\"name\":"), Err(BodyError::Json(_))));
        assert!(matches!(parse::<Named>(b"\xff"), Err(BodyError::Json(_))));
        let Err(BodyError::Shape(words)) = parse::<Named>(b"{\"name\":4}") else { panic!() };
        assert_eq!(words, "invalid type: integer `4`, expected a string");
    }

    #[test]
    fn a_form_is_no_json() {
        let said = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            may_be_json(&headers)
        };
        assert!(said("application/json; charset=utf-8") && said("Application/JSON"));
        assert!(!said("application/x-www-form-urlencoded") && !said("text/plain"));
        assert!(may_be_json(&HeaderMap::new()));
    }
}
