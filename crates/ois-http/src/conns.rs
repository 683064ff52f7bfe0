//! All open connections, in the order in which they were opened.

use std::rc::Rc;

use ois_chat::team::ConnId;
use ois_protocol::Timestamp;

use crate::{conn::Conn, tail::Tail};

/// The open connections. They stand in a row, for the sweep goes from the first to the last and is
/// slowed down by each that it has to look for in memory.
#[derive(Debug, Default)]
pub(crate) struct Conns(Vec<Rc<Conn>>);

/// How many a sweep looks at before it sends to them: so many lines of memory come at once instead
/// of one after the other. See docs/performance.md.
const AT_ONCE: usize = 16;

impl Conns {
    /// Adds one that was opened after all others.
    pub(crate) fn push(&mut self, conn: Rc<Conn>) {
        debug_assert!(self.0.last().is_none_or(|last| last.id < conn.id), "in order");
        self.0.push(conn);
    }

    /// Takes one out. Answers whether it was there.
    pub(crate) fn remove(&mut self, id: ConnId) -> bool {
        self.at(id).map(|at| self.0.remove(at)).is_some()
    }

    /// The connection with this number; `None` if it has closed.
    pub(crate) fn get(&self, id: ConnId) -> Option<&Rc<Conn>> {
        self.at(id).map(|at| &self.0[at])
    }

    fn at(&self, id: ConnId) -> Option<usize> {
        self.0.binary_search_by_key(&id, |conn| conn.id).ok()
    }

    /// From the one that was opened first on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Conn>> {
        self.0.iter()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends everybody what is new.
    pub(crate) fn sweep(&self, tail: &Tail, now: Timestamp) {
        for some in self.0.chunks(AT_ONCE) {
            let mut news = [None; AT_ONCE];
            some.iter().zip(&mut news).for_each(|(conn, news)| *news = conn.news(tail));
            some.iter().zip(news).for_each(|(conn, news)| conn.send(news, tail, now));
        }
    }
}
