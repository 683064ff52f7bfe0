//! Serving: putting the parts together, printing the ready line, and stopping without loss.

use std::{net::SocketAddr, os::unix::net::UnixListener, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use ois_http::{Server, Stop, Tasks};
use ois_protocol::UtcOffset;
use ois_store::{Archive, DiskStore, Log, Store};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    admin_socket,
    clock::now,
    demo, descriptors,
    settings::{People, Settings},
    team::Team,
};

/// How long stopping may take before it goes on without the slowest tasks.
const STOP: Duration = Duration::from_secs(10);
/// The number of the signal that a write beyond RLIMIT_FSIZE raises (signal(7), getrlimit(2)), on
/// Linux and macOS.
const SIGXFSZ: i32 = 25;
/// The least time between two refreshes of the files that agents read.
const ARCHIVE_PAUSE: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(settings: Settings) -> Result<()> {
    settings.logging.begin()?;
    descriptors::make_room();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A file that reaches a limit of the system's counts as a full disk and must not end the
    // process.
    let _file_limit = signal(SignalKind::from_raw(SIGXFSZ))?;
    let team = Arc::new(Team::open(&settings, now()).await?);
    let listen = settings.doors.address();
    check_open_to(listen, &settings.people, &team)?;
    let first_password = team.found(now()).await?;
    team.admit(&settings.people).await?;
    let listener = ois_http::listen(listen, &settings.tuning.sockets())
        .with_context(|| format!("cannot listen on {listen}"))?;
    let store: Arc<dyn Store> = team.store.clone();
    let admin = admin_socket::bind(&settings.place.root).context("cannot open the admin socket")?;
    let doors = doors(&settings, team.offset);
    let server = ois_http::serve(listener, store, Arc::clone(&team.keys), doors).await?;
    let server = Arc::new(server);
    let tasks = Tasks::new();
    start_admin(&tasks, admin, &team, &server)?;
    start_archive(&tasks, &team)?;
    let demo = if settings.people.demo { Some(demo::start(&team, &server).await?) } else { None };
    let page = settings.doors.page(server.address());
    announce(&server, &page, first_password.as_deref(), demo.as_ref());

    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    if let Some(demo) = demo {
        demo.stop().await;
    }
    stop(server, tasks, team).await
}

/// Refuses to listen on the network unless a person has chosen a password.
fn check_open_to(listen: SocketAddr, people: &People, team: &Team) -> Result<()> {
    let chosen = people.password.is_some() || people.password_file.is_some() || !team.is_new();
    if listen.ip().is_loopback() || chosen {
        return Ok(());
    }
    bail!(
        "{listen} can be reached from other machines, and nobody has a password yet; set PASSWORD (or --password-file), \
         or run `ois-server init` first, which makes the user admin and prints its password"
    )
}

fn doors(settings: &Settings, offset: UtcOffset) -> ois_http::Settings {
    ois_http::Settings {
        desk: settings.agents.desk(offset),
        limits: settings.bounds.limits(),
        tail_bytes: settings.tuning.tail_bytes,
        batch: settings.tuning.batch(),
        http_workers: settings.tuning.http_workers(),
        public_url: settings.doors.public_url.clone(),
        trusted_proxies: settings.doors.trusted_proxies.clone(),
    }
}

fn start_admin(
    tasks: &Tasks,
    listener: UnixListener,
    team: &Arc<Team>,
    server: &Arc<Server>,
) -> Result<()> {
    let (team, server) = (Arc::clone(team), Arc::clone(server));
    // Reading the whole log, or hashing a password, takes long.
    let serve = move |stop| admin_socket::serve(listener, team, server, stop);
    tasks.spawn_thread("ois-admin", serve).context("cannot serve the admin socket")
}

fn start_archive(tasks: &Tasks, team: &Team) -> Result<()> {
    let archive = Archive::new(team.store.root(), team.offset).context("cannot keep up chat/")?;
    let store = Arc::clone(&team.store);
    // The archive syncs files, so it must not hold up other tasks.
    let keep = move |stop| keep_archive(archive, store, stop);
    tasks.spawn_thread("ois-archive", keep).context("cannot keep up chat/")
}

/// Keeps the files that agents read up to date, at most once per pause and once more at the end.
async fn keep_archive(mut archive: Archive, store: Arc<DiskStore>, mut stop: Stop) {
    let mut head = store.head();
    loop {
        head.mark_unchanged();
        let last_round = stop.is_asked();
        let caught_up = archive.catch_up(&*store).await;
        if let Err(error) = &caught_up {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "chat/ is behind the log; trying again"
            );
        }
        if last_round {
            return;
        }
        tokio::select! {
            () = stop.asked() => continue,
            () = tokio::time::sleep(ARCHIVE_PAUSE) => {}
        }
        if caught_up.is_ok() {
            tokio::select! {
                () = stop.asked() => {}
                changed = head.changed() => if changed.is_err() { return },
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "the lines that whoever started it waits for")]
fn announce(server: &Server, page: &str, first_password: Option<&str>, demo: Option<&demo::Demo>) {
    if let Some(password) = first_password {
        println!("first start: open {page} and sign in as admin with the password {password}");
        println!("(this is shown once; `ois-server user password admin` makes a new one)");
    }
    if let Some(demo) = demo {
        println!("demo: say \"@{} hello\" in the room", demo.name());
    }
    println!("listening on {}", server.address());
}

async fn stop(server: Arc<Server>, tasks: Tasks, team: Arc<Team>) -> Result<()> {
    server.stop(STOP).await;
    // Everything is in the log by now; the archive's last round takes it over.
    if !tasks.stop(STOP).await {
        tracing::warn!("stopping before chat/ was brought up to date; the next start does it");
    }
    team.store.close().await.context("the store did not close cleanly")?;
    tracing::info!("stopped");
    Ok(())
}
