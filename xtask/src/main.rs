//! The project's own chores: test, layers, spec checks.

fn main() {}
