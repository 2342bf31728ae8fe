//! Ids: sixteen random bytes each, never a function of what they name, never used twice.
//!
//! The written form is one everywhere (GraphQL, command line, trail, logs): the noun, an underscore, 32 hex digits.

use std::fmt;
use std::str::FromStr;

/// A text that is no id of the noun that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no {0} id: it is written {0}_ and 32 hexadecimal digits")]
pub struct NotAnId(pub &'static str);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// The noun this id is written with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{:032x}"), u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse($prefix, text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A contact: one role a person has towards the controller; also the id of its stream.
    ContactId = "contact";
    /// An organization; also the id of its stream.
    OrganizationId = "organization";
    /// One address, number or handle at which somebody is reached; stands in clear only in the consents stream.
    PointId = "point";
    /// All consents of one person; also the id of their stream.
    ConsentsId = "consents";
    /// The person or organization whose data it is. Stands only inside sealed parts, never in clear on disk.
    SubjectId = "subject";
    /// The stream of one subject's rights: requests, erasures, links. Not a function of the subject's id.
    CaseId = "case";
    /// One request for erasure, within a case.
    ErasureId = "erasure";
    /// One file with opened values that was handed out, within a case.
    DisclosureId = "disclosure";
    /// One legal hold, within a case.
    HoldId = "hold";
    /// A support ticket; also the id of its stream.
    TicketId = "ticket";
    /// One message in a ticket.
    MessageId = "message";
    /// A quote; also the id of its stream.
    QuoteId = "quote";
    /// A document; also the id of its stream.
    DocumentId = "document";
    /// A notice: the text that somebody was shown, all its versions; also the id of its stream.
    NoticeId = "notice";
    /// The register of purposes and compartments; also the id of its stream.
    RegisterId = "register";
    /// Somebody or something that acts: an employee, an integration; a pseudonym, also the id of its stream.
    ActorId = "actor";
    /// One access token of an actor; not the secret.
    TokenId = "token";
    /// What is declared about a device that holds the keyring's root; also the id of its stream.
    AnchorId = "anchor";
    /// What a caller names a command with, so that a retry is the same command.
    CommandId = "command";
    /// A backup: all runs into one place. It names the place to the log without saying where it is.
    BackupId = "backup";
    /// One generation of a ledger's log.
    LogId = "log";
    /// A key's fingerprint: the first 16 bytes of BLAKE3 `derive_key` over the key. It names a key and tells nothing of it.
    KeyId = "key";
}

/// Anything with 16 bytes that was drawn at random.
pub trait FromRandom {
    /// Takes the bytes as they were drawn.
    fn from_random(bytes: [u8; 16]) -> Self;
}

macro_rules! from_random {
    ($($name:ident)*) => {$(
        impl FromRandom for $name {
            fn from_random(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }
    )*};
}

from_random! { ContactId OrganizationId PointId ConsentsId SubjectId CaseId ErasureId DisclosureId HoldId TicketId MessageId QuoteId
DocumentId NoticeId RegisterId ActorId TokenId AnchorId CommandId BackupId LogId }

fn parse(prefix: &'static str, text: &str) -> Result<[u8; 16], NotAnId> {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(NotAnId(prefix))?;
    let plain = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !plain {
        return Err(NotAnId(prefix));
    }
    u128::from_str_radix(digits, 16).map(u128::to_be_bytes).map_err(|_| NotAnId(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_form_reads_back_and_no_other_does() {
        let id = ContactId([0x0a; 16]);
        assert_eq!(id.to_string(), "contact_0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
        assert_eq!(id.to_string().parse(), Ok(id));
        for other in [
            "contact_0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
            "ticket_0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
            "contact_+a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
            "",
        ] {
            assert_eq!(other.parse::<ContactId>(), Err(NotAnId("contact")), "{other}");
        }
    }
}
