//! The form around an upload (RFC 7578), read as its bytes come.

use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::{body::Incoming, header::CONTENT_TYPE};
use multer::{Constraints, Field, Multipart, SizeLimit as SizeLimits};
use ois_protocol::StorePath;

use crate::{
    access::viewer::Viewer,
    body::{self, BodyError},
    ops::{
        files::{FilesError, SizeLimit},
        uploads::{self, NewUpload},
    },
    reply::Refusal,
    request::HttpRequest,
    state::State,
};

/// A form that was read to its end, with its file, which is written but not kept yet.
pub(super) struct Form {
    /// The file.
    pub(super) upload: NewUpload,
    /// The folder that the file should go to, if the form names one.
    pub(super) folder: Option<StorePath>,
}

/// Reads a form to its end.
///
/// # Errors
/// 400 for a body that is not a form, for a form without a file and for one with a file in another
/// field; 413 from the limit on. Then nothing is kept.
pub(super) async fn read(
    state: &State,
    viewer: &Viewer,
    request: &mut HttpRequest,
) -> Result<Form, Refusal> {
    let kind = request.head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(refusal)?;
    let whole = state.settings.limits.upload_bytes.saturating_add(AROUND);
    // At the most AROUND bytes stand around the file, so a longer form cannot hold one that passes.
    SizeLimit::below(whole, body::announced(&request.head.headers)).map_err(FilesError::from)?;
    let limits = Constraints::new().size_limit(SizeLimits::new().whole_stream(whole));
    let mut form = Multipart::with_constraints(pieces(&mut request.body), boundary, limits);
    let (mut upload, mut folder) = (None, None);
    while let Some(field) = form.next_field().await.map_err(refusal)? {
        match (field.name(), field.file_name()) {
            (Some("file"), Some(name)) if !name.is_empty() && upload.is_none() => {
                upload = Some(receive(state, viewer, field, folder.as_ref()).await?);
            }
            (Some("path"), None) => folder = Some(text(field).await?.parse::<StorePath>()?),
            (_, Some(name)) if !name.is_empty() => return Err(Refusal::bad("Unexpected field")),
            _ => drop(text(field).await?),
        }
    }
    let upload = upload.ok_or_else(|| Refusal::bad("No file uploaded"))?;
    Ok(Form { upload, folder })
}

/// Takes the file's bytes as they come.
async fn receive(
    state: &State,
    viewer: &Viewer,
    mut field: Field<'_>,
    folder: Option<&StorePath>,
) -> Result<NewUpload, Refusal> {
    let name = field.file_name().unwrap_or_default();
    let mime = field.content_type().map_or(UNKNOWN, |kind| kind.essence_str());
    let mut upload = uploads::begin(state, viewer, name, mime, folder).await?;
    while let Some(piece) = field.chunk().await.map_err(refusal)? {
        upload.write(&piece).await?;
    }
    Ok(upload)
}

/// The value of a short text field.
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

/// The body as the parser wants it, one piece at a time. The parser takes everything that a stream
/// has ready, so without the pause it would hold a whole file in memory.
fn pieces(body: &mut Incoming) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    stream::unfold((body, false), |(body, again)| async move {
        if again {
            tokio::task::yield_now().await;
        }
        let piece = body::next(body).await.transpose()?;
        Some((piece, (body, true)))
    })
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

/// The parser's own words, short and on one line, since they may repeat what it was sent.
fn first_words(error: &multer::Error) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(120).collect()
}

/// The media type of a file if its sender names none.
const UNKNOWN: &str = "application/octet-stream";

/// The most bytes that may stand around the file in a form: its borders, names and other fields.
const AROUND: u64 = 64 << 10;

/// The longest other field, in bytes.
const TEXT: usize = 16 << 10;
