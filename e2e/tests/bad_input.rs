//! Bad input gets a clear error with the right status, or an error frame, and nothing is lost.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use e2e::{
    TIMEOUT,
    rest::{Answer, Part, Rest, multipart},
    room::{Credential, Room},
    server::{AGENTS, Server, Settings},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::Message;

/// The `error` frame that answers a text frame.
fn code_for(room: &mut Room, text: &str) -> Result<String> {
    room.send_message(Message::text(text))?;
    let frame = room.wait_for_type("error")?;
    ensure!(
        frame["message"].as_str().is_some_and(|words| !words.is_empty()),
        "no words in {frame}"
    );
    Ok(frame["code"].as_str().context("an error without code")?.to_owned())
}

#[test]
fn wrong_frames_are_told_apart_and_the_connection_goes_on() -> Result<()> {
    let server = Server::fresh()?;
    let mut room = Room::open(&server.ws_url())?;
    assert_eq!(code_for(&mut room, r#"{"type":"chat","text":"hi"}"#)?, "unauthorized");
    let mut room = server.agent(AGENTS[0].0)?;
    let long = json!({"type": "chat", "text": "x".repeat(262_145)}).to_string();
    let wrong = [
        ("{not json", "bad_json"),
        ("null", "bad_frame"),
        (r#"{"type":7}"#, "bad_frame"),
        (r#"{"type":"chat"}"#, "bad_frame"),
        (r#"{"type":"chat","text":42}"#, "bad_frame"),
        (
            r#"{"type":"chat","text":"x","attachments":[{"url":"javascript:alert(1)"}]}"#,
            "bad_frame",
        ),
        (r#"{"type":"chat","text":"x","room":"secret"}"#, "not_found"),
        (r#"{"type":"chat","text":"x","replyTo":9007199254740991}"#, "not_found"),
        (r#"{"type":"nope"}"#, "unknown_type"),
        (long.as_str(), "too_long"),
    ];
    for (frame, code) in wrong {
        let shown: String = frame.chars().take(80).collect();
        assert_eq!(code_for(&mut room, frame).with_context(|| shown.clone())?, code, "{shown}");
    }
    room.say("still here")?;
    Ok(())
}

#[test]
fn a_broken_frame_ends_its_own_connection_only() -> Result<()> {
    let server = Server::fresh()?;
    let mut witness = server.agent(AGENTS[0].0)?;
    let unmasked = [0x81, 0x02, b'h', b'i'];
    let reserved = [0xf1, 0x80, 0, 0, 0, 0];
    let endless = [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    for (bytes, code) in [(&unmasked[..], 1002), (&reserved[..], 1002), (&endless[..], 1009)] {
        let mut socket = handshake(&server)?;
        socket.write_all(bytes)?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        assert_eq!(answer, [&[0x88, 2][..], &u16::to_be_bytes(code)].concat(), "code {code}");
    }
    witness.say("still here")?;
    Ok(())
}

#[test]
fn a_frame_right_behind_the_handshake_is_read() -> Result<()> {
    let server = Server::fresh()?;
    let mut socket = TcpStream::connect(("127.0.0.1", server.port()))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let ping = [0x89, 0x81, 1, 2, 3, 4, b'!' ^ 1];
    socket.write_all(&[HANDSHAKE.as_bytes(), &ping[..]].concat())?;
    let mut answer = Vec::new();
    while !answer.ends_with(&[0x8a, 1, b'!']) {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    Ok(())
}

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn handshake(server: &Server) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port()))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.write_all(HANDSHAKE.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    Ok(socket)
}

#[test]
fn no_path_leads_out_of_the_root() -> Result<()> {
    let above = TempDir::new()?;
    let root = above.path().join("team");
    plant(above.path(), &root)?;
    let server = Server::start(Settings::at(&root))?;
    let (rest, _room) = server.person("tester")?;
    let attacks = [
        "..",
        "../",
        "..%2f",
        "%2e%2e/secret.txt",
        "..%5csecret.txt",
        "a/../../secret.txt",
        "/../secret.txt",
        "../team-evil/secret.txt",
        "out",
        "out/secret.txt",
        "inside",
        "inner/../../secret.txt",
        "pipe",
        ".ois",
        ".ois/key",
        "./.ois/key",
        "x/../.ois/key",
        ".OIS/../.ois/key",
        "%00",
        "a%00b",
        "secret%ff.txt",
        "%zz",
    ];
    for path in attacks {
        for (method, route) in [
            ("GET", "file"),
            ("GET", "download"),
            ("GET", "files"),
            ("PUT", "file"),
            ("DELETE", "file"),
            ("DELETE", "delete"),
        ] {
            let body = (method == "PUT").then_some(&b"evil"[..]);
            let answer = rest.request(method, &format!("/api/{route}?path={path}"), &[], body)?;
            let root_itself = path == "%00"; // never a name at all
            check_refused(&answer, above.path())
                .with_context(|| format!("{method} {route} {path} {root_itself}"))?;
        }
        for body in [
            json!({"oldPath": path, "newPath": "stolen"}),
            json!({"oldPath": "plain.txt", "newPath": format!("{path}/x")}),
        ] {
            check_refused(&rest.post("/api/rename", &body)?, above.path())
                .with_context(|| body.to_string())?;
        }
    }
    assert_eq!(std::fs::read_to_string(above.path().join("secret.txt"))?, "secret");
    assert_eq!(std::fs::read_to_string(root.join("plain.txt"))?, "plain");
    Ok(())
}

/// A root with everything in it that could lead out.
fn plant(above: &Path, root: &Path) -> Result<()> {
    std::fs::create_dir_all(root.join("inner"))?;
    std::fs::create_dir_all(above.join("team-evil"))?;
    std::fs::write(above.join("secret.txt"), "secret")?;
    std::fs::write(above.join("team-evil/secret.txt"), "secret")?;
    std::fs::write(root.join("plain.txt"), "plain")?;
    symlink(above, root.join("out"))?;
    symlink(root.join(".ois"), root.join("inside"))?;
    let pipe = rustix::fs::CWD;
    rustix::fs::mknodat(
        pipe,
        root.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )?;
    Ok(())
}

/// An error in JSON that names no path of the host and tells nothing of what lies outside.
fn check_refused(answer: &Answer, above: &Path) -> Result<()> {
    ensure!((400..500).contains(&answer.status), "status {}: {}", answer.status, answer.text());
    let text = answer.text();
    ensure!(!text.contains("secret") || text.contains("error"), "{text}");
    ensure!(!text.contains(&above.display().to_string()), "discloses the host's path: {text}");
    ensure!(answer.json()?["error"].as_str().is_some(), "no error in {text}");
    ensure!(answer.json()?["code"].as_str().is_some(), "no code in {text}");
    Ok(())
}

#[test]
fn the_root_and_the_servers_own_files_cannot_be_removed_or_written() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, mut room) = server.person("tester")?;
    room.say("kept")?;
    for path in ["", "/", ".", "a/..", ".ois", "chat", "chat/history.json"] {
        for route in ["file", "delete"] {
            let answer = rest.delete(&format!("/api/{route}?path={path}"))?;
            assert!((400..500).contains(&answer.status), "{route} {path:?}: {}", answer.status);
        }
        let answer = rest.post("/api/rename", &json!({"oldPath": path, "newPath": "elsewhere"}))?;
        assert!((400..500).contains(&answer.status), "rename {path:?}: {}", answer.status);
    }
    let answer = rest.post("/api/file", &json!({"path": "chat/history.json", "content": "[]"}))?;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(server.root().join(".ois").is_dir());
    Ok(())
}

#[test]
fn a_file_where_a_folder_is_meant_and_the_reverse_are_said_to_be_so() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, _room) = server.person("tester")?;
    rest.post("/api/mkdir", &json!({"path": "folder"}))?.ok()?;
    rest.put("/api/file?path=plain.txt", b"plain")?.ok()?;
    let statuses = [
        rest.get("/api/file?path=folder")?.status,
        rest.put("/api/file?path=folder", b"x")?.status,
        rest.get("/api/files?path=plain.txt")?.status,
        rest.put("/api/file?path=plain.txt/below", b"x")?.status,
        rest.post("/api/mkdir", &json!({"path": "plain.txt"}))?.status,
        rest.post("/api/rename", &json!({"oldPath": "plain.txt", "newPath": "folder"}))?.status,
    ];
    assert!(statuses.iter().all(|status| (400..500).contains(status)), "{statuses:?}");
    assert_eq!(rest.get("/api/file?path=plain.txt")?.ok()?["content"], "plain");
    Ok(())
}

#[test]
fn a_request_that_is_no_json_or_lacks_a_field_is_told_so() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, _room) = server.person("tester")?;
    let json = ("content-type", "application/json");
    for path in ["/api/file", "/api/rename", "/api/mkdir", "/api/messages"] {
        for body in [&b"{\"a\":"[..], b"[]", b"\"x\"", b"\xff\xfe"] {
            let answer = rest.request("POST", path, &[json], Some(body))?;
            assert_eq!(answer.status, 400, "{path} {body:?}: {}", answer.text());
            assert!(answer.json()?["error"].is_string());
        }
    }
    for (path, body) in [
        ("/api/file", json!({"path": "a"})),
        ("/api/rename", json!({})),
        ("/api/messages", json!({"text": 7})),
    ] {
        let answer = rest.post(path, &body)?;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    let long = json!({"path": "a.txt", "content": "x".repeat(3 << 20)});
    assert_eq!(rest.post("/api/file", &long)?.status, 413);
    Ok(())
}

#[test]
fn wrong_and_missing_tokens_open_nothing() -> Result<()> {
    let server = Server::fresh()?;
    for rest in [
        server.rest(),
        server.rest().with_token("0".repeat(64).as_str()),
        server.rest().with_token("no token"),
    ] {
        for path in [
            "/api/verify",
            "/api/members",
            "/api/messages",
            "/api/files?path=",
            "/api/file?path=a",
            "/api/download?path=a",
        ] {
            assert_eq!(rest.get(path)?.status, 401, "{path}");
        }
        assert_eq!(rest.put("/api/file?path=a", b"x")?.status, 401);
        assert_eq!(rest.delete("/api/file?path=a")?.status, 401);
    }
    Ok(())
}

#[test]
fn guessing_passwords_is_slowed_down_and_said_for_how_long() -> Result<()> {
    let server = Server::fresh()?;
    let guess = json!({"username": "tester", "password": "guess"});
    let mut answer = server.rest().post("/api/login", &guess)?;
    for _ in 0..30 {
        if answer.status == 429 {
            break;
        }
        assert_eq!(answer.status, 401);
        answer = server.rest().post("/api/login", &guess)?;
    }
    assert_eq!(answer.status, 429, "{}", answer.text());
    let seconds: u64 = answer.header("retry-after").context("no Retry-After")?.parse()?;
    assert!(seconds > 0);
    Ok(())
}

#[test]
fn an_upload_that_is_malformed_too_large_or_cut_off_leaves_nothing() -> Result<()> {
    let server = Server::fresh()?;
    let (rest, _room) = server.person("tester")?;
    let form = ("content-type", "multipart/form-data; boundary=x");
    let malformed = [
        &b"no boundary at all"[..],
        b"--x\r\n",
        b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf",
    ];
    for body in malformed {
        let answer = rest.request("POST", "/api/upload", &[form], Some(body))?;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    let bytes = vec![0; 20 << 20];
    let (kind, body) =
        multipart(&[Part { name: "file", filename: Some("big.bin"), kind: None, bytes: &bytes }]);
    let answer = rest.request("POST", "/api/upload", &[("content-type", &kind)], Some(&body))?;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let answer = rest.put("/api/file?path=big.bin", &bytes)?;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(rest.get("/api/file?path=big.bin")?.status, 404);

    cut_off(&server, &rest)?;
    for folder in ["uploads", "tmp"] {
        let left = files_under(&server.root().join(".ois").join(folder))?;
        assert!(left.is_empty(), "{left:?}");
    }
    Ok(())
}

/// Sends half of a PUT and breaks off once the server has begun with it.
fn cut_off(server: &Server, rest: &Rest) -> Result<()> {
    let token = rest.get("/api/verify")?; // proves the token before it is used by hand
    ensure!(token.status == 200);
    let session = server.rest().login("other", e2e::server::PASSWORD)?;
    let mut socket = TcpStream::connect(("127.0.0.1", server.port()))?;
    let head = format!(
        "PUT /api/file?path=half.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {session}\r\nContent-Length: 100000\r\n\r\n"
    );
    socket.write_all(head.as_bytes())?;
    socket.write_all(&[b'x'; 5000])?;
    let begun = || files_under(&server.root().join(".ois/tmp"));
    e2e::until("half a file is there", || Ok(!begun()?.is_empty()))?;
    drop(socket);
    e2e::until("the half file is gone", || Ok(begun()?.is_empty()))?;
    ensure!(rest.get("/api/file?path=half.bin")?.status == 404);
    Ok(())
}

fn files_under(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_under(&path)?);
        } else {
            found.push(path.display().to_string());
        }
    }
    Ok(found)
}

#[test]
fn who_never_signed_in_hears_nothing() -> Result<()> {
    let server = Server::fresh()?;
    let mut stranger = Room::open(&server.ws_url())?;
    server.agent(AGENTS[0].0)?.say("for members only")?;
    let heard: Vec<Value> = stranger.drain()?;
    assert!(heard.is_empty(), "{heard:?}");
    let refused = Room::join(&server.ws_url(), Credential::Agent("wrong"));
    assert!(refused.is_err());
    Ok(())
}
