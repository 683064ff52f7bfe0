//! The table of routes.

use hyper::Method;
use ois_auth::Action;

/// A door: one method on one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    /// Signs in with a name and a password.
    Login,
    /// Ends the session.
    Logout,
    /// Says who the token stands for.
    Verify,
    /// Who belongs to the team, and who is there.
    Members,
    /// What was said.
    Messages,
    /// Says something.
    Say,
    /// How far mentions came.
    Deliveries,
    /// How far one message's mentions came.
    DeliveriesOf,
    /// Drives a delivery again.
    Retry,
    /// Agents' turns.
    Runs,
    /// Has a turn stopped.
    StopRun,
    /// What turns cost.
    Usage,
    /// What they may cost.
    Budgets,
    /// Sets that.
    SetBudgets,
    /// A link that downloads one file without a header.
    Ticket,
    /// What a folder holds.
    List,
    /// A file as text.
    Read,
    /// Writes a text.
    Write,
    /// Writes bytes of any kind.
    Put,
    /// Removes a file or folder.
    Remove,
    /// The same under the name that the original's page calls.
    Delete,
    /// Makes a folder.
    MakeDir,
    /// Gives a file or folder another place.
    Rename,
    /// A file's bytes.
    Download,
    /// Keeps a file, for a message or in a folder.
    Upload,
    /// An upload's bytes; its name is the capability.
    Uploaded,
    /// The page.
    Page,
    /// What the page is made of.
    PageFile,
    /// The WebSocket; an upgrade is taken on any path.
    Socket,
    /// Whether the process lives.
    Health,
    /// Whether it can do its work.
    Ready,
    /// Its counters.
    Metrics,
}

/// What a request has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A token or cookie of a member whose role allows this.
    Right(Action),
    /// The same, or a ticket for the path.
    Ticket(Action),
    /// To come from the same host, or a token of somebody who administers.
    Operator,
}

impl Route {
    /// All of them.
    pub(crate) const ALL: [Self; 32] = [
        Self::Login,
        Self::Logout,
        Self::Verify,
        Self::Members,
        Self::Messages,
        Self::Say,
        Self::Deliveries,
        Self::DeliveriesOf,
        Self::Retry,
        Self::Runs,
        Self::StopRun,
        Self::Usage,
        Self::Budgets,
        Self::SetBudgets,
        Self::Ticket,
        Self::List,
        Self::Read,
        Self::Write,
        Self::Put,
        Self::Remove,
        Self::Delete,
        Self::MakeDir,
        Self::Rename,
        Self::Download,
        Self::Upload,
        Self::Uploaded,
        Self::Page,
        Self::PageFile,
        Self::Socket,
        Self::Health,
        Self::Ready,
        Self::Metrics,
    ];

    /// Method, path and need. `{name}` stands for anything; HEAD goes where GET goes.
    pub(crate) const fn entry(self) -> (Method, &'static str, Needs) {
        const READ: Needs = Needs::Right(Action::Read);
        const WRITE: Needs = Needs::Right(Action::WriteFiles);
        const CHAT: Needs = Needs::Right(Action::Chat);
        match self {
            Self::Login => (Method::POST, "/api/login", Needs::Nothing),
            Self::Logout => (Method::POST, "/api/logout", Needs::Nothing),
            Self::Verify => (Method::GET, "/api/verify", READ),
            Self::Members => (Method::GET, "/api/members", READ),
            Self::Messages => (Method::GET, "/api/messages", READ),
            Self::Say => (Method::POST, "/api/messages", CHAT),
            Self::Deliveries => (Method::GET, "/api/deliveries", READ),
            Self::DeliveriesOf => (Method::GET, "/api/messages/{id}/deliveries", READ),
            Self::Retry => (Method::POST, "/api/deliveries/{id}/retry", CHAT),
            Self::Runs => (Method::GET, "/api/runs", READ),
            Self::StopRun => (Method::POST, "/api/runs/{id}/stop", CHAT),
            Self::Usage => (Method::GET, "/api/usage", READ),
            Self::Budgets => (Method::GET, "/api/budgets", READ),
            Self::SetBudgets => (Method::PUT, "/api/budgets", Needs::Right(Action::Administer)),
            Self::Ticket => (Method::POST, "/api/ticket", READ),
            Self::List => (Method::GET, "/api/files", READ),
            Self::Read => (Method::GET, "/api/file", READ),
            Self::Write => (Method::POST, "/api/file", WRITE),
            Self::Put => (Method::PUT, "/api/file", WRITE),
            Self::Remove => (Method::DELETE, "/api/file", WRITE),
            Self::Delete => (Method::DELETE, "/api/delete", WRITE),
            Self::MakeDir => (Method::POST, "/api/mkdir", WRITE),
            Self::Rename => (Method::POST, "/api/rename", WRITE),
            Self::Download => (Method::GET, "/api/download", Needs::Ticket(Action::Read)),
            Self::Upload => (Method::POST, "/api/upload", WRITE),
            Self::Uploaded => (Method::GET, "/uploads/{name}", Needs::Nothing),
            Self::Page => (Method::GET, "/", Needs::Nothing),
            Self::PageFile => (Method::GET, "/web/{name}", Needs::Nothing),
            Self::Socket => (Method::GET, "/ws", Needs::Nothing),
            Self::Health => (Method::GET, "/healthz", Needs::Nothing),
            Self::Ready => (Method::GET, "/readyz", Needs::Nothing),
            Self::Metrics => (Method::GET, "/metrics", Needs::Operator),
        }
    }

    /// The path with `{name}` for what varies.
    pub(crate) fn path(self) -> &'static str {
        self.entry().1
    }

    /// What a request has to show.
    pub(crate) fn needs(self) -> Needs {
        self.entry().2
    }

    /// How the log and the counters call it: method and path.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Login => "POST /api/login",
            Self::Logout => "POST /api/logout",
            Self::Verify => "GET /api/verify",
            Self::Members => "GET /api/members",
            Self::Messages => "GET /api/messages",
            Self::Say => "POST /api/messages",
            Self::Deliveries => "GET /api/deliveries",
            Self::DeliveriesOf => "GET /api/messages/{id}/deliveries",
            Self::Retry => "POST /api/deliveries/{id}/retry",
            Self::Runs => "GET /api/runs",
            Self::StopRun => "POST /api/runs/{id}/stop",
            Self::Usage => "GET /api/usage",
            Self::Budgets => "GET /api/budgets",
            Self::SetBudgets => "PUT /api/budgets",
            Self::Ticket => "POST /api/ticket",
            Self::List => "GET /api/files",
            Self::Read => "GET /api/file",
            Self::Write => "POST /api/file",
            Self::Put => "PUT /api/file",
            Self::Remove => "DELETE /api/file",
            Self::Delete => "DELETE /api/delete",
            Self::MakeDir => "POST /api/mkdir",
            Self::Rename => "POST /api/rename",
            Self::Download => "GET /api/download",
            Self::Upload => "POST /api/upload",
            Self::Uploaded => "GET /uploads/{name}",
            Self::Page => "GET /",
            Self::PageFile => "GET /web/{name}",
            Self::Socket => "GET /ws",
            Self::Health => "GET /healthz",
            Self::Ready => "GET /readyz",
            Self::Metrics => "GET /metrics",
        }
    }

    fn is_at(self, path: &str) -> bool {
        match self {
            Self::PageFile => crate::page::has(path) && path != "/",
            // A run is named by its runtime, which may use slashes.
            Self::StopRun => holds(self.path(), path).is_some_and(|run| !run.is_empty()),
            other => match holds(other.path(), path) {
                Some(part) => !part.contains('/'),
                None => other.path() == path,
            },
        }
    }
}

/// What stands in a path where its pattern has braces; `None` if it does not fit.
fn holds<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (before, rest) = pattern.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    path.strip_prefix(before)?.strip_suffix(after)
}

/// Why no route answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing is at this path.
    Path,
    /// Something is, for these methods, as the header `Allow` lists them.
    Method(String),
}

/// The route for a method and a decoded path.
pub(crate) fn find(method: &Method, path: &str) -> Result<Route, Missing> {
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let mut here = Vec::new();
    for route in Route::ALL.into_iter().filter(|route| route.is_at(path)) {
        let own = route.entry().0;
        if own == *wanted {
            return Ok(route);
        }
        here.push(own);
    }
    if here.is_empty() {
        return Err(Missing::Path);
    }
    if here.contains(&Method::GET) {
        here.push(Method::HEAD);
    }
    here.push(Method::OPTIONS);
    let allow: Vec<&str> = here.iter().map(Method::as_str).collect();
    Err(Missing::Method(allow.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_route_is_listed_once_and_named_as_it_is() {
        let all: BTreeSet<Route> = Route::ALL.into_iter().collect();
        assert_eq!(all.len(), Route::ALL.len());
        for route in Route::ALL {
            let (method, path, _) = route.entry();
            assert_eq!(route.name(), format!("{method} {path}"));
        }
    }

    #[test]
    fn the_specification_has_these_routes_and_no_others() {
        let written = specification();
        let built: BTreeSet<String> = Route::ALL.iter().map(|route| route.name().into()).collect();
        assert_eq!(written.keys().cloned().collect::<BTreeSet<_>>(), built);
    }

    #[test]
    fn the_specification_says_what_a_request_has_to_show() {
        let written = specification();
        for route in Route::ALL {
            let ways = written[route.name()]["security"].as_array().unwrap().clone();
            let open = ways.is_empty() || ways.contains(&serde_json::json!({}));
            let needs = route.needs();
            let needless = matches!(needs, Needs::Nothing | Needs::Operator);
            assert_eq!(open, needless, "{}", route.name());
            let by_ticket = ways.iter().any(|way| way.get("ticket").is_some());
            assert_eq!(by_ticket, matches!(needs, Needs::Ticket(_)), "{}", route.name());
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

    #[test]
    fn a_path_with_another_method_says_which_it_takes() {
        let allow = |allow: &str| Err(Missing::Method(allow.to_owned()));
        assert_eq!(find(&Method::GET, "/api/login"), allow("POST, OPTIONS"));
        let file = "GET, POST, PUT, DELETE, HEAD, OPTIONS";
        assert_eq!(find(&Method::PATCH, "/api/file"), allow(file));
    }

    #[test]
    fn head_goes_where_get_goes() {
        assert_eq!(find(&Method::HEAD, "/healthz"), Ok(Route::Health));
        assert_eq!(find(&Method::GET, "/uploads/x"), Ok(Route::Uploaded));
        assert_eq!(find(&Method::GET, "/uploads/x/y"), Err(Missing::Path));
        assert_eq!(find(&Method::GET, "/api/messages/7/deliveries"), Ok(Route::DeliveriesOf));
        assert_eq!(find(&Method::POST, "/api/deliveries/7:HKH/retry"), Ok(Route::Retry));
        assert_eq!(find(&Method::POST, "/api/runs/a/b/stop"), Ok(Route::StopRun));
        assert_eq!(find(&Method::POST, "/api/runs//stop"), Err(Missing::Path));
        assert_eq!(find(&Method::GET, "/api/nope"), Err(Missing::Path));
    }
}
