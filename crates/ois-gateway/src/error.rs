//! The reasons for which a gateway does not do what it was asked to do.

use std::io;
use std::sync::Arc;

/// Why a gateway did not do what it was asked to do. No variant holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The configured URL cannot be that of a gateway.
    #[error("gateway address is not usable: {why}")]
    Address {
        /// What is wrong with the URL.
        why: String,
    },
    /// No gateway was reached; nothing was sent.
    #[error("gateway at {address} is unreachable")]
    Unreachable {
        /// The host and the port that were tried.
        address: String,
        /// The error of the operating system.
        #[source]
        cause: Arc<io::Error>,
    },
    /// The token is missing or wrong.
    #[error("gateway does not accept the token: {why}")]
    Unauthorized {
        /// The gateway's own words.
        why: String,
    },
    /// The gateway's configuration forbids the request.
    #[error("gateway refuses {what}; to allow it: {allow}")]
    Refused {
        /// What the gateway refused.
        what: String,
        /// The configuration key, or the step, that allows it.
        allow: String,
    },
    /// The gateway speaks another version of the protocol.
    #[error("gateway speaks protocol {theirs}, not {ours}")]
    Incompatible {
        /// The version that this crate speaks.
        ours: u64,
        /// The version that the gateway expects; 0 if it did not say.
        theirs: u64,
    },
    /// The request itself is wrong for this gateway; repeating it unchanged does not help.
    #[error("gateway rejects {what}: {why}")]
    Rejected {
        /// The method or the tool that was asked for.
        what: String,
        /// The gateway's own words.
        why: String,
    },
    /// The gateway accepted this idempotency key once, never began its turn and gave it up in a
    /// restart. The message needs a fresh key.
    #[error("idempotency key is spent")]
    KeySpent,
    /// The message is larger than the gateway accepts.
    #[error("request of {bytes} bytes exceeds the gateway's {limit_bytes}")]
    TooLong {
        /// The length of the frame in bytes.
        bytes: u64,
        /// The limit in bytes that the gateway announced.
        limit_bytes: u64,
    },
    /// The gateway is starting, draining or over its limit.
    #[error("gateway is busy: {why}")]
    Busy {
        /// The milliseconds after which the gateway wants to be asked again, if it said so.
        retry_after_ms: Option<u64>,
        /// The gateway's own words.
        why: String,
    },
    /// No answer came in time. The gateway may have begun to do what was asked.
    #[error("gateway did not answer {what} within {after_ms} ms")]
    TimedOut {
        /// The method or the step that was waited for.
        what: String,
        /// How long the caller waited, in milliseconds.
        after_ms: u64,
    },
    /// The link ended before an answer came. The gateway may have begun to do what was asked.
    #[error("link to the gateway was lost: {why}")]
    Lost {
        /// What ended the link.
        why: String,
    },
    /// The answer is not one that a gateway gives. The gateway may have begun to do what was asked.
    #[error("gateway gave an answer that is not understood: {what}")]
    BadAnswer {
        /// What is wrong with the answer.
        what: String,
    },
}

impl GatewayError {
    /// Whether the gateway may have begun to do what was asked, so that a repetition needs the same
    /// idempotency key or a look into the history.
    #[must_use]
    pub fn may_have_begun(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Lost { .. } | Self::BadAnswer { .. })
    }

    /// Whether the same request may succeed later although nothing is changed on either side.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.may_have_begun() || matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    pub(crate) fn unreachable(address: &impl ToString, cause: io::Error) -> Self {
        Self::Unreachable { address: address.to_string(), cause: Arc::new(cause) }
    }

    pub(crate) fn bad(what: impl Into<String>) -> Self {
        Self::BadAnswer { what: what.into() }
    }

    pub(crate) fn lost(why: impl Into<String>) -> Self {
        Self::Lost { why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_configuration_that_allows_it() {
        let refused = GatewayError::Refused {
            what: "sessions_send over HTTP".into(),
            allow: r#"gateway.tools.allow: ["sessions_send"]"#.into(),
        };
        let text = r#"gateway refuses sessions_send over HTTP; to allow it: gateway.tools.allow: ["sessions_send"]"#;
        assert_eq!(refused.to_string(), text);
    }

    #[test]
    fn only_unclear_ends_may_have_begun() {
        assert!(GatewayError::lost("eof").may_have_begun());
        assert!(!GatewayError::KeySpent.may_have_begun());
        assert!(!GatewayError::KeySpent.is_transient());
        let busy = GatewayError::Busy { retry_after_ms: None, why: String::new() };
        assert!(busy.is_transient() && !busy.may_have_begun());
    }
}
