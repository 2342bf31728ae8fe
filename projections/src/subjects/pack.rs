//! Values as bytes in one piece: a profile of twenty fields, most of them empty, takes the bytes of its text and little
//! more. In memory only; nothing of it is ever written.

use domain::compartment::Country;
use domain::id::OrganizationId;
use domain::point::{PointKind, Reach};
use domain::profile::{Address, Dated, OldId, Pertinent, SocialLink};
use domain::time::Day;
use domain::value::{Language, Line, Tag, Text, Website};

/// Something that has a form in bytes.
pub(crate) trait Pack: Sized {
    /// Appends it.
    fn pack(&self, out: &mut Vec<u8>);
    /// Takes it off the front.
    fn unpack(from: &mut &[u8]) -> Option<Self>;
}

/// A field of a profile, which is not there at all when it is empty.
pub(crate) trait Field: Default {
    /// Appends it with its number, unless it is empty.
    fn put(&self, number: u8, out: &mut Vec<u8>);
    /// Reads it.
    fn get(bytes: &[u8]) -> Option<Self>;
}

impl<T: Pack> Field for Option<T> {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        if let Some(value) = self {
            put(number, out, |out| value.pack(out));
        }
    }

    fn get(mut bytes: &[u8]) -> Option<Self> {
        T::unpack(&mut bytes).map(Some)
    }
}

impl<T: Pack> Field for Vec<T> {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        if !self.is_empty() {
            put(number, out, |out| self.pack(out));
        }
    }

    fn get(mut bytes: &[u8]) -> Option<Self> {
        Self::unpack(&mut bytes)
    }
}

/// Appends a numbered field.
pub(crate) fn put(number: u8, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    out.push(number);
    let start = out.len();
    value(out);
    let mut length = [0; 5];
    let digits = digits(out.len() - start, &mut length);
    out.splice(start..start, digits.iter().copied());
}

/// The numbered fields, in the order they were put.
pub(crate) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (number, rest) = bytes.split_first()?;
        bytes = rest;
        let length = number_off(&mut bytes)?;
        let (value, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        Some((*number, value))
    })
}

/// A number in as many bytes as it needs (LEB128).
fn digits(mut number: usize, into: &mut [u8; 5]) -> &[u8] {
    let mut used = 0;
    for byte in into.iter_mut() {
        used += 1;
        *byte = number as u8 & 0x7f;
        number >>= 7;
        if number == 0 {
            break;
        }
        *byte |= 0x80;
    }
    into.get(..used).unwrap_or_default()
}

fn number_off(from: &mut &[u8]) -> Option<usize> {
    let (mut number, mut shift) = (0_usize, 0);
    loop {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 || shift >= 28 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Takes a text off the front.
pub(crate) fn text_off<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let length = number_off(from)?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(text).ok()
}

impl Pack for usize {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(digits(*self, &mut [0; 5]));
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        number_off(from)
    }
}

impl<const N: usize> Pack for [u8; N] {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*bytes)
    }
}

macro_rules! texts {
    ($($name:ident)*) => {$(
        impl Pack for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                self.as_str().len().pack(out);
                out.extend_from_slice(self.as_str().as_bytes());
            }

            fn unpack(from: &mut &[u8]) -> Option<Self> {
                text_off(from).map(|text| Self::from_log(text.to_owned()))
            }
        }
    )*};
}

texts! { Line Text Tag Website Language Reach }

macro_rules! structs {
    ($($name:ident { $($field:ident)* })*) => {$(
        impl Pack for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.pack(out);)*
            }

            fn unpack(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Pack::unpack(from)?),* })
            }
        }
    )*};
}

structs! {
    Address { lines postcode city region country country_code }
    SocialLink { network page }
    Pertinent { label day }
    OldId { source id }
}

impl<T: Pack> Pack for Dated<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.value.pack(out);
        self.from.pack(out);
        self.until.pack(out);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Some(Self { value: T::unpack(from)?, from: Pack::unpack(from)?, until: Pack::unpack(from)? })
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        self.iter().for_each(|value| value.pack(out));
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        match <[u8; 1]>::unpack(from)? {
            [0] => Some(None),
            _ => T::unpack(from).map(Some),
        }
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.len().pack(out);
        self.iter().for_each(|value| value.pack(out));
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let count = number_off(from)?;
        (0..count).map(|_| T::unpack(from)).collect()
    }
}

impl Pack for OrganizationId {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Pack::unpack(from).map(Self)
    }
}

impl Pack for Day {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.to_le_bytes().pack(out);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Pack::unpack(from).map(|bytes| Self(i32::from_le_bytes(bytes)))
    }
}

impl Pack for Country {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Pack::unpack(from).map(Self)
    }
}

impl Pack for PointKind {
    fn pack(&self, out: &mut Vec<u8>) {
        self.code().to_le_bytes().pack(out);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Pack::unpack(from).and_then(|bytes| Self::from_code(u16::from_le_bytes(bytes)))
    }
}
