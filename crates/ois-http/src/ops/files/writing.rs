//! A body on its way into a file, piece by piece and counted.

use hyper::body::Incoming;
use ois_store::FileWriter;

use crate::{
    body::{self, BodyError},
    reply::Refusal,
};

/// How much a file may still grow. The limit itself is not reached: as of old, a file of exactly
/// the limit is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    limit: u64,
    taken: u64,
}

impl Room {
    /// Room for less than `limit` bytes; refused at once if more are announced.
    ///
    /// # Errors
    /// 413.
    pub(crate) fn below(limit: u64, announced: Option<u64>) -> Result<Self, Refusal> {
        let room = Self { limit, taken: 0 };
        if announced.is_some_and(|announced| announced >= limit) {
            return Err(room.refusal());
        }
        Ok(room)
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// 413 once the limit is reached.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.taken = self.taken.saturating_add(bytes as u64);
        if self.taken >= self.limit { Err(self.refusal()) } else { Ok(()) }
    }

    /// How many bytes were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    fn refusal(&self) -> Refusal {
        Refusal::too_long(format!("File too large: it must be shorter than {} bytes", self.limit))
    }
}

/// Writes a whole body. If it fails, or is cut off, the writer is dropped and nothing stays.
pub(super) async fn fill(
    writer: &mut dyn FileWriter,
    body: &mut Incoming,
    room: &mut Room,
) -> Result<(), Refusal> {
    while let Some(piece) =
        body::next(body).await.map_err(|error: BodyError| Refusal::from(error))?
    {
        room.take(piece.len())?;
        writer.write(&piece).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_too_much() {
        assert!(Room::below(10, Some(9)).is_ok());
        assert!(Room::below(10, Some(10)).is_err());
        let mut room = Room::below(10, None).unwrap();
        assert!(room.take(9).is_ok());
        assert_eq!(room.taken(), 9);
        assert!(room.take(1).is_err());
    }
}
