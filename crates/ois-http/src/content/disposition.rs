//! How a browser is told to save a file (RFC 6266).

use hyper::header::HeaderValue;

use crate::escape::encode;

/// `attachment` with the file's name: exactly in `filename*`, and with `?` in place of what ASCII
/// lacks in `filename`, for browsers that read only that.
pub(crate) fn attachment(name: &str) -> HeaderValue {
    let plain: String = name.chars().map(plain).collect();
    let mut text = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        text.push_str("; filename*=UTF-8''");
        text.push_str(&encode(name));
    }
    HeaderValue::from_str(&text).expect("all of it is printable ASCII")
}

/// Browsers read quotes and escapes in different ways, so `filename` has none.
fn plain(c: char) -> char {
    match c {
        '"' | '\\' | '%' => '_',
        ' '..='~' => c,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_on_record() {
        assert_eq!(attachment("readme.md"), "attachment; filename=\"readme.md\"");
        let unicode =
            "attachment; filename=\"???.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.txt";
        assert_eq!(attachment("日本語.txt"), unicode);
    }

    #[test]
    fn no_name_ends_the_header() {
        let written = attachment("a\"; filename=b\r\nX: y");
        assert!(
            written.to_str().unwrap().starts_with("attachment; filename=\"a_; filename=b??X: y\";")
        );
    }
}
