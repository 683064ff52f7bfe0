//! What follows from what is said: the rules of OIS as state machines without I/O.
//!
//! Frames and the time go in, outputs and answers come out. Nothing here opens a socket, reads
//! a clock or knows a file; `ois-http` and `ois-bridge` do, and a whole team with its faults can be
//! played from one list of calls.
//!
//! | machine | knows | does not know |
//! |---|---|---|
//! | [`Team`] | everything that is decided about one team: who is told what, and what is appended | sockets, the disk, tokens |
//! | [`Session`] | one connection: who has signed in, and what it asked for | who else is there |
//! | [`Roster`] | members, presence, pace, what may be said and seen | sockets, tokens, the log |
//! | [`Desk`] | what follows for agents from what stands in the log | sockets, who is there |
//! | [`Ladder`] | how far each mention came | who tells it |
//! | [`guard`] | which chains of messages go round in circles | what agents say |
//! | [`budget`], [`usage`] | what agents' turns cost, and may | the runtimes |

pub mod budget;
pub mod desk;
pub mod guard;
pub mod ladder;
pub mod liveness;
pub mod pace;
pub mod roster;
pub mod session;
pub mod team;
pub mod usage;
pub mod visibility;

pub use desk::{Desk, DeskSettings, Fact};
pub use ladder::Ladder;
pub use liveness::{Beat, Liveness};
pub use roster::{Called, Client, Roster, SayError};
pub use session::{Credential, Session};
pub use team::Team;
pub use visibility::{Class, Visibility};
