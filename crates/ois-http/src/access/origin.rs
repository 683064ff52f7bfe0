//! Whether a browser sent a request for our own page or for a foreign one.

use hyper::header::{HOST, HeaderMap, ORIGIN};

use crate::settings::{PublicUrl, Settings};

/// Whether the request proves to come from our own page. Browsers write these headers themselves;
/// a page cannot.
pub(super) fn is_ours(headers: &HeaderMap, settings: &Settings) -> bool {
    let says = headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(ORIGIN);
    says && !is_foreign(headers, settings)
}

/// Whether the request comes from a foreign page. A program that is not a browser sends neither
/// header and is not foreign.
pub(crate) fn is_foreign(headers: &HeaderMap, settings: &Settings) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site != "same-origin";
    }
    headers.get(ORIGIN).is_some_and(|origin| {
        let origin = origin.to_str().ok().and_then(|text| text.parse().ok());
        !origin.is_some_and(|origin| is_own(&origin, headers, settings))
    })
}

/// Whether the origin is the host that the request was sent to, or the public one.
fn is_own(origin: &PublicUrl, headers: &HeaderMap, settings: &Settings) -> bool {
    if settings.public_url.as_ref() == Some(origin) {
        return true;
    }
    // A proxy may have taken the TLS off, so the scheme is the origin's own.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if origin.is_https() { "https" } else { "http" };
    format!("{scheme}://{host}").parse().is_ok_and(|own: PublicUrl| own == *origin)
}

const SEC_FETCH_SITE: &str = "sec-fetch-site";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let public_url = Some("https://ois.example.org".parse().unwrap());
        is_ours(&headers(pairs), &Settings { public_url, ..Settings::default() })
    }

    #[test]
    fn our_own_page_is_the_host_itself_or_the_public_one() {
        assert!(ours(&[("origin", "http://127.0.0.1:8800"), ("host", "127.0.0.1:8800")]));
        assert!(ours(&[("origin", "https://ois.example.org"), ("host", "10.0.0.2:8800")]));
        assert!(ours(&[("origin", "https://a.example"), ("host", "A.example:443")]));
        assert!(ours(&[("sec-fetch-site", "same-origin"), ("host", "x")]));
    }

    #[test]
    fn other_pages_and_those_who_do_not_say_are_not_ours() {
        assert!(!ours(&[("origin", "http://evil.example"), ("host", "127.0.0.1:8800")]));
        assert!(!ours(&[("origin", "http://127.0.0.1:9"), ("host", "127.0.0.1:8800")]));
        assert!(!ours(&[("origin", "null"), ("host", "null")]));
        assert!(!ours(&[("host", "127.0.0.1:8800")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a"),]));
    }
}
