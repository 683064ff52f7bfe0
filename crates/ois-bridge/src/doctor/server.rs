//! The server: reachable, the token accepted, the name known.

use std::time::Duration;

use ois_client::{Config, Credential, DialError, Event, Link, Lost, Rest};
use ois_protocol::{AuthOk, DisplayName, ShortName};
use tokio::time::timeout;

use super::{Check, Patient, apart, broken, good, unsure, words};

/// The checks, and the team's id if it was told.
pub(super) async fn check(patient: &Patient) -> (Vec<Check>, Option<String>) {
    match sign_in(patient).await {
        Ok(auth) => {
            let version = auth
                .protocol
                .map_or_else(|| "an old Node server".to_owned(), |it| format!("protocol {it}"));
            let mut checks = vec![
                good("server", format!("{} answers, {version}", patient.agent.server)),
                good("token", format!("signs in as {}", auth.user)),
                name(patient, &auth),
            ];
            checks.push(register(patient, &auth).await);
            (checks, auth.team)
        }
        Err(check) => (vec![*check], None),
    }
}

async fn sign_in(patient: &Patient) -> Result<AuthOk, Box<Check>> {
    let agent = &patient.agent;
    let config = Config::new(agent.server.clone(), Credential::Agent(agent.token.clone()));
    let unreached = |seen: String| {
        let advice = "is OIS_URL right (ws:// or wss://, host, port), does the server run with --listen on an address that this host reaches, is a firewall or proxy between?";
        Box::new(broken("server", seen, advice))
    };
    let mut link = Link::start(config).map_err(|error| unreached(error.to_string()))?;
    let event = timeout(PATIENCE, link.next()).await;
    let answer = match event {
        Ok(Some(Event::Connected(auth))) => Ok(auth),
        Ok(Some(Event::Disconnected { why: Lost::Unauthorized, .. })) => Err(Box::new(broken(
            "token",
            "the server does not accept OIS_AGENT_TOKEN",
            "on the server: `ois-server agent list`, and `ois-server invite NAME` for a new token",
        ))),
        Ok(Some(Event::Disconnected { why: why @ Lost::Dial(DialError::Tls { .. }), .. })) => {
            let advice = "is the certificate for this host name, and in date? One of a private authority has to be among this host's trusted ones, or name its file by SSL_CERT_FILE";
            Err(Box::new(broken("server", words(&why), advice)))
        }
        Ok(Some(Event::Disconnected { why, .. })) => Err(unreached(words(&why))),
        Ok(_) | Err(_) => Err(unreached(format!("no answer within {} s", PATIENCE.as_secs()))),
    };
    link.close().await;
    answer
}

fn name(patient: &Patient, auth: &AuthOk) -> Check {
    let Some(claimed) = &patient.name else { return good("name", "taken from the server") };
    let short = |text: &str| text.parse::<DisplayName>().map(|name| name.short());
    match (short(claimed), short(&auth.user)) {
        (Ok(claimed), Ok(real)) if claimed == real => good("name", format!("is {real}")),
        _ => unsure(
            "name",
            format!("OIS_AGENT_NAME is {claimed}, the token is that of {}", auth.user),
            "the server's name counts; correct OIS_AGENT_NAME, or use the token of that name",
        ),
    }
}

async fn register(patient: &Patient, auth: &AuthOk) -> Check {
    let rest = Rest::new(patient.agent.server.clone(), patient.agent.token.clone(), PATIENCE);
    let me: Option<ShortName> = auth.user.parse::<DisplayName>().ok().map(|name| name.short());
    match apart(move || rest.members()).await {
        Some(Ok(answer))
            if answer.members.iter().any(|member| Some(&member.name) == me.as_ref()) =>
        {
            good("register", format!("{} can be mentioned", auth.user))
        }
        Some(Ok(_)) => broken(
            "register",
            format!("{} is not in the server's register: nobody can mention it", auth.user),
            "on the server: `ois-server agent add NAME`",
        ),
        Some(Err(error)) => unsure(
            "register",
            words(&error),
            "an old server shows its register to people only; mention the agent and see",
        ),
        None => unsure("register", "not examined", "run this again"),
    }
}

const PATIENCE: Duration = Duration::from_secs(15);
