//! Who is asking: a token, a cookie or a ticket becomes a member, or a refusal.
//!
//! What a member may do is `ois-auth`'s to say; where a request comes from is [`Client`]'s.

mod client;
mod cookie;
mod origin;

use hyper::header::{AUTHORIZATION, HeaderMap};
use ois_auth::{Action, Token, may};
use ois_protocol::{Kind, Member, Role, StorePath};

pub(crate) use client::{Attempt, Client};
pub(crate) use cookie::{clear as clear_cookie, set as set_cookie, token as cookie_token};
pub(crate) use origin::is_foreign;

use crate::{clock::now, reply::Refusal, route::Ask, state::State};

/// The member who asks, if their role allows this.
///
/// # Errors
/// 401 without a token that stands for somebody, 403 for a role that may not, 429 for an address
/// that keeps guessing.
pub(crate) fn member(state: &State, ask: &Ask, action: Action) -> Result<Member, Refusal> {
    let member = whose(state, ask)?;
    if !may(member.role, action) {
        return Err(Refusal::forbidden("your role does not allow this"));
    }
    Ok(member)
}

/// The same, for the one route that also takes a ticket, as a link cannot carry a header.
pub(crate) fn member_or_ticket(
    state: &State,
    ask: &Ask,
    action: Action,
) -> Result<Member, Refusal> {
    let Some(ticket) = ask.target.get("ticket") else { return member(state, ask, action) };
    let path: StorePath = ask.target.need("path")?.parse()?;
    let name = state
        .tickets
        .check(ticket, &path, now())
        .map_err(|error| Refusal::unauthorized(&error.to_string()))?;
    let known = state.keys.ask(|keyring| keyring.member(&name).cloned());
    // Who signed in with the shared password stands in no register.
    let plain = || {
        let display = name.as_str().parse().ok()?;
        Some(Member::new(display, Kind::Human, Role::Member))
    };
    let member = known.or_else(plain).ok_or_else(|| Refusal::unauthorized("Unauthorized"))?;
    if !may(member.role, action) {
        return Err(Refusal::forbidden("your role does not allow this"));
    }
    Ok(member)
}

/// Lets in who sits on the same host, or administers.
pub(crate) fn operator(state: &State, ask: &Ask) -> Result<(), Refusal> {
    if ask.client.is_local() {
        return Ok(());
    }
    member(state, ask, Action::Administer).map(drop)
}

/// The token that a request shows: the header's, else the cookie's.
///
/// # Errors
/// 403 for a cookie on a request that changes something and does not prove to come from our own
/// page: a browser would send it along with a foreign page's form as well.
pub(crate) fn token(state: &State, ask: &Ask) -> Result<Option<Token>, Refusal> {
    if let Some(token) = bearer(&ask.head.headers)? {
        return Ok(Some(token));
    }
    let Some(token) = cookie::token(&ask.head.headers) else { return Ok(None) };
    let own = ask.head.method.is_safe() || origin::is_ours(&ask.head.headers, &state.settings);
    own.then_some(Some(token)).ok_or_else(|| {
        Refusal::forbidden("a cookie is taken from our own page only, send a bearer token")
    })
}

fn whose(state: &State, ask: &Ask) -> Result<Member, Refusal> {
    let unauthorized = || Refusal::unauthorized("Unauthorized");
    let token = token(state, ask)?.ok_or_else(unauthorized)?;
    let now = now();
    let guessing = (!is_random(&token)).then(|| ask.client.key(Attempt::Token));
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
/// open with a session of last week must not shut out everybody else behind its address. Tokens that
/// an operator made up are another matter.
fn is_random(token: &Token) -> bool {
    let text = token.reveal();
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The header's token, with or without the word before it, as the original took it.
fn bearer(headers: &HeaderMap) -> Result<Option<Token>, Refusal> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    // Made-up tokens may hold any UTF-8; hyper's own reading takes ASCII only.
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
