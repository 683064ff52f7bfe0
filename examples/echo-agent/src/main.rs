//! An agent of thirty lines.

fn main() {}
