//! The associated data: where a part belongs. Bytes moved to another place do not open there.

use domain::event::Stream;
use domain::id::{KeyId, LogId};

use crate::bytes::put_name;

/// The place of a part. It is bound under the seal, so the record need not repeat it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding<'a> {
    /// The format version of the record.
    pub format: u8,
    /// The generation of the log in which it is appended.
    pub log: LogId,
    /// The stream of the record.
    pub stream: Stream,
    /// Its revision there.
    pub revision: u64,
    /// The name of its kind.
    pub kind: &'a str,
    /// The schema version of that kind.
    pub schema: u16,
    /// Which part of the record, from 0.
    pub part: u8,
    /// The key it is sealed under.
    pub key: KeyId,
}

impl Binding<'_> {
    /// ```text
    /// format (u8) · log id (16) · length (u8) and name of the stream's kind · stream id (16) · revision (u64)
    /// length (u8) and name of the record's kind · schema version (u16) · part (u8) · key id (16)
    /// ```
    pub fn bytes(&self) -> Vec<u8> {
        let stream = self.stream.kind.name();
        let mut bytes = Vec::with_capacity(62 + stream.len() + self.kind.len());
        bytes.push(self.format);
        bytes.extend_from_slice(&self.log.0);
        put_name(&mut bytes, stream);
        bytes.extend_from_slice(&self.stream.id);
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        put_name(&mut bytes, self.kind);
        bytes.extend_from_slice(&self.schema.to_be_bytes());
        bytes.push(self.part);
        bytes.extend_from_slice(&self.key.0);
        bytes
    }
}
