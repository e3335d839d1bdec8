//! Records: typed values as bytes with a version, so that what an older program wrote is read for ever.
//!
//! One byte says the version, the rest is postcard. A type that changes its shape counts its version up, keeps
//! the old shape and turns it into the new one in [`Record::from_older`]. Rows are rewritten in the new shape
//! when they are next stored, never all at once.

use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

/// A value with a version.
pub trait Record: Serialize + DeserializeOwned {
    /// What it is, for error sentences: `a calendar`.
    const WHAT: &'static str;

    /// The version it is written in; starts at 1.
    const VERSION: u8;

    /// Reads what an older program wrote: `version` is below [`VERSION`](Record::VERSION), `body` the postcard bytes.
    fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
        let _ = body;
        Err(DecodeError::Version {
            what: Self::WHAT,
            found: version,
            known: Self::VERSION,
        })
    }
}

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing at all.
    #[error("expected {what}, found no bytes")]
    Empty {
        /// What was expected.
        what: &'static str,
    },
    /// A version that was never written, or that only a newer program writes.
    #[error("expected {what} of a version up to {known}, found version {found}")]
    Version {
        /// What was expected.
        what: &'static str,
        /// The version found.
        found: u8,
        /// The newest version known.
        known: u8,
    },
    /// The bytes do not fit the shape.
    #[error("expected {what} of version {version}, found bytes that are none ({cause})")]
    Shape {
        /// What was expected.
        what: &'static str,
        /// The version that the bytes claim.
        version: u8,
        /// Where the decoder gave up.
        cause: String,
    },
}

/// The bytes of `record`, version first.
///
/// Errors: a map or sequence without a known length, which no record of ours has.
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>, EncodeError> {
    postcard::to_extend(record, vec![R::VERSION]).map_err(|cause| EncodeError {
        what: R::WHAT,
        cause: cause.to_string(),
    })
}

/// A value that postcard cannot write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {what} that can be written, found one that cannot ({cause})")]
pub struct EncodeError {
    what: &'static str,
    cause: String,
}

/// The record in `bytes`, of whatever version.
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, DecodeError> {
    let (&version, body) = bytes
        .split_first()
        .ok_or(DecodeError::Empty { what: R::WHAT })?;
    match version {
        version if version == R::VERSION => decode_body(R::WHAT, version, body),
        version if version == 0 || version > R::VERSION => Err(DecodeError::Version {
            what: R::WHAT,
            found: version,
            known: R::VERSION,
        }),
        version => R::from_older(version, body),
    }
}

/// The shape `T` in the bytes after the version, all of them: for [`Record::from_older`] and for views that borrow.
pub fn decode_body<'a, T: Deserialize<'a>>(
    what: &'static str,
    version: u8,
    body: &'a [u8],
) -> Result<T, DecodeError> {
    let shape = |cause| DecodeError::Shape {
        what,
        version,
        cause,
    };
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(shape(format!("{} bytes too many", rest.len()))),
        Err(cause) => Err(shape(cause.to_string())),
    }
}

/// A view `V` into the bytes of an `R` of the newest version, borrowing its texts; none for older versions, which
/// must be decoded whole. `V` must have the shape of `R`, or of its first fields.
pub fn view<'a, R: Record, V: Deserialize<'a>>(bytes: &'a [u8]) -> Result<Option<V>, DecodeError> {
    match bytes.split_first() {
        Some((&version, body)) if version == R::VERSION => {
            let taken = postcard::take_from_bytes(body);
            let (view, _) = taken.map_err(|cause| DecodeError::Shape {
                what: R::WHAT,
                version,
                cause: cause.to_string(),
            })?;
            Ok(Some(view))
        }
        Some((0, _)) | None => Err(DecodeError::Empty { what: R::WHAT }),
        Some(_) => Ok(None),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Old {
        name: String,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct New {
        name: String,
        count: u32,
    }

    impl Record for Old {
        const WHAT: &'static str = "a thing";
        const VERSION: u8 = 1;
    }

    impl Record for New {
        const WHAT: &'static str = "a thing";
        const VERSION: u8 = 2;

        fn from_older(version: u8, body: &[u8]) -> Result<Self, DecodeError> {
            let old: Old = decode_body(Self::WHAT, version, body)?;
            Ok(Self {
                name: old.name,
                count: 1,
            })
        }
    }

    fn new() -> New {
        New {
            name: "team".into(),
            count: 7,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = encode(&new()).unwrap();
        assert_eq!(bytes.first(), Some(&2));
        assert_eq!(decode::<New>(&bytes), Ok(new()));
    }

    #[test]
    fn old_versions_become_new_ones() {
        let bytes = encode(&Old {
            name: "team".into(),
        })
        .unwrap();
        assert_eq!(
            decode::<New>(&bytes),
            Ok(New {
                name: "team".into(),
                count: 1
            })
        );
    }

    #[test]
    fn newer_versions_are_refused_by_name() {
        let message = decode::<Old>(&encode(&new()).unwrap())
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "expected a thing of a version up to 1, found version 2"
        );
        assert!(decode::<Old>(&[0, 0]).is_err());
    }

    #[test]
    fn cut_and_longer_bytes_are_errors() {
        let mut bytes = encode(&new()).unwrap();
        for length in 0..bytes.len() {
            assert!(decode::<New>(&bytes[..length]).is_err(), "{length}");
        }
        bytes.push(0);
        assert!(decode::<New>(&bytes).is_err());
    }

    #[test]
    fn a_view_borrows_from_the_newest_version_only() {
        let bytes = encode(&new()).unwrap();
        assert_eq!(view::<New, (&str,)>(&bytes), Ok(Some(("team",))));
        let bytes = encode(&Old {
            name: "team".into(),
        })
        .unwrap();
        assert_eq!(view::<New, (&str,)>(&bytes), Ok(None));
        assert!(view::<New, (&str,)>(&[]).is_err());
    }
}
