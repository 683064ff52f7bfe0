//! Every route, asked by everybody.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::{EVERYBODY, Right, Team, Who, allowed, specification};
use crate::house::{Answer, bearer};

/// A route, what it needs, and a request that would do something.
struct Case {
    /// Method and path, as the specification has them.
    route: &'static str,
    /// `None` if anybody may ask.
    right: Option<Right>,
    /// The address of the request, with a message's id for `{id}`.
    address: &'static str,
    /// The JSON of the request's body; null for none.
    body: Value,
}

fn case(route: &'static str, right: Right, address: &'static str, body: Value) -> Case {
    Case { route, right: Some(right), address, body }
}

/// The matrix's other side: every route and what it needs.
fn cases() -> Vec<Case> {
    use Right::{Administer, Chat, Direct, Read, WriteFiles};
    let open = |route| Case { route, right: None, address: "", body: Value::Null };
    let budget = json!({ "agent": "Agent", "turns": 7, "policy": "ask" });
    vec![
        open("POST /api/login"),
        open("POST /api/logout"),
        open("GET /uploads/{name}"),
        open("GET /"),
        open("GET /web/{name}"),
        open("GET /ws"),
        open("GET /healthz"),
        open("GET /readyz"),
        case("GET /api/verify", Read, "/api/verify", Value::Null),
        case("GET /api/members", Read, "/api/members", Value::Null),
        case("GET /api/messages", Read, "/api/messages", Value::Null),
        case("POST /api/messages", Chat, "/api/messages", json!({ "text": "said" })),
        case("GET /api/messages/{id}", Read, "/api/messages/{id}", Value::Null),
        case(
            "GET /api/messages/{id}/deliveries",
            Read,
            "/api/messages/{id}/deliveries",
            Value::Null,
        ),
        case("GET /api/deliveries", Read, "/api/deliveries", Value::Null),
        case(
            "POST /api/deliveries/{id}/retry",
            Direct,
            "/api/deliveries/{id}:Agent/retry",
            Value::Null,
        ),
        case("GET /api/runs", Read, "/api/runs", Value::Null),
        case("POST /api/runs/{id}/stop", Direct, "/api/runs/r-1/stop", Value::Null),
        case("GET /api/usage", Read, "/api/usage", Value::Null),
        case("GET /api/budgets", Read, "/api/budgets", Value::Null),
        case("PUT /api/budgets", Administer, "/api/budgets", json!({ "budgets": [budget] })),
        case("POST /api/ticket", Read, "/api/ticket", json!({ "path": "docs/plan.md" })),
        case("GET /api/files", Read, "/api/files", Value::Null),
        case("GET /api/file", Read, "/api/file?path=docs/plan.md", Value::Null),
        case(
            "POST /api/file",
            WriteFiles,
            "/api/file",
            json!({ "path": "docs/new.md", "content": "new" }),
        ),
        case("PUT /api/file", WriteFiles, "/api/file?path=docs/put.md", json!("put")),
        case("POST /api/mkdir", WriteFiles, "/api/mkdir", json!({ "path": "made" })),
        case(
            "POST /api/rename",
            WriteFiles,
            "/api/rename",
            json!({ "oldPath": "docs/old.md", "newPath": "docs/moved.md" }),
        ),
        case("POST /api/upload", WriteFiles, "/api/upload", Value::Null),
        case("GET /api/download", Read, "/api/download?path=docs/plan.md", Value::Null),
        case("DELETE /api/file", WriteFiles, "/api/file?path=docs/plan.md", Value::Null),
        case("DELETE /api/delete", WriteFiles, "/api/delete?path=docs", Value::Null),
        case("GET /metrics", Administer, "/metrics", Value::Null),
    ]
}

/// What a request proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// A member's token in the header.
    Bearer(Who),
    /// The administrator's cookie, from our own page.
    OwnPage,
    /// The administrator's cookie, from a foreign page.
    ForeignPage,
    /// Nothing.
    Nothing,
    /// A token that nobody has.
    Unknown,
    /// The administrator's token of a session that has run out.
    Expired,
    /// The cookie of a session that has run out, from our own page.
    ExpiredCookie,
    /// A ticket of the administrator for `docs/plan.md`.
    Ticket,
}

fn proofs() -> Vec<Proof> {
    use Proof::{Bearer, Expired, ExpiredCookie, ForeignPage, Nothing, OwnPage, Ticket, Unknown};
    let members = EVERYBODY.map(Bearer);
    let others = [OwnPage, ForeignPage, Nothing, Unknown, Expired, ExpiredCookie, Ticket];
    members.into_iter().chain(others).collect()
}

/// How a request has to be refused; `None` if it is not.
fn refusal(proof: Proof, right: Right, route: &str) -> Option<(u16, &'static str)> {
    let forbidden = Some((403, "forbidden"));
    let unauthorized = Some((401, "unauthorized"));
    match proof {
        Proof::Bearer(who) => {
            if allowed(who, right) {
                None
            } else {
                forbidden
            }
        }
        Proof::OwnPage => None,
        Proof::ForeignPage => {
            if route.starts_with("GET ") {
                None
            } else {
                forbidden
            }
        }
        Proof::Ticket if route == "GET /api/download" => None,
        Proof::Nothing | Proof::Unknown | Proof::Expired | Proof::ExpiredCookie | Proof::Ticket => {
            unauthorized
        }
    }
}

/// A team with a message that calls an agent, and two files.
struct Scene {
    team: Team,
    message: u64,
    ticket: String,
}

impl Scene {
    fn set() -> Self {
        let mut scene = Self { team: Team::open(), message: 0, ticket: String::new() };
        let said = scene.tell("POST /api/messages", &json!({ "text": "hello @Agent" }));
        scene.message = said["id"].as_u64().unwrap();
        for path in ["docs/plan.md", "docs/old.md"] {
            scene.tell("POST /api/file", &json!({ "path": path, "content": "a plan" }));
        }
        let link = scene.tell("POST /api/ticket", &json!({ "path": "docs/plan.md" }));
        let url = link["url"].as_str().unwrap();
        scene.ticket = url.split_once("&ticket=").unwrap().1.to_owned();
        scene
    }

    /// Sends JSON as the administrator.
    fn tell(&self, what: &str, body: &Value) -> Value {
        let token = bearer(self.team.token(Who::Admin));
        let headers = [token.as_str(), crate::house::JSON];
        let answer = self.team.house.send(what, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn ask(&self, method: &str, case: &Case, proof: Proof) -> Answer {
        let mut address = case.address.replace("{id}", &self.message.to_string());
        // As if a proxy had passed it on: from the host itself the counters need no token.
        let mut headers = vec!["X-Forwarded-For: 203.0.113.9".to_owned()];
        let cookie = |token: &str| format!("Cookie: ois_session={token}");
        let admin = self.team.token(Who::Admin);
        let (own, foreign) = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site");
        match proof {
            Proof::Bearer(who) => headers.push(bearer(self.team.token(who))),
            Proof::OwnPage => headers.extend([cookie(admin), own.to_owned()]),
            Proof::ForeignPage => headers.extend([cookie(admin), foreign.to_owned()]),
            Proof::Nothing => {}
            Proof::Unknown => headers.push(bearer(&"0a".repeat(32))),
            Proof::Expired => headers.push(bearer(&self.team.expired)),
            Proof::ExpiredCookie => headers.extend([cookie(&self.team.expired), own.to_owned()]),
            Proof::Ticket => {
                let sign = if address.contains('?') { '&' } else { '?' };
                address.push_str(&format!("{sign}ticket={}", self.ticket));
            }
        }
        let body = if case.route == "POST /api/upload" {
            headers.push("Content-Type: multipart/form-data; boundary=b".to_owned());
            FORM.to_owned()
        } else if case.body.is_null() {
            String::new()
        } else {
            headers.push(crate::house::JSON.to_owned());
            case.body.to_string()
        };
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        self.team.house.send(&format!("{method} {address}"), &headers, body.as_bytes())
    }

    /// Everything that a request could have changed: the log, the budgets, the files, the uploads.
    fn snapshot(&self) -> String {
        let token = bearer(self.team.token(Who::Admin));
        let budgets = self.team.house.send("GET /api/budgets", &[&token], b"").text();
        let head = *self.team.house.store().head().borrow();
        let (mut files, root) = (Vec::new(), self.team.house.root());
        for folder in ["docs", "made", "shared", ".ois/uploads", ".ois/records"] {
            list(&root.join(folder), &mut files);
        }
        format!("{head} {budgets} {files:?}")
    }
}

/// Every file below a folder, with what it holds.
fn list(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n\
                    kept\r\n--b--\r\n";

#[test]
fn every_route_has_a_line_in_the_matrix() {
    let specification = specification(include_str!("../../../../../specs/http.json"));
    let mut routes = BTreeSet::new();
    for (path, methods) in specification["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let listed: BTreeSet<String> = cases().iter().map(|case| case.route.to_owned()).collect();
    assert_eq!(listed, routes);
}

#[test]
fn a_request_without_the_right_is_refused_on_every_route_and_changes_nothing() {
    let scene = Scene::set();
    let before = scene.snapshot();
    let mut refused = 0;
    for case in cases() {
        let (method, _) = case.route.split_once(' ').unwrap();
        let Some(right) = case.right else { continue };
        for proof in proofs() {
            let Some((status, code)) = refusal(proof, right, case.route) else { continue };
            let answer = scene.ask(method, &case, proof);
            assert_eq!(answer.error().0, status, "{} {proof:?}: {answer:?}", case.route);
            assert_eq!(answer.json()["code"], code, "{} {proof:?}", case.route);
            assert_eq!(scene.snapshot(), before, "{} {proof:?}", case.route);
            if method == "GET" {
                assert_eq!(scene.ask("HEAD", &case, proof).status, status, "{}", case.route);
            }
            refused += 1;
        }
    }
    assert!(refused > 150, "only {refused} requests were refused");
}

#[test]
fn a_request_with_the_right_is_refused_on_no_route() {
    let scene = Scene::set();
    let (mut asked, mut changed) = (0, 0);
    for case in cases() {
        let (method, _) = case.route.split_once(' ').unwrap();
        let Some(right) = case.right else { continue };
        // No turn of this name runs, and the delivery is not over.
        let done = match case.route {
            "POST /api/runs/{id}/stop" => 404,
            "POST /api/deliveries/{id}/retry" => 409,
            _ => 200,
        };
        let may = proofs().into_iter().filter(|p| refusal(*p, right, case.route).is_none());
        for (at, proof) in may.enumerate() {
            let before = scene.snapshot();
            let answer = scene.ask(method, &case, proof);
            assert!(![401, 403].contains(&answer.status), "{} {proof:?}: {answer:?}", case.route);
            // Later ones find the name taken or the file gone.
            assert!(at > 0 || answer.status == done, "{} {proof:?}: {answer:?}", case.route);
            changed += usize::from(scene.snapshot() != before);
            asked += 1;
        }
    }
    assert!(asked > 150, "only {asked} requests were allowed");
    // What the other test holds still does move: each kind of change was seen at least once.
    assert!(changed >= 10, "only {changed} requests changed anything");
}
