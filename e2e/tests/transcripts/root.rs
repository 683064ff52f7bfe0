//! The team's directory as it was when the recording began.

use std::fs;
use std::path::Path;

use anyhow::Result;

pub(super) fn lay_out(root: &Path) -> Result<()> {
    for dir in ["chat", "notes/deep", "del-dir"] {
        fs::create_dir_all(root.join(dir))?;
    }
    for (path, content) in FILES {
        fs::write(root.join(path), content)?;
    }
    Ok(())
}

const FILES: [(&str, &[u8]); 13] = [
    ("readme.md", b"# readme\nhello\n"),
    ("empty.txt", b""),
    ("bin.dat", b"\x00\x01\x02\xff\xfe\xfd\x80"),
    ("to-delete.txt", b"x"),
    ("to-rename.txt", b"x"),
    (".hidden", b"not listed"),
    ("notes/a b.txt", b"x"),
    ("notes/quote's.txt", b"x"),
    ("notes/日本語.txt", "こんにちは\n".as_bytes()),
    ("del-dir/inner.txt", b"x"),
    ("notes/deep/inner.txt", b"x"),
    ("chat/2026-02-14.md", DAY.as_bytes()),
    ("chat/history.json", HISTORY.as_bytes()),
];

/// Times of the day file are UTC+8.
const DAY: &str = "# 2026-02-14 Chat Log\n\n## 09:30 - HKH 🐱\n\nGood morning @ARIA\n\n---\n\n\
                   ## 10:05 - ARIA ⚔️\n\nGood morning, two lines\n\n---\n";

const HISTORY: &str = r#"[
  {
    "id": 1771200000000,
    "user": "HKH 🐱",
    "text": "old stored @all",
    "time": "2026-02-16T00:00:00.000Z",
    "mentions": [
      "all"
    ]
  }
]"#;
