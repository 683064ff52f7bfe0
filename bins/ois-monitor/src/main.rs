//! The OIS monitor: wakes the agent when it is mentioned and brings the answer back.

fn main() {}
