//! Forms of every kind, in chunks of every size: taken as they are or refused, and nothing stays.

use std::{fs, path::Path};

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use crate::house::{AGENT, Answer, House, bearer};

/// Sends a form in chunks of these lengths over and over.
fn send(house: &House, body: &[u8], lengths: &[usize]) -> Answer {
    let head = format!(
        "POST /api/upload HTTP/1.1\r\nHost: x\r\n{}\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: multipart/form-data; boundary={BORDER}\r\n\r\n",
        bearer(AGENT)
    );
    let (mut chunked, mut rest) = (Vec::new(), body);
    for length in lengths.iter().cycle() {
        let (now, later) = rest.split_at((*length).clamp(1, rest.len().max(1)).min(rest.len()));
        if now.is_empty() {
            break;
        }
        chunked.extend(format!("{:x}\r\n", now.len()).into_bytes());
        chunked.extend_from_slice(now);
        chunked.extend_from_slice(b"\r\n");
        rest = later;
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    house.raw(&head, &chunked)
}

/// A form with one file.
fn form(file: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BORDER}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\
         Content-Type: text/plain\r\n\r\n"
    );
    [head.as_bytes(), content, format!("\r\n--{BORDER}--\r\n").as_bytes()].concat()
}

/// What a form is made of, right and wrong.
const PIECES: [&str; 22] = [
    "--BORDER",
    "--BORDER\r\n",
    "--BORDER--\r\n",
    "\r\n--BORDER",
    "\r\n--BORDER--\r\n",
    "--BORDERx",
    "--",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n",
    "Content-Disposition: form-data; name=\"file\"; filename=\"../../x\"\r\n",
    "Content-Disposition: form-data; name=\"path\"\r\n",
    "Content-Disposition: form-data; name=\"file\r\n",
    "Content-Disposition: attachment\r\n",
    "Content-Type: text/plain\r\n",
    "Content-Type: ;;;\r\n",
    "x: y\r\n",
    "shared",
    "写真",
    "\0",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces =
        vec(select(PIECES.to_vec()), 0..16).prop_map(|pieces| pieces.concat().into_bytes());
    let cut =
        (vec(any::<u8>(), 0..200), any::<prop::sample::Index>()).prop_map(|(content, end)| {
            let whole = form("a.txt", &content);
            whole[..end.index(whole.len())].to_vec()
        });
    let part = select(vec![
        "Content-Disposition: form-data; name=\"path\"\r\n\r\nshared",
        "Content-Disposition: form-data; name=\"path\"\r\n\r\n../x",
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello",
        "Content-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\nhello",
        "Content-Disposition: form-data; name=\"other\"; filename=\"a.txt\"\r\n\r\nhello",
        "Content-Disposition: form-data; name=\"other\"\r\n\r\nhello",
    ]);
    let parts = vec(part, 0..4).prop_map(|parts| {
        let parts: String = parts.iter().map(|part| format!("--{BORDER}\r\n{part}\r\n")).collect();
        format!("{parts}--{BORDER}--\r\n").into_bytes()
    });
    prop_oneof![3 => pieces, 2 => cut, 3 => parts, 1 => vec(any::<u8>(), 0..300)]
}

/// What a file holds, with borders that are none and beginnings of the real one.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let near = select(vec![
        "\r\n--BORDE",
        "\r\n--BORDEX",
        "--BORDER",
        "\r\n-",
        "\r\n",
        "\r",
        "\n--BORDER",
    ]);
    let piece =
        prop_oneof![near.prop_map(|near| near.as_bytes().to_vec()), vec(any::<u8>(), 0..90)];
    vec(piece, 0..12)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a border", |content| !content.windows(10).any(|ten| ten == b"\r\n--BORDER"))
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(1_usize..60, 1..6), Just(vec![1]), Just(vec![usize::MAX])]
}

#[test]
fn a_form_is_taken_or_refused_and_a_refused_one_leaves_nothing() {
    let house = House::open();
    let places = [".ois/uploads", ".ois/tmp"].map(|place| house.root().join(place));
    hold(&(body(), lengths()), |(body, lengths)| {
        let before = places.clone().map(|place| names(&place));
        let answer = send(&house, &body, &lengths);
        let refused = matches!(answer.status, 400 | 403 | 404 | 409 | 413);
        prop_assert!(refused || answer.status == 200, "{:?}", answer);
        if refused {
            prop_assert!(!answer.error().1.is_empty());
            prop_assert_eq!(before, places.clone().map(|place| names(&place)));
        }
        let whole = send(&house, &body, &[usize::MAX]);
        // A file that was put in a folder is there by then.
        prop_assert!(whole.status == answer.status || (answer.status, whole.status) == (200, 409));
        Ok(())
    });
    assert_eq!(house.send("GET /healthz", &[], b"").status, 200);
}

#[test]
fn a_file_is_kept_byte_by_byte_whatever_it_holds_and_however_it_comes() {
    let house = House::open();
    let name = "[a-zA-Z0-9 ._\\-写真]{1,20}";
    hold(&(name, content(), lengths()), |(name, content, lengths)| {
        let answer = send(&house, &form(&name, &content), &lengths);
        prop_assert_eq!(answer.status, 200, "{:?}", answer);
        let file = &answer.json()["file"];
        prop_assert_eq!(&file["size"], content.len());
        let url = file["url"].as_str().unwrap();
        prop_assert_eq!(house.send(&format!("GET {url}"), &[], b"").body, content);
        Ok(())
    });
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// Each case is a request or two to a running server: the same ones every time.
fn hold<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{error}");
    }
}

const BORDER: &str = "BORDER";
