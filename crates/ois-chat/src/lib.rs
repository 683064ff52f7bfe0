//! What follows from it: session, room, inbox and packet as state machines without I/O.
