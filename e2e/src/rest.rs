//! A member's HTTP client: it logs in, gets and posts, and takes any status for an answer.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use ureq::http::Request;

use crate::TIMEOUT;

/// A client of one server, with or without a token.
#[derive(Debug, Clone)]
pub struct Rest {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// An answer of the server; no status is an error.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header names in lower case with their values, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Rest {
    /// A client without a token of the server at `base` (`http://127.0.0.1:8800`).
    #[must_use]
    pub fn new(base: &str) -> Self {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT));
        Self {
            agent: settings.build().into(),
            base: base.trim_end_matches('/').to_owned(),
            token: None,
        }
    }

    /// The same client with `token` as its bearer.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Logs in and answers with the session token.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn login(&self, username: &str, password: &str) -> Result<String> {
        let body = json!({"username": username, "password": password});
        let answer = self.post("/api/login", &body)?.ok()?;
        Ok(answer["token"].as_str().context("a login without a token")?.to_owned())
    }

    /// Sends a `GET` request.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.request("GET", path, &[], None)
    }

    /// Sends a `POST` request with a JSON body.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let json = ("content-type", "application/json");
        self.request("POST", path, &[json], Some(body.to_string().as_bytes()))
    }

    /// Sends a `PUT` request with any bytes.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn put(&self, path: &str, body: &[u8]) -> Result<Answer> {
        self.request("PUT", path, &[], Some(body))
    }

    /// Sends a `DELETE` request.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        self.request("DELETE", path, &[], None)
    }

    /// Uploads `bytes` under `name` and answers with the `file` object, ready to be attached.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn upload(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<Value> {
        let parts = [Part { name: "file", filename: Some(name), kind: Some(kind), bytes }];
        let (header, body) = multipart(&parts);
        let headers = [("content-type", header.as_str())];
        Ok(self.request("POST", "/api/upload", &headers, Some(&body))?.ok()?["file"].clone())
    }

    /// Sends any request; `authorization` in `headers` takes the place of the client's own token.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let has_own = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let (Some(token), false) = (&self.token, has_own) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let sent = match body {
            Some(body) => self.agent.run(request.body(body)?),
            None => self.agent.run(request.body(())?),
        };
        let mut response = sent.with_context(|| format!("no answer to {method} {path}"))?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())
            })
            .collect();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec()?;
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// The body as JSON, if the status is one of success.
    ///
    /// # Errors
    /// Any other status, with the body's text.
    pub fn ok(&self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "status {}: {}", self.status, self.text());
        self.json()
    }

    /// The body as JSON, whatever the status.
    ///
    /// # Errors
    /// When it is something else.
    pub fn json(&self) -> Result<Value> {
        match serde_json::from_slice(&self.body) {
            Ok(value) => Ok(value),
            Err(error) => bail!("not JSON ({error}): {}", self.text()),
        }
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One part of a multipart form.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The field's name.
    pub name: &'a str,
    /// The file's name, for a file.
    pub filename: Option<&'a str>,
    /// The content type.
    pub kind: Option<&'a str>,
    /// The content of the part.
    pub bytes: &'a [u8],
}

/// A multipart form: its `content-type` header and its body.
#[must_use]
pub fn multipart(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{BOUNDARY}\r\n").as_bytes());
        let filename =
            part.filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let name = part.name;
        let line = format!("content-disposition: form-data; name=\"{name}\"{filename}\r\n");
        body.extend_from_slice(line.as_bytes());
        if let Some(kind) = part.kind {
            body.extend_from_slice(format!("content-type: {kind}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

const BOUNDARY: &str = "----ois-e2e-8f1c2d";
const LARGEST: u64 = 64 << 20;
