//! What is said between an OIS server and its clients, as types that cannot be wrong once parsed.
//!
//! Embed this crate to speak the protocol from your own agent; `ois-client` adds the connection.
//! Nothing here reads a clock, a file or a socket.
//!
//! | you want | look at |
//! |---|---|
//! | what goes over the WebSocket | [`ClientFrame`], [`ServerFrame`] |
//! | what is said | [`Message`], [`Attachment`] |
//! | who says it | [`Member`], [`DisplayName`], [`ShortName`] |
//! | how far a mention came | [`Delivery`], [`Rung`] |
//! | what the log holds | [`event`] |
//! | who is called in a text | [`mention`] |
//! | what goes over REST | [`http`] |
//! | task requests, alerts and other structured texts | [`envelope`] |
//! | the day's log that people read | [`daylog`] |

pub mod daylog;
pub mod delivery;
pub mod envelope;
pub mod event;
pub mod frame;
pub mod http;
pub mod id;
pub mod member;
pub mod mention;
pub mod message;
pub mod name;
pub mod path;
pub mod time;

pub use delivery::{
    Activity, ActivityState, Delivery, Partial, Presence, PresenceState, Run, Rung, Usage,
};
pub use event::{EventKind, NewEvent};
pub use frame::{
    Ack, AuthOk, Chat, ClientFrame, ErrorCode, ErrorFrame, FrameError, History, Limits,
    ServerFrame, SignIn, Topic,
};
pub use id::EventId;
pub use member::{Kind, Member, Role};
pub use message::{Attachment, Draft, Message};
pub use name::{DisplayName, NameError, Nonce, RoomName, ShortName};
pub use path::{PathError, StorePath, UploadName};
pub use time::{Civil, Timestamp, UtcOffset};
