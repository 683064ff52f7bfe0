//! The session cookie: read from a request, set at a sign-in, cleared at a sign-out.

use hyper::header::{COOKIE, HeaderMap, HeaderValue};
use ois_auth::{Sessions, Token};

use crate::settings::Settings;

/// The token of the session cookie, if there is one.
pub(crate) fn token(headers: &HeaderMap) -> Option<Token> {
    let values = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|p| p.split_once('='));
    let (_, token) = pairs.find(|(name, _)| name.trim() == NAME)?;
    Token::parse(token.trim()).ok()
}

/// The header that gives a browser the session for as long as it lasts, out of reach of scripts and
/// of other sites.
pub(crate) fn set(token: &Token, settings: &Settings) -> HeaderValue {
    value(token.reveal(), Sessions::LIFETIME_MS / 1000, settings)
}

/// The header that takes the session from the browser.
pub(crate) fn clear(settings: &Settings) -> HeaderValue {
    value("", 0, settings)
}

fn value(token: &str, seconds: u64, settings: &Settings) -> HeaderValue {
    let https = settings.public_url.as_ref().is_some_and(crate::settings::PublicUrl::is_https);
    let secure = if https { "; Secure" } else { "" };
    let text =
        format!("{NAME}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text).expect("tokens that OIS makes are hex");
    value.set_sensitive(true);
    value
}

const NAME: &str = "ois_session";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=b; ois_session=abc; c=d"));
        assert_eq!(token(&headers).unwrap().reveal(), "abc");
        headers.insert(COOKIE, HeaderValue::from_static("not_ois_session=abc; ois_session="));
        assert!(token(&headers).is_none());
    }

    #[test]
    fn it_is_secure_where_browsers_come_over_tls() {
        let token = Token::parse("abc").unwrap();
        let plain = set(&token, &Settings::default());
        let plain = plain.to_str().unwrap();
        assert_eq!(plain, "ois_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800");
        let public_url = Some("https://ois.example.org".parse().unwrap());
        let settings = Settings { public_url, ..Settings::default() };
        assert!(set(&token, &settings).to_str().unwrap().ends_with("; Secure"));
        assert!(clear(&settings).to_str().unwrap().contains("ois_session=; "));
    }
}
