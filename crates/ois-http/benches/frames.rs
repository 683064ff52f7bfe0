//! What is done with every frame that a client sends.
//!
//! `cargo bench -p ois-http`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use divan::{Bencher, counter::BytesCount};
use ois_http::codec::{self, Decoder, Item};
use ois_protocol::ClientFrame;

fn main() {
    divan::main();
}

/// A masked chat frame: header, mask, UTF-8, JSON.
#[divan::bench(args = TEXT_BYTES)]
fn parse_chat(bencher: Bencher<'_, '_>, length: usize) {
    let json = format!(r#"{{"type":"chat","text":"{}","nonce":"n-17"}}"#, "x".repeat(length));
    let frame = masked(0x81, json.as_bytes());
    let mut decoder = Decoder::default();
    bencher.counter(BytesCount::new(length)).with_inputs(|| frame.clone()).bench_local_refs(
        |frame| match decoder.next(frame, LIMIT) {
            Ok(Some((_, Item::Text(text)))) => ClientFrame::parse(text.as_bytes()).unwrap(),
            other => panic!("{other:?}"),
        },
    );
}

/// A binary frame, whose payload only has its mask taken off (and the next time put on again).
#[divan::bench(args = [16, 256, 4096, 65_536])]
fn unmask(bencher: Bencher<'_, '_>, length: usize) {
    let mut frame = masked(0x82, &vec![b'x'; length]);
    let mut decoder = Decoder::default();
    bencher
        .counter(BytesCount::new(length))
        .bench_local(|| decoder.next(&mut frame, LIMIT).unwrap().map(|(took, _)| took));
}

/// A hundred small frames that came at once.
#[divan::bench]
fn read_100_pings(bencher: Bencher<'_, '_>) {
    let frames = masked(0x89, b"1234").repeat(100);
    let mut decoder = Decoder::default();
    bencher.with_inputs(|| frames.clone()).bench_local_refs(|frames| {
        let (mut used, mut seen) = (0, 0);
        while let Some((took, _)) = decoder.next(&mut frames[used..], LIMIT).unwrap() {
            used += took;
            seen += 1;
        }
        seen
    });
}

/// A log frame as every receiver gets it.
#[divan::bench(args = TEXT_BYTES)]
fn write_text(bencher: Bencher<'_, '_>, length: usize) {
    let payload = vec![b'x'; length];
    let mut out = Vec::with_capacity(length + 16);
    bencher.counter(BytesCount::new(length)).bench_local(|| {
        out.clear();
        codec::write_text(&mut out, &payload);
        out.len()
    });
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | short as u8),
        long => {
            frame.push(0xff);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

const LIMIT: usize = 1 << 20;
const TEXT_BYTES: [usize; 3] = [20, 200, 4096];
