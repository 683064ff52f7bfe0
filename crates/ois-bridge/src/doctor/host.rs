//! This host: the local port and the folder in which an agent's monitor remembers.

use std::{io, net::SocketAddr, path::Path};

use tokio::net::TcpListener;

use super::{Check, broken, good, unsure};
use crate::journal::{self, JournalError};

pub(super) async fn port(address: SocketAddr) -> Check {
    match TcpListener::bind(address).await {
        Ok(_) => good("local port", format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => unsure(
            "local port",
            format!("{address} is in use"),
            "if that is this monitor, all is well; else give it another one with --local-port",
        ),
        Err(error) => broken(
            "local port",
            format!("{address}: {error}"),
            "give --local-port a port that this user may open",
        ),
    }
}

pub(super) fn folder(folder: Option<&Path>) -> Check {
    let Some(path) = folder else { return good("state folder", "nothing is kept on disk") };
    match journal::open(folder) {
        Ok((_, state, _)) => {
            let (calls, lost) = (state.calls.len(), state.given_up.len());
            let seen = format!("{}: {calls} calls open, {lost} given up lately", path.display());
            good("state folder", seen)
        }
        Err(JournalError::InUse(_)) => unsure(
            "state folder",
            format!("{} is in use by a monitor", path.display()),
            "stop that monitor, or give this one another --state",
        ),
        Err(error) => broken(
            "state folder",
            super::words(&error),
            "make it writable for this user; a damaged file may be moved away, which forgets what was open",
        ),
    }
}
