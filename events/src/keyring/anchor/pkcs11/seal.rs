//! AES-256-GCM in the token.
//!
//! ```text
//! nonce (12) · sealed top key (32) · tag (16); associated data: log id · number of the root
//! ```

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use zeroize::Zeroizing;

use super::error::TokenError;
use crate::keyring::Key;
use crate::keyring::anchor::AnchorError;
use crate::random;

const NONCE: usize = 12;
const TAG: usize = 16;

/// Seals a top key. Some tokens take no nonce but draw their own, into a buffer of zeros; whoever writes there is believed.
pub(super) fn seal(session: &Session, root: ObjectHandle, about: &[u8], top: &Key) -> Result<Vec<u8>, AnchorError> {
    let mut nonce: [u8; NONCE] = random::bytes()?;
    let sealed = match encrypt(session, root, &mut nonce, about, top) {
        Err(Error::Pkcs11(RvError::MechanismParamInvalid | RvError::ArgumentsBad, _)) => {
            nonce = [0; NONCE];
            let sealed = encrypt(session, root, &mut nonce, about, top);
            if sealed.is_ok() && nonce == [0; NONCE] {
                return Err(TokenError::NoNonce.into());
            }
            sealed
        }
        sealed => sealed,
    };
    Ok([&nonce, sealed.map_err(TokenError::from)?.as_slice()].concat())
}

/// Opens what was sealed under this root and about this.
pub(super) fn open(session: &Session, root: ObjectHandle, about: &[u8], sealed: &[u8]) -> Result<Key, AnchorError> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(AnchorError::DoesNotOpen)?;
    if sealed.len() != 32 + TAG {
        return Err(AnchorError::DoesNotOpen);
    }
    let mut nonce = *nonce;
    let gcm = gcm(&mut nonce, about).map_err(TokenError::from)?;
    let opened = Zeroizing::new(match session.decrypt(&gcm, root, sealed) {
        Ok(opened) => opened,
        Err(Error::Pkcs11(answer, Function::Decrypt)) if denies(answer) => {
            // Not every token has a word of its own for a tag that is wrong; one that is gone says nothing here either.
            session.get_session_info().map_err(TokenError::from)?;
            return Err(AnchorError::DoesNotOpen);
        }
        Err(other) => return Err(TokenError::from(other).into()),
    });
    let key: &[u8; 32] = opened.as_slice().try_into().map_err(|_| AnchorError::DoesNotOpen)?;
    Ok(Key::copy(key))
}

fn encrypt(
    session: &Session,
    root: ObjectHandle,
    nonce: &mut [u8; NONCE],
    about: &[u8],
    top: &Key,
) -> Result<Vec<u8>, Error> {
    session.encrypt(&gcm(nonce, about)?, root, top.expose())
}

fn gcm<'a>(nonce: &'a mut [u8; NONCE], about: &'a [u8]) -> Result<Mechanism<'a>, Error> {
    let bits = u64::try_from(8 * TAG)?;
    Ok(Mechanism::AesGcm(GcmParams::new(nonce, about, bits.into())?))
}

fn denies(answer: RvError) -> bool {
    matches!(
        answer,
        RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::DataInvalid
            | RvError::GeneralError
            | RvError::FunctionFailed
            // CKR_AEAD_DECRYPT_FAILED of PKCS#11 3.0.
            | RvError::UnknownErrorCode(0x42)
    )
}
