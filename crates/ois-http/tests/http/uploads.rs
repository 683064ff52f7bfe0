//! Uploads, good ones and others.

use std::io::Write;

use serde_json::json;

use crate::house::{AGENT, Answer, House, bearer};

/// A part of a form: name, file name, type, content.
type Part<'a> = (&'a str, Option<&'a str>, &'a str, &'a [u8]);

fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, kind, content) in parts {
        body.extend_from_slice(b"--BORDER\r\n");
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n");
        body.extend_from_slice(head.as_bytes());
        if !kind.is_empty() {
            body.extend_from_slice(format!("Content-Type: {kind}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--BORDER--\r\n");
    body
}

fn send(house: &House, body: &[u8]) -> Answer {
    let kind = "Content-Type: multipart/form-data; boundary=BORDER";
    house.send("POST /api/upload", &[&bearer(AGENT), kind], body)
}

fn upload(house: &House, parts: &[Part<'_>]) -> Answer {
    send(house, &form(parts))
}

fn kept(house: &House, name: &str, kind: &str, content: &[u8]) -> serde_json::Value {
    let answer = upload(house, &[("file", Some(name), kind, content)]);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["file"].clone()
}

#[test]
fn an_upload_is_answered_in_both_sets_of_words_and_can_be_fetched_by_anybody() {
    let house = House::open();
    let file = kept(&house, "hello.txt", "text/plain", b"hello upload");
    let url = file["url"].as_str().unwrap();
    assert!(url.starts_with("/uploads/") && url.ends_with(".txt") && url.len() == 9 + 32 + 4);
    let expected = json!({
        "url": url, "size": 12,
        "originalName": "hello.txt", "mimeType": "text/plain",
        "name": "hello.txt", "type": "text/plain",
    });
    assert_eq!(file, expected);
    let answer = house.send(&format!("GET {url}"), &[], b"");
    assert_eq!(answer.text(), "hello upload");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(house.send(&format!("GET {url}"), &["Range: bytes=0-4"], b"").text(), "hello");
}

#[test]
fn pictures_are_shown_and_all_else_is_saved_and_nothing_runs() {
    let house = House::open();
    for (name, kind, shown) in [
        ("a.png", "image/png", true),
        ("a.svg", "image/svg+xml", false),
        ("a.html", "text/html", false),
    ] {
        let file = kept(&house, name, kind, b"<script>");
        let answer = house.send(&format!("GET {}", file["url"].as_str().unwrap()), &[], b"");
        let disposition = if shown { "inline" } else { "attachment" };
        assert_eq!(answer.header("content-disposition"), Some(disposition), "{name}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().starts_with("sandbox"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
    }
}

#[test]
fn names_are_utf8_and_may_lack_an_extension() {
    let house = House::open();
    assert_eq!(kept(&house, "写真.txt", "text/plain", b"x")["originalName"], "写真.txt");
    let url = kept(&house, "noext", "application/octet-stream", b"x")["url"].clone();
    assert_eq!(url.as_str().unwrap().len(), 9 + 32);
}

#[test]
fn an_upload_with_a_folder_goes_there_wherever_the_field_stands() {
    let house = House::open();
    let file: Part<'_> = ("file", Some("p q.txt"), "text/plain", b"first");
    let folder: Part<'_> = ("path", None, "", b"docs");
    let answer = upload(&house, &[folder, file]);
    assert_eq!(answer.json()["file"]["path"], "docs/p q.txt");
    assert_eq!(answer.json()["file"]["url"], "/api/download?path=docs%2Fp%20q.txt");
    assert_eq!(upload(&house, &[folder, file]).error().0, 409);
    assert_eq!(upload(&house, &[file, folder]).error().0, 409);
    let second: Part<'_> = ("file", Some("r.txt"), "text/plain", b"second");
    assert_eq!(upload(&house, &[second, folder]).json()["file"]["path"], "docs/r.txt");
    let content = |path: &str| house.ask(&format!("GET /api/download?path={path}")).text();
    assert_eq!(content("docs/p%20q.txt"), "first");
    assert_eq!(content("docs/r.txt"), "second");
    let outside: Part<'_> = ("path", None, "", b"../");
    assert_eq!(upload(&house, &[outside, file]).error().0, 403);
}

#[test]
fn a_folder_named_behind_the_file_leaves_no_second_copy() {
    let house = House::open();
    let file: Part<'_> = ("file", Some("a.txt"), "text/plain", b"bytes");
    let folder: Part<'_> = ("path", None, "", b"docs");
    assert_eq!(upload(&house, &[file, folder]).status, 200);
    assert_eq!(upload(&house, &[file, folder]).error().0, 409);
    let names = std::fs::read_dir(house.root().join(".ois/uploads")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| !name.starts_with('.')).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn forms_without_a_file_where_it_belongs_are_refused() {
    let house = House::open();
    let none = (400, "No file uploaded".to_owned());
    assert_eq!(upload(&house, &[("other", None, "", b"x")]).error(), none);
    assert_eq!(upload(&house, &[("file", Some(""), "", b"")]).error(), none);
    assert_eq!(upload(&house, &[("file", None, "", b"x")]).error(), none);
    let wrong = upload(&house, &[("wrong", Some("a.txt"), "text/plain", b"x")]);
    assert_eq!(wrong.error(), (400, "Unexpected field".to_owned()));
}

#[test]
fn what_is_no_form_is_refused_and_the_server_goes_on() {
    let house = House::open();
    let whole = form(&[("file", Some("a.txt"), "text/plain", b"abc")]);
    let cut = &whole[..whole.len() - 14];
    for body in [&b"no form"[..], b"--BORDER\r\n", b"--BORDER\r\nnonsense", cut, b"--BORDER--\r\n"]
    {
        assert_eq!(send(&house, body).error().0, 400, "{}", String::from_utf8_lossy(body));
    }
    let json = ["Content-Type: application/json", &bearer(AGENT)];
    assert_eq!(house.send("POST /api/upload", &json, b"{}").error().0, 400);
    let unnamed = ["Content-Type: multipart/form-data", &bearer(AGENT)];
    assert_eq!(house.send("POST /api/upload", &unnamed, b"{}").error().0, 400);
    assert_eq!(send(&house, &whole).status, 200);
}

#[test]
fn an_upload_of_the_limit_is_refused_with_words_that_arrive() {
    let house = House::open();
    let limit = 20 << 20;
    let big = vec![b'x'; limit + 1];
    for length in [limit, limit + 1] {
        let file = ("file", Some("max.bin"), "", &big[..length]);
        assert_eq!(upload(&house, &[file]).error().0, 413);
    }
    assert_eq!(kept(&house, "ok.bin", "", &big[2..])["size"], json!(limit - 1));
}

#[test]
fn of_a_body_cut_off_half_way_nothing_stays() {
    let house = House::open();
    let mut stream = house.connect();
    let head = format!(
        "PUT /api/file?path=half.txt HTTP/1.1\r\nHost: x\r\n{}\r\nContent-Length: 100\r\n\r\nhalf",
        bearer(AGENT)
    );
    stream.write_all(head.as_bytes()).unwrap();
    drop(stream);
    // Once it has stopped, it has noticed.
    let house = house.restart();
    assert_eq!(house.ask("GET /api/file?path=half.txt").error().0, 404);
    assert_eq!(house.ask("GET /api/files").json()["items"], json!([]));
    let left = std::fs::read_dir(house.root().join(".ois/tmp")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn what_was_never_uploaded_is_not_there() {
    let house = House::open();
    for name in ["", "0123456789abcdef0123456789abcdef.txt", "..%2F..%2Fetc%2Fpasswd", "x"] {
        assert_eq!(house.send(&format!("GET /uploads/{name}"), &[], b"").error().0, 404, "{name}");
    }
}
