//! Signing in and out, and whose token a request carries.

use std::{sync::Arc, time::Duration};

use hyper::{Response, header::SET_COOKIE};
use ois_auth::{Challenge, Keyring, SignInError, Token, Verdict};
use ois_protocol::http::{Done, Login, LoginAnswer, Verify};

use crate::{
    access::{self, client::Attempt, viewer::Viewer},
    body::{self, Body},
    clock::now,
    reply::{self, Refusal},
    request::HttpRequest,
    state::State,
};

/// `POST /api/login`: a name and a password for a token and a cookie.
///
/// A body of another type than JSON counts as none, and none as a wrong password, as of old.
pub(crate) async fn login(
    state: &State,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    let login: Login = if body::may_be_json(&request.head.headers) {
        body::json(&request.head, &mut request.body, LOGIN_BYTES).await?
    } else {
        Login::default()
    };
    if login.username.trim().is_empty() || login.password.is_empty() {
        return Err(SignInError::WrongPassword.into());
    }
    let address = request.client.key(Attempt::Password);
    state.throttle(|throttle| throttle.admit(&address, now()))?;
    let challenge = state.keys.ask(|keyring| keyring.challenge(&login.username))?;
    let verdict = verify_password(state, challenge, login.password).await?;
    let token = Token::random(&mut state.entropy.clone());
    let opened = |keyring: &mut Keyring| {
        keyring.sweep(now());
        keyring.open_session(verdict, &token, now())
    };
    let member = state.keys.change_sessions(opened).await?;
    state.throttle(|throttle| throttle.succeeded(&address));
    let mut answer = reply::json(&LoginAnswer {
        ok: true,
        token: token.reveal().to_owned(),
        user: member.display.to_string(),
        role: Some(member.role),
    });
    let cookie = access::set_cookie(&token, &state.settings);
    answer.headers_mut().insert(SET_COOKIE, cookie);
    Ok(answer)
}

/// `POST /api/logout`: ends the session whose token the request carries, if it carries one.
pub(crate) async fn logout(
    state: &State,
    request: &HttpRequest,
) -> Result<Response<Body>, Refusal> {
    if let Some(token) = access::token(state, request)?
        && state.keys.ask(|keyring| keyring.session(&token, now())).is_some()
    {
        state.keys.change_sessions(|keyring| keyring.sign_out(&token)).await;
        state.hub.keyring_changed().await;
    }
    let mut answer = reply::json(&Done::default());
    answer.headers_mut().insert(SET_COOKIE, access::clear_cookie(&state.settings));
    Ok(answer)
}

/// `GET /api/verify`: whose token it is.
pub(crate) fn verify(viewer: &Viewer) -> Response<Body> {
    let member = viewer.member();
    let user = member.display.to_string();
    reply::json(&Verify { ok: true, user, role: Some(member.role) })
}

/// Hashes on a thread of its own, so that no other request waits for it. A few passwords are hashed
/// at once; further ones wait for their turn.
async fn verify_password(
    state: &State,
    challenge: Challenge,
    password: String,
) -> Result<Verdict, Refusal> {
    let turn = Arc::clone(&state.hashing).acquire_owned();
    let turn = tokio::time::timeout(TURN, turn).await;
    let Ok(Ok(turn)) = turn else { return Err(Refusal::busy("too many people are signing in")) };
    let hashed = tokio::task::spawn_blocking(move || {
        let verdict = challenge.verify(&password);
        drop(turn);
        verdict
    });
    hashed.await.map_err(|_| Refusal::busy("the server is stopping"))
}

/// The longest body of a sign-in in bytes; no member has a longer name and password.
const LOGIN_BYTES: usize = 16 << 10;

/// How long a sign-in waits for its turn at hashing.
const TURN: Duration = Duration::from_secs(10);
