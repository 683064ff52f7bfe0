//! The OIS server: one binary, embedded storage.

fn main() {}
