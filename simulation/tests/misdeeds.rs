//! Broken and hostile monitors: what they break, and what the server has to believe them.
//!
//! Hanging monitors, reports out of order and usage without measure belong to the weather of every
//! seed; here they are played at full strength. One kind of misdeed shows: what a monitor claims of its
//! own runtime. The sentences that say so are listed, and this file holds the list exactly: a failure of
//! another kind fails the test, and so does a listed kind that no seed shows any more.

use std::ops::Range;

use simulation::{Misdeed, With, Words, play_with};

/// The seeds that are played for each kind of misdeed.
const SEEDS: Range<u64> = 0..24;

/// What a monitor says of its own runtime, which the server cannot verify: that it took a turn, ended it,
/// or that the agent chose not to answer.
const ON_FALSE_EVIDENCE: [&str; 5] =
    ["the runtime never took it", "it did not end", "it was None", "it was Some(", ": no turn"];

#[test]
fn hangs_lost_folders_late_reports_and_huge_usage_break_nothing() {
    let misdeeds =
        [Misdeed::Hangs, Misdeed::LosesFolder, Misdeed::HugeUsage, Misdeed::ReportsOutOfOrder];
    for misdeed in misdeeds {
        for seed in SEEDS {
            let with = With { misdeeds: &[misdeed], ..With::default() };
            let story = play_with(seed, Words::Dropped, with);
            assert_eq!(story.wrong, Vec::<String>::new(), "{misdeed:?}, seed {seed}");
        }
    }
}

#[test]
fn false_evidence_is_believed() {
    assert_known(Misdeed::FalseEvidence, &ON_FALSE_EVIDENCE);
}

/// This misdeed breaks what these sentences say, in some of the seeds, and nothing else.
fn assert_known(misdeed: Misdeed, known: &[&str]) {
    let mut failed = Vec::new();
    for seed in SEEDS {
        let with = With { misdeeds: &[misdeed], ..With::default() };
        let wrong = play_with(seed, Words::Dropped, with).wrong;
        let is_known = |sentence: &String| known.iter().any(|part| sentence.contains(part));
        let new: Vec<_> = wrong.iter().filter(|sentence| !is_known(sentence)).collect();
        assert!(new.is_empty(), "{misdeed:?}, seed {seed}: {new:?}");
        if !wrong.is_empty() {
            failed.push(seed);
        }
    }
    assert!(!failed.is_empty(), "{misdeed:?} breaks nothing any more: take it off the list");
}
