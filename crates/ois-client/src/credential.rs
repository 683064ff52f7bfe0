//! What a client signs in with.

use std::{fmt, sync::Arc};

use ois_protocol::{ClientFrame, EventId, SignIn, Topic};

/// A secret that hides in `Debug`.
///
/// ```
/// assert_eq!(format!("{:?}", ois_client::Token::new("s3cret")), "Token(hidden)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// Takes a token; white space around it goes.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// The member that signs in, with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An agent, with the token that its register entry stands for.
    Agent(Token),
    /// A person, with the session token that logging in gave.
    Session(Token),
}

impl Credential {
    /// An agent's token.
    pub fn agent(token: &str) -> Self {
        Self::Agent(Token::new(token))
    }

    /// A session's token.
    pub fn session(token: &str) -> Self {
        Self::Session(Token::new(token))
    }

    pub(crate) fn token(&self) -> &Token {
        match self {
            Self::Agent(token) | Self::Session(token) => token,
        }
    }

    pub(crate) fn frame(&self, after: Option<EventId>, subscribe: &[Topic]) -> ClientFrame {
        let token = Some(self.token().reveal().to_owned());
        let body = SignIn { token, after, subscribe: subscribe.to_vec(), instance: None };
        match self {
            Self::Agent(_) => ClientFrame::AgentAuth(body),
            Self::Session(_) => ClientFrame::Auth(body),
        }
    }
}
