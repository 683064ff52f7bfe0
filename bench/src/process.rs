//! A program that is measured: its ready line, its CPU time and its memory.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A child process, which is ended when this value is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Process {
    /// Starts `command` and reads both its output streams.
    ///
    /// # Errors
    /// Fails when the program does not exist.
    pub(crate) fn start(name: &str, mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {name}"))?;
        // The channel is full after this many lines; later output is not needed and dropped.
        let (said, lines) = mpsc::sync_channel(LINES);
        let (out, error) = (child.stdout.take(), child.stderr.take());
        follow(out.context("a pipe was asked for")?, said.clone());
        follow(error.context("a pipe was asked for")?, said);
        Ok(Self { name: name.to_owned(), child, lines })
    }

    /// Waits for the first line in which `pick` finds something.
    ///
    /// # Errors
    /// Fails when the process ends, or prints no such line for a minute; the error holds its output.
    pub(crate) fn line<T>(&self, pick: impl Fn(&str) -> Option<T>) -> Result<T> {
        let until = Instant::now() + START;
        let mut said = String::new();
        while let Ok(line) =
            self.lines.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if let Some(found) = pick(&line) {
                return Ok(found);
            }
            said.push_str(&line);
            said.push('\n');
        }
        bail!("{} did not come up:\n{said}", self.name)
    }

    /// Returns the CPU time, user and system, that all threads of the process have used so far.
    ///
    /// # Errors
    /// Fails when the process is gone.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = self.read("stat")?;
        // The name in brackets may hold anything; the fields behind it are numbers.
        let fields = stat.rsplit_once(')').context("no name in stat")?.1;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>().context("no ticks in stat")?;
        let in_a_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs_f64(ticks as f64 / in_a_second as f64))
    }

    /// Returns the resident memory in bytes.
    ///
    /// # Errors
    /// Fails when the process is gone.
    pub(crate) fn resident(&self) -> Result<u64> {
        field(&self.read("smaps_rollup")?, "Rss:").map(|kib| kib * 1024)
    }

    /// Returns how often the threads have been switched to and away from.
    ///
    /// # Errors
    /// Fails when the process is gone.
    pub(crate) fn context_switches(&self) -> Result<u64> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        let mut sum = 0;
        for thread in threads {
            let status = fs::read_to_string(thread?.path().join("status"))?;
            sum += field(&status, "voluntary_ctxt_switches:")?;
            sum += field(&status, "nonvoluntary_ctxt_switches:")?;
        }
        Ok(sum)
    }

    /// Asks the process to end (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// Fails when the process does not end within a minute.
    pub(crate) fn stop(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let until = Instant::now() + START;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                bail!("{} does not end", self.name);
            }
            thread::park_timeout(BETWEEN_LOOKS);
        }
        Ok(())
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(path).with_context(|| format!("{} is gone", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        if let Ok(None) = self.child.try_wait()
            && let Err(error) = self.child.kill().and_then(|()| self.child.wait())
        {
            eprintln!("cannot end {}: {error}", self.name);
        }
    }
}

fn follow(stream: impl Read + Send + 'static, said: mpsc::SyncSender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            // The channel is full, or its receiver is gone; see where it is created.
            drop(said.try_send(line));
        }
    });
}

/// Returns the number behind a name in one of the files below `/proc`.
fn field(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).with_context(|| format!("no {name} in {text}"))
}

const LINES: usize = 1024;
const START: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_while_it_runs() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo port=7; exec tail -f /dev/null"]);
        let mut process = Process::start("sh", command).expect("a shell");
        let port = process.line(|line| line.strip_prefix("port=").map(str::to_owned));
        assert_eq!(port.expect("said"), "7");
        assert!(process.resident().expect("runs") > 0);
        assert!(process.cpu().expect("runs") < Duration::from_secs(60));
        assert!(process.context_switches().expect("runs") > 0);
        process.stop().expect("ends");
    }

    #[test]
    fn who_does_not_come_up_is_quoted() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no licence; exit 3"]);
        let process = Process::start("sh", command).expect("a shell");
        let error = process.line(|line| line.strip_prefix("ready").map(drop)).expect_err("never");
        assert!(error.to_string().contains("no licence"), "{error}");
    }
}
