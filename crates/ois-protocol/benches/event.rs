//! Measures how long it takes to encode what the log and every receiver get once.
//!
//! `cargo bench -p ois-protocol`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use divan::{Bencher, black_box, counter::BytesCount};
use ois_protocol::{ClientFrame, Draft, EventId, Kind, Member, NewEvent, Role, Timestamp};

fn main() {
    divan::main();
}

/// Encodes a message event with a mention and a text of this many bytes.
#[divan::bench(args = TEXT_BYTES)]
fn encode(bencher: Bencher<'_, '_>, length: usize) {
    let author = Member::new("HKH 🐱".parse().unwrap(), Kind::Agent, Role::Agent);
    let mut draft = Draft::new(author, text(length));
    draft.mentions = vec!["ARIA".to_owned()];
    let (id, now) = (EventId::new(1_771_200_000_000).unwrap(), Timestamp::from_ms(NOON));
    bencher
        .counter(BytesCount::new(length))
        .with_inputs(|| NewEvent::Message(draft.clone()))
        .bench_values(|event| event.encode(id, now));
}

/// Parses a client's chat frame, already unmasked, with a text of this many bytes.
#[divan::bench(args = TEXT_BYTES)]
fn parse(bencher: Bencher<'_, '_>, length: usize) {
    let frame = format!(r#"{{"type":"chat","text":"{}","nonce":"n-17"}}"#, text(length));
    bencher
        .counter(BytesCount::new(length))
        .bench(|| ClientFrame::parse(black_box(frame.as_bytes())).unwrap());
}

fn text(bytes: usize) -> String {
    "hello to all of you, ".chars().cycle().take(bytes).collect()
}

const TEXT_BYTES: [usize; 3] = [20, 200, 4096];
const NOON: u64 = 1_771_200_000_000;
