//! One of our programs that listens on a port, and its start again on the same one.

use std::process::{Command, ExitStatus};

use anyhow::Result;

use crate::TIMEOUT;
use crate::process::Process;

/// The settings of a program: they know how it is started.
pub trait Launch {
    /// The program's name, which failures use.
    const NAME: &'static str;

    /// The words before the address in the line that says that the program listens.
    const READY: &'static str;

    /// The command that starts the program on `port` of the loopback device; 0 means a free port.
    ///
    /// # Errors
    /// When the binary has not been built.
    fn command(&self, port: u16) -> Result<Command>;
}

/// A program that runs, or may be started again with the same settings on the same port.
#[derive(Debug)]
pub struct Program<S> {
    // First: the process ends before the folders that its settings may own are removed.
    process: Process,
    settings: S,
    port: u16,
}

impl<S: Launch> Program<S> {
    /// Starts the program on a free port and waits until it listens.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn start(settings: S) -> Result<Self> {
        let (process, port) = spawn(&settings, 0)?;
        Ok(Self { process, settings, port })
    }

    /// The port on 127.0.0.1 that it listens on; a restart keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the program: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it as a power cut does (SIGKILL).
    ///
    /// # Errors
    /// When the process stays.
    pub fn kill(&self) -> Result<()> {
        self.process.kill().map(drop)
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&self) -> Result<ExitStatus> {
        self.process.terminate()
    }

    /// Starts it again on the same port; ends it first (SIGKILL) if it runs.
    ///
    /// # Errors
    /// When it does not come up; the error carries what it said.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.process = spawn(&self.settings, self.port)?.0;
        Ok(())
    }

    /// The settings with which it was started.
    #[must_use]
    pub fn settings(&self) -> &S {
        &self.settings
    }

    /// The process itself.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

fn spawn<S: Launch>(settings: &S, port: u16) -> Result<(Process, u16)> {
    let process = Process::start(S::NAME, settings.command(port)?)?;
    let port = process.line(TIMEOUT, |line| port_after(line, S::READY))?;
    Ok((process, port))
}

/// The port at the end of the address that follows `words` in a line.
fn port_after(line: &str, words: &str) -> Option<u16> {
    let address = line.split_once(words)?.1.split_whitespace().next()?;
    address.trim_end_matches('/').rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::port_after;

    #[test]
    fn the_port_is_read_from_the_ready_line() {
        assert_eq!(port_after("listening on 127.0.0.1:41233", "listening on "), Some(41233));
        assert_eq!(port_after("listening on http://127.0.0.1:80/ (x)", "listening on "), Some(80));
        assert_eq!(port_after("monitor ready on 127.0.0.1:7", "monitor ready on "), Some(7));
        assert_eq!(port_after("nothing here", "listening on "), None);
    }
}
