//! The handshake that makes a WebSocket of a request (RFC 6455, section 4.2).
//!
//! Any path is taken, as the original took it. The answer carries an [`Adopt`]: the driver of the
//! connection (`serve`, or `serve/try_upgrade` on the hot loop) finds it there and hands the socket
//! to the hot loop once the answer is out.

use hyper::{
    Method, Response, StatusCode, Version,
    header::{
        CONNECTION, COOKIE, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
    http::request::Parts,
};
use ois_auth::Token;
use ois_protocol::ErrorCode;

use crate::{
    access,
    body::{self, Body},
    headers::has_word,
    reply::Refusal,
    state::State,
};

/// The route under which handshakes are counted and specified. Any path is taken.
pub(crate) const ROUTE: &str = "GET /ws";

/// What the hot loop has to know of a socket besides the socket.
#[derive(Clone, Debug)]
pub(crate) struct Adopt {
    /// The token of the session cookie that the browser sent along; a sign-in frame without a token
    /// uses it.
    pub(crate) cookie: Option<Token>,
}

/// Whether the request asks for a WebSocket.
pub(crate) fn is_wanted(head: &Parts) -> bool {
    head.method == Method::GET && has_word(&head.headers, &UPGRADE, "websocket")
}

/// Agrees to the upgrade, or says what is wrong with it.
pub(crate) fn answer(state: &State, head: &Parts) -> Result<Response<Body>, Refusal> {
    let headers = &head.headers;
    if head.version != Version::HTTP_11 || !has_word(headers, &CONNECTION, "upgrade") {
        return Err(Refusal::bad("an upgrade needs HTTP/1.1 and \"Connection: Upgrade\""));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(required().with(SEC_WEBSOCKET_VERSION, "13"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    let key = key.ok_or_else(|| Refusal::bad("Sec-WebSocket-Key is not 16 bytes in base64"))?;
    // Browsers let any page open a WebSocket to anybody, and send the cookie along.
    if headers.contains_key(COOKIE) && access::is_foreign(headers, &state.settings) {
        let words =
            "the page that opens this connection is not ours (behind a proxy, set the public url)";
        return Err(Refusal::forbidden(words));
    }
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let accept = HeaderValue::from_str(&accept).expect("base64 is header text");
    let mut answer = Response::new(body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer.extensions_mut().insert(Adopt { cookie: access::cookie_token(headers) });
    Ok(answer)
}

/// The answer to a request for the WebSocket's address that is not an upgrade.
pub(crate) fn required() -> Refusal {
    let words = "this address speaks WebSocket, version 13";
    Refusal::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::BadFrame, words)
        .with(UPGRADE, "websocket")
}

/// 16 bytes in base64: 22 digits, of which the last holds two bits, and the padding.
fn is_key(key: &[u8]) -> bool {
    let digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(digit)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(pairs: &[(&'static str, &'static str)]) -> Parts {
        let mut request = Request::get("/any/path");
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn an_upgrade_is_recognised_among_other_words() {
        assert!(is_wanted(&head(&[("upgrade", "h2c, WebSocket")])));
        assert!(!is_wanted(&head(&[("upgrade", "h2c")])) && !is_wanted(&head(&[])));
        let head = head(&[("connection", "keep-alive, Upgrade")]);
        assert!(has_word(&head.headers, &CONNECTION, "upgrade"));
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for wrong in
            ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j====", "dGhlIHNhbXBsZSBub25jZ!=="]
        {
            assert!(!is_key(wrong.as_bytes()), "{wrong}");
        }
    }
}
