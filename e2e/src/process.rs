//! One child process: its lines and its end. It never outlives the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

use crate::TIMEOUT;

/// A running child, whose standard output and standard error are kept line by line.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    said: Arc<Said>,
}

/// The output of a process so far, and its end.
#[derive(Debug, Default)]
struct Said {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    /// The lines of standard output alone.
    printed: Vec<String>,
    /// The number of streams of which more may come.
    open: usize,
    ended: Option<ExitStatus>,
    /// Whether all output from before its end has been read.
    heard_out: bool,
}

/// One of the two streams on which a process speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Output,
    Error,
}

impl Process {
    /// Starts `command` under `name`, the word that failures use for it.
    ///
    /// Standard input is empty; variables that our binaries read are taken out of the inherited
    /// environment, unless the command sets them itself.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(name: &str, mut command: Command) -> Result<Self> {
        for variable in inherited_settings(&command) {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let pid = Pid::from_child(&child);
        let said = Arc::new(Said::default());
        if let Some(out) = child.stdout.take() {
            said.follow(out, Stream::Output);
        }
        if let Some(err) = child.stderr.take() {
            said.follow(err, Stream::Error);
        }
        let waiter = Arc::clone(&said);
        thread::spawn(move || {
            let status = child.wait();
            waiter.lock().ended = status.ok().or_else(|| Some(ExitStatus::default()));
            waiter.hear_out();
            waiter.changed.notify_all();
        });
        Ok(Self { name: name.to_owned(), pid, said })
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until `pick` finds what it looks for in a line, those said before included.
    ///
    /// # Errors
    /// When the process ends first or `within` passes; both carry what it said.
    pub fn line<T>(&self, within: Duration, pick: impl Fn(&str) -> Option<T>) -> Result<T> {
        let until = Instant::now() + within;
        let mut seen = 0;
        let mut state = self.said.lock();
        loop {
            if let Some(found) = state.lines[seen..].iter().find_map(|line| pick(line)) {
                return Ok(found);
            }
            seen = state.lines.len();
            let left = until.saturating_duration_since(Instant::now());
            if let Some(status) = state.ended.filter(|_| state.heard_out) {
                bail!("{} ended ({status}) before it was ready:\n{}", self.name, tail(&state));
            }
            if left.is_zero() {
                bail!("{} did not say it within {within:?}:\n{}", self.name, tail(&state));
            }
            state = self.said.wait(state, left);
        }
    }

    /// Everything that it has said so far on both streams, in the order of arrival.
    #[must_use]
    pub fn log(&self) -> String {
        self.said.lock().lines.join("\n")
    }

    /// Everything that it has said so far on standard output.
    #[must_use]
    pub fn printed(&self) -> String {
        self.said.lock().printed.join("\n")
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.said.lock().ended.is_none()
    }

    /// Ends it at once (SIGKILL) and waits for the end.
    ///
    /// # Errors
    /// When the system refuses the signal or the process stays.
    pub fn kill(&self) -> Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        self.ended()
    }

    /// Asks it to end (SIGTERM) and waits for the end.
    ///
    /// # Errors
    /// When it has not ended within [`TIMEOUT`].
    pub fn terminate(&self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ended()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it has not ended within [`TIMEOUT`].
    pub fn ended(&self) -> Result<ExitStatus> {
        let until = Instant::now() + TIMEOUT;
        let mut state = self.said.lock();
        loop {
            if let Some(status) = state.ended.filter(|_| state.heard_out) {
                return Ok(status);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{} did not end within {TIMEOUT:?}:\n{}", self.name, tail(&state));
            }
            state = self.said.wait(state, left);
        }
    }

    /// Sends a signal, unless it has ended already.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        // Under the lock: a process whose end is not noted yet has not given its number back.
        let state = self.said.lock();
        if state.ended.is_none() {
            match rustix::process::kill_process(self.pid, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error).context(format!("cannot signal {}", self.name)),
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running()
            && let Err(error) = self.kill()
        {
            eprintln!("{error:#}");
        }
        // The test harness shows this only when the test failed.
        eprintln!("--- {} said\n{}", self.name, tail(&self.said.lock()));
    }
}

impl Said {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits for the last words of a process that has ended; not for those of its children, which
    /// may hold its streams open for as long as they like.
    fn hear_out(&self) {
        let until = Instant::now() + LAST_WORDS;
        let mut state = self.lock();
        while state.open > 0 && Instant::now() < until {
            state = self.wait(state, until.saturating_duration_since(Instant::now()));
        }
        state.heard_out = true;
    }

    fn follow(self: &Arc<Self>, stream: impl Read + Send + 'static, kind: Stream) {
        let said = Arc::clone(self);
        said.lock().open += 1;
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                let mut state = said.lock();
                if kind == Stream::Output {
                    state.printed.push(text.clone());
                }
                state.lines.push(text);
                drop(state);
                said.changed.notify_all();
            }
            said.lock().open -= 1;
            said.changed.notify_all();
        });
    }
}

/// The names of inherited variables that our binaries would read and `command` does not set.
fn inherited_settings(command: &Command) -> Vec<std::ffi::OsString> {
    let ours = |name: &str| {
        let words = ["PORT", "PASSWORD", "AGENT_TOKENS", "UPLOAD_DIR", "RUST_LOG"];
        words.contains(&name) || ["OIS_", "GATEWAY_"].iter().any(|start| name.starts_with(start))
    };
    let set = |name: &std::ffi::OsStr| command.get_envs().any(|(key, _)| key == name);
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_str().is_some_and(ours) && !set(name))
        .collect()
}

fn tail(state: &State) -> String {
    let from = state.lines.len().saturating_sub(LINES_SHOWN);
    state.lines[from..].join("\n")
}

const LINES_SHOWN: usize = 80;
/// How long the end of a process waits for the last lines of its streams. Only a child that holds
/// them open beyond that end makes it wait so long.
const LAST_WORDS: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("sh", command).expect("a shell")
    }

    #[test]
    fn a_line_is_found_on_either_stream() {
        let process = shell("echo one; echo port=7 >&2; exec tail -f /dev/null");
        let port = process.line(TIMEOUT, |line| line.strip_prefix("port=").map(str::to_owned));
        assert_eq!(port.expect("said"), "7");
        assert!(process.is_running());
        assert!(process.kill().expect("killed").code().is_none());
        assert!(!process.is_running());
    }

    #[test]
    fn an_early_end_is_told_with_what_was_said() {
        let process = shell("echo no licence; exit 3");
        process.ended().expect("ends");
        let error = process.line(TIMEOUT, |line| line.strip_prefix("ready").map(drop));
        let text = error.expect_err("never ready").to_string();
        assert!(text.contains("ended"), "{text}");
    }

    #[test]
    fn terminate_waits_for_the_handler() {
        let process = shell("trap 'kill $!; exit 4' TERM; tail -f /dev/null & echo up; wait");
        process.line(TIMEOUT, |line| (line == "up").then_some(())).expect("up");
        assert_eq!(process.terminate().expect("ends").code(), Some(4));
    }
}
