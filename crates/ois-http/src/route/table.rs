//! The table of routes: one row for each method on each path.
//!
//! The router, the header `Allow`, the check of rights, the names of the counters and the test of
//! the specification all come from [`ROUTES`]. A new route is a row here, a function in `api`,
//! `files` or `uploads`, and a path in `specs/http.json`.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use hyper::{Method, Response};
use ois_auth::Action;

use crate::{
    access::viewer::{Operator, Viewer},
    api::{budgets, deliveries, members, messages, metrics, runs, session, ticket},
    body::Body,
    files, health, ops, page,
    reply::Refusal,
    request::HttpRequest,
    state::State,
    target, upgrade, uploads,
};

/// One method on one path.
pub(crate) struct Route {
    /// How the log and the counters call it: method, space, path.
    pub(crate) name: &'static str,
    /// The method; a HEAD goes to the row of GET.
    pub(crate) method: Method,
    /// The path, with `{name}` for a part that varies.
    pub(crate) path: &'static str,
    /// What a request has to prove, and the function that answers it.
    pub(crate) handler: Handler,
    /// The words of a 401.
    pub(crate) unauthorized: &'static str,
    /// Whether the part of the path that varies may hold slashes.
    has_slashes: bool,
}

/// What a request has to prove, and the function that answers it.
pub(crate) enum Handler {
    /// A request from anybody.
    Anybody(for<'a> fn(&'a State, &'a mut HttpRequest) -> Answering<'a>),
    /// A request with a token or cookie of a member who may do this.
    Member(Action, for<'a> fn(&'a State, &'a Viewer, &'a mut HttpRequest) -> Answering<'a>),
    /// A request with a token, a cookie or a ticket; the operation says what each is good for.
    MemberOrTicket(for<'a> fn(&'a State, &'a Viewer, &'a mut HttpRequest) -> Answering<'a>),
    /// A request from the server's own host, or with a token of a member who administers.
    Operator(for<'a> fn(&'a State, Operator, &'a mut HttpRequest) -> Answering<'a>),
}

/// An answer that is being made.
pub(crate) type Answering<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Refusal>> + Send + 'a>>;

use Handler::{Anybody, Member, MemberOrTicket};

/// Every route.
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    route("POST /api/login", Anybody(|s, r| Box::pin(session::login(s, r)))),
    route("POST /api/logout", Anybody(|s, r| Box::pin(session::logout(s, r)))),
    route("GET /api/verify", Member(Action::Read, |_, v, _| Box::pin(ready(Ok(session::verify(v))))))
        .unauthorized("Invalid token"),
    route("GET /api/members", Member(ops::members::LIST, |s, v, _| Box::pin(members::list(s, v)))),
    route("GET /api/messages", Member(ops::messages::READ, |s, v, r| Box::pin(messages::page(s, v, r)))),
    route("POST /api/messages", Member(ops::messages::SAY, |s, v, r| Box::pin(messages::say(s, v, r)))),
    route("GET /api/messages/{id}", Member(ops::messages::READ, |s, v, r| Box::pin(messages::one(s, v, r)))),
    route("GET /api/messages/{id}/deliveries", Member(ops::deliveries::READ, |s, v, r| Box::pin(deliveries::of_message(s, v, r)))),
    route("GET /api/deliveries", Member(ops::deliveries::READ, |s, v, r| Box::pin(deliveries::list(s, v, r)))),
    route("POST /api/deliveries/{id}/retry", Member(ops::deliveries::RETRY, |s, v, r| Box::pin(deliveries::retry(s, v, r)))),
    route("GET /api/runs", Member(ops::runs::LIST, |s, v, r| Box::pin(runs::list(s, v, r)))),
    // A run is named by its runtime, which may use slashes.
    route("POST /api/runs/{id}/stop", Member(ops::runs::STOP, |s, v, r| Box::pin(runs::stop(s, v, r))))
        .with_slashes(),
    route("GET /api/usage", Member(ops::runs::USAGE, |s, v, r| Box::pin(runs::usage(s, v, r)))),
    route("GET /api/budgets", Member(ops::budgets::READ, |s, v, _| Box::pin(budgets::read(s, v)))),
    route("PUT /api/budgets", Member(ops::budgets::SET, |s, v, r| Box::pin(budgets::set(s, v, r)))),
    route("POST /api/ticket", Member(ops::files::READ, |s, v, r| Box::pin(ticket::issue(s, v, r)))),
    route("GET /api/files", Member(ops::files::READ, |s, v, r| Box::pin(files::list(s, v, r)))),
    route("GET /api/file", Member(ops::files::READ, |s, v, r| Box::pin(files::read(s, v, r)))),
    route("POST /api/file", Member(ops::files::WRITE, |s, v, r| Box::pin(files::write(s, v, r)))),
    route("PUT /api/file", Member(ops::files::WRITE, |s, v, r| Box::pin(files::put(s, v, r)))),
    route("DELETE /api/file", Member(ops::files::WRITE, |s, v, r| Box::pin(files::remove(s, v, r)))),
    // The name under which the original's page calls the same.
    route("DELETE /api/delete", Member(ops::files::WRITE, |s, v, r| Box::pin(files::remove(s, v, r)))),
    route("POST /api/mkdir", Member(ops::files::WRITE, |s, v, r| Box::pin(files::make_dir(s, v, r)))),
    route("POST /api/rename", Member(ops::files::WRITE, |s, v, r| Box::pin(files::rename(s, v, r)))),
    route("GET /api/download", MemberOrTicket(|s, v, r| Box::pin(files::download(s, v, r)))),
    route("POST /api/upload", Member(ops::uploads::KEEP, |s, v, r| Box::pin(uploads::keep(s, v, r)))),
    // The name of an upload cannot be guessed, so who knows it may have the bytes.
    route("GET /uploads/{name}", Anybody(|s, r| Box::pin(uploads::read(s, r)))),
    route("GET /", Anybody(|s, r| Box::pin(ready(page::file(s, r))))),
    route("GET /web/{name}", Anybody(|s, r| Box::pin(ready(page::file(s, r))))),
    // An upgrade is taken on any path; this row answers a request that is none.
    route(upgrade::ROUTE, Anybody(|_, _| Box::pin(ready(Err(upgrade::required()))))),
    route("GET /healthz", Anybody(|_, _| Box::pin(ready(Ok(health::alive()))))),
    route("GET /readyz", Anybody(|s, _| Box::pin(ready(health::ready(s))))),
    route("GET /metrics", Handler::Operator(|s, o, _| Box::pin(metrics::show(s, o)))),
];

/// A row of the table. The name is method, space and path; another one does not compile.
const fn route(name: &'static str, handler: Handler) -> Route {
    let (method, path) = match name.as_bytes() {
        [b'G', b'E', b'T', b' ', b'/', ..] => (Method::GET, name.split_at(4).1),
        [b'P', b'U', b'T', b' ', b'/', ..] => (Method::PUT, name.split_at(4).1),
        [b'P', b'O', b'S', b'T', b' ', b'/', ..] => (Method::POST, name.split_at(5).1),
        [b'D', b'E', b'L', b'E', b'T', b'E', b' ', b'/', ..] => {
            (Method::DELETE, name.split_at(7).1)
        }
        _ => panic!("a route's name is a method, a space and a path"),
    };
    Route { name, method, path, handler, unauthorized: "Unauthorized", has_slashes: false }
}

impl Route {
    /// The same row with other words for a 401, where the original's are on record.
    const fn unauthorized(mut self, words: &'static str) -> Self {
        self.unauthorized = words;
        self
    }

    /// The same row, whose part that varies may hold slashes.
    const fn with_slashes(mut self) -> Self {
        self.has_slashes = true;
        self
    }

    /// Whether a decoded path is this row's. The part that varies is not empty.
    fn is_at(&self, path: &str) -> bool {
        match target::held(self.path, path) {
            Some(part) => !part.is_empty() && (self.has_slashes || !part.contains('/')),
            None => self.path == path,
        }
    }
}

/// Why no route answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing is at this path.
    Path,
    /// The path takes other methods, which the header `Allow` lists as in this text.
    Method(String),
}

/// The route for a method and a decoded path.
pub(crate) fn find(method: &Method, path: &str) -> Result<&'static Route, Missing> {
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let here = || ROUTES.iter().filter(|route| route.is_at(path));
    if let Some(route) = here().find(|route| route.method == *wanted) {
        return Ok(route);
    }
    let mut allow: Vec<&str> = here().map(|route| route.method.as_str()).collect();
    if allow.is_empty() {
        return Err(Missing::Path);
    }
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    allow.push("OPTIONS");
    Err(Missing::Method(allow.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_route_is_listed_once_and_split_where_its_name_says() {
        let names: BTreeSet<&str> = ROUTES.iter().map(|route| route.name).collect();
        assert_eq!(names.len(), ROUTES.len());
        for route in ROUTES {
            assert_eq!(route.name, format!("{} {}", route.method, route.path));
        }
    }

    #[test]
    fn the_specification_has_these_routes_and_no_others() {
        let written: BTreeSet<String> = specification().into_keys().collect();
        let built: BTreeSet<String> = ROUTES.iter().map(|route| route.name.to_owned()).collect();
        assert_eq!(written, built);
    }

    #[test]
    fn the_specification_says_what_a_request_has_to_prove() {
        let written = specification();
        for route in ROUTES {
            let ways = written[route.name]["security"].as_array().unwrap().clone();
            let is_open = ways.is_empty() || ways.contains(&serde_json::json!({}));
            let needs_nothing = matches!(route.handler, Anybody(_) | Handler::Operator(_));
            assert_eq!(is_open, needs_nothing, "{}", route.name);
            let by_ticket = ways.iter().any(|way| way.get("ticket").is_some());
            assert_eq!(by_ticket, matches!(route.handler, MemberOrTicket(_)), "{}", route.name);
        }
    }

    /// The specification's operations by method and path.
    fn specification() -> BTreeMap<String, serde_json::Value> {
        let text = include_str!("../../../../specs/http.json");
        let specification: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut operations = BTreeMap::new();
        for (path, methods) in specification["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if operation.get("responses").is_some() {
                    let name = format!("{} {path}", method.to_uppercase());
                    operations.insert(name, operation.clone());
                }
            }
        }
        operations
    }

    fn found(method: &Method, path: &str) -> Result<&'static str, Missing> {
        find(method, path).map(|route| route.name)
    }

    #[test]
    fn a_path_with_another_method_says_which_it_takes() {
        let allow = |allow: &str| Err(Missing::Method(allow.to_owned()));
        assert_eq!(found(&Method::GET, "/api/login"), allow("POST, OPTIONS"));
        let file = "GET, POST, PUT, DELETE, HEAD, OPTIONS";
        assert_eq!(found(&Method::PATCH, "/api/file"), allow(file));
        assert_eq!(found(&Method::DELETE, "/api/messages/7"), allow("GET, HEAD, OPTIONS"));
    }

    #[test]
    fn a_path_finds_the_row_that_it_fits() {
        for (method, path, name) in [
            (Method::HEAD, "/healthz", "GET /healthz"),
            (Method::GET, "/uploads/x", "GET /uploads/{name}"),
            (Method::GET, "/api/messages/7", "GET /api/messages/{id}"),
            (Method::GET, "/api/messages/7/deliveries", "GET /api/messages/{id}/deliveries"),
            (Method::POST, "/api/deliveries/7:HKH/retry", "POST /api/deliveries/{id}/retry"),
            (Method::POST, "/api/runs/a/b/stop", "POST /api/runs/{id}/stop"),
        ] {
            assert_eq!(found(&method, path), Ok(name), "{path}");
        }
        for path in ["/uploads/x/y", "/uploads/", "/api/messages/", "/api/messages/7/x", "/api/no"]
        {
            assert_eq!(found(&Method::GET, path), Err(Missing::Path), "{path}");
        }
        assert_eq!(found(&Method::POST, "/api/runs//stop"), Err(Missing::Path));
    }
}
