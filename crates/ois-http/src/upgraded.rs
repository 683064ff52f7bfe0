//! A socket on its way to the hot loop.

use std::net::{SocketAddr, TcpStream};

use ois_auth::Token;

/// A socket whose WebSocket handshake has been answered.
#[derive(Debug)]
pub(crate) struct UpgradedSocket {
    /// The socket, which does not block.
    pub(crate) socket: TcpStream,
    /// The bytes that came right behind the handshake.
    pub(crate) leftover: Vec<u8>,
    /// The peer's address.
    pub(crate) peer: SocketAddr,
    /// The session's token in the cookie that came with the handshake.
    pub(crate) cookie: Option<Token>,
}
