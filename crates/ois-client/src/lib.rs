//! A member's end of the wire: connect, sign in, resume, outbox.
