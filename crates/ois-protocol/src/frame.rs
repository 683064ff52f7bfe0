//! The frames of the WebSocket, both ways, and the limits that hold for them.

mod client;
mod error;
mod limits;
mod report;
mod server;

pub use client::{Chat, ClientFrame, FrameError, SignIn, Topic};
pub use error::{ErrorCode, ErrorFrame};
pub use limits::Limits;
pub use report::{ClientRequest, Report};
pub use server::{Ack, AuthOk, History, ServerFrame};

/// The version of the protocol in `auth_ok`.
pub const PROTOCOL: u32 = 2;
