//! Bodies of POST requests: urlencoded and multipart forms, and files that are the whole body.
//!
//! A body is read whole, up to a bound and within a time, before anything is done with it.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::limits::Limits;
use crate::text::form::{Form, FormError};
use crate::wcap::context::Upload;
use crate::wcap::errno::Errno;
use crate::wcap::media;
use crate::wcap::registry::Row;

/// Why a body cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// Its parameters are broken or beyond a limit.
    #[error(transparent)]
    Form(#[from] FormError),
    /// It is larger than the command takes.
    #[error("expected a body of at most {0} octets")]
    TooLarge(usize),
    /// It did not come in time.
    #[error("expected the body within {0} seconds")]
    Slow(u64),
    /// It ended early, or the connection broke.
    #[error("expected the whole body: {0}")]
    Cut(String),
    /// It is not the multipart form it says it is.
    #[error("expected a multipart form: {0}")]
    Multipart(String),
    /// It says that it is multipart, and not what stands between the parts.
    #[error("expected the boundary of a multipart form")]
    NoBoundary,
    /// What a part says of itself cannot be read.
    #[error("expected a part with sound headers: {0}")]
    PartHeaders(String),
    /// A part is not what it says of itself.
    #[error("expected a part that is encoded as it says: {0}")]
    PartEncoding(String),
}

impl BodyError {
    /// Whether a part of the body was left on the connection.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::Slow(_) | Self::Cut(_))
    }

    /// The result of a command whose body it is: those that take attachments have numbers for what MIME can break.
    pub(super) fn errno(&self, row: &Row) -> Errno {
        match self {
            Self::NoBoundary if row.takes_attachments => Errno::MissingBoundary,
            Self::PartHeaders(_) if row.takes_attachments => Errno::BadMimeType,
            Self::Multipart(_) | Self::PartEncoding(_) if row.takes_attachments => {
                Errno::InvalidAttachment
            }
            _ => Errno::BadArguments,
        }
    }
}

/// What a body holds.
#[derive(PartialEq, Eq)]
enum Holds {
    Urlencoded,
    /// With the value of Content-Type.
    Multipart(String),
    File(String),
}

fn holds(request: &Request) -> Holds {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "" | "application/x-www-form-urlencoded" => Holds::Urlencoded,
        // Programs that are no browsers send their attachments as the parts of a message.
        "multipart/form-data" | "multipart/mixed" | "multipart/related" => {
            Holds::Multipart(content_type.to_owned())
        }
        other => Holds::File(other.to_owned()),
    }
}

/// Reads the body; its parameters go to the end of `form`, so that they win over the query's.
pub(super) async fn read(
    request: Request,
    row: Option<&Row>,
    limits: &Limits,
    form: &mut Form,
    uploads: &mut Vec<Upload>,
) -> Result<(), BodyError> {
    let holds = holds(&request);
    let limit = match row {
        Some(row) if row.takes_file => limits.import_body,
        Some(row) if row.takes_attachments && matches!(holds, Holds::Multipart(_)) => {
            limits.attachment_body
        }
        _ => limits.request_body,
    };
    let content = collect(request.into_body(), limit, limits).await?;
    let ignored = row.is_some_and(|row| row.ignores_body) && holds != Holds::Urlencoded;
    if content.is_empty() || ignored {
        return Ok(());
    }
    match holds {
        Holds::Urlencoded => {
            let text = std::str::from_utf8(&content).map_err(|_| FormError::Utf8)?;
            let text = text.trim_end_matches(['\r', '\n']);
            Ok(form.add_encoded(text, super::form_limits(limits))?)
        }
        Holds::Multipart(content_type) => {
            let checked = row.is_some_and(|row| row.takes_attachments);
            let boundary = boundary(&content_type)?;
            read_multipart(content, boundary, checked, limits, form, uploads).await
        }
        Holds::File(content_type) => {
            uploads.push(Upload {
                field: String::new(),
                file_name: None,
                content_type: Some(content_type),
                content,
                part: false,
                content_id: None,
            });
            Ok(())
        }
    }
}

async fn collect(body: Body, limit: usize, limits: &Limits) -> Result<Bytes, BodyError> {
    let told = body.size_hint().lower();
    if told > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLarge(limit));
    }
    let collected = Limited::new(body, limit).collect();
    match tokio::time::timeout(limits.body_time, collected).await {
        Err(_) => Err(BodyError::Slow(limits.body_time.as_secs())),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge(limit)),
        Ok(Err(error)) => Err(BodyError::Cut(error.to_string())),
    }
}

/// What stands between the parts; all multipart types are taken apart alike.
fn boundary(content_type: &str) -> Result<String, BodyError> {
    let params = content_type
        .split_once(';')
        .map_or("", |(_, params)| params);
    let like_form = format!("multipart/form-data;{params}");
    multer::parse_boundary(like_form).map_err(|error| match error {
        multer::Error::NoBoundary => BodyError::NoBoundary,
        other => BodyError::Multipart(other.to_string()),
    })
}

impl From<multer::Error> for BodyError {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::ReadHeaderFailed(_)
            | multer::Error::DecodeHeaderName { .. }
            | multer::Error::DecodeHeaderValue { .. } => Self::PartHeaders(error.to_string()),
            other => Self::Multipart(other.to_string()),
        }
    }
}

/// The parts of a multipart body (RFC 7578, RFC 2046 section 5.1): files, and parameters written as they are. With
/// `checked`, what a file says of itself must be sound.
async fn read_multipart(
    content: Bytes,
    boundary: String,
    checked: bool,
    limits: &Limits,
    form: &mut Form,
    uploads: &mut Vec<Upload>,
) -> Result<(), BodyError> {
    let whole = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(content)]);
    let mut parts = multer::Multipart::new(whole, boundary);
    while let Some(part) = parts.next_field().await? {
        let name = part.name().map(str::to_owned);
        let file_name = part.file_name().map(str::to_owned);
        let head = PartHead::of(part.headers());
        let content = part.bytes().await?;
        if file_name.is_some() || name.as_deref().is_none_or(|name| name == "Upload") {
            if uploads.len() >= limits.parameters {
                let limit = limits.parameters;
                return Err(FormError::TooMany { limit }.into());
            }
            let content = match checked {
                true => head.checked(content)?,
                false => content,
            };
            uploads.push(Upload {
                field: name.unwrap_or_default(),
                file_name,
                content_type: head.content_type,
                content,
                part: true,
                content_id: head.content_id,
            });
        } else {
            let text = std::str::from_utf8(&content).map_err(|_| FormError::Utf8)?;
            let name = name.unwrap_or_default();
            form.add_literal(&name, text, super::form_limits(limits))?;
        }
    }
    Ok(())
}

/// What a part says of itself.
struct PartHead {
    content_type: Option<String>,
    encoding: Option<String>,
    content_id: Option<String>,
}

impl PartHead {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let id = text("content-id");
        let id = id.map(|id| id.trim().trim_matches(['<', '>']).to_owned());
        Self {
            content_type: text("content-type"),
            encoding: text("content-transfer-encoding"),
            content_id: id.filter(|id| !id.is_empty() && id.len() <= 255),
        }
    }

    /// The octets of the file; programs that write mail encode them.
    fn checked(&self, content: Bytes) -> Result<Bytes, BodyError> {
        if let Some(content_type) = &self.content_type
            && media::essence(content_type).is_none()
        {
            return Err(BodyError::PartHeaders(format!(
                "'{content_type}' is no media type"
            )));
        }
        let encoding = self.encoding.as_deref().unwrap_or("binary").trim();
        match encoding.to_ascii_lowercase().as_str() {
            "7bit" | "8bit" | "binary" => Ok(content),
            "base64" => {
                let written: Vec<u8> = content
                    .iter()
                    .copied()
                    .filter(|b| !b.is_ascii_whitespace())
                    .collect();
                let decoded = BASE64_STANDARD.decode(written);
                let decoded = decoded.map_err(|e| BodyError::PartEncoding(e.to_string()))?;
                Ok(decoded.into())
            }
            other => Err(BodyError::PartEncoding(format!(
                "'{other}' is none of binary, 8bit, 7bit and base64"
            ))),
        }
    }
}
