//! The bodies of the calls on files and uploads.

use serde::{Deserialize, Serialize};

use crate::{message::Attachment, time::Timestamp};

/// The answer to `POST /api/upload`.
///
/// ```
/// use ois_protocol::http::UploadAnswer;
/// let old = r#"{"ok":true,"file":{"url":"/uploads/0a","originalName":"a","mimeType":"text/plain","size":1}}"#;
/// let answer: UploadAnswer = serde_json::from_str(old).unwrap();
/// assert_eq!(answer.file.size, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadAnswer {
    /// Always true.
    pub ok: bool,
    /// What was kept.
    pub file: Uploaded,
}

/// A file that the server has just kept, under both sets of names that clients in the field read.
///
/// ```
/// use ois_protocol::{Attachment, http::Uploaded};
/// let old = r#"{"url":"/uploads/0a.png","originalName":"a.png","mimeType":"image/png","size":70}"#;
/// let kept: Uploaded = serde_json::from_str(old).unwrap();
/// let attachment = Attachment::try_from(kept).unwrap();
/// assert_eq!(Uploaded::from(attachment).name, "a.png");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// Where it can be read: `/uploads/<name>`, or `/api/download?path=…` if it went to a folder.
    pub url: String,
    /// What the sender called it.
    pub original_name: String,
    /// Its media type.
    pub mime_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// `original_name` again; absent from an old server.
    #[serde(default)]
    pub name: String,
    /// `mime_type` again; absent from an old server.
    #[serde(default)]
    pub r#type: String,
    /// Its place in the tree, if it went to a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl From<Attachment> for Uploaded {
    fn from(file: Attachment) -> Self {
        Self {
            url: file.url,
            original_name: file.name.clone(),
            mime_type: file.mime.clone(),
            size: file.size,
            name: file.name,
            r#type: file.mime,
            path: None,
        }
    }
}

impl TryFrom<Uploaded> for Attachment {
    type Error = serde_json::Error;

    /// What goes with a message after an upload.
    ///
    /// # Errors
    /// If the file went to a folder, or its address is none that may be attached.
    fn try_from(file: Uploaded) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(file)?)
    }
}

/// The answer to `GET /api/files`: what is in a folder.
///
/// ```
/// use ois_protocol::http::FilesAnswer;
/// let wire = r#"{"path":"","items":[{"name":"chat","isDir":true,"path":"chat"}]}"#;
/// let answer: FilesAnswer = serde_json::from_str(wire).unwrap();
/// assert!(answer.items[0].is_dir);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesAnswer {
    /// The folder as the client named it.
    pub path: String,
    /// What is in it, without names that begin with a dot.
    pub items: Vec<FileItem>,
}

/// A file or a folder in a list.
///
/// ```
/// use ois_protocol::http::FileItem;
/// let wire = r#"{"name":"chat","isDir":true,"path":"chat"}"#;
/// let item: FileItem = serde_json::from_str(wire).unwrap();
/// assert_eq!(serde_json::to_string(&item).unwrap(), wire);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileItem {
    /// The last part of its path.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its path, below the folder as the client named it.
    pub path: String,
    /// Its length in bytes; absent for a folder and from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was last written; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

/// The answer to `GET /api/file`; its `ETag` header is the content's hash.
///
/// ```
/// use ois_protocol::http::FileAnswer;
/// let file: FileAnswer = serde_json::from_str(r#"{"path":"a.md","content":"hi"}"#).unwrap();
/// assert_eq!(file.content, "hi");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAnswer {
    /// The file as the client named it.
    pub path: String,
    /// Its text; bytes that are no UTF-8 are shown as U+FFFD.
    pub content: String,
}

/// The body of `POST /api/file`.
///
/// ```
/// use ois_protocol::http::WriteFile;
/// let file = WriteFile { path: "a.md".to_owned(), content: "hi".to_owned() };
/// assert_eq!(serde_json::to_string(&file).unwrap(), r#"{"path":"a.md","content":"hi"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// Which file; the folders above it are made.
    pub path: String,
    /// Its new text.
    pub content: String,
}

/// The body of `POST /api/rename`. What stands at the new path already is not replaced.
///
/// ```
/// use ois_protocol::http::Rename;
/// let places = Rename { old_path: "a".to_owned(), new_path: "b".to_owned() };
/// assert_eq!(serde_json::to_string(&places).unwrap(), r#"{"oldPath":"a","newPath":"b"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rename {
    /// What to move.
    pub old_path: String,
    /// Where to.
    pub new_path: String,
}

/// The body of `POST /api/mkdir`.
///
/// ```
/// use ois_protocol::http::MakeDir;
/// let folder = MakeDir { path: "docs".to_owned() };
/// assert_eq!(serde_json::to_string(&folder).unwrap(), r#"{"path":"docs"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeDir {
    /// Which folder; those above it are made.
    pub path: String,
}

/// The body of `POST /api/ticket`: asks for an address that a browser can open without a header.
///
/// ```
/// use ois_protocol::http::AskTicket;
/// let wanted = AskTicket { path: "a.md".to_owned() };
/// assert_eq!(serde_json::to_string(&wanted).unwrap(), r#"{"path":"a.md"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskTicket {
    /// The file to be downloaded.
    pub path: String,
}

/// The answer to `POST /api/ticket`.
///
/// ```
/// use ois_protocol::http::Ticket;
/// let wire = r#"{"url":"/api/download?path=a.md&ticket=0f1e"}"#;
/// let ticket: Ticket = serde_json::from_str(wire).unwrap();
/// assert!(ticket.url.starts_with("/api/download"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Good for this one file, for about a minute: `/api/download?path=…&ticket=…`.
    pub url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_answered_with_both_sets_of_names() {
        let file = Attachment {
            url: "/uploads/0a.png".to_owned(),
            name: "a.png".to_owned(),
            mime: "image/png".to_owned(),
            size: 70,
        };
        let answer = UploadAnswer { ok: true, file: file.into() };
        let wire = r#"{"ok":true,"file":{"url":"/uploads/0a.png","originalName":"a.png","mimeType":"image/png","size":70,"name":"a.png","type":"image/png"}}"#;
        assert_eq!(serde_json::to_string(&answer).unwrap(), wire);
    }

    #[test]
    fn a_file_in_a_folder_is_no_attachment() {
        let file = Uploaded {
            url: "/api/download?path=a.png".to_owned(),
            original_name: "a.png".to_owned(),
            mime_type: "image/png".to_owned(),
            size: 70,
            name: "a.png".to_owned(),
            r#type: "image/png".to_owned(),
            path: Some("a.png".to_owned()),
        };
        assert!(Attachment::try_from(file).is_err());
    }
}
