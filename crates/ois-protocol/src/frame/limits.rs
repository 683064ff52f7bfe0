//! How much is too much.

/// How much is too much. Defaults are wire.md's; each is a setting of the server.
///
/// ```
/// assert_eq!(ois_protocol::Limits::default().text_bytes, 256 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A message's text, in bytes of UTF-8.
    pub text_bytes: usize,
    /// One frame, in bytes.
    pub frame_bytes: usize,
    /// Uploads and `PUT` must stay below this many bytes.
    pub upload_bytes: u64,
    /// A JSON body over HTTP, in bytes.
    pub json_bytes: usize,
    /// Files with one message.
    pub attachments: usize,
    /// Chat frames that a member may send at once.
    pub chat_burst: u32,
    /// Chat frames a second after that; 0 means no limit.
    pub chat_rate: u32,
    /// How long nonces are remembered, in milliseconds.
    pub nonce_ms: u64,
    /// How long a peer may take no bytes while some wait for it, in milliseconds.
    pub stall_ms: u64,
    /// How often the server pings; a peer silent for two of these is gone, in milliseconds.
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
