//! The bodies of the REST calls on files and uploads.

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
    /// Whether the call succeeded; always true.
    pub ok: bool,
    /// The file that the server has kept.
    pub file: Uploaded,
}

/// A file that the server has just kept, with both sets of field names that existing clients read.
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
    /// The address at which the file can be read: `/uploads/<name>`, or `/api/download?path=…` if
    /// it went to a folder.
    pub url: String,
    /// The file name that the sender gave.
    pub original_name: String,
    /// The media type of the file.
    pub mime_type: String,
    /// The length of the file in bytes.
    pub size: u64,
    /// `original_name` again; absent from an old server.
    #[serde(default)]
    pub name: String,
    /// `mime_type` again; absent from an old server.
    #[serde(default)]
    pub r#type: String,
    /// The file's path in the tree, if it went to a folder.
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

    /// Converts an upload into an attachment for a message.
    ///
    /// # Errors
    /// Fails if the file went to a folder, or if its address may not be attached.
    fn try_from(file: Uploaded) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(file)?)
    }
}

/// The answer to `GET /api/files`: the contents of a folder.
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
    /// The contents of the folder, without names that begin with a dot.
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
    /// The last component of the item's path.
    pub name: String,
    /// Whether the item is a folder.
    pub is_dir: bool,
    /// The item's path, which begins with the folder as the client named it.
    pub path: String,
    /// The length in bytes; absent for a folder and from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The time of the last change; absent from an old server.
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
    /// The text of the file; bytes that are no UTF-8 are shown as U+FFFD.
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
    /// The path of the file; missing folders above it are created.
    pub path: String,
    /// The new text of the file.
    pub content: String,
}

/// The body of `POST /api/rename`. A file that already stands at the new path is not replaced.
///
/// ```
/// use ois_protocol::http::Rename;
/// let places = Rename { old_path: "a".to_owned(), new_path: "b".to_owned() };
/// assert_eq!(serde_json::to_string(&places).unwrap(), r#"{"oldPath":"a","newPath":"b"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rename {
    /// The present path of the file or folder.
    pub old_path: String,
    /// The path to which it is moved.
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
    /// The path of the folder; missing folders above it are created.
    pub path: String,
}

/// The body of `POST /api/ticket`, which asks for an address that a browser can open without a
/// header.
///
/// ```
/// use ois_protocol::http::AskTicket;
/// let wanted = AskTicket { path: "a.md".to_owned() };
/// assert_eq!(serde_json::to_string(&wanted).unwrap(), r#"{"path":"a.md"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskTicket {
    /// The path of the file to be downloaded.
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
    /// The address, valid for this one file for about a minute: `/api/download?path=…&ticket=…`.
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
