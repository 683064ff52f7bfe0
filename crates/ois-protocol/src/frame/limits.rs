//! The limits that the server sets for its clients.

/// The limits that the server sets for its clients. The defaults are those of the specification,
/// and each is a setting of the server.
///
/// ```
/// assert_eq!(ois_protocol::Limits::default().text_bytes, 256 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of UTF-8 in a message's text.
    pub text_bytes: usize,
    /// The most bytes in one frame.
    pub frame_bytes: usize,
    /// The number of bytes below which uploads and `PUT` bodies must stay.
    pub upload_bytes: u64,
    /// The most bytes in a JSON body over HTTP.
    pub json_bytes: usize,
    /// The most files that may go with one message.
    pub attachments: usize,
    /// The number of chat frames that a member may send at once.
    pub chat_burst: u32,
    /// The number of chat frames per second after that burst; 0 means no limit.
    pub chat_rate: u32,
    /// How long nonces are remembered, in milliseconds.
    pub nonce_ms: u64,
    /// How long a peer may take no bytes while some wait for it, in milliseconds.
    pub stall_ms: u64,
    /// The interval between two pings of the server, in milliseconds. A peer that is silent for two
    /// intervals is closed.
    pub ping_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 256 << 10,
            frame_bytes: 1 << 20,
            upload_bytes: 20 << 20,
            json_bytes: 2 << 20,
            attachments: 32,
            chat_burst: 200,
            chat_rate: 100,
            nonce_ms: 7 * 24 * 3600 * 1000,
            stall_ms: 600_000,
            ping_ms: 30_000,
        }
    }
}
