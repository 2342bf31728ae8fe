//! The file: the text, the log's signature, and the records that prove it.
//!
//! ```text
//! lethe certificate 1
//! <origin>
//! <number: the erasure's id>
//! <language>
//!
//! …what it says…
//!
//! — <origin> <signature, as in C2SP signed-note; none where the log did not make the file>
//!
//! -----BEGIN LETHE EVIDENCE-----
//! …an evidence file in base64…
//! -----END LETHE EVIDENCE-----
//! ```

use domain::id::ErasureId;
use events::armor;
use events::evidence::{Evidence, TooMuch};
use events::note::{Kind, SignError, SignedNote, Signer};

use super::Language;
use super::text::HEADER;

/// Bytes that are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no certificate of an erasure")]
pub struct NoCertificate;

/// A certificate, of which nothing is believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateFile {
    /// What it says, and who signed that; nobody where the log did not make it.
    pub note: SignedNote,
    /// The records that prove it, and the way from them to the root.
    pub evidence: Evidence,
}

/// The lines for machines.
pub(super) struct Head<'a> {
    pub origin: &'a str,
    pub erasure: ErasureId,
    pub language: Language,
}

/// Whether a file begins as a certificate does.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.strip_prefix(HEADER.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"))
}

impl CertificateFile {
    /// Signs the text in the log's name.
    pub fn sign(&mut self, origin: &str, signer: &dyn Signer) -> Result<(), SignError> {
        self.note.sign(origin, Kind::Note, 0, signer)
    }

    /// The bytes of the file, which are a text.
    pub fn to_text(&self) -> Result<String, TooMuch> {
        let note = if self.note.signatures().is_empty() { self.note.text().to_owned() } else { self.note.to_string() };
        Ok(format!("{note}\n{}", armor::armor(&self.evidence.to_bytes()?)))
    }

    /// Reads the bytes of a file, in the one form that it has, and believes nothing in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoCertificate> {
        // A shell or a mail program may add white space behind the last line.
        let text = std::str::from_utf8(bytes).map_err(|_| NoCertificate)?.trim_end().to_owned() + "\n";
        let (before, coded) = armor::split(&text).ok_or(NoCertificate)?;
        let before = before.strip_suffix('\n').ok_or(NoCertificate)?;
        let note = SignedNote::parse(before.as_bytes());
        let note = note.or_else(|_| SignedNote::new(before.to_owned())).map_err(|_| NoCertificate)?;
        let evidence = Evidence::parse(&coded).map_err(|_| NoCertificate)?;
        let file = Self { note, evidence };
        let one_form = file.head().is_some() && file.to_text().is_ok_and(|again| again == text);
        if one_form { Ok(file) } else { Err(NoCertificate) }
    }

    /// The number that it has.
    pub fn erasure(&self) -> Option<ErasureId> {
        self.head().map(|head| head.erasure)
    }

    pub(super) fn head(&self) -> Option<Head<'_>> {
        let mut lines = self.note.text().split('\n');
        let (HEADER, origin, erasure, language, "") =
            (lines.next()?, lines.next()?, lines.next()?, lines.next()?, lines.next()?)
        else {
            return None;
        };
        Some(Head { origin, erasure: erasure.parse().ok()?, language: language.parse().ok()? })
    }
}
