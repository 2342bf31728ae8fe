//! The one place that names bincode: fixed-width, big-endian, limited, and canonical (what is read is written again and
//! compared, so that one value has one form).

use bincode::config::{BigEndian, Configuration, Fixint, Limit};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bytes::Malformed;

/// The largest value that is read or written, in bytes: a record's.
pub const LIMIT: usize = 65_535;

/// What most values fit into.
const USUAL: usize = 32;

const CONFIG: Configuration<BigEndian, Fixint, Limit<LIMIT>> =
    bincode::config::standard().with_big_endian().with_fixed_int_encoding().with_limit::<LIMIT>();

/// A value that does not fit, or bytes that are not the canonical form of the type asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// It is larger than [`LIMIT`].
    #[error("a value is larger than {LIMIT} bytes")]
    TooLarge,
    /// The bytes are something else.
    #[error("the stored form does not read as {0}")]
    Unreadable(&'static str),
    /// The hand-written bytes around it are wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// The canonical bytes of a value.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(USUAL);
    bincode::serde::encode_into_std_write(value, &mut bytes, CONFIG).map_err(|_| CodecError::TooLarge)?;
    if bytes.len() > LIMIT { Err(CodecError::TooLarge) } else { Ok(bytes) }
}

/// Reads canonical bytes and nothing else.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, CodecError> {
    let (value, used) =
        bincode::serde::decode_from_slice::<T, _>(bytes, CONFIG).map_err(|_| CodecError::Unreadable(what))?;
    let mut same = Same(bytes);
    let written = bincode::serde::encode_into_writer(&value, &mut same, CONFIG);
    if used != bytes.len() || written.is_err() || !same.0.is_empty() {
        return Err(CodecError::Unreadable(what));
    }
    Ok(value)
}

/// Takes what is written off the front of what it must be.
struct Same<'a>(&'a [u8]);

impl Writer for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 = self.0.strip_prefix(bytes).ok_or(EncodeError::Other("other bytes"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_form() {
        let value = (7_u16, Some("Anna".to_owned()));
        let bytes = encode(&value).unwrap();
        assert_eq!(bytes, [0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 4, b'A', b'n', b'n', b'a']);
        assert_eq!(decode::<(u16, Option<String>)>(&bytes, "pair"), Ok(value));
        assert_eq!(decode::<(u16, Option<u8>)>(&bytes, "pair"), Err(CodecError::Unreadable("pair")));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode::<(u16, Option<String>)>(&longer, "pair"), Err(CodecError::Unreadable("pair")));
        assert_eq!(decode::<bool>(&[2], "flag"), Err(CodecError::Unreadable("flag")));
    }

    #[test]
    fn a_length_that_lies_asks_for_no_memory() {
        let lie = [0xff_u8; 8];
        assert_eq!(decode::<String>(&lie, "text"), Err(CodecError::Unreadable("text")));
        assert_eq!(decode::<Vec<u64>>(&lie, "list"), Err(CodecError::Unreadable("list")));
    }
}
