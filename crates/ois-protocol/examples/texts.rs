//! Prints random texts and how they are read, one JSON object a line: `{"text": …, "outline": […]}`.
//!
//! The page's tests (`ois-http/web/test/texts.test.js`) read the same texts and compare. The first line
//! is the team in which names are looked up. Usage: `texts SEED COUNT`.

use std::{
    env,
    io::{self, Write},
};

use ois_protocol::{Kind, Member, Role, mention};
use serde_json::json;

fn main() -> io::Result<()> {
    let mut numbers = env::args().skip(1).map(|number| number.parse::<u64>().unwrap_or_default());
    let (seed, count) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(5000));
    let team = team();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", json!(team))?;
    let mut random = Random(seed);
    for _ in 0..count {
        let text = text(&mut random);
        writeln!(out, "{}", json!({ "text": text, "outline": mention::outline(&text, &team) }))?;
    }
    Ok(())
}

fn team() -> Vec<Member> {
    let names =
        ["HKH", "ARIA⚔️", "小明", "小明明", "阿梅🌸", "Élan", "ΟΔΟΣ", "a_b", "🐱", "Ann-Lee"];
    let member = |name: &str| match name.parse() {
        Ok(name) => Member::new(name, Kind::Agent, Role::Agent),
        Err(error) => unreachable!("{name}: {error}"),
    };
    let mut team: Vec<Member> = names.into_iter().map(member).collect();
    team[0].duties.extend("reviewer".parse().ok());
    team[2].duties.extend("值班".parse().ok());
    team
}

/// Draws a text of pieces that mean something to the reader.
fn text(random: &mut Random) -> String {
    let length = 1 + random.below(24);
    (0..length).map(|_| PIECES[random.below(PIECES.len())]).collect()
}

/// SplitMix64, so that a seed says which texts it draws.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        usize::try_from((mixed ^ (mixed >> 31)) % most).unwrap_or_default()
    }
}

const PIECES: &[&str] = &[
    "@HKH",
    "@hkh",
    "＠ａｒｉａ",
    "@aria",
    "@ARIA⚔️",
    "@小明",
    "@小明明",
    "@阿梅",
    "@阿梅🌸",
    "@e\u{301}lan",
    "@οδος",
    "@a_b",
    "@🐱",
    "@ann-lee",
    "@all",
    "@所有人",
    "@reviewer",
    "@值班",
    "@one:reviewer",
    "＠one：hkh",
    "@",
    "fyi ",
    "@HKH",
    "@小明",
    "`",
    "``",
    "```",
    "~~~",
    "```sh\n",
    "\n```\n",
    "*",
    "**",
    "***",
    "_",
    "__",
    "\\",
    "[",
    "](",
    ")",
    "](https://a.example/x)",
    "![",
    "[label](docs/x.md \"t\")",
    "<",
    ">",
    "<!--",
    "-->",
    "https://a.example/@hkh",
    "http://",
    "HTTPS://b.example/a_(c)",
    "mailto:x@hkh",
    "https://例.example",
    "<https://c.example>",
    "mail@aria",
    "lib/@aria",
    "@hkh/cli",
    "/",
    "\n",
    "\n\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    " ",
    "  ",
    "\t",
    "\n> ",
    "\n- ",
    "\n  ",
    "\n1. ",
    "\n2) ",
    "\n* ",
    "\n# ",
    " #\n",
    "\n---\n",
    "\n***\n",
    "\n    ",
    "x",
    "a",
    "7",
    "é",
    "e\u{301}",
    "я",
    "中",
    "。",
    "“",
    "”",
    "은",
    "，",
    ".",
    "-",
    "+",
    ":",
    ",",
    "!",
    "(",
    "\"",
    "\u{200d}",
    "\u{fe0f}",
    "\u{200b}",
    "\u{3000}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{85}",
    "🐱",
    "𝐇",
    "ﾊﾞ",
    "ｈ",
];
