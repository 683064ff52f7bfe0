//! What follows from what is said: the rules of OIS as state machines without I/O.
//!
//! Frames and the time go in, [`Effect`]s and answers come out. Nothing here opens a socket, reads
//! a clock or knows a file; `ois-http` and `ois-bridge` do, and a whole team with its faults can be
//! played from one list of calls.
//!
//! | machine | knows | does not know |
//! |---|---|---|
//! | [`Session`] | one connection, from its first frame to its last | who else is there |
//! | [`Room`] | members, presence, pace, what may be said and seen | sockets, tokens, the log |
//! | [`Ladder`] | how far each mention came | who tells it |
//! | [`Desk`] | what follows for agents from what stands in the log | sockets, who is there |
//! | [`Ladder`] | how far each mention came | who tells it |
//! | [`guard`] | which chains of messages go round in circles | what agents say |
//! | [`budget`], [`usage`] | what agents' turns cost, and may | the runtimes |
//! | [`Nonces`] | which drafts were stored already | how |

pub mod budget;
pub mod desk;
pub mod guard;
pub mod ladder;
pub mod nonces;
pub mod pace;
pub mod room;
pub mod session;
pub mod usage;

pub use desk::{Desk, DeskSettings, Fact};
pub use ladder::Ladder;
pub use nonces::Nonces;
pub use room::{Called, Client, Room, SayError};
pub use session::{Beat, Credential, Effect, Session};
