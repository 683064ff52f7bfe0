//! The limit of open files, since each connection is one.

use rustix::{
    io::{Errno, fcntl_dupfd_cloexec},
    process::{Resource, Rlimit, getrlimit, setrlimit},
    stdio::stderr,
};

/// Raises the limit of open files to what the system allows, because shells and service managers
/// begin with 1,024 and leave it to the program to raise it. It also makes Linux lay out the
/// process's table of files now. While other threads run, each doubling of that table makes a
/// thread that opens a file wait until all of them have let go of the old one: 8 to 30 ms, seven
/// times on the way to 5,000 members, and nobody is served meanwhile.
///
/// The function must be called before there are other threads.
pub(crate) fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, limit = limit.current, "cannot raise the limit of open files");
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(TABLE);
    if let Err(error) = lay_out(allowed.min(TABLE)) {
        tracing::debug!(%error, "the table of open files grows as it is needed");
    }
}

/// Opens the last of this many places for a moment, so that the table grows to hold them all.
fn lay_out(places: u64) -> Result<(), Errno> {
    let last = i32::try_from(places.saturating_sub(1)).map_err(|_| Errno::INVAL)?;
    fcntl_dupfd_cloexec(stderr(), last).map(drop)
}

/// The number of places that are laid out at once, each 8 bytes of the kernel's memory.
const TABLE: u64 = 16 << 10;
