//! A working day of a team, to look at.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use e2e::browser::{Browser, Screen};
use e2e::rest::Rest;
use e2e::room::Room;
use e2e::server::{AGENTS, Server};
use serde_json::{Value, json};

/// The messages from before the page was opened, as minutes ago, author and text.
const EARLIER: [(u64, &str, &str); 9] = [
    (
        1263,
        "Mira",
        "@HKH the nightly import took 41 minutes again. Can you find out where the time goes?",
    ),
    (1262, "HKH 🐱", "On it. I will trace one full run and write down what I see."),
    (1246, "HKH 🐱", TRACE),
    (1241, "Jun", "That explains the fans. Let us batch it tomorrow."),
    (
        52,
        "Jun",
        "Morning. @ARIA could you draft the batched version? Keep the old path behind a flag.",
    ),
    (47, "ARIA ⚔️", DRAFT),
    (39, "Mikasa 🌸", REVIEW),
    (
        31,
        "ARIA ⚔️",
        "Both done. The flag is called `--one-by-one` now, and the test kills the process in the middle of a batch.",
    ),
    (24, "Wei", "@Mikasa 请把用法也写进 docs/import.md，中英文各一份。"),
];

const TRACE: &str = "Found it. Of 41 minutes, **38 are waiting for the disk**:\n\
    - 18,400 rows, each committed by itself\n\
    - one `fsync` per commit, 120 ms each\n\
    - parsing takes 70 s in all";

const DRAFT: &str = "Here is the heart of it; everything in one batch is acknowledged together, after one sync.\n\
    ```rust\n\
    for batch in rows.chunks(512) {\n    \
        let last = log.append_all(batch)?;\n    \
        log.sync()?; // nobody sees a row before this\n    \
        progress.advance_to(last);\n\
    }\n\
    ```";

const REVIEW: &str = "Read it, two remarks:\n\
    1. A torn batch must not be half visible. Please add a test that kills it in between.\n\
    2. `--legacy` says nothing; name what it does.";

/// The messages that come while the page is open.
const RESULT: &str = "Ran it tonight on the copy of the real data: **41 minutes → 2 min 50 s**, row for row the same.";

/// Writes the earlier part where a server takes it over at its first start.
pub(crate) fn write_earlier(root: &Path) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let messages: Vec<Value> = EARLIER
        .iter()
        .map(|(minutes, user, text)| {
            let at = now.saturating_sub(Duration::from_secs(minutes * 60));
            let mentions: Vec<&str> =
                ["HKH", "ARIA", "Mikasa"].into_iter().filter(|name| text.contains(&format!("@{name}"))).collect();
            let id = u64::try_from(at.as_millis()).unwrap_or_default();
            json!({"id": id, "user": user, "text": text, "time": time(at.as_secs()), "mentions": mentions})
        })
        .collect();
    fs::create_dir_all(root.join("chat"))?;
    fs::write(root.join("chat/history.json"), serde_json::to_vec_pretty(&messages)?)?;
    fs::create_dir_all(root.join("docs"))?;
    fs::create_dir_all(root.join("shared/numbers"))?;
    fs::write(
        root.join("AGENTS.md"),
        "# Team\n\n- HKH: measures\n- ARIA: builds\n- Mikasa: reviews\n",
    )?;
    fs::write(root.join("docs/import.md"), IMPORT)?;
    fs::write(root.join("docs/导入.md"), "# 导入\n\n每晚一次，按批提交。\n")?;
    fs::write(root.join("shared/run-2026-11-20.csv"), "batch,rows,ms\n".repeat(400))?;
    Ok(())
}

const IMPORT: &str = "# The nightly import\n\nIt reads the day's rows, appends them in batches of 512 and syncs once per batch.\n\n\
    ## When it fails\n\n1. Nothing of a torn batch is visible.\n2. Start it again: rows that are there are skipped.\n\n\
    ```sh\nimport --from rows.csv            # batches\nimport --from rows.csv --one-by-one   # as before\n```\n";

/// Says the rest, with a picture and answers; who was heard stays in the room as long as what comes back.
pub(crate) fn say_rest(server: &Server, chart: &[u8]) -> Result<Vec<Room>> {
    let (_, jun) = server.person("Jun")?;
    let (_, wei) = server.person("Wei")?;
    let (mira, mut mira_room) = server.person("Mira")?;
    let mut rooms = vec![jun, wei];
    let asked = first_id(&mira)?;
    let mut hkh = server.agent(AGENTS[0].0)?;
    let picture = mira.upload("run-times.png", "image/png", chart)?;
    hkh.send(&json!({"type": "chat", "text": RESULT, "replyTo": asked, "attachments": [picture]}))?;
    let result = hkh.hear("HKH", |text| text == RESULT)?;
    let thanks = "From 41 to under 3. Thank you, @HKH @ARIA @Mikasa, that is the evening back.";
    mira_room.send(&json!({"type": "chat", "text": thanks, "replyTo": result["id"]}))?;
    mira_room.hear("Mira", |text| text == thanks)?;
    let mut mikasa = server.agent(AGENTS[2].0)?;
    mikasa.say("好的，已写好：`docs/import.md` 与 `docs/导入.md`。@Wei 请过目。")?;
    mikasa.say(
        "@Mira both pages are in the shared files. One question: may the old path go next week?",
    )?;
    rooms.extend([mira_room, hkh, mikasa]);
    Ok(rooms)
}

fn first_id(rest: &Rest) -> Result<Value> {
    let page = rest.get("/api/messages?limit=100")?.ok()?;
    Ok(page["messages"].get(0).context("nothing was taken over")?["id"].clone())
}

/// A picture such as an agent sends: run times per night.
pub(crate) fn chart(browser: &mut Browser, dir: &Path) -> Result<Vec<u8>> {
    let nights = [39, 40, 38, 41, 40, 41, 3];
    let bar = |(i, minutes): (usize, &u32)| {
        let (x, height) = (70 + i * 76, minutes * 5);
        let fill = if *minutes < 10 { "#1a7f4b" } else { "#9db7e8" };
        format!(
            "<rect x='{x}' y='{}' width='48' height='{height}' rx='3' fill='{fill}'/>\
             <text x='{}' y='{}' text-anchor='middle'>{minutes}</text><text x='{}' y='284' text-anchor='middle' fill='#5a6372'>{} Nov</text>",
            260 - height,
            x + 24,
            252 - height,
            x + 24,
            14 + i
        )
    };
    let bars: String = nights.iter().enumerate().map(bar).collect();
    let page = format!(
        "<!doctype html><meta charset=utf-8><body style='margin:0;background:#fff;overflow:hidden'>\
         <svg width='640' height='300' font-family='sans-serif' font-size='13' fill='#1b1f27'>\
         <text x='24' y='28' font-size='15' font-weight='600'>Nightly import, minutes</text>{bars}\
         <path d='M48 260H616' stroke='#c9ced6'/></svg>"
    );
    let path = dir.join("chart.html");
    fs::write(&path, page)?;
    let mut window = browser.page()?;
    window.screen(Screen { width: 640, height: 300, scale: 1.0, mobile: false })?;
    window.goto(&format!("file://{}", path.display()))?;
    Ok(fs::read(window.screenshot("chart")?)?)
}

/// Seconds since 1970 as `2026-11-20T12:04:00.000Z`.
fn time(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March end with the odd day: 1970-01-01 is day 719,468 since 0000-03-01.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (date, month) =
        (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + u64::from(month < 3);
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.000Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[test]
fn times_are_written_as_the_calendar_has_them() {
    assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(time(951_782_400), "2000-02-29T00:00:00.000Z");
    assert_eq!(time(1_795_187_068), "2026-11-20T15:04:28.000Z");
}
