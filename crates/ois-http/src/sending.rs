//! Long answers out of a file, sent by the system instead of by hyper.
//!
//! hyper writes the head; the bytes go from the page cache to the socket without passing through
//! this process (`sendfile`), which takes half the time of reading and writing them.

use std::{fs::File, io, sync::Arc, time::Duration};

use hyper::{Method, Version, body::Body as _, header::CONNECTION};
use ois_store::FileReader;
use tokio::{io::Interest, net::TcpStream, time::timeout};

use crate::{headers::has_word, request::HttpRequest};

/// A part of a file that is still to be sent behind an answer's head.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    file: Arc<File>,
    /// The offset of the next byte to send.
    at: u64,
    /// The offset after the last byte to send.
    end: u64,
    /// Whether the connection stays open for another request afterwards.
    pub(crate) keeps_alive: bool,
}

impl Sending {
    /// The bytes of the file from `at` up to `end`. `None` if hyper has to send them: where the
    /// system has no `sendfile`, where the store has no file for it, and while the request's body is
    /// still coming, since the rest of the body would be read as the next request.
    pub(crate) fn new(
        request: &HttpRequest,
        file: &dyn FileReader,
        at: u64,
        end: u64,
    ) -> Option<Self> {
        let head = &request.head;
        let is_alone = head.method == Method::GET && request.body.is_end_stream();
        if !cfg!(target_os = "linux") || !is_alone {
            return None;
        }
        let closes = has_word(&head.headers, &CONNECTION, "close");
        let keeps_alive = head.version == Version::HTTP_11 && !closes;
        Some(Self { file: file.file()?, at, end, keeps_alive })
    }

    /// Sends all of it. A peer that takes no byte for as long as `stall` is given up.
    ///
    /// # Errors
    /// If the peer is gone or takes nothing, and if the file has become shorter than announced.
    pub(crate) async fn send(mut self, socket: &TcpStream, stall: Duration) -> io::Result<()> {
        while self.at < self.end {
            let piece = socket.async_io(Interest::WRITABLE, || send_piece(&mut self, socket));
            if timeout(stall, piece).await?? == 0 {
                // The file is shorter than it was, so the announced length cannot be kept.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // A peer that takes bytes faster than the disk gives them never makes this task wait.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Sends what the socket takes without waiting; answers with the number of bytes.
#[cfg(target_os = "linux")]
fn send_piece(sending: &mut Sending, socket: &TcpStream) -> io::Result<usize> {
    let left = usize::try_from(sending.end - sending.at).unwrap_or(PIECE).min(PIECE);
    Ok(rustix::fs::sendfile(socket, &sending.file, Some(&mut sending.at), left)?)
}

#[cfg(not(target_os = "linux"))]
fn send_piece(_: &mut Sending, _: &TcpStream) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The most bytes that one call sends before other tasks have their turn.
const PIECE: usize = 1 << 20;
