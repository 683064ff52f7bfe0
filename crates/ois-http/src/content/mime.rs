//! Media types by a file name's extension.

use hyper::header::HeaderValue;

/// The media type of a file of this name, as the original's server wrote them.
pub(crate) fn of(name: &str) -> HeaderValue {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let lower = extension.to_ascii_lowercase();
    let known = TYPES.iter().find(|(names, _)| names.contains(&lower.as_str()));
    HeaderValue::from_static(known.map_or("application/octet-stream", |(_, kind)| kind))
}

/// Whether a browser may show a file of this type: a picture that cannot hold a script.
pub(crate) fn is_picture(kind: &HeaderValue) -> bool {
    PICTURES.iter().any(|picture| kind == *picture)
}

const PICTURES: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

const TYPES: &[(&[&str], &str)] = &[
    (&["txt", "log", "text"], "text/plain; charset=UTF-8"),
    (&["md", "markdown"], "text/markdown; charset=UTF-8"),
    (&["html", "htm"], "text/html; charset=UTF-8"),
    (&["css"], "text/css; charset=UTF-8"),
    (&["csv"], "text/csv; charset=UTF-8"),
    (&["js", "mjs"], "text/javascript; charset=UTF-8"),
    (&["json"], "application/json; charset=UTF-8"),
    (&["xml"], "application/xml"),
    (&["yaml", "yml"], "text/yaml; charset=UTF-8"),
    (&["pdf"], "application/pdf"),
    (&["zip"], "application/zip"),
    (&["gz"], "application/gzip"),
    (&["tar"], "application/x-tar"),
    (&["png"], "image/png"),
    (&["jpg", "jpeg"], "image/jpeg"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
    (&["avif"], "image/avif"),
    (&["svg"], "image/svg+xml"),
    (&["ico"], "image/vnd.microsoft.icon"),
    (&["mp3"], "audio/mpeg"),
    (&["ogg"], "audio/ogg"),
    (&["wav"], "audio/wav"),
    (&["mp4"], "video/mp4"),
    (&["webm"], "video/webm"),
    (&["woff2"], "font/woff2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_in_any_case_and_unknown_ones_are_bytes() {
        assert_eq!(of("README.MD"), "text/markdown; charset=UTF-8");
        for name in ["noext", "a.", "a.unheard-of", ".bashrc"] {
            assert_eq!(of(name), "application/octet-stream", "{name}");
        }
    }

    #[test]
    fn a_picture_that_may_hold_a_script_is_not_shown() {
        assert!(is_picture(&of("a.PNG")) && is_picture(&of("a.jpeg")));
        assert!(!is_picture(&of("a.svg")) && !is_picture(&of("a.html")));
    }
}
