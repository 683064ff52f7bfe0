//! The OIS monitor: it wakes the agent when the agent is mentioned and brings the answer back.

mod agents;
mod examine;
mod settings;

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use ois_bridge::Bridge;

use crate::settings::{Command, Settings};

fn main() -> ExitCode {
    let settings = ois_cli::settings(std::env::args_os(), |name| std::env::var_os(name));
    match settings.and_then(|settings| run(&settings)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn run(settings: &Settings) -> Result<ExitCode> {
    settings.logging.begin()?;
    // One thread is enough, so that an idle monitor is one sleeping process.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = match settings.command {
        Some(Command::Doctor) => runtime.block_on(examine::run(settings)),
        None => runtime.block_on(serve(settings)).map(|()| ExitCode::SUCCESS),
    };
    // A thread that waits for a gateway ends with the process; the next process asks the gateway
    // how the turn ended.
    runtime.shutdown_background();
    done
}

async fn serve(settings: &Settings) -> Result<()> {
    let served = agents::patients(settings)?;
    let missing = settings.gateway.gateway_token.is_none() && settings.host.config.is_none();
    if missing && settings.gateway.runtime == settings::Runtime::Openclaw {
        tracing::warn!("GATEWAY_TOKEN is not set; most gateways will not let us in");
    }
    let agents = served.into_iter().map(|patient| {
        let runtime = agents::runtime(settings, &patient);
        (patient.agent, runtime)
    });
    let mut ends = Ends::listen()?;
    let bridge = Bridge::start(agents.collect(), Some(local(settings))).await?;
    if let Some(address) = bridge.local() {
        announce(&format!("monitor ready on {address}"))?;
    }
    ends.asked().await;
    tracing::info!("stopping");
    if !bridge.stop(STOP).await {
        tracing::warn!("not everything ended in time; it goes on after the next start");
    }
    Ok(())
}

/// Returns the address of the local port.
fn local(settings: &Settings) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, settings.host.local_port))
}

/// Writes a line to standard output, for the program that started the monitor.
fn announce(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")
}

#[expect(clippy::print_stderr, reason = "the last word of a program that could not do its work")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// The signals with which the system asks the process to end.
#[cfg(unix)]
struct Ends {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Ends {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The same where the system has no signals.
#[cfg(not(unix))]
struct Ends;

#[cfg(not(unix))]
impl Ends {
    fn listen() -> Result<Self> {
        Ok(Self)
    }

    async fn asked(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot hear Ctrl-C; running on");
            std::future::pending::<()>().await;
        }
    }
}

const STOP: Duration = Duration::from_secs(10);
