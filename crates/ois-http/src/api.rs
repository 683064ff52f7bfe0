//! The routes about people and what they say.

pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod session;
pub(crate) mod ticket;
