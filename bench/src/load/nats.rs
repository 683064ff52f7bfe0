//! Counts a NATS server's messages by their first lines.

use anyhow::{Context, Result, bail};

/// The position of one connection in the stream of lines and payloads.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The beginning of a line that came in pieces.
    line: Vec<u8>,
    /// The number of bytes of the current payload, including its line end, that are still to come.
    left: usize,
    /// Whether a payload is being skipped whose end is the end of a message.
    in_message: bool,
}

/// What a piece of the stream contained.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The number of messages that ended in it.
    pub(crate) messages: u32,
    /// The number of `PONG`s, which answer the generator's `PING`.
    pub(crate) pongs: u32,
    /// The number of `PING`s, which want an answer.
    pub(crate) pings: u32,
}

impl Lines {
    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// Fails when the server reports one, or says what is not in its protocol.
    pub(crate) fn count(&mut self, mut bytes: &[u8]) -> Result<Counted> {
        let mut counted = Counted::default();
        loop {
            let step = bytes.len().min(self.left);
            bytes = &bytes[step..];
            self.left -= step;
            if self.left > 0 {
                return Ok(counted);
            }
            if self.in_message {
                self.in_message = false;
                counted.messages += 1;
            }
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                return Ok(counted);
            };
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            self.line(line.trim_ascii_end(), &mut counted)?;
            // The buffer is kept for its memory.
            self.line = line;
            self.line.clear();
        }
    }

    fn line(&mut self, line: &[u8], counted: &mut Counted) -> Result<()> {
        let said = || String::from_utf8_lossy(line).into_owned();
        match line.split(|byte| *byte == b' ').next().unwrap_or_default() {
            b"MSG" => {
                let size = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
                let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
                let size: usize = size.with_context(|| format!("no size in {}", said()))?;
                self.left = size + 2;
                self.in_message = true;
            }
            b"PING" => counted.pings += 1,
            b"PONG" => counted.pongs += 1,
            b"INFO" | b"+OK" => {}
            _ => bail!("the NATS server said {}", said()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_the_stream_is_cut() {
        let stream =
            b"INFO {\"x\":1}\r\nPONG\r\nMSG room 1 5\r\nhel\nl\r\nMSG room 1 back 0\r\n\r\nPING\r\n";
        for cut in 1..=stream.len() {
            let mut lines = Lines::default();
            let mut sum = Counted::default();
            for piece in stream.chunks(cut) {
                let counted = lines.count(piece).unwrap();
                sum.messages += counted.messages;
                sum.pongs += counted.pongs;
                sum.pings += counted.pings;
            }
            let expected = Counted { messages: 2, pongs: 1, pings: 1 };
            assert_eq!(sum, expected, "cut every {cut} bytes");
        }
    }

    #[test]
    fn an_error_of_the_server_is_an_error() {
        assert!(Lines::default().count(b"-ERR 'Authorization Violation'\r\n").is_err());
    }
}
