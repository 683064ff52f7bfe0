//! Seeds, one after the other: each is a story in which everything fails that can.
//!
//! `SEED=7 cargo nextest run -p simulation --no-capture` tells one of them in words; `SEEDS=5000` or
//! `SEEDS=1000..6000` plays so many. With `SERVERS=2` the one story is told of two servers.

#![expect(clippy::print_stdout, reason = "a failing seed is told")]

use std::{
    env,
    ops::Range,
    panic::catch_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use simulation::{Story, With, Words, play, play_with};

/// How many seeds are played with one server, without being asked for more.
const SEEDS: u64 = 2000;
/// How many are played with two servers on one log.
const SEEDS_OF_TWO: u64 = 500;
/// How many lines of a failed story are shown.
const LINES: usize = 120;

#[test]
fn whatever_fails_every_mention_ends_and_nothing_is_lost_or_doubled() {
    if let Some(seed) = number("SEED") {
        let with = servers(number("SERVERS").unwrap_or(1));
        let story = play_with(seed, Words::Kept, with);
        story.trace.iter().for_each(|line| println!("{line}"));
        assert_eq!(story.wrong, Vec::<String>::new(), "seed {seed}");
        return;
    }
    play_all(seeds(SEEDS), servers(1));
}

#[test]
fn two_servers_on_one_log_decide_as_one() {
    if number("SEED").is_none() {
        play_all(seeds(SEEDS_OF_TWO), servers(2));
    }
}

fn servers(number: u64) -> With<'static> {
    With { servers: if number == 2 { 2 } else { 1 }, ..With::default() }
}

fn play_all(seeds: Range<u64>, with: With<'static>) {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let failed = || failed.lock().unwrap_or_else(PoisonError::into_inner);
                    if seed >= seeds.end || failed().len() >= 5 {
                        break;
                    }
                    let wrong = wrong(seed, with);
                    if !wrong.is_empty() {
                        failed().push((seed, wrong));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort();
    if let Some((seed, _)) = failed.first() {
        tell(*seed, &failed, with);
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
}

#[test]
fn the_same_seed_is_the_same_story_to_the_letter() {
    for seed in 0..10 {
        let (one, other) = (play(seed, Words::Kept), play(seed, Words::Kept));
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!((one.hash, one.events), (other.hash, other.events), "seed {seed}");
    }
    assert_ne!(play(1, Words::Dropped).hash, play(2, Words::Dropped).hash);
}

fn wrong(seed: u64, with: With<'static>) -> Vec<String> {
    let story = catch_unwind(|| play_with(seed, Words::Dropped, with));
    story.map_or_else(|_| vec!["panicked".to_owned()], |story: Story| story.wrong)
}

fn tell(seed: u64, failed: &[(u64, Vec<String>)], with: With<'static>) {
    if let Ok(story) = catch_unwind(|| play_with(seed, Words::Kept, with)) {
        let from = story.trace.len().saturating_sub(LINES);
        story.trace[from..].iter().for_each(|line| println!("{line}"));
    }
    for (seed, wrong) in failed {
        println!("seed {seed}:");
        wrong.iter().for_each(|wrong| println!("    {wrong}"));
    }
    let servers = with.servers;
    println!(
        "all of it: SEED={seed} SERVERS={servers} cargo nextest run -p simulation --no-capture"
    );
}

fn seeds(usual: u64) -> Range<u64> {
    let Ok(asked) = env::var("SEEDS") else { return 0..usual };
    let parse = |text: &str| text.parse().expect("SEEDS is a number or FROM..TO");
    match asked.split_once("..") {
        Some((from, to)) => parse(from)..parse(to),
        None => 0..parse(&asked),
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a seed is a number"))
}
