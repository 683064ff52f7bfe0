//! The only place where an error becomes a status and words for the peer.
//!
//! The peer reads one line, `{"error": words, "code": code}`, which never names a path of the host;
//! the log gets the chain of causes. Where the original server's answer is on record, its words are
//! kept.

use std::error::Error;

use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use ois_auth::{Denied, RetryAfter, SignInError};
use ois_protocol::{ErrorCode, ErrorFrame, NameError, PathError, http::ErrorBody, id::IdError};
use ois_store::{FileError, ReadError};
use serde::Serialize;

use crate::{
    body::{self, Body, BodyError},
    ops::{
        budgets::BudgetsError,
        deliveries::DeliveriesError,
        files::FilesError,
        messages::{MessagesError, SayError},
        runs::RunsError,
        uploads::UploadError,
    },
};

/// Why something was not done, ready to be told.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The answer's status.
    pub(crate) status: StatusCode,
    /// What went wrong, for programs.
    pub(crate) code: ErrorCode,
    /// What went wrong, for people.
    pub(crate) words: String,
    /// When it may be worth trying again, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// A header that belongs to this status; boxed, since few refusals have one and every `Result`
    /// has room for it.
    pub(crate) header: Option<Box<(HeaderName, HeaderValue)>>,
    /// The cause, for the log only.
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

impl Refusal {
    /// A refusal with a status, a code and words, and nothing else.
    pub(crate) fn new(status: StatusCode, code: ErrorCode, words: impl Into<String>) -> Self {
        Self { status, code, words: words.into(), retry_after_ms: None, header: None, source: None }
    }

    /// 400: the request makes no sense.
    pub(crate) fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadFrame, words)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(words: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, words)
    }

    /// 401: the request does not prove who sends it.
    pub(crate) fn unauthorized(words: &str) -> Self {
        let refusal = Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, words);
        refusal.with(WWW_AUTHENTICATE, "Bearer")
    }

    /// 403: this member, or everybody, may not do this.
    pub(crate) fn forbidden(words: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, words)
    }

    /// 503: too much at once; another try after a second may succeed.
    pub(crate) fn busy(words: &str) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Busy, words);
        Self { retry_after_ms: Some(1000), ..refusal }
    }

    /// 405: the path is there, but not for this method.
    pub(crate) fn method(allow: &str) -> Self {
        let refusal =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::NotFound, "method not allowed");
        refusal.with(ALLOW, allow)
    }

    /// 413: something is longer than a limit.
    pub(crate) fn too_long(words: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLong, words)
    }

    /// The same in other words, where the original server's are on record.
    pub(crate) fn saying(self, words: &str) -> Self {
        Self { words: words.to_owned(), ..self }
    }

    /// The same in other words if it says that something is not there.
    pub(crate) fn saying_if_missing(self, words: &str) -> Self {
        if self.status == StatusCode::NOT_FOUND { self.saying(words) } else { self }
    }

    /// The same with a header.
    pub(crate) fn with(self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        Self { header: value.map(|value| Box::new((name, value))), ..self }
    }

    /// The same with a cause for the log.
    fn caused(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(source)), ..self }
    }

    /// The body of the answer.
    pub(crate) fn json(&self) -> Vec<u8> {
        let told = ErrorBody {
            error: self.words.clone(),
            code: self.code,
            retry_after_ms: self.retry_after_ms,
        };
        serde_json::to_vec(&told).expect("an error is three plain values")
    }

    /// The answer, around this body, which is [`Refusal::json`]'s.
    pub(crate) fn answer(&self, body: Body) -> Response<Body> {
        let mut answer = Response::new(body);
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(ms) = self.retry_after_ms {
            headers.insert(RETRY_AFTER, ms.div_ceil(1000).into());
        }
        if let Some(header) = &self.header {
            let (name, value) = &**header;
            headers.insert(name.clone(), value.clone());
        }
        answer
    }
}

/// An answer with a JSON body.
pub(crate) fn json(value: &impl Serialize) -> Response<Body> {
    json_bytes(serde_json::to_vec(value).expect("answers have only text keys"))
}

/// An answer with a body that is JSON already.
pub(crate) fn json_bytes(json: Vec<u8>) -> Response<Body> {
    let mut answer = Response::new(body::full(json));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let words = error.to_string();
        match error {
            BodyError::TooLong(_) => Self::too_long(words),
            BodyError::Stalled => Self::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::Limit, words),
            BodyError::CutOff(_) | BodyError::Shape(_) => Self::bad(words),
            BodyError::Json(_) => Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadJson, words),
            BodyError::NotJson => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadJson, words)
            }
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::forbidden(&denied.to_string())
    }
}

impl From<MessagesError> for Refusal {
    fn from(error: MessagesError) -> Self {
        match error {
            MessagesError::Denied(denied) => denied.into(),
            MessagesError::NoRoom | MessagesError::NoMessage => Self::not_found(&error.to_string()),
            MessagesError::Log(error) => error.into(),
        }
    }
}

impl From<SayError> for Refusal {
    fn from(error: SayError) -> Self {
        match error {
            SayError::Denied(denied) => denied.into(),
            SayError::Refused(frame) => frame.into(),
        }
    }
}

impl From<DeliveriesError> for Refusal {
    fn from(error: DeliveriesError) -> Self {
        match error {
            DeliveriesError::Denied(denied) => denied.into(),
            DeliveriesError::NoMessage => Self::not_found(&error.to_string()),
            DeliveriesError::Log(error) => error.into(),
            DeliveriesError::Refused(frame) => frame.into(),
        }
    }
}

impl From<RunsError> for Refusal {
    fn from(error: RunsError) -> Self {
        match error {
            RunsError::Denied(denied) => denied.into(),
            RunsError::Refused(frame) => frame.into(),
        }
    }
}

impl From<BudgetsError> for Refusal {
    fn from(error: BudgetsError) -> Self {
        match error {
            BudgetsError::Denied(denied) => denied.into(),
            BudgetsError::TooMany | BudgetsError::LimitsNothing => Self::bad(error.to_string()),
            BudgetsError::Refused(frame) => frame.into(),
        }
    }
}

impl From<FilesError> for Refusal {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Denied(denied) => denied.into(),
            FilesError::TooLongForText(_) | FilesError::TooLarge(_) => {
                Self::too_long(error.to_string())
            }
            FilesError::Store(error) => error.into(),
        }
    }
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Path(error) => error.into(),
            UploadError::Files(error) => error.into(),
        }
    }
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        let words = error.to_string();
        let conflict = |status| Self::new(status, ErrorCode::Conflict, words.clone());
        match error {
            FileError::NotFound => Self::not_found(&words),
            FileError::Exists | FileError::IsDirectory | FileError::NotDirectory => {
                conflict(StatusCode::CONFLICT)
            }
            FileError::Changed => conflict(StatusCode::PRECONDITION_FAILED),
            FileError::Denied => Self::forbidden("Access denied"),
            FileError::Full => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::Storage, words)
            }
            // Perhaps a disk that is read-only for now: reading goes on, and a later try may do.
            error => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Storage, words).caused(error)
            }
        }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        let words = "the log cannot be read";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Storage, words).caused(error)
    }
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Outside => Self::forbidden("Access denied"),
            error => Self::bad(error.to_string()),
        }
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        Self::bad(error.to_string())
    }
}

impl From<IdError> for Refusal {
    fn from(error: IdError) -> Self {
        Self::bad(error.to_string())
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongPassword => Self::unauthorized("Invalid password"),
            SignInError::Taken => {
                Self::new(StatusCode::CONFLICT, ErrorCode::Conflict, error.to_string())
            }
            error => Self::bad(error.to_string()),
        }
    }
}

impl From<RetryAfter> for Refusal {
    fn from(error: RetryAfter) -> Self {
        let words = error.to_string();
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::Limit, words);
        Self { retry_after_ms: Some(error.seconds.saturating_mul(1000)), ..refusal }
    }
}

impl From<ErrorFrame> for Refusal {
    fn from(frame: ErrorFrame) -> Self {
        let status = match frame.code {
            ErrorCode::BadJson | ErrorCode::BadFrame | ErrorCode::UnknownType => {
                StatusCode::BAD_REQUEST
            }
            ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Busy | ErrorCode::Storage => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Limit => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::CursorAhead | ErrorCode::Conflict | ErrorCode::BadTransition => {
                StatusCode::CONFLICT
            }
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let refusal = Self::new(status, frame.code, frame.message);
        Self { retry_after_ms: frame.retry_after_ms, ..refusal }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_disk_shows_the_peer_no_path_and_the_log_the_cause() {
        let cause = std::io::Error::other("open /srv/ois/secret.txt");
        let refusal = Refusal::from(FileError::Io(cause));
        let told = String::from_utf8(refusal.json()).unwrap();
        assert_eq!(told, r#"{"error":"the disk did not do it","code":"storage"}"#);
        let chain = refusal.source.unwrap();
        assert!(chain.source().unwrap().to_string().contains("secret.txt"));
    }

    #[test]
    fn a_client_that_has_to_wait_is_told_how_long_in_header_and_body() {
        let refusal = Refusal::from(RetryAfter { seconds: 20 });
        let answer = refusal.answer(body::empty());
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()[RETRY_AFTER], "20");
        assert!(String::from_utf8(refusal.json()).unwrap().contains(r#""retryAfterMs":20000"#));
    }

    #[test]
    fn a_path_that_leads_outside_is_denied_in_the_words_on_record() {
        let refusal = Refusal::from(PathError::Outside);
        assert_eq!(
            (refusal.status, refusal.words.as_str()),
            (StatusCode::FORBIDDEN, "Access denied")
        );
    }
}
