//! The running server's end of administration: `.ois/admin.sock`, which only the server's own user
//! can open.

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    sync::Arc,
};

use ois_http::{Server, Stop};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{self, UnixStream},
};

use crate::{
    admin::{self, Answer},
    clock::now,
    team::Team,
};

/// Binds the socket anew. A socket that an earlier process left there is removed; that is safe
/// because only the holder of the root's lock gets here.
pub(crate) fn bind(root: &Path) -> io::Result<UnixListener> {
    let path = admin::socket_path(root);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The folder is 0700 already, so no other user gets in between.
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers one request after the other until it is time to stop.
pub(crate) async fn serve(
    listener: UnixListener,
    team: Arc<Team>,
    server: Arc<Server>,
    mut stop: Stop,
) {
    let listener = match net::UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "administration is not possible"),
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.asked() => return,
        };
        let answered = match accepted {
            Ok((stream, _)) => answer(stream, &team, &server).await,
            Err(error) => Err(error),
        };
        if let Err(error) = answered {
            tracing::warn!(%error, "an administration request was not answered");
        }
    }
}

/// Answers one request. Its change has taken effect when the answer is sent.
async fn answer(stream: UnixStream, team: &Team, server: &Server) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(admin::LINE_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => admin::execute(team, Some(server), request, now()).await,
        Err(_) => Answer::Refused("the running server is of another version".to_owned()),
    };
    match answer {
        Answer::Agents(_) => {}
        _ => server.keyring_changed().await,
    }
    let mut json = serde_json::to_vec(&answer)?;
    json.push(b'\n');
    write.write_all(&json).await
}
