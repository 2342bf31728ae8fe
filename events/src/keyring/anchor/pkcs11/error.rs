//! What a token says when it does not do a thing. No text holds a PIN or a key.

use std::path::PathBuf;

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};

use super::pin::PinError;
use crate::keyring::anchor::TokenName;

/// Why a token did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The library is not there, or is none.
    #[error("the PKCS#11 library {} cannot be loaded: {why}", library.display())]
    Library {
        /// Which.
        library: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The library has no such token.
    #[error("there is no token with the {0}")]
    NoToken(TokenName),
    /// It has more than one.
    #[error("there is more than one token with the {0}; name its serial number")]
    SeveralTokens(TokenName),
    /// It cannot do what is needed.
    #[error("the token lacks {0}")]
    Lacks(&'static str),
    /// The PIN cannot be had.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// It is not the PIN of the token. Nobody tries again by itself, for a token counts that.
    #[error("the token refused the PIN")]
    WrongPin,
    /// The token takes no PIN any more.
    #[error("the PIN of the token is locked")]
    LockedPin,
    /// One more wrong PIN would lock it, so ours is not tried.
    #[error(
        "the token says that one more wrong PIN locks it, so it is not tried; log in with the maker's own tool first, \
         which sets its count back"
    )]
    LastTry,
    /// It is gone, or was and came back without what was asked for being done.
    #[error("the token went away and could not be reached again at once")]
    Gone,
    /// What came back is another one.
    #[error("the token was {was}, and now there is {found}")]
    AnotherToken {
        /// The one that was opened.
        was: String,
        /// The one that answers now.
        found: String,
    },
    /// A root is not as it was asked for.
    #[error("the token did not honour {attribute}, without which its root proves nothing")]
    NotHonoured {
        /// The attribute's name in PKCS#11.
        attribute: String,
    },
    /// It seals, and does not say under which nonce.
    #[error("the token neither takes a nonce for AES-GCM nor gives its own")]
    NoNonce,
    /// Anything else.
    #[error("the token answered {answer} to {call}")]
    Answered {
        /// What was called.
        call: String,
        /// The return value, by its name in PKCS#11.
        answer: String,
    },
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(answer, call) => answered(answer, call),
            other => Self::Answered { call: "the library".into(), answer: other.to_string() },
        }
    }
}

impl TokenError {
    /// Whether another look at the library may find it.
    pub(super) fn may_be_over(&self) -> bool {
        matches!(self, Self::NoToken(_) | Self::Gone | Self::Answered { .. })
    }
}

fn answered(answer: RvError, call: Function) -> TokenError {
    use RvError as Rv;
    match answer {
        Rv::PinIncorrect | Rv::PinInvalid | Rv::PinLenRange => TokenError::WrongPin,
        Rv::PinLocked => TokenError::LockedPin,
        // A session that is logged out sees no private object, so it is as good as lost.
        Rv::SessionClosed
        | Rv::SessionHandleInvalid
        | Rv::UserNotLoggedIn
        | Rv::DeviceRemoved
        | Rv::TokenNotPresent
        | Rv::TokenNotRecognized
        | Rv::SlotIdInvalid
        | Rv::CryptokiNotInitialized => TokenError::Gone,
        // A device that lost its line says no more than this.
        Rv::DeviceError => TokenError::Gone,
        other => TokenError::Answered { call: format!("C_{call:?}"), answer: format!("{other:?}") },
    }
}
