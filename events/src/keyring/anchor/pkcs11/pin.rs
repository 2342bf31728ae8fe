//! The PIN of a token: read where it stands each time somebody logs in, and zeroed behind that.

use std::fs;
use std::io;

use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::keyring::anchor::PinPlace;

/// Why there is no PIN.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// Its file.
    #[error("{place} with the PIN of the token cannot be read: {source}")]
    Unread {
        /// Where it should stand.
        place: PinPlace,
        /// Why not.
        source: io::Error,
    },
    /// Its variable.
    #[error("{0} with the PIN of the token is not set")]
    Unset(PinPlace),
    /// There is nothing in it, or no text.
    #[error("{0} holds no PIN")]
    NoPin(PinPlace),
}

/// Reads the PIN. `secrecy` zeroes what it gives when it is dropped.
pub(super) fn read(place: &PinPlace) -> Result<AuthPin, PinError> {
    let bytes = Zeroizing::new(match place {
        PinPlace::File(file) => fs::read(file).map_err(|source| PinError::Unread { place: place.clone(), source })?,
        PinPlace::Env(name) => {
            std::env::var_os(name).ok_or_else(|| PinError::Unset(place.clone()))?.into_encoded_bytes()
        }
    });
    let text = str::from_utf8(&bytes).map_err(|_| PinError::NoPin(place.clone()))?;
    match text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line)) {
        "" => Err(PinError::NoPin(place.clone())),
        pin => Ok(AuthPin::from(Box::<str>::from(pin))),
    }
}
