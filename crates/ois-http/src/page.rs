//! The routes of the page: its files, compressed where the browser takes that.

pub(crate) mod assets;
mod files;

use hyper::{
    Response, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    },
};

use crate::{
    body::{self, Body},
    content,
    reply::Refusal,
    request::HttpRequest,
    state::State,
};

/// `GET /` and `GET /web/{file}`.
pub(crate) fn file(state: &State, request: &HttpRequest) -> Result<Response<Body>, Refusal> {
    let file = state.assets.file(&request.target.path);
    let file = file.ok_or_else(|| Refusal::not_found("not found"))?;
    let headers = &request.head.headers;
    let known = content::tags(headers, &IF_NONE_MATCH).into_iter().any(|tag| file.matches(tag));
    let gzip = file.gzip.as_ref().filter(|_| accepts_gzip(headers));
    let bytes = gzip.unwrap_or(&file.plain);
    let mut answer = Response::new(if known { body::empty() } else { body::full(bytes.clone()) });
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = answer.headers_mut();
    headers.extend(POLICIES.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.insert(CONTENT_TYPE, file.mime.clone());
    // Names do not change with the content, so browsers ask each time and mostly get a 304.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let tag = HeaderValue::from_str(&file.tag).expect("tags are hex");
    headers.insert(ETAG, tag);
    if gzip.is_some() && !known {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}

/// Whether the browser names gzip, and not with a weight of zero.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1").parse::<f32>();
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// What a browser must not do with the page. Everything comes from this server, and no script or
/// style stands in the HTML itself.
const POLICIES: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
         connect-src 'self'; media-src 'self' blob:; font-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_a_browser_that_accepts_it() {
        let accepts = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, value)]))
        };
        assert!(accepts("gzip, deflate, br") && accepts("br;q=1.0, GZIP;q=0.5"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts_gzip(&HeaderMap::new()));
    }
}
