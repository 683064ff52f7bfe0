//! The team's files.

use std::io::{Read, Write};

use serde_json::json;

use crate::house::{AGENT, Answer, House, bearer};

fn put(house: &House, path: &str, body: &[u8], headers: &[&str]) -> Answer {
    let token = bearer(AGENT);
    let all = [&[token.as_str()], headers].concat();
    house.send(&format!("PUT /api/file?path={path}"), &all, body)
}

fn get(house: &House, what: &str, headers: &[&str]) -> Answer {
    let token = bearer(AGENT);
    house.send(what, &[&[token.as_str()], headers].concat(), b"")
}

fn with_readme() -> House {
    let house = House::open();
    assert_eq!(put(&house, "readme.md", b"# readme\nhello\n", &[]).status, 200);
    house
}

#[test]
fn a_text_comes_back_as_it_was_written() {
    let house = House::open();
    let body = json!({ "path": "notes/new.txt", "content": "line1\nライン2\n" });
    assert_eq!(house.tell("POST /api/file", &body).json(), json!({ "ok": true }));
    let answer = house.ask("GET /api/file?path=notes%2Fnew.txt");
    assert_eq!(answer.json(), body);
    assert!(answer.header("etag").is_some());
}

#[test]
fn bytes_that_are_no_text_are_shown_as_replacements_and_kept() {
    let house = House::open();
    put(&house, "bin.dat", b"\x00\x01\xff\xfe", &[]);
    let shown = house.ask("GET /api/file?path=bin.dat").json();
    assert_eq!(shown["content"], "\u{0}\u{1}\u{fffd}\u{fffd}");
    let answer = house.ask("GET /api/download?path=bin.dat");
    assert_eq!(answer.body, b"\x00\x01\xff\xfe");
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
}

#[test]
fn a_list_echoes_the_path_and_hides_what_is_hidden() {
    let house = with_readme();
    put(&house, "notes/a%20b.txt", b"x", &[]);
    put(&house, "notes/.hidden", b"x", &[]);
    put(&house, "ois-web/index.html", b"x", &[]);
    let items = |query: &str| {
        let json = house.ask(&format!("GET /api/files{query}")).json();
        let items = json["items"].as_array().unwrap().iter();
        let path = |item: &serde_json::Value| item["path"].as_str().unwrap().to_owned();
        (json["path"].as_str().unwrap().to_owned(), items.map(path).collect::<Vec<_>>())
    };
    assert_eq!(items("?path=%2Fnotes"), ("/notes".to_owned(), vec!["/notes/a b.txt".to_owned()]));
    let (path, root) = items("");
    assert_eq!(path, "");
    assert!(root.contains(&"notes".to_owned()) && root.contains(&"readme.md".to_owned()));
    assert!(!root.contains(&"ois-web".to_owned()));
}

#[test]
fn a_download_can_be_taken_in_parts() {
    let house = with_readme();
    let what = "GET /api/download?path=readme.md";
    let answer = get(&house, what, &[]);
    assert_eq!(answer.text(), "# readme\nhello\n");
    assert_eq!(answer.header("content-type"), Some("text/markdown; charset=UTF-8"));
    let name = "attachment; filename=\"readme.md\"";
    assert_eq!(answer.header("content-disposition"), Some(name));
    let part = get(&house, what, &["Range: bytes=2-7"]);
    assert_eq!((part.status, part.text().as_str()), (206, "readme"));
    assert_eq!(part.header("content-range"), Some("bytes 2-7/15"));
    let outside = get(&house, what, &["Range: bytes=15-"]);
    assert_eq!(outside.error().0, 416);
    assert_eq!(outside.header("content-range"), Some("bytes */15"));
    let tag = answer.header("etag").unwrap();
    let same = format!("If-None-Match: {tag}");
    assert_eq!(get(&house, what, &[&same]).status, 304);
    let resumed = get(&house, what, &["Range: bytes=2-7", &format!("If-Range: {tag}")]);
    assert_eq!(resumed.status, 206);
    let changed = get(&house, what, &["Range: bytes=2-7", "If-Range: \"0\""]);
    assert_eq!((changed.status, changed.body.len()), (200, 15));
}

#[test]
fn a_head_is_the_answer_without_its_body() {
    let house = with_readme();
    let answer = house.send("HEAD /api/download?path=readme.md", &[&bearer(AGENT)], b"");
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("15")));
    assert!(answer.body.is_empty());
}

#[test]
fn who_writes_on_an_old_version_is_told() {
    let house = with_readme();
    let tag = get(&house, "GET /api/file?path=readme.md", &[]).header("etag").unwrap().to_owned();
    let matching = format!("If-Match: {tag}");
    let written = put(&house, "readme.md", b"second", &[&matching]);
    assert_eq!(written.status, 200);
    assert_ne!(written.header("etag"), Some(tag.as_str()));
    assert_eq!(put(&house, "readme.md", b"third", &[&matching]).error().0, 412);
    assert_eq!(put(&house, "readme.md", b"third", &["If-None-Match: *"]).error().0, 412);
    assert_eq!(put(&house, "new.md", b"first", &["If-None-Match: *"]).status, 200);
    assert_eq!(put(&house, "other.md", b"x", &["If-Match: *"]).error().0, 412);
    let now = house.ask("GET /api/file?path=readme.md").json();
    assert_eq!(now["content"], "second");
}

#[test]
fn what_is_missing_is_said_in_the_words_on_record() {
    let house = with_readme();
    let say = |what: &str| house.ask(what).error();
    assert_eq!(say("GET /api/download?path=nope"), (404, "File not found".to_owned()));
    assert_eq!(say("GET /api/file?path=nope"), (404, "File not found".to_owned()));
    let gone = (404, "File or directory not found".to_owned());
    assert_eq!(say("DELETE /api/file?path=nope"), gone);
    let places = json!({ "oldPath": "nope", "newPath": "x" });
    let gone = (404, "Original file or directory not found".to_owned());
    assert_eq!(house.tell("POST /api/rename", &places).error(), gone);
    assert_eq!(say("GET /api/files?path=nope").0, 404);
    assert_eq!(say("GET /api/files?path=readme.md").0, 409);
    house.tell("POST /api/mkdir", &json!({ "path": "notes" }));
    assert_eq!(say("GET /api/file?path=notes").0, 409);
    assert_eq!(say("GET /api/download?path=notes"), (404, "File not found".to_owned()));
}

#[test]
fn nothing_leads_above_the_root_in_any_spelling() {
    let house = with_readme();
    let denied = (403, "Access denied".to_owned());
    for path in ["..%2F", "..%2F..%2Fetc%2Fpasswd", "%2e%2e/x", "a/../../x", "/../x"] {
        for what in ["GET /api/files", "GET /api/file", "GET /api/download", "DELETE /api/file"] {
            assert_eq!(house.ask(&format!("{what}?path={path}")).error(), denied, "{what} {path}");
        }
        assert_eq!(put(&house, path, b"x", &[]).error(), denied, "{path}");
    }
    for path in ["..%5Cx", "a%00b", "a%0Ab"] {
        assert_eq!(house.ask(&format!("GET /api/file?path={path}")).error().0, 400, "{path}");
    }
    for (old, new) in [("readme.md", "../evil"), ("../evil", "x")] {
        let places = json!({ "oldPath": old, "newPath": new });
        assert_eq!(house.tell("POST /api/rename", &places).error(), denied);
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_wherever_they_lead() {
    let house = with_readme();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    let link = |to: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(to, house.root().join(name)).unwrap();
    };
    link(&outside.path().join("secret.txt"), "file-link");
    link(outside.path(), "dir-link");
    link(std::path::Path::new(".ois"), "own-link");
    for path in ["file-link", "dir-link/secret.txt", "own-link/key", ".ois/key", ".ois"] {
        for what in ["GET /api/file", "GET /api/download"] {
            let (status, words) = house.ask(&format!("{what}?path={path}")).error();
            assert!(status == 403 || status == 404, "{what} {path}: {status}");
            let root = house.root().to_str().unwrap();
            assert!(!words.contains("secret") && !words.contains(root), "{words}");
        }
        let (status, _) = put(&house, path, b"x", &[]).error();
        assert!(status == 403, "{path}: {status}");
    }
    assert_eq!(house.ask("GET /api/files?path=dir-link").error().0, 403);
    assert_eq!(std::fs::read_to_string(outside.path().join("secret.txt")).unwrap(), "secret");
}

#[test]
fn the_servers_own_files_are_not_written() {
    let house = House::open();
    for path in ["chat/history.json", "chat/2026-02-06.md", ".ois/key"] {
        assert_eq!(put(&house, path, b"x", &[]).error().0, 403, "{path}");
        assert_eq!(house.ask(&format!("DELETE /api/file?path={path}")).error().0, 403, "{path}");
    }
}

#[test]
fn the_root_cannot_be_removed_moved_or_written() {
    let house = with_readme();
    for query in ["?path=", "", "?path=/", "?path=.", "?path=notes/.."] {
        assert_eq!(house.ask(&format!("DELETE /api/file{query}")).error().0, 403, "{query}");
        assert_eq!(house.ask(&format!("DELETE /api/delete{query}")).error().0, 403, "{query}");
    }
    let places = json!({ "oldPath": "/", "newPath": "x" });
    assert_eq!(house.tell("POST /api/rename", &places).error().0, 403);
    assert_eq!(house.ask("GET /api/file?path=readme.md").status, 200);
}

#[test]
fn things_are_moved_but_not_onto_others_and_removed_with_all_in_them() {
    let house = with_readme();
    put(&house, "notes/a.txt", b"a", &[]);
    let rename = |old: &str, new: &str| {
        house.tell("POST /api/rename", &json!({ "oldPath": old, "newPath": new })).status
    };
    assert_eq!(rename("readme.md", "notes/a.txt"), 409);
    assert_eq!(rename("readme.md", "notes/readme.md"), 200);
    assert_eq!(house.tell("POST /api/mkdir", &json!({ "path": "notes" })).error().0, 409);
    assert_eq!(house.ask("DELETE /api/delete?path=notes").json(), json!({ "ok": true }));
    assert_eq!(house.ask("GET /api/files?path=notes").status, 404);
}

#[test]
fn bodies_that_are_not_what_they_should_be_are_refused() {
    let house = House::open();
    for what in ["POST /api/file", "POST /api/rename", "POST /api/mkdir", "POST /api/ticket"] {
        assert_eq!(house.tell(what, &json!({})).error().0, 400, "{what}");
        assert_eq!(house.tell(what, &json!([1])).error().0, 400, "{what}");
    }
    assert_eq!(house.tell("POST /api/file", &json!({ "path": "x" })).error().0, 400);
    let long = json!({ "path": "x", "content": "z".repeat(2 << 20) });
    assert_eq!(house.tell("POST /api/file", &long).error().0, 413);
    let long = json!({ "path": "x", "content": "z".repeat(122_880) });
    assert_eq!(house.tell("POST /api/file", &long).status, 200);
    assert_eq!(house.ask("GET /api/file").error().0, 400);
}

#[test]
fn a_ticket_opens_its_own_file_without_a_header() {
    let house = with_readme();
    put(&house, "other.md", b"x", &[]);
    let url = house.tell("POST /api/ticket", &json!({ "path": "readme.md" })).json();
    let url = url["url"].as_str().unwrap();
    assert_eq!(house.send(&format!("GET {url}"), &[], b"").text(), "# readme\nhello\n");
    let other = url.replace("readme.md", "other.md");
    assert_eq!(house.send(&format!("GET {other}"), &[], b"").error().0, 401);
}

#[test]
fn a_file_of_the_limit_is_refused_and_one_byte_less_is_not() {
    let limit = 20 << 20;
    let house = House::open();
    let bytes = vec![b'x'; limit];
    assert_eq!(put(&house, "max.bin", &bytes, &[]).error().0, 413);
    assert_eq!(house.ask("GET /api/files").json()["items"], json!([]));
    assert_eq!(put(&house, "max.bin", &bytes[1..], &[]).status, 200);
    let too_long_to_show = house.ask("GET /api/file?path=max.bin").error();
    assert_eq!(too_long_to_show.0, 413);
    assert!(too_long_to_show.1.contains("/api/download"));
}

/// More than hyper carries, and no piece like another.
fn long() -> Vec<u8> {
    (0..300_000u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_long_file_comes_whole_and_the_connection_goes_on() {
    let house = House::open();
    put(&house, "long", &long(), &[]);
    let ask = |what: &str, more: &str| {
        format!("GET {what} HTTP/1.1\r\nHost: x\r\n{}\r\n{more}\r\n", bearer(AGENT))
    };
    let whole = ask("/api/download?path=long", "");
    let part = ask("/api/download?path=long", "Range: bytes=100000-899999\r\n");
    let last = ask("/healthz", "");
    let mut stream = house.connect();
    // All at once: what is asked behind a file waits until the file is out.
    stream.write_all([whole, part, last].concat().as_bytes()).unwrap();
    let answer = Answer::next(&mut stream);
    assert_eq!((answer.status, answer.body == long()), (200, true));
    let answer = Answer::next(&mut stream);
    assert_eq!(answer.header("content-range"), Some("bytes 100000-899999/1200000"));
    assert!(answer.body == long()[100_000..900_000]);
    assert_eq!(Answer::next(&mut stream).json(), json!({ "ok": true }));
}

#[test]
fn a_long_file_is_the_last_answer_to_who_wants_no_more() {
    let house = House::open();
    put(&house, "long", &long(), &[]);
    for (version, line) in [("1.1", "Connection: close"), ("1.0", "Connection: keep-alive")] {
        let head = format!(
            "GET /api/download?path=long HTTP/{version}\r\nHost: x\r\n{}\r\n{line}\r\n\r\n",
            bearer(AGENT)
        );
        let mut stream = house.connect();
        stream.write_all(head.as_bytes()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert!(all.ends_with(&long()), "{version}");
    }
}

#[test]
fn a_body_behind_the_request_for_a_file_is_no_request() {
    let house = House::open();
    put(&house, "long", &long(), &[]);
    let smuggled = format!("DELETE /api/file?path=long HTTP/1.1\r\n{}\r\n\r\n", bearer(AGENT));
    let answer = house.send("GET /api/download?path=long", &[&bearer(AGENT)], smuggled.as_bytes());
    assert_eq!((answer.status, answer.body.len()), (200, long().len()));
    assert!(answer.body == long());
    assert_eq!(house.ask("HEAD /api/download?path=long").status, 200);
}

#[test]
fn a_file_that_shrinks_on_its_way_ends_the_connection() {
    let house = House::open();
    let root = house.root().join("long");
    std::fs::File::create(&root).unwrap().set_len(1 << 30).unwrap();
    let mut stream = house.connect();
    let head =
        format!("GET /api/download?path=long HTTP/1.1\r\nHost: x\r\n{}\r\n\r\n", bearer(AGENT));
    stream.write_all(head.as_bytes()).unwrap();
    // It has begun, and cannot have gone far: nobody reads more than the first byte.
    stream.read_exact(&mut [0]).unwrap();
    std::fs::File::options().write(true).open(&root).unwrap().set_len(1 << 20).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.len() < 1 << 30);
}

#[test]
fn a_long_file_that_others_wrote_is_hashed_when_somebody_asks() {
    let house = House::open();
    let bytes = vec![7; (1 << 20) + 1];
    std::fs::write(house.root().join("long"), &bytes).unwrap();
    let what = "GET /api/download?path=long";
    let answer = house.ask(what);
    assert_eq!((answer.header("etag"), answer.body.len()), (None, bytes.len()));
    let range = ["Range: bytes=0-0", "If-Range: \"0\""];
    assert_eq!(get(&house, what, &range).status, 200);
    let tag = get(&house, what, &["If-None-Match: \"0\""]).header("etag").unwrap().to_owned();
    assert_eq!(house.ask(what).header("etag"), Some(tag.as_str()));
    std::fs::write(house.root().join("other"), &bytes).unwrap();
    let head = house.send("HEAD /api/download?path=other", &[&bearer(AGENT)], b"");
    assert_eq!(head.header("etag"), Some(tag.as_str()));
}
