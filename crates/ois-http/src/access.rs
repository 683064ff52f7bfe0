//! Authentication: a token, a cookie or a ticket becomes a [`Viewer`], or a refusal.
//!
//! What a viewer may do is decided by the operations (`ops`) with the table in `ois-auth`; the
//! network address that a request comes from is [`client`]'s.

pub(crate) mod client;
mod cookie;
mod origin;
pub(crate) mod viewer;

use hyper::header::{AUTHORIZATION, HeaderMap};
use ois_auth::{Action, Token};
use ois_protocol::{Kind, Member, Role, StorePath};

pub(crate) use cookie::{clear as clear_cookie, set as set_cookie, token as cookie_token};
pub(crate) use origin::is_foreign;

use client::Attempt;
use viewer::{Operator, Viewer};

use crate::{clock::now, reply::Refusal, request::HttpRequest, state::State};

/// The member whose token or cookie the request carries.
///
/// # Errors
/// 401 without a token that stands for a member, 403 for a cookie from a foreign page, 429 for an
/// address that keeps guessing.
pub(crate) fn viewer(state: &State, request: &HttpRequest) -> Result<Viewer, Refusal> {
    member(state, request).map(Viewer::by_token)
}

/// The member whose token, cookie or ticket the request carries. Only the download takes a ticket,
/// since a link cannot carry a header.
///
/// # Errors
/// Those of [`viewer`], and 401 for a ticket that is not good for the path of the query.
pub(crate) fn viewer_or_ticket(state: &State, request: &HttpRequest) -> Result<Viewer, Refusal> {
    let Some(ticket) = request.target.get("ticket") else { return viewer(state, request) };
    let path: StorePath = request.target.need("path")?.parse()?;
    let name = state
        .tickets
        .check(ticket, &path, now())
        .map_err(|error| Refusal::unauthorized(&error.to_string()))?;
    let known = state.keys.ask(|keyring| keyring.member(&name).cloned());
    // A person who signed in with the shared password stands in no register.
    let unregistered = || {
        let display = name.as_str().parse().ok()?;
        Some(Member::new(display, Kind::Human, Role::Member))
    };
    let member = known.or_else(unregistered);
    let member = member.ok_or_else(|| Refusal::unauthorized("Unauthorized"))?;
    Ok(Viewer::by_ticket(member, path))
}

/// The operator: a request from the server's own host, or with the token of a member who
/// administers.
///
/// # Errors
/// Those of [`viewer`], and 403 for another member.
pub(crate) fn operator(state: &State, request: &HttpRequest) -> Result<Operator, Refusal> {
    if !request.client.is_local() {
        viewer(state, request)?.may(Action::Administer)?;
    }
    Ok(Operator::recognised())
}

/// The token that a request carries: the header's, else the cookie's.
///
/// # Errors
/// 403 for a cookie on a request that changes something and does not prove to come from our own
/// page: a browser would send the cookie along with a foreign page's form as well.
pub(crate) fn token(state: &State, request: &HttpRequest) -> Result<Option<Token>, Refusal> {
    let head = &request.head;
    if let Some(token) = bearer(&head.headers)? {
        return Ok(Some(token));
    }
    let Some(token) = cookie::token(&head.headers) else { return Ok(None) };
    let is_own = head.method.is_safe() || origin::is_ours(&head.headers, &state.settings);
    is_own.then_some(Some(token)).ok_or_else(|| {
        Refusal::forbidden("a cookie is taken from our own page only, send a bearer token")
    })
}

/// The member whom the request's token stands for.
fn member(state: &State, request: &HttpRequest) -> Result<Member, Refusal> {
    let unauthorized = || Refusal::unauthorized("Unauthorized");
    let token = token(state, request)?.ok_or_else(unauthorized)?;
    let now = now();
    let guessing = (!is_random(&token)).then(|| request.client.key(Attempt::Token));
    if let Some(address) = &guessing {
        state.throttle(|throttle| throttle.check(address, now))?;
    }
    let member = state.keys.ask(|keyring| keyring.whose(&token, now));
    if let (None, Some(address)) = (&member, &guessing) {
        state.throttle(|throttle| throttle.failed(address, now));
    }
    member.ok_or_else(unauthorized)
}

/// Whether a token looks like those that OIS makes. Nobody guesses 32 random bytes, and a page left
/// open with a session of last week must not shut out everybody else behind its address. A token
/// that an operator made up can be guessed, so wrong ones of that kind count.
fn is_random(token: &Token) -> bool {
    let text = token.reveal();
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The token of the header `Authorization`, with or without the word `Bearer`, as the original took
/// it.
fn bearer(headers: &HeaderMap) -> Result<Option<Token>, Refusal> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    // A made-up token may hold any UTF-8, while `HeaderValue::to_str` takes ASCII only.
    let text =
        std::str::from_utf8(value.as_bytes()).map_err(|_| Refusal::unauthorized("Unauthorized"))?;
    let token = match text.split_at_checked(7) {
        Some((word, token)) if word.eq_ignore_ascii_case("bearer ") => token.trim(),
        _ => text.trim(),
    };
    if token.is_empty() {
        return Ok(None);
    }
    Token::parse(token).map(Some).map_err(|_| Refusal::unauthorized("Unauthorized"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.try_into().unwrap());
        bearer(&headers).ok().flatten().map(|token| token.reveal().to_owned())
    }

    #[test]
    fn the_word_before_a_token_may_be_missing() {
        assert_eq!(shown(b"Bearer abc").as_deref(), Some("abc"));
        assert_eq!(shown(b"bearer  abc").as_deref(), Some("abc"));
        assert_eq!(shown(b"abc").as_deref(), Some("abc"));
        assert_eq!(shown("Bearer schlüssel".as_bytes()).as_deref(), Some("schlüssel"));
        assert_eq!(shown(b"Bearer "), None);
    }

    #[test]
    fn only_made_up_tokens_can_be_guessed() {
        let token = |text: &str| Token::parse(text).unwrap();
        assert!(is_random(&token(&"0a".repeat(32))));
        assert!(!is_random(&token("s3cret")) && !is_random(&token(&"0A".repeat(32))));
    }
}
