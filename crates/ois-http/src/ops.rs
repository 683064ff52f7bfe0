//! Every operation that a member can ask for, one typed function each.
//!
//! An operation takes a [`Viewer`](crate::access::viewer::Viewer) and typed parameters and answers
//! with a typed value or a typed error. Rights and visibility are decided here and nowhere else:
//! each function begins with what the viewer may do, and whatever belongs to a room is shown only to
//! a viewer who sees the room. An operation knows nothing of HTTP, so that every door (the REST
//! routes today) translates its own requests and answers and calls the same functions.
//!
//! The `RIGHT` beside a function is the action that it needs. A door may ask for it earlier, before
//! it reads a request's body; the function asks again.

pub(crate) mod budgets;
pub(crate) mod deliveries;
pub(crate) mod files;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod runs;
pub(crate) mod uploads;
