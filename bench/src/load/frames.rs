//! Counts a server's WebSocket frames by their headers.

use anyhow::{Context, Result, ensure};

/// The position of one connection in the stream of frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The beginning of a header that came in pieces.
    head: Vec<u8>,
    /// The number of bytes of the current frame's payload that are still to come.
    left: u64,
    opcode: u8,
    check: Option<Box<Check>>,
}

/// What a piece of the stream contained.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The number of data frames that ended in it.
    pub(crate) data: u32,
    /// The number of pings that ended in it.
    pub(crate) pings: u32,
    /// Whether the server sent a close frame.
    pub(crate) close: bool,
}

/// Checks that the ids of messages increase. Beside messages only the end of a resume may come.
#[derive(Debug, Default)]
struct Check {
    payload: Vec<u8>,
    last: u64,
    /// Whether a part of the current frame came before the checking began.
    has_begun: bool,
}

impl Frames {
    /// Requires from here on that every data frame is a message with a greater id than the one
    /// before.
    pub(crate) fn check(&mut self) {
        let has_begun = self.left > 0 && self.opcode < 8;
        self.check = Some(Box::new(Check { has_begun, ..Check::default() }));
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// Fails when ids are checked and one is missing or too small.
    pub(crate) fn count(&mut self, mut bytes: &[u8]) -> Result<Counted> {
        let mut counted = Counted::default();
        loop {
            if self.left > 0 {
                let step = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                if let Some(check) = self.check.as_mut().filter(|_| self.opcode < 8) {
                    check.payload.extend_from_slice(&bytes[..step]);
                }
                bytes = &bytes[step..];
                self.left -= step as u64;
                if self.left > 0 {
                    return Ok(counted);
                }
                self.end(&mut counted)?;
            }
            let Some(rest) = self.header(bytes, &mut counted)? else { return Ok(counted) };
            bytes = rest;
        }
    }

    /// Takes the next bytes of a client's stream, whose frames carry a mask that is skipped;
    /// returns how many data frames began in them.
    ///
    /// # Errors
    /// Fails as for [`count`](Self::count).
    pub(crate) fn count_masked(&mut self, mut bytes: &[u8]) -> Result<u32> {
        let mut data = 0;
        loop {
            let step = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            bytes = &bytes[step..];
            self.left -= step as u64;
            let mut none = Counted::default();
            match self.header(bytes, &mut none)? {
                Some(rest) => bytes = rest,
                None => return Ok(data),
            }
            // The mask stands between header and payload.
            self.left += 4;
            data += u32::from(self.opcode < 8);
        }
    }

    /// Reads a header; returns the bytes behind it, or `None` while it is incomplete.
    fn header<'a>(&mut self, bytes: &'a [u8], counted: &mut Counted) -> Result<Option<&'a [u8]>> {
        let (opcode, length, rest) = if self.head.is_empty() {
            let Some((opcode, length, size)) = header(bytes) else {
                self.head.extend_from_slice(bytes);
                return Ok(None);
            };
            (opcode, length, &bytes[size..])
        } else {
            let mut rest = bytes;
            loop {
                let Some((first, more)) = rest.split_first() else { return Ok(None) };
                self.head.push(*first);
                rest = more;
                if let Some((opcode, length, _)) = header(&self.head) {
                    self.head.clear();
                    break (opcode, length, rest);
                }
            }
        };
        (self.opcode, self.left) = (opcode, length);
        if length == 0 {
            self.end(counted)?;
        }
        Ok(Some(rest))
    }

    fn end(&mut self, counted: &mut Counted) -> Result<()> {
        match self.opcode {
            8 => counted.close = true,
            9 => counted.pings += 1,
            10 => {}
            _ => {
                counted.data += 1;
                if let Some(check) = &mut self.check {
                    check.message()?;
                }
            }
        }
        Ok(())
    }
}

impl Check {
    fn message(&mut self) -> Result<()> {
        if std::mem::take(&mut self.has_begun) {
            self.payload.clear();
            return Ok(());
        }
        let frame: serde_json::Value =
            serde_json::from_slice(&self.payload).context("a frame is no JSON")?;
        self.payload.clear();
        if frame["type"] == "caught_up" {
            return Ok(());
        }
        let id = frame["message"]["id"].as_u64().with_context(|| format!("no id in {frame}"))?;
        ensure!(id > self.last, "message {id} came after {}", self.last);
        self.last = id;
        Ok(())
    }
}

/// Returns opcode, payload length and size of the header at the beginning of `bytes`, if it is
/// complete.
fn header(bytes: &[u8]) -> Option<(u8, u64, usize)> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (length, size) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
        short => (u64::from(short), 2),
    };
    Some((first & 0x0f, length, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..=125 => frame.push(u8::try_from(short).unwrap()),
            middle @ 126..=0xffff => {
                frame.push(126);
                frame.extend(u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                frame.push(127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    fn message(id: u64) -> Vec<u8> {
        frame(1, format!(r#"{{"type":"message","message":{{"id":{id}}}}}"#).as_bytes())
    }

    #[test]
    fn frames_are_counted_however_the_stream_is_cut() {
        let stream =
            [frame(1, b"a"), frame(9, b""), frame(1, &[b'b'; 300]), frame(2, &[b'c'; 70_000])]
                .concat();
        for cut in [1, 2, 3, 7, 299, 70_000, stream.len()] {
            let mut frames = Frames::default();
            let pieces = stream.chunks(cut).map(|piece| frames.count(piece).unwrap());
            let (data, pings) = pieces.fold((0, 0), |(data, pings), counted| {
                (data + counted.data, pings + counted.pings)
            });
            assert_eq!((data, pings), (3, 1), "cut every {cut} bytes");
        }
    }

    #[test]
    fn a_goodbye_is_told() {
        assert!(Frames::default().count(&frame(8, b"\x03\xe8")).unwrap().close);
    }

    #[test]
    fn a_checked_stream_must_increase() {
        let mut frames = Frames::default();
        frames.check();
        assert_eq!(frames.count(&[message(1), message(5)].concat()).unwrap().data, 2);
        assert!(frames.count(&message(5)).is_err());
        let mut frames = Frames::default();
        frames.check();
        assert!(frames.count(&frame(1, b"{}")).is_err());
    }

    #[test]
    fn a_check_begins_with_the_next_whole_frame() {
        let stream = [message(7), message(8), message(9)].concat();
        for cut in 0..message(7).len() {
            let mut frames = Frames::default();
            frames.count(&stream[..cut]).unwrap();
            frames.check();
            assert_eq!(frames.count(&stream[cut..]).unwrap().data, 3, "checked from {cut}");
        }
    }
}
