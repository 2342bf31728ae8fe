//! How keys lie under other keys: XChaCha20-Poly1305 under a key that is used for one node or one header alone.

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, Zeroizing};

use super::Key;

/// The size of a nonce, in bytes.
pub(super) const NONCE: usize = 24;
/// The size of a tag, in bytes.
pub(super) const TAG: usize = 16;

/// Appends nonce, ciphertext and tag. The clear text is zeroed.
pub(super) fn seal(key: &Key, nonce: [u8; NONCE], associated: &[u8], clear: &mut [u8], out: &mut Vec<u8>) {
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let tag = cipher.encrypt_in_place_detached(XNonce::from_slice(&nonce), associated, clear);
    // The cipher fails only above 256 GiB. Were it to fail, zeros would not open, and reading back would find it.
    let tag = tag.unwrap_or_else(|_| {
        clear.zeroize();
        Tag::default()
    });
    out.extend_from_slice(&nonce);
    out.extend_from_slice(clear);
    out.extend_from_slice(&tag);
    clear.zeroize();
}

/// The clear text without its proof: what lies under a tag that is wrong, or cut off. `None` where there is not even a nonce.
pub(super) fn peel(key: &Key, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
    let mut text = Zeroizing::new(text.to_vec());
    // A stream cipher: to encrypt once more is to decrypt.
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    cipher.encrypt_in_place_detached(XNonce::from_slice(nonce), &[], text.as_mut_slice()).ok()?;
    Some(text)
}

/// Opens in place what [`seal`] wrote: nonce, ciphertext, tag, and nothing behind them. The clear text, or `None`.
pub(super) fn open<'a>(key: &Key, associated: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
    let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE>()?;
    let (text, tag) = rest.split_last_chunk_mut::<TAG>()?;
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let opened = cipher.decrypt_in_place_detached(XNonce::from_slice(nonce), associated, text, Tag::from_slice(tag));
    opened.ok().map(|()| &*text)
}
