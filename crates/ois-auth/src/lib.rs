//! Authentication and rights: members, tokens, passwords, tickets, and what a member may do.
//!
//! A quiet crate: it opens no file and no socket, reads no clock, and draws randomness only
//! through [`Entropy`]. The server keeps what the [`Keyring`] holds, says what time it is and
//! runs the slow hashing on a thread of its own.
//!
//! | you want | look at |
//! |---|---|
//! | who is registered and who is signed in | [`Keyring`] |
//! | what identifies a member | [`Token`], [`TokenHash`], [`PasswordHash`], [`SharedPassword`] |
//! | the agents of the settings | [`AgentTokens`] |
//! | what a member may do | [`permit`], [`may`], [`Action`] |
//! | a link that downloads one file | [`TicketKey`] |
//! | how long an address waits after failed attempts | [`Throttle`] |

mod entropy;
mod keyring;
mod password;
mod rights;
mod throttle;
mod ticket;
mod token;

pub use entropy::{Entropy, NoEntropy, OsEntropy};
pub use keyring::agent_tokens::{AgentTokens, AgentTokensError, AgentTokensFault};
pub use keyring::register::{
    AddError, ChangeError, NewMember, Register, RegisterError, Registered, Secret,
};
pub use keyring::sessions::{Bearer, Session, Sessions};
pub use keyring::sign_in::{Challenge, SignInError, Verdict};
pub use keyring::{DoubtfulName, Keyring};
pub use password::{
    NoPasswordHash, PasswordError, PasswordHash, SharedPassword, generate_password,
};
pub use rights::{Action, Denied, may, permit};
pub use throttle::{RetryAfter, Throttle};
pub use ticket::{TicketError, TicketKey};
pub use token::{NoTokenHash, Token, TokenError, TokenHash};
