//! nginx, which serves and accepts files.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Returns the command for one process of nginx on the folder `root/www`, and the address that it
/// will have.
///
/// # Errors
/// Fails when its settings cannot be written.
pub(super) fn command(binary: &Path, root: &Path) -> Result<(Command, SocketAddr)> {
    // nginx cannot choose a port itself; this one was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let root = root.canonicalize()?;
    let at = root.display();
    fs::create_dir_all(root.join("www")).context("no folder for nginx")?;
    let settings = root.join("nginx.conf");
    let text = format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {at}/nginx.pid;\n\
         error_log stderr warn;\nevents {{ worker_connections 1024; }}\nhttp {{\n\
         access_log off;\nsendfile on;\ntcp_nopush on;\nkeepalive_requests 1000000000;\n\
         client_max_body_size 0;\nclient_body_temp_path {at}/taken;\n\
         default_type application/octet-stream;\nserver {{\nlisten {address};\n\
         location / {{ root {at}/www; dav_methods PUT; create_full_put_path on; }}\n}}\n}}\n",
    );
    fs::write(&settings, text).context("cannot write the settings of nginx")?;
    let mut command = Command::new(binary);
    command.arg("-p").arg(&root).arg("-c").arg(settings).args(["-e", "stderr"]);
    Ok((command, address))
}

/// Waits until the server accepts connections, because nginx has no ready line.
///
/// # Errors
/// Fails when the server accepts none for ten seconds.
pub(super) fn wait_for(address: SocketAddr) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < until, "nginx does not listen on {address}");
        thread::park_timeout(BETWEEN_LOOKS);
    }
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
