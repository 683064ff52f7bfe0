//! From a request to its answer: finds the route, checks what the request has to prove, calls the
//! route's function, and turns errors into answers.

mod table;

use std::{net::SocketAddr, time::Instant};

use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{CACHE_CONTROL, CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue},
    http::request::Parts,
};

use self::table::{Handler, Route};
use crate::{
    access::{self, client::Client},
    body::{self, Body},
    reply::Refusal,
    request::HttpRequest,
    state::State,
    target::Target,
    upgrade,
};

/// Answers one request. An error is an answer too.
pub(crate) async fn answer(
    state: &State,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    let method = head.method.clone();
    let (name, mut answer) = dispatch(state, head, body, peer).await;
    finish(&mut answer);
    if method == Method::HEAD {
        answer = without_body(answer);
    }
    state.metrics.answered(name, answer.status());
    let ms = began.elapsed().as_millis();
    // The address may hold a secret (an upload's name, a ticket): the route's name does not.
    tracing::debug!(%method, route = name, status = answer.status().as_u16(), ms, "answered");
    answer
}

/// The name of the route that answers, and the answer.
async fn dispatch(
    state: &State,
    head: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> (&'static str, Response<Body>) {
    let client = Client::of(&head.headers, peer, &state.settings);
    if upgrade::is_wanted(&head) {
        let answer = upgrade::answer(state, &head);
        return (upgrade::ROUTE, answer.unwrap_or_else(|refusal| refuse(&refusal, None)));
    }
    let drainable = (!head.headers.contains_key(EXPECT)).then_some(());
    let target = match Target::parse(&head.uri) {
        Ok(target) => target,
        Err(refusal) => return (NO_ROUTE, refuse(&refusal, drainable.map(|()| body))),
    };
    let route = match table::find(&head.method, &target.path) {
        Ok(route) => route,
        Err(missing) => {
            let answer = no_route(&head.method, &missing, drainable.map(|()| body));
            return (NO_ROUTE, answer);
        }
    };
    let mut request = HttpRequest { head, target, body, client };
    let answer = call(state, route, &mut request).await;
    let answer =
        answer.unwrap_or_else(|refusal| refuse(&refusal, drainable.map(|()| request.body)));
    (route.name, answer)
}

/// Checks what the request has to prove, before its body is read, and calls the route's function.
async fn call(
    state: &State,
    route: &Route,
    request: &mut HttpRequest,
) -> Result<Response<Body>, Refusal> {
    match &route.handler {
        Handler::Anybody(answer) => {
            read_unwanted(state, request).await?;
            answer(state, request).await
        }
        Handler::Member(action, answer) => {
            let viewer = access::viewer(state, request).map_err(|refusal| {
                let is_unknown = refusal.status == StatusCode::UNAUTHORIZED;
                if is_unknown { refusal.saying(route.unauthorized) } else { refusal }
            })?;
            viewer.may(*action)?;
            read_unwanted(state, request).await?;
            answer(state, &viewer, request).await
        }
        Handler::MemberOrTicket(answer) => {
            let viewer = access::viewer_or_ticket(state, request)?;
            read_unwanted(state, request).await?;
            answer(state, &viewer, request).await
        }
        Handler::Operator(answer) => {
            let operator = access::operator(state, request)?;
            read_unwanted(state, request).await?;
            answer(state, operator, request).await
        }
    }
}

/// Reads the body of a GET. No function wants it, but a connection that ends with something unread
/// is reset, and the peer loses the end of the answer.
async fn read_unwanted(state: &State, request: &mut HttpRequest) -> Result<(), Refusal> {
    let is_get = matches!(request.head.method, Method::GET | Method::HEAD);
    if is_get && !request.body.is_end_stream() {
        let limit = state.settings.limits.json_bytes;
        body::whole(&request.head, &mut request.body, limit).await?;
    }
    Ok(())
}

/// The answer where no route has this path, or none has it with this method.
fn no_route(method: &Method, missing: &table::Missing, body: Option<Incoming>) -> Response<Body> {
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

/// The answer that tells a refusal, while what is left of the request's body is read; a fault of the
/// server also goes to the log.
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

/// Adds the headers that every answer has, unless its function has set them.
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

/// The name under which requests are counted that no route answers.
const NO_ROUTE: &str = "none";
const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");
