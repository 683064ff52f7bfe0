//! One HTTP request on its way to the function that answers it.

use hyper::{body::Incoming, http::request::Parts};

use crate::{access::client::Client, target::Target};

/// A request whose head has been read and whose body may still be coming.
pub(crate) struct HttpRequest {
    /// Method, address and headers as they came.
    pub(crate) head: Parts,
    /// The address, decoded: path and query.
    pub(crate) target: Target,
    /// The body, as far as it has not been read.
    pub(crate) body: Incoming,
    /// The network address that the request comes from.
    pub(crate) client: Client,
}
