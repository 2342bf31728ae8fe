//! Scalars: ids in their one written form, places in the log, moments and days.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use domain::id;
use domain::time;

macro_rules! text_scalars {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $graphql:literal, $wrong:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name(pub $inner);

        #[Scalar(name = $graphql)]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                // The error says what is wanted and never what was given.
                let Value::String(text) = &value else { return Err(InputValueError::custom($wrong)) };
                text.parse().map(Self).map_err(|_| InputValueError::custom($wrong))
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.to_string())
            }
        }
    )*};
}

text_scalars! {
    /// The id of a command, `command_` and 32 hexadecimal digits, made at random by the client: a retry with the same id is
    /// the same command.
    CommandId(id::CommandId) = "CommandId", "a command id is written command_ and 32 hexadecimal digits";
    /// A moment, RFC 3339: `2026-01-31T09:30:00Z`.
    Time(time::Time) = "Time", "a moment is written 2026-01-31T09:30:00Z";
    /// A day in UTC, ISO 8601: `2026-01-31`.
    Day(time::Day) = "Day", "a day is written 2026-01-31";
}

/// A place in the log, from 0; or how many records it has. Written as a text of digits, because it outgrows `Int`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position(pub u64);

#[Scalar(name = "Position")]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        const WRONG: &str = "a position is written as digits";
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        number.map(Self).ok_or_else(|| InputValueError::custom(WRONG))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A whole number of 64 bits: an amount in minor units (1999 EUR are 19.99 €), a quantity in thousandths. Written as a text
/// of digits, because it outgrows `Int`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Int64(pub i64);

#[Scalar(name = "Int64")]
impl ScalarType for Int64 {
    fn parse(value: Value) -> InputValueResult<Self> {
        const WRONG: &str = "a whole number of 64 bits is written as digits";
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        number.map(Self).ok_or_else(|| InputValueError::custom(WRONG))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A hash as 64 hexadecimal digits.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
