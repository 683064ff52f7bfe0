//! The shared files, from the first folder to the last deletion.

use std::fs;

use anyhow::Result;
use e2e::until;

use crate::visit::{STRANGER, Visit, named};

const EDITOR: &str = "document.querySelector('[data-testid=editor]')";

fn row(name: &str, part: &str) -> String {
    format!("[data-testid=file-row][data-name='{name}'] {part}")
}

/// Opens the files, makes a folder and drops a file into it.
fn with_plan() -> Result<Visit> {
    let mut visit = Visit::signed_in()?;
    let plan = visit.file("plan.md", b"# Plan\n\n1. begin\n")?;
    visit.page.click(&named("nav-files"))?;
    visit.page.click(&named("new-folder"))?;
    visit.page.fill(&named("dialog-name"), "计划 2027")?;
    visit.page.click(&named("dialog-ok"))?;
    visit.page.click(&row("计划 2027", ".file-open"))?;
    visit
        .page
        .wait("document.querySelector('.crumb[aria-current]').textContent === '计划 2027'")?;
    visit.page.wait("document.querySelector('.files-list .empty-title')?.textContent === 'This folder is empty.'")?;
    visit.page.drop_files("ois-files", &[&plan])?;
    visit.page.wait(&format!("document.querySelector(`{}`)", row("plan.md", ".file-name")))?;
    Ok(visit)
}

#[test]
fn a_dropped_file_is_opened_changed_and_saved() -> Result<()> {
    let mut visit = with_plan()?;
    let on_disk = visit.server.root().join("计划 2027/plan.md");
    assert_eq!(fs::read_to_string(&on_disk)?, "# Plan\n\n1. begin\n");
    visit.page.click(&row("plan.md", ".file-open"))?;
    visit.page.wait(&format!("{EDITOR}?.value === '# Plan\\n\\n1. begin\\n'"))?;
    visit.page.click(&named("editor"))?;
    visit.page.press("Control+End")?;
    visit.page.type_text("2. go on <b>")?;
    visit
        .page
        .wait("document.querySelector('.editor [role=status]').textContent === 'not saved'")?;
    visit.page.press("Control+s")?;
    visit.page.wait("document.querySelector('.notice')?.textContent === 'Saved.'")?;
    assert_eq!(fs::read_to_string(&on_disk)?, "# Plan\n\n1. begin\n2. go on <b>");

    visit.page.click(".editor [aria-pressed]")?;
    visit.page.wait("document.querySelectorAll('.editor-preview li').length === 2")?;
    assert_eq!(visit.page.eval("document.querySelectorAll('.editor-preview b').length")?, 0);
    visit.was_calm(&[STRANGER])
}

#[test]
fn a_change_from_outside_is_not_overwritten_without_being_asked() -> Result<()> {
    let mut visit = with_plan()?;
    let on_disk = visit.server.root().join("计划 2027/plan.md");
    visit.page.click(&row("plan.md", ".file-open"))?;
    visit.page.wait(EDITOR)?;
    let (rest, _room) = visit.server.person("Jun")?;
    let theirs = |text: &str| {
        rest.put("/api/file?path=%E8%AE%A1%E5%88%92%202027/plan.md", text.as_bytes())?.ok()
    };

    theirs("theirs")?;
    visit.page.fill(&named("editor"), "mine")?;
    visit.page.click(&named("editor-save"))?;
    visit.page.wait("document.querySelector('dialog[open] h2').textContent === 'Someone else changed this file.'")?;
    assert_eq!(fs::read_to_string(&on_disk)?, "theirs");
    visit.page.click(&named("dialog-reload"))?;
    visit.page.wait(&format!("{EDITOR}?.value === 'theirs'"))?;

    visit.page.fill(&named("editor"), "mine")?;
    theirs("theirs again")?;
    visit.page.click(&named("editor-save"))?;
    visit.page.click(&named("dialog-overwrite"))?;
    until("the own text is on disk", || Ok(fs::read_to_string(&on_disk)? == "mine"))?;

    visit.page.fill(&named("editor"), "mine, not saved")?;
    visit.page.click(".crumb-up")?;
    visit.page.click("dialog[open] .button")?;
    visit.page.wait(&format!("{EDITOR}?.value === 'mine, not saved'"))?;
    visit.page.click(".crumb-up")?;
    visit.page.click(&named("dialog-leave"))?;
    visit.page.wait(&format!("document.querySelector(`{}`)", row("plan.md", "")))?;
    assert_eq!(fs::read_to_string(&on_disk)?, "mine");
    visit.was_calm(&[STRANGER, "412"])
}

#[test]
fn a_file_is_renamed_downloaded_and_deleted() -> Result<()> {
    let mut visit = with_plan()?;
    let folder = visit.server.root().join("计划 2027");
    visit.page.hover(&row("plan.md", ".file-open"))?;
    visit.page.click(&row("plan.md", "[data-testid=file-rename]"))?;
    visit.page.fill(&named("dialog-name"), "no/name")?;
    visit.page.press("Enter")?;
    visit.page.wait("document.querySelector('#dialog-error').textContent.includes('“/”')")?;
    visit.page.fill(&named("dialog-name"), "plan & co #1.md")?;
    visit.page.press("Enter")?;
    visit.page.wait(&format!("document.querySelector(`{}`)", row("plan & co #1.md", "")))?;
    assert!(folder.join("plan & co #1.md").is_file() && !folder.join("plan.md").exists());

    visit.page.hover(&row("plan & co #1.md", ".file-open"))?;
    visit.page.click(&row("plan & co #1.md", "[data-testid=file-download]"))?;
    let copy = visit.browser.downloads().join("plan & co #1.md");
    until("the download is complete", || {
        Ok(fs::read_to_string(&copy).is_ok_and(|text| text == "# Plan\n\n1. begin\n"))
    })?;

    visit.page.hover(&row("plan & co #1.md", ".file-open"))?;
    visit.page.click(&row("plan & co #1.md", "[data-testid=file-delete]"))?;
    visit.page.wait(
        "document.querySelector('dialog[open] h2').textContent === 'Delete “plan & co #1.md”?'",
    )?;
    visit.page.press("Escape")?;
    visit.page.wait("!document.querySelector('dialog')")?;
    assert!(folder.join("plan & co #1.md").exists());
    visit.page.click(&row("plan & co #1.md", "[data-testid=file-delete]"))?;
    visit.page.click(&named("dialog-delete"))?;
    visit.page.wait("document.querySelectorAll('[data-testid=file-row]').length === 0")?;
    assert!(!folder.join("plan & co #1.md").exists());
    visit.was_calm(&[STRANGER])
}
