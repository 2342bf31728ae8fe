//! Who a member of an anchor is, so that no other one takes its place unseen: the header of the keyring names each.

use std::fmt;

/// What an anchor is called that no other one is: its kind, and what tells it from others of its kind. At most 255 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Identity(String);

impl Identity {
    /// From its kind and its marks. What would be too long is cut.
    pub fn new(kind: &str, marks: &[&str]) -> Self {
        let mut said = kind.to_owned();
        for mark in marks {
            said.push(' ');
            // A space inside a mark would make two of it.
            said.extend(
                mark.chars().map(|found| if found.is_whitespace() || found.is_control() { '_' } else { found }),
            );
        }
        let fits = (0..=255).rev().find(|&length| said.is_char_boundary(length)).unwrap_or_default();
        said.truncate(fits);
        Self(said)
    }

    /// As a header says it.
    pub(in crate::keyring) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(std::str::from_utf8(bytes).ok()?.to_owned()))
    }

    pub(in crate::keyring) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stay_apart_and_none_is_too_long() {
        assert_eq!(Identity::new("pkcs11", &["Soft HSM", "1"]).to_string(), "pkcs11 Soft_HSM 1");
        assert_ne!(Identity::new("pkcs11", &["a b", "c"]), Identity::new("pkcs11", &["a", "b c"]));
        let long = Identity::new("pkcs11", &["é".repeat(200).as_str()]);
        assert!((250..=255).contains(&long.bytes().len()));
        assert_eq!(Identity::read(long.bytes()), Some(long));
        assert_eq!(Identity::read(&[0xff]), None);
    }
}
