//! Running a program within a time limit; its output is kept in a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// The file of one suite under `target/xtask`.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// Whether the output is shown on the terminal at once as well.
    verbose: bool,
}

impl Log {
    /// Makes an empty log for `name`.
    pub(crate) fn create(name: &str, verbose: bool) -> Result<Self> {
        let dir = workspace().join("target/xtask");
        fs::create_dir_all(&dir).context("cannot make target/xtask")?;
        let path = dir.join(format!("{name}.log"));
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        // Appending, since children append to the same file.
        let file = File::options().append(true).open(&path).context("cannot open the log")?;
        Ok(Self { path, file, verbose })
    }

    /// The path of the log file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one line to the log.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        if self.verbose {
            eprintln!("{line}");
        }
        writeln!(self.file, "{line}").context("cannot write the log")
    }

    /// Runs `command` to its end; both its streams go into the log.
    ///
    /// # Errors
    /// When it cannot be started, fails, or is not done within `limit`: it is ended then.
    pub(crate) fn run(&mut self, command: Command, limit: Duration) -> Result<()> {
        let out = if self.verbose { Stdio::inherit() } else { self.handle()?.into() };
        self.run_with_output(command, out, limit)
    }

    /// Runs `command` as [`run`](Self::run) does, its standard output going to `out` instead.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub(crate) fn run_with_output(
        &mut self,
        mut command: Command,
        out: impl Into<Stdio>,
        limit: Duration,
    ) -> Result<()> {
        self.say(&format!("$ {}", shown(&command)))?;
        let short = short(&command);
        // Tests that answer with an error would print a page of frames of their harness.
        command.env("RUST_LIB_BACKTRACE", "0");
        let error = if self.verbose { Stdio::inherit() } else { self.handle()?.into() };
        command.stdin(Stdio::null()).stdout(out).stderr(error);
        let child = command.spawn().with_context(|| format!("cannot run {short}"))?;
        let status = wait(child, limit).with_context(|| short.clone())?;
        ensure!(status.success(), "{short}: {status}");
        Ok(())
    }

    /// A handle at the end of the log file, for a child process.
    pub(crate) fn handle(&self) -> Result<File> {
        self.file.try_clone().context("cannot open the log again")
    }

    /// The whole text of the log so far.
    pub(crate) fn text(&self) -> String {
        fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

/// Waits for a child, and ends it when `limit` has passed.
fn wait(mut child: Child, limit: Duration) -> Result<ExitStatus> {
    let pid = child.id();
    // One value, so the sender never waits.
    let (ended, end) = mpsc::sync_channel(1);
    thread::spawn(move || {
        // The receiver is gone once the limit and the grace have passed: nothing is left to tell.
        drop(ended.send(child.wait()));
    });
    match end.recv_timeout(limit) {
        Ok(status) => status.context("cannot wait"),
        Err(RecvTimeoutError::Disconnected) => bail!("lost sight of it"),
        Err(RecvTimeoutError::Timeout) => {
            signal(pid, "TERM")?;
            if end.recv_timeout(GRACE).is_err() {
                signal(pid, "KILL")?;
            }
            bail!("not done within {} minutes, ended", limit.as_secs() / 60)
        }
    }
}

/// Sends a signal to a process that this program started.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    let kill = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    kill.context("cannot run kill").map(drop)
}

/// The path of the cargo that runs this program.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// `cargo` with these arguments, in the workspace.
pub(crate) fn cargo_with(args: &[&str]) -> Command {
    let mut command = Command::new(cargo());
    command.args(args).current_dir(workspace());
    // The variables that `cargo run` sets for this package would make build scripts (ring's) run again.
    let about_us =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(about_us)) {
        command.env_remove(name);
    }
    command
}

/// The root directory of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The program's name and its first word.
fn short(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args().take(1));
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

const GRACE: Duration = Duration::from_secs(20);
