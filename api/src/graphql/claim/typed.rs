//! What clients give of a code: the code itself, as somebody typed it, or its hash.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use domain::subject::ClaimMark;
use events::claim::ClaimCode;
use zeroize::Zeroizing;

use super::super::outcome::UserError;
use super::super::scalars::hex;

/// A claim code as it was typed: 56 letters and digits, in groups or not. It belongs into variables and never into the text
/// of a query, and is never sent with a GET.
pub struct TypedCode(Zeroizing<String>);

#[Scalar(name = "ClaimCode")]
impl ScalarType for TypedCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else { return Err(InputValueError::custom("a claim code is a text")) };
        Ok(Self(Zeroizing::new(text)))
    }

    /// It is never part of an answer.
    fn to_value(&self) -> Value {
        Value::Null
    }
}

impl TypedCode {
    pub(super) fn read(&self) -> Result<ClaimCode, UserError> {
        ClaimCode::parse(&self.0).map_err(|wrong| UserError::at(&["code"], wrong))
    }
}

/// The hash of a claim code, made where the code was drawn: BLAKE3 `derive_key` of its 32 random bytes under the context
/// `lethe 2026-11 claim code`, as 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct ClaimHash(pub ClaimMark);

#[Scalar(name = "ClaimHash")]
impl ScalarType for ClaimHash {
    fn parse(value: Value) -> InputValueResult<Self> {
        let wrong = || InputValueError::custom("the hash of a claim code is written as 64 hexadecimal digits");
        let Value::String(text) = value else { return Err(wrong()) };
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut mark = [0; 32];
        for (byte, at) in mark.iter_mut().zip((0..).step_by(2)) {
            let digits = text.get(at..at + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(ClaimMark(mark)))
    }

    fn to_value(&self) -> Value {
        Value::String(hex(&self.0.0))
    }
}
