//! From an address to an open WebSocket.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, protocol::WebSocketConfig},
};

use crate::{Address, tls};

/// Why no WebSocket could be opened. Nothing was sent that matters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// Nobody answers there, or the name is not known.
    #[error("{address} is unreachable")]
    Unreachable {
        /// The server's address.
        address: Address,
        /// The system's error.
        source: io::Error,
    },
    /// TLS did not come about: the certificate is not trusted, or the other side speaks no TLS.
    #[error("no TLS comes about with {address}")]
    Tls {
        /// The server's address.
        address: Address,
        /// The error of the TLS library.
        source: io::Error,
    },
    /// Somebody answers there, but opens no WebSocket.
    #[error("{address} opens no WebSocket: {why}")]
    NoWebSocket {
        /// The server's address.
        address: Address,
        /// What the other side answered instead.
        why: String,
    },
    /// It took longer than this.
    #[error("{address} did not answer within {} s", within.as_secs())]
    TimedOut {
        /// The server's address.
        address: Address,
        /// How long was waited.
        within: Duration,
    },
}

/// What a WebSocket goes over: plain TCP, or TLS on it.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

pub(crate) type Socket = WebSocketStream<Box<dyn Transport>>;

/// Opens a WebSocket.
pub(crate) async fn dial(address: &Address, within: Duration) -> Result<Socket, DialError> {
    let late = |_| DialError::TimedOut { address: address.clone(), within };
    timeout(within, Box::pin(open(address))).await.map_err(late)?
}

async fn open(address: &Address) -> Result<Socket, DialError> {
    let unreachable = |source| DialError::Unreachable { address: address.clone(), source };
    let stream =
        TcpStream::connect((address.host.as_str(), address.port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let transport: Box<dyn Transport> = if address.secure {
        let failed = |source| DialError::Tls { address: address.clone(), source };
        tls::secured(&address.host, stream).await.map_err(failed)?
    } else {
        Box::new(stream)
    };
    let opened = client_async_with_config(address.to_string(), transport, Some(buffers())).await;
    let (socket, _) = opened.map_err(|error| no_websocket(address, &error))?;
    Ok(socket)
}

fn no_websocket(address: &Address, error: &tungstenite::Error) -> DialError {
    let why = match error {
        tungstenite::Error::Http(answer) => format!("HTTP status {}", answer.status().as_u16()),
        other => other.to_string(),
    };
    DialError::NoWebSocket { address: address.clone(), why }
}

/// The library's default read buffer is 128 KiB per connection, used or not.
fn buffers() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(4 << 10)
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST))
}

/// A history of 100 messages of 256 KiB, each byte of which may need six in JSON.
const LONGEST: usize = 160 << 20;
