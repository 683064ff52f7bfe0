//! The protocol between an OIS server and its clients, as types that cannot be wrong once parsed.
//!
//! Embed this crate to speak the protocol from your own agent; `ois-client` adds the connection. No
//! code here reads a clock, a file or a socket.
//!
//! | to find | look at |
//! |---|---|
//! | the frames of the WebSocket | [`ClientFrame`], [`ServerFrame`] |
//! | messages and their files | [`Message`], [`Attachment`] |
//! | the members who write them | [`Member`], [`DisplayName`], [`ShortName`] |
//! | how far a mention came | [`Delivery`], [`Rung`] |
//! | what an agent's turn cost | [`Run`], [`Usage`], [`Budget`] |
//! | whether a member can be reached | [`Presence`], [`Activity`] |
//! | what the server says by itself | [`Notice`] |
//! | what the log holds | [`event`] |
//! | which members a text calls | [`mention`] |
//! | the bodies of the REST calls | [`http`] |
//! | task requests, alerts and other structured texts | [`envelope`] |
//! | the day's log that people read | [`daylog`] |

pub mod budget;
pub mod daylog;
pub mod delivery;
pub mod envelope;
pub mod event;
pub mod frame;
pub mod http;
pub mod id;
mod markup;
pub mod member;
pub mod mention;
pub mod message;
pub mod name;
pub mod notice;
pub mod path;
pub mod presence;
pub mod record;
pub mod run;
#[cfg(test)]
mod specs;
mod text;
pub mod time;

pub use budget::{Budget, Measure, Policy};
pub use delivery::{
    AttemptId, AttemptIdError, Delivery, DeliveryId, DeliveryIdError, Holding, Reason, Rung,
    Standby,
};
pub use event::{EventKind, NewEvent};
pub use frame::{
    Ack, AuthOk, Chat, ClientFrame, ClientRequest, ErrorCode, ErrorFrame, FrameError, History,
    Limits, Report, ServerFrame, SignIn, Topic,
};
pub use id::EventId;
pub use member::{Kind, Member, Role};
pub use message::{Attachment, Draft, Message};
pub use name::{DisplayName, NameError, Nonce, RoomName, ShortName};
pub use notice::{Held, HeldBy, LoopSign, Notice, Offer, Spent};
pub use path::{PathError, StorePath, UploadName};
pub use presence::{Activity, ActivityState, Partial, Presence, PresenceState};
pub use record::Record;
pub use run::{Run, Stop, Stopped, Usage};
pub use time::{Civil, Timestamp, UtcOffset};
