//! Who may do what, over a socket: every route and every frame, asked by everybody.
//!
//! What to expect stands in one matrix here and is not taken from the server's own tables. The
//! specifications say which routes and frames there are, so that a new one without a line here fails.

mod frames;
mod routes;

use std::{sync::Arc, time::SystemTime};

use ois_auth::{Keyring, NewMember, OsEntropy, PasswordHash, Token};
use ois_http::Keys;
use ois_protocol::{DisplayName, Role, Timestamp};
use ois_store::Store;
use serde_json::Value;

use crate::house::House;

/// What a route or a frame needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Read,
    Chat,
    WriteFiles,
    Report,
    Direct,
    Administer,
}

/// Somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// A person who administers.
    Admin,
    /// A person in the usual role.
    Member,
    /// A person who only reads.
    Guest,
    /// An agent in the usual role.
    Agent,
    /// An agent that administers.
    AgentAdmin,
    /// An agent that only reads.
    AgentGuest,
}

const EVERYBODY: [Who; 6] =
    [Who::Admin, Who::Member, Who::Guest, Who::Agent, Who::AgentAdmin, Who::AgentGuest];

/// The matrix: who may do what.
fn allowed(who: Who, right: Right) -> bool {
    use Right::{Administer, Chat, Direct, Read, Report, WriteFiles};
    let rights: &[Right] = match who {
        Who::Admin => &[Read, Chat, WriteFiles, Direct, Administer],
        Who::Member => &[Read, Chat, WriteFiles, Direct],
        Who::Guest => &[Read],
        Who::Agent => &[Read, Chat, WriteFiles, Report],
        Who::AgentAdmin => &[Read, Chat, WriteFiles, Report, Administer],
        // It is wrong that a guest reports; the core looks only at whether it is an agent.
        Who::AgentGuest => &[Read, Report],
    };
    rights.contains(&right)
}

/// A server with one member of each sort, and their tokens.
struct Team {
    house: House,
    tokens: Vec<(Who, String)>,
    /// A session of the administrator that ended a day ago.
    expired: String,
}

impl Team {
    fn open() -> Self {
        let (mut tokens, mut expired) = (Vec::new(), String::new());
        let house = House::behind(|store| {
            register(&store, &mut tokens, &mut expired);
            store
        });
        Self { house, tokens, expired }
    }

    fn token(&self, who: Who) -> &str {
        &self.tokens.iter().find(|(other, _)| *other == who).unwrap().1
    }
}

/// Registers everybody before the server starts.
fn register(store: &Arc<dyn Store>, tokens: &mut Vec<(Who, String)>, expired: &mut String) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let keys = Keys::open(Arc::clone(store)).await.unwrap();
        keys.change(|keyring| {
            for who in EVERYBODY {
                tokens.push((who, add(keyring, who)));
            }
            let long_ago = Timestamp::from_ms(now().ms() - 8 * DAY_MS);
            *expired = sign_in(keyring, Who::Admin, long_ago);
        })
        .await
        .unwrap();
    });
}

/// Registers somebody and answers with a token.
fn add(keyring: &mut Keyring, who: Who) -> String {
    let display: DisplayName = name(who).parse().unwrap();
    let (role, is_agent) = match who {
        Who::Admin => (Role::Admin, false),
        Who::Member => (Role::Member, false),
        Who::Guest => (Role::Guest, false),
        Who::Agent => (Role::Agent, true),
        Who::AgentAdmin => (Role::Admin, true),
        Who::AgentGuest => (Role::Guest, true),
    };
    let new = NewMember { display, role, duties: Vec::new() };
    let mut entropy = OsEntropy::open().unwrap();
    if is_agent {
        let token = Token::random(&mut entropy);
        keyring.add_agent(new, token.hash(), now()).unwrap();
        return token.reveal().to_owned();
    }
    keyring.add_user(new, PasswordHash::of(OWN_PASSWORD, &mut entropy).unwrap(), now()).unwrap();
    sign_in(keyring, who, now())
}

fn sign_in(keyring: &mut Keyring, who: Who, at: Timestamp) -> String {
    let mut entropy = OsEntropy::open().unwrap();
    let (token, _) = keyring.sign_in(&name(who), OWN_PASSWORD, at, &mut entropy).unwrap();
    token.reveal().to_owned()
}

fn name(who: Who) -> String {
    format!("{who:?}")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_ms(since.as_millis().try_into().unwrap())
}

fn specification(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const OWN_PASSWORD: &str = "a password of one's own";
const DAY_MS: u64 = 24 * 3600 * 1000;
