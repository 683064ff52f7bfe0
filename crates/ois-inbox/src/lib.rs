//! What an agent's monitor has to do, as state machines without I/O.
//!
//! | module | what it decides |
//! |---|---|
//! | [`Inbox`] | what becomes of each message that calls the agent, from the mention to its end |
//! | [`packet`] | the text that a woken agent is handed, and how that text is kept from being forged |
//!
//! Nothing here opens a socket, reads a clock or a file, or knows a runtime: `ois-bridge` does.
//! Time and random numbers are arguments, and what is to be done comes back as [`Effect`]s.

mod inbox;
pub mod packet;

pub use inbox::{
    Assignment, Call, Done, Effect, Ending, Fetched, GivenUp, Identity, IdentityMismatch, Inbox,
    InboxState, Missing, Outcome, Record, Running, Said, Settings, Stage, Trouble, UnderWay,
    Wanted, spoken,
};
