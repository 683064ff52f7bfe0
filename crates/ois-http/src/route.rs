//! Which function answers a request: method and path in, answer out.
//!
//! [`Route::ALL`] is every door there is; a test holds it against the specification. What a route
//! needs is written beside it and checked here, before its function is called.

mod table;

use std::{net::SocketAddr, time::Instant};

use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{CACHE_CONTROL, CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue},
    http::request::Parts,
};
use ois_protocol::Member;

pub(crate) use table::{Needs, Route};

use crate::{
    access, api,
    body::{self, Body},
    files, health, metrics, page,
    reply::Refusal,
    state::State,
    target::Target,
    upgrade, uploads,
};

/// One request on its way to its function.
pub(crate) struct Ask {
    /// Method, address and headers as they came.
    pub(crate) head: Parts,
    /// The address, decoded.
    pub(crate) target: Target,
    /// What is still to be read of the body.
    pub(crate) body: Incoming,
    /// Who asks from where.
    pub(crate) client: access::Client,
}

/// Answers one request. Errors are answers too.
pub(crate) async fn answer(
    state: &State,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let method = head.method.clone();
    let (route, mut answer) = dispatch(state, head, body, peer).await;
    finish(&mut answer);
    if method == Method::HEAD {
        answer = without_body(answer);
    }
    let name = route.map_or("none", Route::name);
    state.metrics.answered(name, answer.status());
    let ms = began.elapsed().as_millis();
    // The address may hold a secret (an upload's name, a ticket): the route's name does not.
    tracing::debug!(%method, route = name, status = answer.status().as_u16(), ms, "answered");
    answer
}

async fn dispatch(
    state: &State,
    head: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> (Option<Route>, Response<Body>) {
    let client = access::Client::of(&head.headers, peer, &state.settings);
    if upgrade::is_wanted(&head) {
        let answer = upgrade::answer(state, &head);
        return (Some(Route::Socket), answer.unwrap_or_else(|refusal| refuse(&refusal, None)));
    }
    let drainable = (!head.headers.contains_key(EXPECT)).then_some(());
    let target = match Target::parse(&head.uri) {
        Ok(target) => target,
        Err(refusal) => return (None, refuse(&refusal, drainable.map(|()| body))),
    };
    let route = match table::find(&head.method, &target.path) {
        Ok(route) => route,
        Err(missing) => return (None, astray(&head.method, &missing, drainable.map(|()| body))),
    };
    let mut ask = Ask { head, target, body, client };
    let answer = match allowed(state, route, &ask) {
        Ok(member) => call(state, route, member, &mut ask).await,
        Err(refusal) => Err(refusal),
    };
    (Some(route), answer.unwrap_or_else(|refusal| refuse(&refusal, drainable.map(|()| ask.body))))
}

/// Who asks, if the route wants to know and they may.
fn allowed(state: &State, route: Route, ask: &Ask) -> Result<Option<Member>, Refusal> {
    match route.needs() {
        Needs::Nothing => Ok(None),
        Needs::Operator => access::operator(state, ask).map(|()| None),
        Needs::Ticket(action) => access::member_or_ticket(state, ask, action).map(Some),
        Needs::Right(action) => {
            let words = if route == Route::Verify { "Invalid token" } else { "Unauthorized" };
            access::member(state, ask, action).map(Some).map_err(|refusal| {
                let unknown = refusal.status == StatusCode::UNAUTHORIZED;
                if unknown { refusal.saying(words) } else { refusal }
            })
        }
    }
}

async fn call(
    state: &State,
    route: Route,
    member: Option<Member>,
    ask: &mut Ask,
) -> Result<Response<Body>, Refusal> {
    let known = || member.clone().ok_or_else(|| Refusal::unauthorized("Unauthorized"));
    if matches!(ask.head.method, Method::GET | Method::HEAD) && !ask.body.is_end_stream() {
        // Nobody needs it, but a connection that ends with something unread takes the end of the
        // answer with it.
        body::whole(&ask.head, &mut ask.body, state.settings.limits.json_bytes).await?;
    }
    match route {
        Route::Login => api::session::login(state, ask).await,
        Route::Logout => api::session::logout(state, ask).await,
        Route::Verify => Ok(api::session::verify(&known()?)),
        Route::Members => Ok(api::members::list(state).await),
        Route::Messages => api::messages::read(state, &known()?, ask).await,
        Route::Say => api::messages::say(state, known()?, ask).await,
        Route::Deliveries => api::deliveries::list(state, ask).await,
        Route::DeliveriesOf => api::deliveries::of_message(state, &known()?, ask).await,
        Route::Retry => api::deliveries::retry(state, &known()?, ask).await,
        Route::Runs => api::runs::list(state, ask).await,
        Route::StopRun => api::runs::stop(state, &known()?, ask).await,
        Route::Usage => api::runs::usage(state, ask).await,
        Route::Budgets => api::runs::budgets(state).await,
        Route::SetBudgets => api::runs::set_budgets(state, ask).await,
        Route::Ticket => api::ticket::issue(state, &known()?, ask).await,
        Route::List => files::list(state, ask).await,
        Route::Read => files::read(state, ask).await,
        Route::Write => files::write(state, ask).await,
        Route::Put => files::put(state, ask).await,
        Route::Remove | Route::Delete => files::remove(state, ask).await,
        Route::MakeDir => files::make_dir(state, ask).await,
        Route::Rename => files::rename(state, ask).await,
        Route::Download => files::download(state, ask).await,
        Route::Upload => uploads::keep(state, ask).await,
        Route::Uploaded => uploads::give(state, ask).await,
        Route::Page | Route::PageFile => page::give(state, ask),
        Route::Socket => Err(upgrade::required()),
        Route::Health => Ok(health::alive()),
        Route::Ready => health::ready(state),
        Route::Metrics => Ok(metrics::show(state).await),
    }
}

/// The answer to a path that is not there, or not for this method.
fn astray(method: &Method, missing: &table::Missing, body: Option<Incoming>) -> Response<Body> {
    match missing {
        table::Missing::Path => refuse(&Refusal::not_found("not found"), body),
        table::Missing::Method(allow) if *method == Method::OPTIONS => {
            let mut answer = Response::new(body::empty());
            *answer.status_mut() = StatusCode::NO_CONTENT;
            let allow = HeaderValue::from_str(allow).expect("methods are header text");
            answer.headers_mut().insert(hyper::header::ALLOW, allow);
            answer
        }
        table::Missing::Method(allow) => refuse(&Refusal::method(allow), body),
    }
}

/// Tells the peer, reading what is left of its body if there is any, and the log.
fn refuse(refusal: &Refusal, rest: Option<Incoming>) -> Response<Body> {
    let status = refusal.status.as_u16();
    if let Some(cause) = &refusal.source {
        let cause: &(dyn std::error::Error + 'static) = &**cause;
        tracing::error!(status, error = cause, "{}", refusal.words);
    } else if refusal.status.is_server_error() {
        tracing::warn!(status, "{}", refusal.words);
    }
    let json = refusal.json();
    match rest.filter(|rest| !rest.is_end_stream()) {
        Some(rest) => refusal.answer(body::full_then_drain(json.into(), rest)),
        None => refusal.answer(body::full(json)),
    }
}

/// Headers that every answer has, unless its function knew better.
fn finish(answer: &mut Response<Body>) {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let headers = answer.headers_mut();
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The headers of an answer, its length included, without its body.
fn without_body(answer: Response<Body>) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    if let (Some(length), false) = (body.size_hint().exact(), head.status == StatusCode::NO_CONTENT)
    {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    Response::from_parts(head, body::empty())
}

const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");
