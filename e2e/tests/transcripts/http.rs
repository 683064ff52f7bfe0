//! Steps over HTTP.

use anyhow::{Context, Result, bail, ensure};
use e2e::rest::{Answer, Part, multipart};
use serde_json::Value;

use super::Replay;
use super::fixes::{self, Now};
use super::matching::holds;

impl Replay {
    /// Sends a step again and compares the answer.
    pub(super) fn http(&mut self, name: &str, step: &Value) -> Result<()> {
        let request = &step["request"];
        let (headers, body) = self.parts(name, request);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let method = request["method"].as_str().unwrap_or_default();
        let answer = self.server.rest().request(
            method,
            &self.path(name, request),
            &headers,
            body.as_deref(),
        )?;
        if name.starts_with("upload.") && answer.status == 200 {
            self.remember_upload(&answer.json()?["file"]["url"]);
        }
        match fixes::of(name) {
            Some(fix) => self
                .fixed(&fix.now, &answer)
                .with_context(|| format!("fixed since {}", fix.because)),
            None => recorded(&step["response"], &answer),
        }
    }

    fn fixed(&self, now: &Now, answer: &Answer) -> Result<()> {
        match now {
            Now::Error(statuses) => {
                ensure!(
                    statuses.contains(&answer.status),
                    "status {}, not {statuses:?}",
                    answer.status
                );
                let error = answer.json()?["error"].as_str().map(str::to_owned);
                let error = error.context("no words in error")?;
                let root = self.server.root().to_string_lossy().into_owned();
                ensure!(!error.contains(&root), "a path of the host is told: {error}");
                Ok(())
            }
            Now::Ok(expected) => {
                ensure!(answer.status == 200, "status {}: {}", answer.status, answer.text());
                holds(&answer.json()?, &expected(), "json")
            }
            Now::Refused(_) | Now::NoMentions | Now::UniqueIds => bail!("no fix for HTTP"),
        }
    }

    /// The recording asks twice for `/uploads/<hex32>.txt`: for the first upload, and for none.
    fn path(&self, name: &str, request: &Value) -> String {
        let path = request["path"].as_str().unwrap_or_default();
        let Some((before, ending)) = path.split_once("<hex32>") else { return path.to_owned() };
        match self.uploads.get(ending).and_then(Value::as_str) {
            Some(address) if name != "uploads.missing" => address.to_owned(),
            _ => format!("{before}{}{ending}", "0".repeat(32)),
        }
    }

    fn parts(&self, name: &str, request: &Value) -> (Vec<(&'static str, String)>, Option<Vec<u8>>) {
        let mut headers = Vec::new();
        if request["auth"].is_string() {
            let token =
                if name == "verify.bad-token" { "f".repeat(64) } else { self.session.clone() };
            headers.push(("authorization", format!("Bearer {token}")));
        }
        if request["headers"]["authorization"].is_string() {
            headers.push(("authorization", self.session.clone()));
        }
        if let Some(range) = request["headers"]["range"].as_str() {
            headers.push(("range", range.to_owned()));
        }
        if let Some(form) = request["form"].as_array() {
            let (kind, body) = form_body(name, form);
            headers.push(("content-type", kind));
            return (headers, Some(body));
        }
        if let Some(kind) = request["headers"]["content-type"].as_str() {
            headers.push(("content-type", kind.to_owned()));
            return (headers, Some(b"username=tester&password=pw-under-test".to_vec()));
        }
        let body = match &request["json"] {
            Value::Null => return (headers, None),
            Value::String(raw) => raw.clone(),
            json => json.to_string().replace("<122880 x z>", &"z".repeat(122_880)),
        };
        headers.push(("content-type", "application/json".to_owned()));
        (headers, Some(body.into_bytes()))
    }

    fn remember_upload(&mut self, url: &Value) {
        let ending =
            url.as_str().and_then(|url| Some(url.get("/uploads/".len() + 32..)?.to_owned()));
        if let Some(ending) = ending {
            self.uploads.entry(ending).or_insert_with(|| url.clone());
        }
    }
}

/// Compares with the recording: status, kind of content, JSON, bytes.
fn recorded(response: &Value, answer: &Answer) -> Result<()> {
    let status = response["status"].as_u64().unwrap_or_default();
    ensure!(
        status == u64::from(answer.status),
        "status {}, was {status}: {}",
        answer.status,
        answer.text()
    );
    let was = response["headers"]["content-type"].as_str().unwrap_or("application/json");
    let kind = answer.header("content-type").unwrap_or_default();
    ensure!(essence(kind) == essence(was), "content-type {kind}, was {was}");
    if response["headers"]["content-disposition"].is_string() {
        let found = answer.header("content-disposition").unwrap_or_default();
        ensure!(found.starts_with("attachment"), "content-disposition {found}, was an attachment");
    }
    if let Some(text) = response["text"].as_str() {
        // Recorded byte by byte, each as the character of the same number.
        let found: String = answer.body.iter().map(|byte| char::from(*byte)).collect();
        ensure!(found == text, "the body is {found:?}, was {text:?}");
    }
    match &response["json"] {
        Value::Null => Ok(()),
        json => holds(&answer.json()?, json, "json"),
    }
}

/// A content type without its parameters.
fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn form_body(name: &str, form: &[Value]) -> (String, Vec<u8>) {
    let contents: Vec<Vec<u8>> = form.iter().map(|part| content(name, part)).collect();
    let parts = form.iter().zip(&contents).map(|(part, bytes)| Part {
        name: part["name"].as_str().unwrap_or_default(),
        filename: part["filename"].as_str(),
        kind: part["type"].as_str(),
        bytes,
    });
    multipart(&parts.collect::<Vec<_>>())
}

/// The recording tells only how long the content was; two of them are asked for later.
fn content(name: &str, part: &Value) -> Vec<u8> {
    let length = part["bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
    match (name, part["name"].as_str()) {
        ("upload.text", _) => b"hello upload".to_vec(),
        ("upload.png", _) => PNG.to_vec(),
        (_, Some("path")) => b"notes".to_vec(),
        _ => vec![b'x'; length.unwrap_or_default()],
    }
}

/// One transparent pixel.
const PNG: [u8; 70] =
    *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";
