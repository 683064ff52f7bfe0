//! What happened, in words and as one number.

use std::fmt::{self, Write};

use ois_protocol::Timestamp;

/// What happened. The words are kept only for whoever wants to read them; the number always.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
    began: Timestamp,
}

impl Trace {
    pub(crate) fn new(began: Timestamp, keep: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: keep.then(Vec::new), began }
    }

    pub(crate) fn note(&mut self, now: Timestamp, words: fmt::Arguments<'_>) {
        let ms = now.since_ms(self.began);
        if let Some(lines) = &mut self.lines {
            let (s, ms) = (ms / 1000, ms % 1000);
            lines.push(format!("{:3}:{:02}:{:02}.{ms:03} {words}", s / 3600, s / 60 % 60, s % 60));
        }
        write!(self, "{ms} {words}").expect("writing into a number does not fail");
    }

    /// Two stories with the same number are the same.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
