//! The limit of the kernel: one thread, one epoll, one plain write of prepared bytes per receiver.
//!
//! It implements just enough for the generator to sign in, parses nothing and stores nothing. For
//! every frame that a member sends, every member has to be sent one prepared message that is as
//! long as one of OIS.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::load::Frames;

/// Listens, prints the address, and serves until it is killed.
///
/// # Errors
/// Fails when the peer cannot listen.
#[expect(clippy::print_stdout, reason = "a server says where it listens")]
pub(super) fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    listener.set_nonblocking(true)?;
    // OIS sets the same within a machine, so that what is left is the limit.
    rustix::net::sockopt::set_tcp_congestion(&listener, "reno")?;
    println!("listening on {}", listener.local_addr()?);
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let message = server_frame(MESSAGE.as_bytes());
    let history = format!(
        r#"{{"type":"history","messages":[{}]}}"#,
        [MESSAGE.trim_start_matches(r#"{"type":"message","message":"#).trim_end_matches('}'); 50]
            .map(|message| format!("{message}}}"))
            .join(",")
    );
    let mut room = Room {
        epoll,
        members: Vec::new(),
        greeting: [server_frame(br#"{"type":"auth_ok"}"#), server_frame(history.as_bytes())]
            .concat(),
        size: message.len() as u64,
        prepared: message.repeat(AT_ONCE),
        buffer: vec![0; 64 << 10],
    };
    let mut events = Vec::with_capacity(1024);
    loop {
        events.clear();
        epoll::wait(&room.epoll, spare_capacity(&mut events), None)?;
        let mut said = 0;
        for event in &events {
            let (place, flags) = (event.data.u64(), event.flags);
            if place == LISTENER {
                room.accept(&listener)?;
                continue;
            }
            let place = usize::try_from(place)?;
            if flags.contains(EventFlags::OUT) {
                room.pay(place, Waits::Already)?;
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP) {
                said += room.read(place)?;
            }
        }
        if said > 0 {
            room.say(said)?;
        }
    }
}

struct Room {
    epoll: OwnedFd,
    members: Vec<Option<Member>>,
    /// The bytes of `auth_ok` and a history of fifty messages.
    greeting: Vec<u8>,
    /// The length of one prepared message in bytes.
    size: u64,
    prepared: Vec<u8>,
    buffer: Vec<u8>,
}

struct Member {
    stream: TcpStream,
    stage: Stage,
    frames: Frames,
    /// The number of bytes of messages that are still to be sent to the member.
    owed: u64,
    /// The number of bytes of messages that the member has been sent.
    got: u64,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Upgrading,
    SigningIn,
    In,
}

/// Whether epoll reports already when a socket takes bytes again.
#[derive(PartialEq, Eq)]
enum Waits {
    Already,
    NotYet,
}

impl Room {
    fn accept(&mut self, listener: &TcpListener) -> Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot accept"),
            };
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let place = EventData::new_u64(self.members.len() as u64);
            epoll::add(&self.epoll, &stream, place, EventFlags::IN)?;
            let (stage, frames) = (Stage::Upgrading, Frames::default());
            self.members.push(Some(Member { stream, stage, frames, owed: 0, got: 0 }));
        }
    }

    /// Reads a member once; returns how many messages it sent.
    fn read(&mut self, place: usize) -> Result<u64> {
        let Some(member) = &mut self.members[place] else { return Ok(0) };
        let size = match member.stream.read(&mut self.buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Ok(0) | Err(_) => {
                self.members[place] = None;
                return Ok(0);
            }
            Ok(size) => size,
        };
        match member.stage {
            Stage::Upgrading => {
                // The generator sends the request in one piece and speaks only after the answer.
                member.stream.write_all(UPGRADED)?;
                member.stage = Stage::SigningIn;
                Ok(0)
            }
            Stage::SigningIn => {
                member.stream.write_all(&self.greeting)?;
                member.stage = Stage::In;
                Ok(0)
            }
            Stage::In => Ok(u64::from(member.frames.count_masked(&self.buffer[..size])?)),
        }
    }

    /// Adds this many messages to what every member is to be sent.
    fn say(&mut self, messages: u64) -> Result<()> {
        for place in 0..self.members.len() {
            let Some(member) = &mut self.members[place] else { continue };
            if member.stage != Stage::In {
                continue;
            }
            let had_all = member.owed == 0;
            member.owed += messages * self.size;
            if had_all {
                self.pay(place, Waits::NotYet)?;
            }
        }
        Ok(())
    }

    /// Writes the outstanding bytes, as far as the socket takes them.
    fn pay(&mut self, place: usize, waits: Waits) -> Result<()> {
        let Some(member) = &mut self.members[place] else { return Ok(()) };
        while member.owed > 0 {
            let from = usize::try_from(member.got % self.size)?;
            let most = usize::try_from(member.owed)?.min(self.prepared.len() - from);
            match member.stream.write(&self.prepared[from..from + most]) {
                Ok(taken) => {
                    member.got += taken as u64;
                    member.owed -= taken as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.members[place] = None;
                    return Ok(());
                }
            }
        }
        let wanted = match (member.owed > 0, waits) {
            (true, Waits::NotYet) => EventFlags::IN | EventFlags::OUT,
            (false, Waits::Already) => EventFlags::IN,
            _ => return Ok(()),
        };
        epoll::modify(&self.epoll, &member.stream, EventData::new_u64(place as u64), wanted)?;
        Ok(())
    }
}

/// Returns a frame as a server sends it.
fn server_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => frame.extend(&short.to_be_bytes()[1..]),
        middle => {
            frame.push(126);
            // A history of fifty messages has about ten thousand bytes.
            frame.extend(middle.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

const LISTENER: u64 = u64::MAX;
/// The most messages in one write.
const AT_ONCE: usize = 256;
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// A message of 128 bytes as OIS sends it.
const MESSAGE: &str = concat!(
    r#"{"type":"message","message":{"id":1795245600000,"user":"Bench","text":""#,
    "what is said, again and again. what is said, again and again. ",
    "what is said, again and again. what is said, again and again. what",
    r#"","time":"2026-11-21T07:20:19.123Z","agent":true}}"#
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::TEXT;

    #[test]
    fn the_prepared_message_is_as_long_as_those_of_others() {
        let message: serde_json::Value = serde_json::from_str(MESSAGE).unwrap();
        assert_eq!(message["message"]["text"].as_str().unwrap().len(), TEXT);
    }

    #[test]
    fn a_frame_says_how_long_it_is() {
        assert_eq!(server_frame(b"ab"), b"\x81\x02ab");
        assert_eq!(server_frame(&[7; 300])[..4], [0x81, 126, 1, 44]);
    }
}
