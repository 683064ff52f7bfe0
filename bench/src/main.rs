//! The program behind `cargo xtask bench`; the library beside it does the work.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    bench::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("error: the benchmark counts with epoll and /proc, so it runs on Linux only");
    ExitCode::from(2)
}
