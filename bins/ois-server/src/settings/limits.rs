//! How much one member may send, and how long a silent peer may stay.

use clap::Args;
use ois_protocol::Limits;

/// The limits that the operator sets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Bounds {
    /// The most bytes of one message's text
    #[arg(long, env = "OIS_MAX_TEXT", default_value_t = Limits::default().text_bytes, value_name = "BYTES")]
    max_text: usize,
    /// The most bytes of one WebSocket frame
    #[arg(long, env = "OIS_MAX_FRAME", default_value_t = Limits::default().frame_bytes, value_name = "BYTES")]
    max_frame: usize,
    /// Bytes below which an upload or a PUT must stay
    #[arg(long, env = "OIS_MAX_UPLOAD", default_value_t = Limits::default().upload_bytes, value_name = "BYTES")]
    max_upload: u64,
    /// The most bytes of a JSON body
    #[arg(long, env = "OIS_MAX_JSON", default_value_t = Limits::default().json_bytes, value_name = "BYTES")]
    max_json: usize,
    /// Messages a second that a member may send for long; 0 for no limit. A member above it is read
    /// more slowly, and is told to come back over HTTP
    #[arg(long, env = "OIS_CHAT_RATE", default_value_t = Limits::default().chat_rate, value_name = "NUMBER")]
    chat_rate: u32,
    /// Messages that a member may send at once
    #[arg(long, env = "OIS_CHAT_BURST", default_value_t = Limits::default().chat_burst, value_name = "NUMBER")]
    chat_burst: u32,
    /// Seconds after which a peer that takes nothing is closed
    #[arg(long, env = "OIS_STALL_SECONDS", default_value_t = Limits::default().stall_ms / 1000, value_name = "SECONDS")]
    stall_seconds: u64,
    /// Seconds between pings; a peer that misses one is closed
    #[arg(long, env = "OIS_PING_SECONDS", default_value_t = Limits::default().ping_ms / 1000, value_name = "SECONDS")]
    ping_seconds: u64,
}

impl Bounds {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            text_bytes: self.max_text,
            frame_bytes: self.max_frame,
            upload_bytes: self.max_upload,
            json_bytes: self.max_json,
            chat_rate: self.chat_rate,
            chat_burst: self.chat_burst,
            stall_ms: self.stall_seconds * 1000,
            ping_ms: self.ping_seconds.max(1) * 1000,
            ..Limits::default()
        }
    }
}
