//! What agents could plant in the tree leads nobody out of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::PathBuf,
};

use ois_protocol::{StorePath, UploadName};
use ois_store::{
    Condition, DiskConfig, DiskStore, FileError, Files, OpenError, Uploads, conformance::NOON,
};
use tempfile::TempDir;

/// A team whose root has a sibling with a name that begins alike, and links to all sorts of places.
fn trap() -> (TempDir, PathBuf, DiskStore) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir(dir.path().join("root-evil")).unwrap();
    fs::write(dir.path().join("root-evil/secret"), "secret").unwrap();
    let store = DiskStore::open(DiskConfig::new(&root), NOON).unwrap();
    fs::create_dir_all(root.join("notes/deep")).unwrap();
    fs::write(root.join("notes/deep/a"), "a").unwrap();
    for (to, link) in [
        ("../root-evil", "out"),
        ("../root-evil/secret", "outfile"),
        ("nowhere", "dangling"),
        ("notes/deep/a", "infile"),
        ("notes", "indir"),
        (".ois", "own"),
        (".ois/key", "key"),
        ("/proc/self/root", "magic"),
    ] {
        symlink(to, root.join(link)).unwrap();
    }
    symlink("deep", root.join("notes/middle")).unwrap();
    (dir, root, store)
}

fn at(text: &str) -> StorePath {
    text.parse().unwrap()
}

async fn write(store: &DiskStore, path: &str) -> Result<String, FileError> {
    let mut writer = store.write(&at(path), Condition::None).await?;
    writer.write(b"x").await?;
    writer.finish().await
}

#[tokio::test]
async fn no_link_is_followed_to_read_write_list_rename_or_remove() {
    let (dir, root, store) = trap();
    let links = ["out", "outfile", "dangling", "infile", "indir", "own", "key", "magic"];
    let through = ["out/secret", "indir/deep/a", "own/key", "notes/middle/a", "magic/etc/passwd"];
    for link in links.into_iter().chain(through) {
        let path = at(link);
        assert!(matches!(store.open(&path).await, Err(FileError::Denied)), "open {link}");
        assert!(matches!(store.list(&path).await, Err(FileError::Denied)), "list {link}");
        assert!(matches!(write(&store, link).await, Err(FileError::Denied)), "write {link}");
        assert!(matches!(store.remove(&path).await, Err(FileError::Denied)), "remove {link}");
        let moved = store.rename(&path, &at("moved")).await;
        assert!(matches!(moved, Err(FileError::Denied)), "rename {link}");
        assert!(store.make_dir(&path).await.is_err(), "make {link}");
        let moved = store.rename(&at("notes/deep/a"), &path).await;
        assert!(matches!(moved, Err(FileError::Denied | FileError::Exists)), "onto {link}");
    }
    assert!(matches!(write(&store, "out/new/file").await, Err(FileError::Denied)));
    assert!(matches!(write(&store, "dangling/file").await, Err(FileError::Denied)));
    assert_eq!(fs::read(dir.path().join("root-evil/secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(dir.path().join("root-evil")).unwrap().count(), 1);
    assert!(!root.join("nowhere").exists());
    let names: Vec<_> = store.list(&at("")).await.unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, ["notes"]);
}

#[tokio::test]
async fn removing_a_folder_leaves_alone_what_its_links_lead_to() {
    let (dir, root, store) = trap();
    symlink(dir.path().join("root-evil"), root.join("notes/out")).unwrap();
    symlink(root.join(".ois"), root.join("notes/own")).unwrap();
    store.remove(&at("notes")).await.unwrap();
    assert!(!root.join("notes").exists());
    assert_eq!(fs::read(dir.path().join("root-evil/secret")).unwrap(), b"secret");
    assert_eq!(fs::read(root.join(".ois/key")).unwrap().len(), 32);
    assert_eq!(fs::read_dir(root.join(".ois/tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn pipes_sockets_and_devices_are_refused_at_once() {
    let (_dir, root, store) = trap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o666),
        0,
    )
    .unwrap();
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    // Only root may make a device; where it may not, the two others stand for it.
    let device = rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("device"),
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::from_raw_mode(0o666),
        rustix::fs::makedev(1, 5),
    );
    for special in ["pipe", "socket", "device"].into_iter().take(2 + usize::from(device.is_ok())) {
        let path = at(special);
        assert!(matches!(store.open(&path).await, Err(FileError::Denied)), "{special}");
        assert!(matches!(write(&store, special).await, Err(FileError::Denied)), "{special}");
        assert!(matches!(store.remove(&path).await, Err(FileError::Denied)), "{special}");
        assert!(matches!(store.list(&path).await, Err(FileError::NotDirectory)), "{special}");
    }
    assert_eq!(store.list(&at("")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn modes_are_the_originals_and_no_temporary_file_stays() {
    let (_dir, root, store) = trap();
    write(&store, "new/file").await.unwrap();
    drop(store.write(&at("new/other"), Condition::None).await.unwrap());
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("new/file"), 0o644);
    assert_eq!(mode("new") & 0o700, 0o700);
    assert_eq!((mode(".ois"), mode(".ois/key")), (0o700, 0o600));
    assert_eq!(fs::read_dir(root.join(".ois/tmp")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.join("new")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_crash_left_unfinished_is_removed_at_start() {
    let (_dir, root, store) = trap();
    let name = UploadName::new([1; 16], "a.png");
    let begun = store.write(&at("a"), Condition::None).await.unwrap();
    let upload = store.upload(&name).await.unwrap();
    std::mem::forget((begun, upload));
    drop(store);
    assert_eq!(fs::read_dir(root.join(".ois/tmp")).unwrap().count(), 1);
    let store = DiskStore::open(DiskConfig::new(&root), NOON).unwrap();
    assert_eq!(fs::read_dir(root.join(".ois/tmp")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.join(".ois/uploads")).unwrap().count(), 1);
    assert!(matches!(store.open_upload(&name).await, Err(FileError::NotFound)));
}

#[test]
fn a_second_server_says_who_is_the_first() {
    let (_dir, root, store) = trap();
    let Err(OpenError::Locked { holder, .. }) = DiskStore::open(DiskConfig::new(&root), NOON)
    else {
        panic!("two servers have one root")
    };
    assert_eq!(holder, std::process::id().to_string());
    drop(store);
    assert!(DiskStore::open(DiskConfig::new(&root), NOON).is_ok());
}

#[tokio::test]
async fn uploads_that_an_older_server_kept_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = dir.path().join("uploads");
    fs::create_dir(&uploads).unwrap();
    let name = UploadName::new([2; 16], "old.png");
    fs::write(uploads.join(name.as_str()), "png").unwrap();
    let linked = UploadName::new([3; 16], "link.png");
    symlink("/etc/passwd", uploads.join(linked.as_str())).unwrap();
    let config = DiskConfig { upload_dir: Some(uploads), ..DiskConfig::new(dir.path().join("r")) };
    let store = DiskStore::open(config, NOON).unwrap();
    let file = store.open_upload(&name).await.unwrap();
    assert_eq!(file.read_at(0, 9).await.unwrap(), b"png");
    assert!(matches!(store.open_upload(&linked).await, Err(FileError::Denied)));
}
