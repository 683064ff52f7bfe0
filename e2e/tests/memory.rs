//! The physical memory of the server, as the system counts it.
#![cfg(target_os = "linux")]

use std::thread;

use anyhow::{Context, Result, ensure};
use e2e::server::{PASSWORD, Server};

/// Bytes that one check of a password works in.
const A_CHECK: u64 = 19 << 20;

#[test]
fn what_sign_ins_took_goes_back_to_the_system() -> Result<()> {
    let server = Server::fresh()?;
    let before = resident(&server)?;
    // Side by side: each thread that hashes could keep its own.
    thread::scope(|scope| {
        let people = ["Mira", "Noor", "Olga", "Petr"];
        let people = people.map(|name| scope.spawn(|| sign_in_again_and_again(&server, name)));
        people.into_iter().try_for_each(|person| person.join().expect("it does not panic"))
    })?;
    let more = resident(&server)?.saturating_sub(before);
    ensure!(more < A_CHECK, "{more} bytes are still there");
    Ok(())
}

fn sign_in_again_and_again(server: &Server, name: &str) -> Result<()> {
    (0..3).try_for_each(|_| server.rest().login(name, PASSWORD).map(drop))
}

/// Bytes of physical memory, counted and not estimated (proc_pid_smaps(5)).
fn resident(server: &Server) -> Result<u64> {
    let pid = server.process().pid().as_raw_nonzero();
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).context("no Rss")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim_end().parse()?;
    Ok(kib << 10)
}
