//! Reading and writing the hand-written formats: big-endian, length-prefixed, nothing trusted.

/// What is wrong with bytes that were read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end in the middle of something.
    #[error("it ends before its {0}")]
    Short(&'static str),
    /// Something stands behind their end.
    #[error("{0} bytes follow its end")]
    Trailing(usize),
    /// A field has a value that no writer writes.
    #[error("its {0} is not one that a writer writes")]
    Value(&'static str),
}

/// Takes fields off the front of some bytes.
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// This many bytes.
    pub fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short(what))?;
        self.rest = rest;
        Ok(taken)
    }

    /// An array.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Short(what))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// Eight bytes, big-endian, two's complement.
    pub fn i64(&mut self, what: &'static str) -> Result<i64, Malformed> {
        self.array(what).map(i64::from_be_bytes)
    }

    /// A name: its length in one byte, then lower-case ASCII letters, digits, `.`, `_` and `-`.
    pub fn name(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        let length = self.u8(what)?;
        let bytes = self.take(length.into(), what)?;
        let plain = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Value(what))?;
        if text.is_empty() || !bytes.iter().all(plain) {
            return Err(Malformed::Value(what));
        }
        Ok(text)
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing(self.rest.len())) }
    }
}

/// Puts a name as [`Reader::name`] takes it. Names are constants of ours and short.
pub fn put_name(out: &mut Vec<u8>, name: &str) {
    debug_assert!(!name.is_empty() && name.len() <= 255);
    out.push(name.len().min(255) as u8);
    out.extend_from_slice(name.as_bytes());
}
