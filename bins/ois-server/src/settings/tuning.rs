//! Settings for an unusual machine or load; the defaults need no change.

use clap::{Args, builder::RangedU64ValueParser, value_parser};
use ois_http::{BatchLimits, SocketSettings};

/// How the machine's threads, memory and sockets are used.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tuning")]
pub(crate) struct Tuning {
    /// Threads that serve HTTP: the page, files, sign-ins; the room has one of its own [default: as
    /// many as the machine has cores, from 2 to 4]
    #[arg(long, env = "OIS_HTTP_WORKERS", value_parser = threads(), value_name = "NUMBER")]
    http_workers: Option<usize>,
    /// Threads that sync, hash and walk files [default: as many as the machine has cores, from 2 to
    /// 4]
    #[arg(long, env = "OIS_FILE_WORKERS", value_parser = threads(), value_name = "NUMBER")]
    file_workers: Option<usize>,
    /// Bytes of the log's end kept in memory; a client that is further behind reads from disk
    #[arg(long, env = "OIS_TAIL_BYTES", default_value_t = 8 << 20, value_parser = tail(), value_name = "BYTES")]
    pub(crate) tail_bytes: usize,
    /// Messages that are written and synced together, at the most; the rest waits for the next batch
    #[arg(long, env = "OIS_BATCH_MESSAGES", default_value_t = BatchLimits::default().messages, value_parser = messages(), value_name = "NUMBER")]
    batch_messages: usize,
    /// Bytes that are written and synced together, at the most; a longer message goes alone
    #[arg(long, env = "OIS_BATCH_BYTES", default_value_t = BatchLimits::default().bytes, value_parser = batch(), value_name = "BYTES")]
    batch_bytes: usize,
    /// Connections that may wait to be taken; the system may allow fewer
    #[arg(long, env = "OIS_BACKLOG", default_value_t = SocketSettings::default().backlog, value_parser = value_parser!(u32).range(1..=65535), value_name = "NUMBER")]
    backlog: u32,
    /// Bytes that the system keeps of what a peer has not taken yet, for each connection [default:
    /// the system's choice, which it changes as needed]
    #[arg(long, env = "OIS_SOCKET_SEND_BUFFER", value_parser = buffer(), value_name = "BYTES")]
    socket_send_buffer: Option<u32>,
    /// Bytes that the system keeps of what has not been read yet, for each connection [default: the
    /// system's choice, which it changes as needed]
    #[arg(long, env = "OIS_SOCKET_RECEIVE_BUFFER", value_parser = buffer(), value_name = "BYTES")]
    socket_receive_buffer: Option<u32>,
}

impl Tuning {
    /// Returns how many threads serve HTTP.
    pub(crate) fn http_workers(&self) -> usize {
        self.http_workers.unwrap_or_else(|| usual_workers(cores()))
    }

    /// Returns how many threads work on files.
    pub(crate) fn file_workers(&self) -> usize {
        self.file_workers.unwrap_or_else(|| usual_workers(cores()))
    }

    /// Returns how much is written at once.
    pub(crate) fn batch(&self) -> BatchLimits {
        BatchLimits { messages: self.batch_messages, bytes: self.batch_bytes }
    }

    /// Returns the options that are set on sockets.
    pub(crate) fn sockets(&self) -> SocketSettings {
        SocketSettings {
            backlog: self.backlog,
            send_buffer: self.socket_send_buffer,
            receive_buffer: self.socket_receive_buffer,
        }
    }
}

/// Returns the default number of threads. It is two even on one core, because a thread that waits
/// for a slow disk holds up the others that share it. More than four cost memory on large machines,
/// where the room, which is one thread, is what is busy.
fn usual_workers(cores: usize) -> usize {
    cores.clamp(2, 4)
}

/// Returns how many cores this process may use; one if the system does not tell.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The range of thread counts; more than 64 threads are a typing error.
fn threads() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=64)
}

/// The range of messages in a batch; with zero nothing would ever be written.
fn messages() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1_000_000)
}

/// The range of bytes in a batch; fewer would mean one batch per message, which the number of
/// messages can say.
fn batch() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(4096..=1 << 30)
}

/// The range of the tail's bytes; the tail forgets whole blocks of 64 KiB.
fn tail() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(64 << 10..=1 << 40)
}

/// The range of a buffer's bytes. Below a page the system gives more than it is asked for, and
/// beyond a gibibyte less.
fn buffer() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(4096..=1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_number_of_threads_is_that_of_the_cores_within_bounds() {
        assert_eq!([1, 2, 3, 4, 64].map(usual_workers), [2, 2, 3, 4, 4]);
    }
}
