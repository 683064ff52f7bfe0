//! Long answers out of a file, sent by the system past hyper.
//!
//! hyper writes the head; the bytes go from the page cache to the socket without passing through
//! this process (`sendfile`), which takes half the time of reading and writing them.

use std::{fs::File, io, sync::Arc, time::Duration};

use hyper::{
    Method, Version,
    body::Body as _,
    header::{CONNECTION, HeaderMap},
};
use ois_store::FileReader;
use tokio::{io::Interest, net::TcpStream, time::timeout};

use super::wire::Wire;
use crate::{route::Ask, upgrade};

/// A part of a file that is still to be sent behind an answer's head.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    file: Arc<File>,
    at: u64,
    end: u64,
    /// Whether the peer may ask for more afterwards.
    pub(super) keeps: bool,
}

impl Sending {
    /// What of the file to send; `None` if hyper has to carry it: where there is no `sendfile` or no
    /// file, and to who is still sending a body, since that would be read as the next request.
    pub(crate) fn of(ask: &Ask, file: &dyn FileReader, at: u64, end: u64) -> Option<Self> {
        let alone = ask.head.method == Method::GET && ask.body.is_end_stream();
        if !cfg!(target_os = "linux") || !alone {
            return None;
        }
        let keeps = ask.head.version == Version::HTTP_11 && !closes(&ask.head.headers);
        Some(Self { file: file.file()?, at, end, keeps })
    }

    /// Sends it all, to a peer that may take nothing for as long as `stall`.
    pub(super) async fn send(mut self, wire: &mut Wire, stall: Duration) -> io::Result<()> {
        let socket = wire.socket()?;
        while self.at < self.end {
            let some = socket.async_io(Interest::WRITABLE, || some(&mut self, socket));
            if timeout(stall, some).await?? == 0 {
                // Shorter than it was: the announced length cannot be kept any more.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // A peer that takes more than the disk gives never makes it wait.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Sends what the socket takes now.
#[cfg(target_os = "linux")]
fn some(sending: &mut Sending, socket: &TcpStream) -> io::Result<usize> {
    let left = usize::try_from(sending.end - sending.at).unwrap_or(AT_ONCE).min(AT_ONCE);
    Ok(rustix::fs::sendfile(socket, &sending.file, Some(&mut sending.at), left)?)
}

#[cfg(not(target_os = "linux"))]
fn some(_: &mut Sending, _: &TcpStream) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

fn closes(headers: &HeaderMap) -> bool {
    upgrade::has_word(headers, &CONNECTION, "close")
}

/// How much one call may send before others have their turn.
const AT_ONCE: usize = 1 << 20;
