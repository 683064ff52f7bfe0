//! The real OpenClaw gateway.

use anyhow::Result;
use e2e::gateway::{Gateway, Model};
use e2e::rest::Rest;
use tempfile::TempDir;

#[test]
fn a_gateway_is_ready_and_comes_back_at_the_same_address_after_a_hard_end() -> Result<()> {
    let state = TempDir::new()?;
    let model = Model::start(state.path())?;
    let mut gateway = Gateway::start(state.path(), &model)?;
    let (url, token) = (gateway.url()?.to_owned(), gateway.token()?.to_owned());
    assert_eq!(Rest::new(&url).get("/readyz")?.ok()?["ready"], true);

    gateway.kill()?;
    assert!(Rest::new(&url).get("/readyz").is_err());

    gateway.restart()?;
    assert_eq!(gateway.url()?, url);
    assert_eq!(gateway.token()?, token);
    assert_eq!(Rest::new(&url).get("/readyz")?.ok()?["ready"], true);
    gateway.stop()?;
    assert!(Rest::new(&url).get("/readyz").is_err());
    Ok(())
}
