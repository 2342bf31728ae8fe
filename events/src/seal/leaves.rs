//! The clear text of a part that lost fields: the list of its leaves, subject and compartment first.
//!
//! ```text
//! for each leaf: 0 (u8) · hash (32)                              of a field that went
//!                1 (u8) · salt (32) · length (u16) · value       of what stays
//! ```

use domain::id::SubjectId;
use zeroize::Zeroizing;

use super::{Leaf, Opened, Plain, Salts, compartment_of};

/// The most leaves a part can have: its fields have a row each in a table, and no table is as long.
const MOST: usize = 1_000;

/// The clear text, zeroed when dropped.
pub(super) fn write(leaves: &[Leaf]) -> Zeroizing<Vec<u8>> {
    let length = |leaf: &Leaf| match leaf {
        Leaf::Bare(_) => 1 + 32,
        Leaf::Shown { value, .. } => 1 + 32 + 2 + value.len(),
    };
    let mut out = Zeroizing::new(Vec::with_capacity(leaves.iter().map(length).sum()));
    for leaf in leaves {
        match leaf {
            Leaf::Bare(hash) => {
                out.push(0);
                out.extend_from_slice(hash);
            }
            Leaf::Shown { salt, value } => {
                out.push(1);
                out.extend_from_slice(salt);
                // No field is longer than a part, so its length fits.
                out.extend_from_slice(&(value.len() as u16).to_be_bytes());
                out.extend_from_slice(value);
            }
        }
    }
    out
}

/// What [`write`] wrote. Subject and compartment never go.
pub(super) fn read(mut clear: &[u8]) -> Option<Opened> {
    let mut leaves = Vec::with_capacity(24);
    while let Some((form, rest)) = clear.split_first() {
        let (salt, rest) = rest.split_first_chunk::<32>()?;
        clear = match form {
            0 => {
                leaves.push(Leaf::Bare(*salt));
                rest
            }
            1 => {
                let (length, rest) = rest.split_first_chunk()?;
                let (value, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
                leaves.push(Leaf::Shown { salt: *salt, value: value.to_vec() });
                rest
            }
            _ => return None,
        };
        if leaves.len() > MOST {
            return None;
        }
    }
    let value = |leaf: &Leaf| match leaf {
        Leaf::Shown { value, .. } => value.clone(),
        Leaf::Bare(_) => Vec::new(),
    };
    let (first, fields) = leaves.split_first_chunk::<2>()?;
    let [Leaf::Shown { value: subject, .. }, Leaf::Shown { value: compartment, .. }] = first else { return None };
    let subject = SubjectId(subject.as_slice().try_into().ok()?);
    let compartment = compartment_of(compartment.as_slice().try_into().ok()?)?;
    let plain = Plain { subject, compartment, fields: fields.iter().map(value).collect() };
    Some(Opened { plain, salts: Salts::Leaves(leaves) })
}
