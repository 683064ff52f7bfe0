//! Signing in and out.

use std::{sync::Arc, time::Duration};

use hyper::{Response, header::SET_COOKIE};
use ois_auth::{Challenge, Keyring, SignInError, Token, Verdict};
use ois_protocol::{
    Member,
    http::{Done, Login, LoginAnswer, Verify},
};

use crate::{
    access,
    body::{self, Body},
    clock::now,
    reply::{self, Refusal},
    route::Ask,
    state::State,
};

/// `POST /api/login`: a name and a password for a token and a cookie.
///
/// A body of another type than JSON counts as none, and none as a wrong password, as of old.
pub(crate) async fn login(state: &State, ask: &mut Ask) -> Result<Response<Body>, Refusal> {
    let login: Login = if body::may_be_json(&ask.head.headers) {
        body::json(&ask.head, &mut ask.body, LOGIN_BYTES).await?
    } else {
        Login::default()
    };
    if login.username.trim().is_empty() || login.password.is_empty() {
        return Err(SignInError::WrongPassword.into());
    }
    let address = ask.client.key(access::Attempt::Password);
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

/// `POST /api/logout`: the token that is shown is nobody's any more. Also fine without one.
pub(crate) async fn logout(state: &State, ask: &Ask) -> Result<Response<Body>, Refusal> {
    if let Some(token) = access::token(state, ask)?
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
pub(crate) fn verify(member: &Member) -> Response<Body> {
    let user = member.display.to_string();
    reply::json(&Verify { ok: true, user, role: Some(member.role) })
}

/// Hashes on a thread where it is in nobody's way; a few at once, others wait their turn.
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

/// Longer names and passwords than fit in here are nobody's.
const LOGIN_BYTES: usize = 16 << 10;

/// How long somebody waits for a turn at hashing.
const TURN: Duration = Duration::from_secs(10);
