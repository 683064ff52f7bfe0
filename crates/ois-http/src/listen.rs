//! The listening socket: how many connections may wait for it, and how many bytes the system buffers
//! for each of them.
//!
//! The options are set before the socket listens: connections inherit them, and the window that a peer
//! is offered is agreed upon in the first packets. `TCP_NODELAY` is not a setting: every connection has
//! it.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use tokio::net::TcpSocket;

/// The operator's settings for sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketSettings {
    /// How many connections may wait to be accepted; the system may allow fewer.
    pub backlog: u32,
    /// How many bytes the system buffers that a peer has not taken yet (`SO_SNDBUF`); `None` lets the
    /// system choose for each connection.
    pub send_buffer: Option<u32>,
    /// How many bytes the system buffers that the server has not read yet (`SO_RCVBUF`); `None` lets the
    /// system choose.
    pub receive_buffer: Option<u32>,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self { backlog: 4096, send_buffer: None, receive_buffer: None }
    }
}

/// Listens at this address. Call it on a tokio runtime.
///
/// # Errors
/// If the address is taken or not this machine's, or the system refuses a buffer of that size.
pub fn listen(address: SocketAddr, settings: &SocketSettings) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait until the system has forgotten the connections of before.
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = settings.send_buffer {
        socket.set_send_buffer_size(bytes)?;
        check("send", bytes, socket.send_buffer_size()?);
    }
    if let Some(bytes) = settings.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
        check("receive", bytes, socket.recv_buffer_size()?);
    }
    #[cfg(target_os = "linux")]
    if address.ip().is_loopback() {
        skip_estimates(&socket);
    }
    socket.bind(address)?;
    socket.listen(settings.backlog)?.into_std()
}

/// Between programs on one machine there is no path whose capacity would have to be measured. Many
/// systems measure all the same (BBR times every packet and paces the next), which took 2 % of a sweep;
/// Reno does next to nothing until a packet is lost, and every system allows it (tcp(7)).
#[cfg(target_os = "linux")]
fn skip_estimates(socket: &TcpSocket) {
    if let Err(error) = rustix::net::sockopt::set_tcp_congestion(socket, LOCAL_CONGESTION) {
        tracing::debug!(%error, "the system chooses the congestion control");
    }
}

#[cfg(target_os = "linux")]
const LOCAL_CONGESTION: &str = "reno";

/// Warns if the system gave a smaller buffer than was asked for; it gives no error itself.
fn check(which: &str, asked: u32, reported: u32) {
    // Linux reports twice the size, since it counts its bookkeeping too (socket(7)).
    let given = if cfg!(target_os = "linux") { reported / 2 } else { reported };
    if given < asked {
        tracing::warn!(asked, given, "the system allows sockets no larger {which} buffer");
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::net::sockopt::{socket_recv_buffer_size, socket_send_buffer_size};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const HERE: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
    /// A door on this machine answers at once, or not at all.
    #[cfg(target_os = "linux")]
    const CONNECT_DEADLINE: std::time::Duration = std::time::Duration::from_millis(200);

    /// A connection as the server has it.
    async fn taken(settings: &SocketSettings) -> TcpStream {
        let listener = TcpListener::from_std(listen(HERE, settings).unwrap()).unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let taken = listener.accept().await.unwrap().0;
        drop(peer);
        taken
    }

    fn sizes(socket: impl AsFd) -> (usize, usize) {
        (socket_send_buffer_size(&socket).unwrap(), socket_recv_buffer_size(&socket).unwrap())
    }

    #[tokio::test]
    async fn connections_have_the_buffers_that_were_asked_for() {
        let bookkeeping = if cfg!(target_os = "linux") { 2 } else { 1 };
        let settings = SocketSettings {
            send_buffer: Some(100_000),
            receive_buffer: Some(50_000),
            ..SocketSettings::default()
        };
        let wanted = (100_000 * bookkeeping, 50_000 * bookkeeping);
        assert_eq!(sizes(taken(&settings).await), wanted);
        let send = SocketSettings { receive_buffer: None, ..settings };
        let usual = sizes(taken(&SocketSettings::default()).await);
        assert_eq!(sizes(taken(&send).await), (wanted.0, usual.1), "one without the other");
        assert_ne!(usual, wanted);
    }

    #[tokio::test]
    async fn without_a_word_the_buffers_are_the_systems() {
        let plain = TcpListener::bind(HERE).await.unwrap();
        let listener = listen(HERE, &SocketSettings::default()).unwrap();
        assert_eq!(sizes(&listener), sizes(&plain));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn as_many_may_wait_as_was_said() {
        let settings = SocketSettings { backlog: 3, ..SocketSettings::default() };
        let listener = listen(HERE, &settings).unwrap();
        let address = listener.local_addr().unwrap();
        // Linux takes one more than it was told, and does not answer who comes then.
        let knock = || std::net::TcpStream::connect_timeout(&address, CONNECT_DEADLINE);
        let waiting: Vec<_> = (0..4).map(|_| knock().unwrap()).collect();
        assert_eq!(knock().unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(waiting);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn connections_within_a_machine_are_not_measured() {
        let taken = taken(&SocketSettings::default()).await;
        let used = rustix::net::sockopt::tcp_congestion(&taken).unwrap();
        assert_eq!(used, LOCAL_CONGESTION);
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_refused() {
        let first = listen(HERE, &SocketSettings::default()).unwrap();
        let second = listen(first.local_addr().unwrap(), &SocketSettings::default());
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
