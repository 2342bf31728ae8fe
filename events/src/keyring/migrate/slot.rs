//! One slot: one key under the top key, or what is left of it. 128 bytes, so none straddles a sector of the disk.
//!
//! ```text
//! kind (1): 1 key, 2 destroyed · mark (1) · fingerprint (16) · epoch (u64) · nonce (24) · sealed key (32) · tag (16)
//! zeros (14) · check (16) = BLAKE3 derive_key over (log id · slot (u64) · all before it but the mark)
//! ```
//!
//! The key is sealed with XChaCha20-Poly1305; log id, slot and fingerprint are its associated data, so a slot copied to
//! another place does not open there. In a destroyed slot nonce, key and tag are zeros; fingerprint and the epoch of the
//! destruction stay for ever.
//!
//! The mark alone changes in place, and one byte is never half written, so it stands outside the check: its values
//! differ in four bits and more.

use blake3::hazmat::hash_derive_key_context;
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use domain::id::{KeyId, LogId};
use zeroize::Zeroize;

use crate::bytes::{Malformed, Reader};
use crate::derive::{Context, derive};
use crate::keyring::Key;

/// The size of a slot, in bytes.
pub(super) const SLOT: usize = 128;
/// Where in a slot its mark stands.
#[cfg(test)]
pub(super) const MARK: usize = 1;

const KEY: u8 = 1;
const DESTROYED: u8 = 2;
const NONCE: usize = 24;
const TAG: usize = 16;
const PADDING: usize = 14;
const CHECK: usize = 16;

static SLOT_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 keyring: slot check"));

/// Whether a key may still be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Mark {
    /// It may.
    None = 0x00,
    /// Never handed out again, kept until somebody confirms that no newer log names it.
    Awaiting = 0x5a,
    /// Never handed out again, and dies with the next destruction.
    Retired = 0xa5,
}

/// What a slot says.
pub(super) enum Slot {
    /// There is a key.
    Held(Key, Mark),
    /// There was one, until this epoch.
    Destroyed(u64),
}

/// Seals and opens the slots of one keyring.
pub(super) struct Sealer {
    log: LogId,
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    pub(super) fn new(log: LogId, top: &Key) -> Self {
        Self { log, cipher: XChaCha20Poly1305::new(top.expose().into()) }
    }

    #[cfg(test)]
    pub(super) fn seal_with(&self, slot: u64, epoch: u64, key: &Key, nonce: [u8; NONCE], out: &mut Vec<u8>) -> KeyId {
        let fingerprint = key.fingerprint();
        let mut sealed = *key.expose();
        let associated = self.associated(slot, &fingerprint);
        let tag = self.cipher.encrypt_in_place_detached(XNonce::from_slice(&nonce), &associated, &mut sealed);
        // The cipher fails only above 256 GiB. Were it to fail, zeros would not open, and the key would be damaged.
        let tag = tag.unwrap_or_else(|_| {
            sealed.zeroize();
            Tag::default()
        });
        self.write(slot, KEY, &fingerprint, epoch, (&nonce, &sealed, tag.as_slice()), out);
        sealed.zeroize();
        fingerprint
    }

    /// Appends the bytes of a slot whose key is destroyed.
    #[cfg(test)]
    pub(super) fn bury(&self, slot: u64, epoch: u64, fingerprint: &KeyId, out: &mut Vec<u8>) {
        self.write(slot, DESTROYED, fingerprint, epoch, (&[0; NONCE], &[0; 32], &[0; TAG]), out);
    }

    /// Reads a slot. Whatever is not exactly what a writer wrote there is `None`.
    pub(super) fn read(&self, slot: u64, bytes: &[u8]) -> Option<(KeyId, Slot)> {
        self.parse(slot, bytes).ok().flatten()
    }

    fn parse(&self, slot: u64, bytes: &[u8]) -> Result<Option<(KeyId, Slot)>, Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8("kind")?;
        let mark = reader.u8("mark")?;
        let checked = reader.rest();
        let fingerprint = KeyId(reader.array("fingerprint")?);
        let epoch = reader.u64("epoch")?;
        let nonce: [u8; NONCE] = reader.array("nonce")?;
        let sealed: [u8; 32] = reader.array("key")?;
        let tag: [u8; TAG] = reader.array("tag")?;
        let padding: [u8; PADDING] = reader.array("padding")?;
        let (checked, check) = checked.split_at_checked(checked.len() - CHECK).ok_or(Malformed::Short("check"))?;
        if self.check(slot, kind, checked) != check || padding != [0; PADDING] {
            return Ok(None);
        }
        let said = match (kind, mark) {
            (KEY, mark) => Mark::read(mark).and_then(|mark| {
                let key = self.unseal(slot, &fingerprint, &nonce, sealed, &tag)?;
                Some(Slot::Held(key, mark))
            }),
            (DESTROYED, 0) if (nonce, sealed, tag) == ([0; NONCE], [0; 32], [0; TAG]) => Some(Slot::Destroyed(epoch)),
            _ => None,
        };
        Ok(said.map(|said| (fingerprint, said)))
    }

    /// A key that opens is still compared with its fingerprint, since the cipher does not commit to the top key.
    fn unseal(
        &self,
        slot: u64,
        fingerprint: &KeyId,
        nonce: &[u8; NONCE],
        mut bytes: [u8; 32],
        tag: &[u8; TAG],
    ) -> Option<Key> {
        let associated = self.associated(slot, fingerprint);
        let opened = self.cipher.decrypt_in_place_detached(
            XNonce::from_slice(nonce),
            &associated,
            &mut bytes,
            Tag::from_slice(tag),
        );
        let key = Key::copy(&bytes);
        bytes.zeroize();
        (opened.is_ok() && key.fingerprint() == *fingerprint).then_some(key)
    }

    #[cfg(test)]
    fn write(
        &self,
        slot: u64,
        kind: u8,
        fingerprint: &KeyId,
        epoch: u64,
        (nonce, sealed, tag): (&[u8; NONCE], &[u8; 32], &[u8]),
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        out.extend_from_slice(&[kind, Mark::None as u8]);
        out.extend_from_slice(&fingerprint.0);
        out.extend_from_slice(&epoch.to_be_bytes());
        out.extend_from_slice(nonce);
        out.extend_from_slice(sealed);
        out.extend_from_slice(tag);
        out.extend_from_slice(&[0; PADDING]);
        let check = self.check(slot, kind, out.get(start + 2..).unwrap_or_default());
        out.extend_from_slice(&check);
    }

    fn associated(&self, slot: u64, fingerprint: &KeyId) -> [u8; 40] {
        let mut bytes = [0; 40];
        let (log, rest) = bytes.split_at_mut(16);
        let (place, name) = rest.split_at_mut(8);
        log.copy_from_slice(&self.log.0);
        place.copy_from_slice(&slot.to_be_bytes());
        name.copy_from_slice(&fingerprint.0);
        bytes
    }

    fn check(&self, slot: u64, kind: u8, rest: &[u8]) -> [u8; CHECK] {
        let hash = derive(&SLOT_CHECK, &[&self.log.0, &slot.to_be_bytes(), &[kind], rest]);
        std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
    }
}

impl Mark {
    fn read(byte: u8) -> Option<Self> {
        [Self::None, Self::Awaiting, Self::Retired].into_iter().find(|mark| *mark as u8 == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(LogId([0x11; 16]), &Key::new([0x22; 32]))
    }

    /// The bytes once more, from the description of the format.
    #[test]
    fn the_bytes_are_what_the_format_says() {
        let (log, place, key) = ([0x11; 16], 7u64.to_be_bytes(), [0x33; 32]);
        let fingerprint = &blake3::derive_key("lethe 2026-11 key: fingerprint", &key)[..16];
        let checked = |kind: u8, said: &[u8]| {
            let all = [&log[..], &place, &[kind], said].concat();
            let check = &blake3::derive_key("lethe 2026-11 keyring: slot check", &all)[..16];
            [&[kind, 0][..], said, check].concat()
        };
        let mut sealed = key;
        let tag = XChaCha20Poly1305::new(&[0x22; 32].into())
            .encrypt_in_place_detached(&[0x44; 24].into(), &[&log[..], &place, fingerprint].concat(), &mut sealed)
            .unwrap();
        let said = [fingerprint, &5u64.to_be_bytes(), &[0x44; 24], &sealed, &tag, &[0; 14]].concat();

        let mut slot = Vec::new();
        let named = sealer().seal_with(7, 5, &Key::new(key), [0x44; 24], &mut slot);
        assert_eq!(named.0, fingerprint);
        assert_eq!(slot, checked(1, &said));
        assert_eq!(slot.len(), SLOT);

        let mut buried = Vec::new();
        sealer().bury(7, 6, &named, &mut buried);
        assert_eq!(buried, checked(2, &[fingerprint, &6u64.to_be_bytes(), &[0; 86]].concat()));
    }

    #[test]
    fn a_slot_opens_at_its_own_place_under_its_own_key_only() {
        let mut slot = Vec::new();
        let key = Key::random().unwrap();
        let named = sealer().seal_with(7, 0, &key, [5; 24], &mut slot);
        let Some((fingerprint, Slot::Held(found, Mark::None))) = sealer().read(7, &slot) else { panic!("it opens") };
        assert!(found == key && fingerprint == named);
        assert!(sealer().read(8, &slot).is_none());
        assert!(Sealer::new(LogId([0x12; 16]), &Key::new([0x22; 32])).read(7, &slot).is_none());
        assert!(Sealer::new(LogId([0x11; 16]), &Key::new([0x23; 32])).read(7, &slot).is_none());
        assert!(sealer().read(7, &slot[..127]).is_none());
    }

    #[test]
    fn no_flipped_bit_is_read() {
        let (mut live, mut buried) = (Vec::new(), Vec::new());
        let named = sealer().seal_with(7, 0, &Key::random().unwrap(), [5; 24], &mut live);
        sealer().bury(7, 1, &named, &mut buried);
        for bit in 0..SLOT * 8 {
            for slot in [&live, &buried] {
                let mut slot = slot.clone();
                slot[bit / 8] ^= 1 << (bit % 8);
                assert!(sealer().read(7, &slot).is_none(), "bit {bit}");
            }
        }
    }

    /// Someone who writes right checks still cannot make a slot of zeros, or of another key, open.
    #[test]
    fn a_right_check_is_not_enough() {
        let mut slot = Vec::new();
        let named = Key::random().unwrap().fingerprint();
        sealer().write(7, KEY, &named, 0, (&[0; NONCE], &[0; 32], &[0; TAG]), &mut slot);
        assert!(sealer().read(7, &slot).is_none());

        let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
        let mut sealed = *key.expose();
        let associated = sealer().associated(7, &other.fingerprint());
        let tag = sealer().cipher.encrypt_in_place_detached(&[0; 24].into(), &associated, &mut sealed).unwrap();
        slot.clear();
        sealer().write(7, KEY, &other.fingerprint(), 0, (&[0; NONCE], &sealed, &tag), &mut slot);
        assert!(sealer().read(7, &slot).is_none(), "it opens to a key with another fingerprint");
    }
}
