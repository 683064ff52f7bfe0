//! The page.

use crate::house::House;

#[test]
fn the_page_comes_with_policies_and_is_known_again() {
    let house = House::open();
    let answer = house.send("GET /", &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=UTF-8"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let same = format!("If-None-Match: {}", answer.header("etag").unwrap());
    assert_eq!(house.send("GET /", &[&same], b"").status, 304);
    let packed = house.send("GET /", &["Accept-Encoding: gzip"], b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < answer.body.len());
}

#[test]
fn what_is_not_of_the_page_is_not_found() {
    let house = House::open();
    for path in
        ["/nope.html", "/web/", "/web/test/store.test.js", "/web/package.json", "/favicon.ico"]
    {
        assert_eq!(house.send(&format!("GET {path}"), &[], b"").error().0, 404, "{path}");
    }
    let script = house.send("GET /web/main.js", &[], b"");
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=UTF-8"));
}
