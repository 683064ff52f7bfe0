//! A member's end of the wire: connect, sign in, resume, outbox.
//!
//! A [`Link`] keeps one member signed in at one server. It connects again by itself, with growing
//! pauses, and goes on after the last message that it handed out, so that nothing is missed and
//! nothing comes twice. What is said through its [`Speaker`] is kept until the server has it, and so
//! is what is [reported](Speaker::report). A caller that [closes](Link::close_within) the link may wait
//! for that, and learns in any case what the server has not confirmed.
//!
//! ```no_run
//! use ois_client::{Config, Credential, Event, Link};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new("ws://127.0.0.1:8800".parse()?, Credential::agent("token"));
//! let mut link = Link::start(config)?;
//! while let Some(event) = link.next().await {
//!     if let Event::Message(message) = event {
//!         println!("{}: {}", message.user, message.text);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It speaks to OIS 1.2, the server on Node, as well: that one knows neither resume nor `ack`, so
//! what was missed is looked for in the history of the last 50 messages, and one's own words count
//! as taken when they come back.
//!
//! `wss://` needs the feature `tls`, which is on by default.
//!
//! What it does not do: it reads no environment, prints nothing, and puts a token into no error,
//! no log and no `Debug`.

mod address;
mod backoff;
mod credential;
mod dial;
mod incoming;
mod link;
mod outbox;
mod reports;
mod rest;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;

pub use address::{Address, AddressError};
pub use backoff::Backoff;
pub use credential::{Credential, Token};
pub use dial::DialError;
pub use link::{
    Closed, Config, Event, Link, LinkAction, LinkMachine, Lost, NotSent, Speaker, Unconfirmed,
};
pub use outbox::{Keep, Kept, Memory, Outbox};
pub use reports::Report;
pub use rest::{Rest, RestError};
