//! The browser driver itself, on pages made here.

use std::path::Path;

use anyhow::Result;
use e2e::browser::{Browser, Screen, Theme};
use serde_json::json;
use tempfile::TempDir;

const PAGE: &str = r#"<!doctype html><meta charset=utf-8><title>try</title><meta name=viewport content="width=device-width">
<meta http-equiv=Content-Security-Policy content="default-src 'self' 'unsafe-inline'; img-src 'none'">
<style>@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }</style>
<form id=f><input id=t><button id=b>say</button></form><input id=up type=file multiple><ul id=l></ul>
<script>
f.onsubmit = e => { e.preventDefault(); const li = document.createElement('li');
  li.textContent = t.value + (e.isTrusted ? '' : ' (not real)'); setTimeout(() => l.append(li), 30); t.value = ''; };
up.onchange = async () => { for (const x of up.files) { const li = document.createElement('li');
  li.textContent = x.name + '=' + await x.text(); l.append(li); } };
</script>"#;

fn page_file(dir: &Path) -> Result<String> {
    let path = dir.join("page.html");
    std::fs::write(&path, PAGE)?;
    Ok(format!("file://{}", path.display()))
}

#[test]
fn a_page_is_filled_in_with_real_events_and_looked_at() -> Result<()> {
    let dir = TempDir::new()?;
    let mut browser = Browser::start()?;
    let mut page = browser.page()?;
    page.screen(Screen::PHONE)?;
    page.theme(Theme::Dark)?;
    page.language("zh-CN")?;
    page.goto(&page_file(dir.path())?)?;

    page.click("#t")?;
    page.type_text("Hello, 世界 🐱")?;
    page.press("Enter")?;
    page.wait("l.children.length === 1")?;
    page.click("#t")?;
    page.type_text("abX")?;
    page.press("Backspace")?;
    page.press("Home")?;
    page.press("Shift+End")?;
    page.press("Control+x")?;
    assert_eq!(page.eval("t.value")?, "");
    page.type_text("second")?;
    page.click("#b")?;
    page.wait("l.children.length === 2")?;
    assert_eq!(page.texts("#l li")?, ["Hello, 世界 🐱", "second"]);

    let note = dir.path().join("note.txt");
    std::fs::write(&note, "kept")?;
    page.choose_files("#up", &[&note])?;
    page.wait("l.children.length === 3")?;
    assert_eq!(page.texts("#l li")?[2], "note.txt=kept");

    assert_eq!(page.eval("innerWidth")?, 390);
    assert_eq!(page.eval("navigator.language")?, "zh-CN");
    assert_eq!(page.eval("getComputedStyle(document.body).backgroundColor")?, "rgb(17, 17, 17)");
    assert_eq!(page.eval("Promise.resolve({a: [1, null]})")?, json!({"a": [1, null]}));
    assert_eq!(page.problems()?, Vec::<String>::new());
    let picture = std::fs::read(page.screenshot("driver")?)?;
    assert!(picture.starts_with(b"\x89PNG"));
    Ok(())
}

#[test]
fn errors_and_violations_of_a_page_are_collected() -> Result<()> {
    let dir = TempDir::new()?;
    let mut browser = Browser::start()?;
    let mut page = browser.page()?;
    page.goto(&page_file(dir.path())?)?;
    page.eval("console.error('as', 'planned')")?;
    page.eval("setTimeout(() => { throw new Error('thrown late') }); 1")?;
    page.eval("document.body.append(Object.assign(new Image(), {src: 'x.png'})); 1")?;
    page.wait("document.images[0].complete")?;
    let problems = page.problems()?.join("\n");
    for part in ["as planned", "thrown late", "Content Security Policy"] {
        assert!(problems.contains(part), "no {part:?} in {problems}");
    }
    assert!(page.eval("nope.nope").is_err());
    assert!(page.wait_within(std::time::Duration::from_millis(50), "false").is_err());
    Ok(())
}

#[test]
fn two_pages_share_nothing_and_a_reload_keeps_the_storage() -> Result<()> {
    let dir = TempDir::new()?;
    let url = page_file(dir.path())?;
    let mut browser = Browser::start()?;
    let (mut one, mut other) = (browser.page()?, browser.page()?);
    one.goto(&url)?;
    other.goto(&url)?;
    one.eval("localStorage.setItem('who', 'one')")?;
    assert_eq!(other.eval("localStorage.getItem('who')")?, json!(null));
    one.reload()?;
    assert_eq!(one.eval("localStorage.getItem('who')")?, "one");
    assert!(one.requests().iter().all(|address| address.starts_with("file://")));
    Ok(())
}
