//! A message is shown as text, whoever its author is and whatever it looks like.

use anyhow::Result;
use serde_json::json;

use crate::visit::{STRANGER, Visit};

const HOSTILE: [&str; 7] = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script><svg/onload=alert(1)>",
    "[press](javascript:alert(1)) and [this](data:text/html,<script>alert(1)</script>)",
    "javascript:alert(1) vbscript:x file:///etc/passwd",
    "\u{202E}txt.exe\u{202D} and \u{2066}unclosed",
    "```html\n<iframe src=//evil.example></iframe>\n```",
    "<style>*{display:none}</style> <a href=x style=position:fixed>cover</a>",
];

#[test]
fn hostile_text_stays_text_and_nothing_is_fetched_for_it() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-mikasa")?;
    for text in HOSTILE {
        agent.say(text)?;
    }
    let attach = |url: &str, text: &str| {
        let file = json!({"url": url, "name": "<b>a</b>.png", "type": "image/png", "size": 1});
        json!({"type": "chat", "text": text, "attachments": [file]})
    };
    for url in ["javascript:alert(1)", "//evil.example/a.png", "data:image/png;base64,AA=="] {
        agent.send(&attach(url, "refused"))?;
        assert_eq!(agent.wait_for_type("error")?["code"], "bad_frame");
    }
    agent.send(&attach("https://evil.example/track.png", "not fetched"))?;
    agent.say("the last one")?;
    visit.sees("the last one")?;

    for text in HOSTILE.iter().filter(|text| !text.starts_with("```") && !text.starts_with('[')) {
        visit.sees(text)?;
    }
    let none = "document.querySelectorAll('.text img, .text script, .text svg, .text style, .text iframe, .thumb').length";
    assert_eq!(visit.page.eval(none)?, 0);
    let links = "[...document.querySelectorAll('.message a')].map(a => new URL(a.href).protocol).filter(p => !/^https?:$/.test(p)).length";
    assert_eq!(visit.page.eval(links)?, 0);
    assert_ne!(visit.page.eval("document.title")?, "owned");
    // Signs that turn the line end with their paragraph: the time still stands right of the name.
    let turned = "[...document.querySelectorAll('.head')].every(h => { const a = h.querySelector('.author'), t = h.querySelector('.time'); \
                  return !a || t.getBoundingClientRect().left >= a.getBoundingClientRect().right; })";
    assert_eq!(visit.page.eval(turned)?, true);
    assert_eq!(visit.page.texts(".message .file-name")?, ["<b>a</b>.png"]);
    visit.was_calm(&[STRANGER])
}

#[test]
fn links_open_elsewhere_without_telling_where_they_were_pressed() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    agent.say("see https://example.org/a(b)?q=1 and [the plan](https://example.org/plan).")?;
    visit.page.wait("document.querySelectorAll('.text a').length === 2")?;
    let links = visit
        .page
        .eval("[...document.querySelectorAll('.text a')].map(a => [a.href, a.target, a.rel])")?;
    let rel = "noopener noreferrer";
    assert_eq!(
        links,
        json!([
            ["https://example.org/a(b)?q=1", "_blank", rel],
            ["https://example.org/plan", "_blank", rel]
        ])
    );
    visit.was_calm(&[STRANGER])
}
