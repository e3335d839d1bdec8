//! Bodies of POST requests: urlencoded and multipart forms, and files that are the whole body.
//!
//! A body is read whole, up to a bound and within a time, before anything is done with it.

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::limits::Limits;
use crate::text::form::{Form, FormError};
use crate::wcap::context::Upload;
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
}

impl BodyError {
    /// Whether a part of the body was left on the connection.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::Slow(_) | Self::Cut(_))
    }
}

/// What a body holds.
#[derive(PartialEq, Eq)]
enum Holds {
    Urlencoded,
    Multipart,
    File(String),
}

fn holds(request: &Request) -> Holds {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "" | "application/x-www-form-urlencoded" => Holds::Urlencoded,
        "multipart/form-data" => Holds::Multipart,
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
    let limit = match row.is_some_and(|row| row.takes_file) {
        true => limits.import_body,
        false => limits.request_body,
    };
    let (parts, body) = request.into_parts();
    let content = collect(body, limit, limits).await?;
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
        Holds::Multipart => {
            let whole = Request::from_parts(parts, Body::from(content));
            read_multipart(whole, limits, form, uploads).await
        }
        Holds::File(content_type) => {
            uploads.push(Upload {
                field: String::new(),
                file_name: None,
                content_type: Some(content_type),
                content,
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

/// The parts of a multipart form (RFC 7578): files, and parameters written as they are.
async fn read_multipart(
    request: Request,
    limits: &Limits,
    form: &mut Form,
    uploads: &mut Vec<Upload>,
) -> Result<(), BodyError> {
    let broken = |error: &dyn std::fmt::Display| BodyError::Multipart(error.to_string());
    let parts = Multipart::from_request(request, &()).await;
    let mut parts = parts.map_err(|rejection| broken(&rejection.body_text()))?;
    while let Some(part) = parts
        .next_field()
        .await
        .map_err(|e| broken(&e.body_text()))?
    {
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(str::to_owned);
        let content = part.bytes().await.map_err(|e| broken(&e.body_text()))?;
        if file_name.is_some() || name == "Upload" {
            if uploads.len() >= limits.parameters {
                let limit = limits.parameters;
                return Err(FormError::TooMany { limit }.into());
            }
            uploads.push(Upload {
                field: name,
                file_name,
                content_type,
                content,
            });
        } else {
            let text = std::str::from_utf8(&content).map_err(|_| FormError::Utf8)?;
            form.add_literal(&name, text, super::form_limits(limits))?;
        }
    }
    Ok(())
}
