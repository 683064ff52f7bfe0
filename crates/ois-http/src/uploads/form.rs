//! The form around an upload (RFC 7578), read as it comes.

use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::{body::Incoming, header::CONTENT_TYPE};
use multer::{Constraints, Field, Multipart, SizeLimit};
use ois_protocol::{StorePath, UploadName};
use ois_store::FileWriter;

use super::{begin_file, begin_upload};
use crate::{
    body::{self, BodyError},
    files::Room,
    reply::Refusal,
    route::Ask,
    state::State,
};

/// A whole form, and its file, written but not finished.
pub(super) struct Form {
    /// What the sender called the file, without folders.
    pub(super) name: String,
    /// Its media type, as the sender says.
    pub(super) mime: String,
    /// Its length in bytes.
    pub(super) size: u64,
    /// The file.
    pub(super) writer: Box<dyn FileWriter>,
    /// Its name, if it goes to the uploads.
    pub(super) upload: Option<UploadName>,
    /// Its place, if it goes to a folder.
    pub(super) place: Option<StorePath>,
    /// The folder it should go to, as far as the form says.
    pub(super) folder: Option<StorePath>,
}

/// Reads a form to its end.
///
/// # Errors
/// 400 for what is no form, for one without a file and for one with a file in another field; 413
/// from the limit on; then nothing is kept.
pub(super) async fn read(state: &State, ask: &mut Ask) -> Result<Form, Refusal> {
    let kind = ask.head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(refusal)?;
    let limit = state.settings.limits.upload_bytes;
    let whole = limit.saturating_add(AROUND);
    // What stands around the file is at the most AROUND, so more than this cannot pass.
    Room::below(whole, body::announced(&ask.head.headers))?;
    let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(whole));
    let mut form = Multipart::with_constraints(pieces(&mut ask.body), boundary, limits);
    let (mut file, mut folder) = (None, None);
    while let Some(field) = form.next_field().await.map_err(refusal)? {
        match (field.name(), field.file_name()) {
            (Some("file"), Some(name)) if !name.is_empty() && file.is_none() => {
                file = Some(receive(state, field, folder.as_ref(), limit).await?);
            }
            (Some("path"), None) => folder = Some(text(field).await?.parse::<StorePath>()?),
            (_, Some(name)) if !name.is_empty() => return Err(Refusal::bad("Unexpected field")),
            _ => drop(text(field).await?),
        }
    }
    let file = file.ok_or_else(|| Refusal::bad("No file uploaded"))?;
    Ok(Form { folder, ..file })
}

/// Writes the file's bytes as they come.
async fn receive(
    state: &State,
    mut field: Field<'_>,
    folder: Option<&StorePath>,
    limit: u64,
) -> Result<Form, Refusal> {
    let name = own_name(field.file_name().unwrap_or_default());
    let mime = field.content_type().map_or(UNKNOWN, |kind| kind.essence_str()).to_owned();
    let place = folder.map(|folder| folder.join(&name)).transpose()?;
    let (upload, mut writer) = match &place {
        Some(place) => (None, begin_file(state, place).await?),
        None => begin_upload(state, &name).await.map(|(name, writer)| (Some(name), writer))?,
    };
    let mut room = Room::below(limit, None)?;
    while let Some(piece) = field.chunk().await.map_err(refusal)? {
        room.take(piece.len())?;
        writer.write(&piece).await?;
    }
    Ok(Form { name, mime, size: room.taken(), writer, upload, place, folder: None })
}

/// A short text field.
async fn text(mut field: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(refusal)? {
        if bytes.len() + piece.len() > TEXT {
            return Err(Refusal::too_long("a field of the form is too long"));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::bad("a field of the form is not UTF-8"))
}

/// The body as the parser wants it: one piece at a time. The parser takes all that a stream has
/// ready, so without the pause it would hold a whole file.
fn pieces(body: &mut Incoming) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    stream::unfold((body, false), |(body, again)| async move {
        if again {
            tokio::task::yield_now().await;
        }
        let piece = body::next(body).await.transpose()?;
        Some((piece, (body, true)))
    })
}

/// The last part of what the sender calls the file; some senders give all of their own path.
fn own_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    if shown.trim().is_empty() { "file".to_owned() } else { shown }
}

fn refusal(error: multer::Error) -> Refusal {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<BodyError>() {
            Ok(cause) => (*cause).into(),
            Err(_) => Refusal::bad("the form was cut off"),
        },
        multer::Error::StreamSizeExceeded { limit } => {
            Refusal::too_long(format!("File too large: the form is longer than {limit} bytes"))
        }
        other => Refusal::bad(format!("the form cannot be read: {}", first_words(&other))),
    }
}

/// The parser's own words, which may repeat what it was sent, kept short and on one line.
fn first_words(error: &multer::Error) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(120).collect()
}

const UNKNOWN: &str = "application/octet-stream";

/// What may stand around the file in a form: its borders, names and other fields.
const AROUND: u64 = 64 << 10;

/// The longest other field.
const TEXT: usize = 16 << 10;

/// The longest name of a file; all of them fit in a path.
const NAME_CHARS: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_the_last_part_of_its_name() {
        assert_eq!(own_name("写真.txt"), "写真.txt");
        assert_eq!(own_name("C:\\Users\\a\\b.txt"), "b.txt");
        assert_eq!(own_name("../../etc/passwd"), "passwd");
        assert_eq!(own_name("a/"), "file");
        assert_eq!(own_name("a\r\nb"), "ab");
    }
}
