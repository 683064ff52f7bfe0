//! Both languages and both themes.

use anyhow::Result;
use e2e::browser::Theme;
use serde_json::json;

use crate::visit::{STRANGER, Visit, named};

/// Every visible label that reads as `$from` has it: texts, names, tips and placeholders outside of
/// what people wrote themselves.
const LEFT_OVER: &str = "(async () => { \
    const from = Object.entries((await import('/web/words-$from.js')).$from), to = (await import('/web/words-$to.js')).$to; \
    const escape = w => w.replace(/[.*+?^${}()|[\\]\\\\]/g, '\\\\$&'); \
    const patterns = from.filter(([k, w]) => to[k] !== w && !/^\\{\\w+\\}$/.test(w)) \
      .map(([, w]) => new RegExp('^' + w.split(/\\{\\w+\\}/).map(escape).join('.+') + '$')); \
    const own = '.message .text, .author, .person-name, .chip, .file-name, option, .crumb[dir]'; \
    const visible = e => e.checkVisibility({visibilityProperty: true}) && !e.closest(own); \
    const words = []; \
    for (const e of document.body.querySelectorAll('*')) { if (!visible(e)) continue; \
      for (const n of e.childNodes) if (n.nodeType === 3) words.push(n.data.trim()); \
      for (const a of ['aria-label', 'data-tip', 'placeholder', 'title']) words.push(e.getAttribute(a) ?? ''); } \
    return [...new Set(words)].filter(w => w && patterns.some(p => p.test(w))); })()";

fn left_over(visit: &mut Visit, from: &str, to: &str) -> Result<serde_json::Value> {
    visit.page.eval(&LEFT_OVER.replace("$from", from).replace("$to", to))
}

#[test]
fn the_choice_of_language_changes_every_visible_label() -> Result<()> {
    let mut visit = Visit::signed_in()?;
    let mut agent = visit.server.agent("token-of-hkh")?;
    visit.say("@HKH which?")?;
    visit.page.wait("document.querySelector('.rung')")?;
    let asked = agent.say("which language?")?;
    agent.send(&json!({"type": "chat", "text": "both", "replyTo": asked["id"]}))?;
    visit.sees("both")?;
    let called =
        format!("#/chat/message/{}", agent.hear("Mira", |text| text == "@HKH which?")?["id"]);
    for hash in [
        "#/chat",
        "#/chat/room",
        "#/chat/member/HKH",
        "#/chat/work",
        &called,
        &format!("#/chat/message/{}", asked["id"]),
        "#/files",
    ] {
        visit.page.eval(&format!("location.hash = '{hash}'; 1"))?;
        visit.page.wait("document.querySelector('.files-list .empty-title') || location.hash.startsWith('#/chat')")?;
        assert_ne!(
            left_over(&mut visit, "en", "zh")?,
            json!([]),
            "the test finds labels on {hash}"
        );
        visit.choose("lang", "zh")?;
        assert_eq!(visit.page.eval("document.documentElement.lang")?, "zh-CN");
        assert_eq!(left_over(&mut visit, "en", "zh")?, json!([]), "left in English on {hash}");
        visit.choose("lang", "en")?;
        assert_eq!(left_over(&mut visit, "zh", "en")?, json!([]), "left in Chinese on {hash}");
    }
    // A view that is hidden meanwhile must not keep the old words either.
    visit.server.person("Jun")?.0.put("/api/file?path=a.md", b"# A")?.ok()?;
    visit.page.eval("location.hash = '#/edit/a.md'; 1")?;
    visit.page.wait("document.querySelector('[data-testid=editor]')")?;
    visit.choose("lang", "zh")?;
    assert_eq!(left_over(&mut visit, "en", "zh")?, json!([]));
    visit.page.click(".crumb-up")?;
    visit.page.wait("document.querySelector('[data-testid=file-row]')")?;
    assert_eq!(left_over(&mut visit, "en", "zh")?, json!([]));
    visit.page.click(&named("logout"))?;
    visit
        .page
        .wait("document.querySelector('[data-testid=login-submit]')?.textContent === '登录'")?;
    assert_eq!(left_over(&mut visit, "en", "zh")?, json!([]));
    visit.was_calm(&[STRANGER])
}

#[test]
fn the_first_language_and_theme_are_those_of_the_browser() -> Result<()> {
    let mut visit = Visit::prepare()?;
    visit.page.language("zh-CN")?;
    visit.page.theme(Theme::Dark)?;
    visit.page.goto(&visit.server.url())?;
    visit
        .page
        .wait("document.querySelector('[data-testid=login-submit]')?.textContent === '登录'")?;
    let ground = "getComputedStyle(document.documentElement).backgroundColor";
    assert_eq!(visit.page.eval(ground)?, "rgb(21, 23, 28)");
    visit.page.theme(Theme::Light)?;
    assert_eq!(visit.page.eval(ground)?, "rgb(255, 255, 255)");

    visit.choose("theme", "dark")?;
    assert_eq!(visit.page.eval(ground)?, "rgb(21, 23, 28)");
    visit.page.reload()?;
    assert_eq!(visit.page.eval(ground)?, "rgb(21, 23, 28)");
    visit.choose("theme", "auto")?;
    assert_eq!(visit.page.eval(ground)?, "rgb(255, 255, 255)");
    visit.was_calm(&[STRANGER])
}
