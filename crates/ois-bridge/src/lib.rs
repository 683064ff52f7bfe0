//! The monitor's drivers: the link to the room, the runtimes that wake an agent, the journal, the local port.
