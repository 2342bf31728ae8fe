//! From settings to a session that is logged in.

use std::fmt;
use std::sync::Arc;

use cryptoki::context::{Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};

use super::error::TokenError;
use super::library::Library;
use super::pin;
use crate::keyring::anchor::{TokenName, TokenSettings};

/// Which device it is. The same one, as long as nobody puts another in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Device {
    pub(super) label: String,
    pub(super) maker: String,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) is_hardware: bool,
}

/// A session that may write, with its user logged in.
pub(super) struct Connected {
    /// There until it is dropped.
    session: Option<Session>,
    slot: Slot,
    pub(super) device: Device,
    library: Arc<Library>,
    /// How often the library had been shut down before.
    ended: u64,
}

/// Which library a token is looked for in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Eyes {
    /// The library as it is; where that does not find the token, it is initialized anew, once.
    These,
    /// The library initialized anew: what it remembers of a token is not what the token holds.
    Other,
}

/// Finds the token and logs in.
pub(super) fn connect(settings: &TokenSettings, eyes: Eyes) -> Result<Connected, TokenError> {
    let library = Library::load(&settings.library)?;
    let turn = library.turn();
    let mut is_fresh = library.begin(&turn)?;
    if eyes == Eyes::Other && !is_fresh {
        library.begin_anew(&turn)?;
        is_fresh = true;
    }
    let (session, slot, token, device) = match open(library.functions(), &settings.token) {
        Err(lost) if !is_fresh && lost.may_be_over() => {
            library.begin_anew(&turn)?;
            open(library.functions(), &settings.token)?
        }
        opened => opened?,
    };
    let ended = turn.get();
    drop(turn);
    let connected = Connected { session: Some(session), slot, device, library, ended };
    connected.run(|session| log_in(session, &token, settings))?;
    Ok(connected)
}

/// The same for a session that was lost. It must be the same device.
pub(super) fn again(settings: &TokenSettings, was: &Device, eyes: Eyes) -> Result<Connected, TokenError> {
    let connected = connect(settings, eyes).map_err(|failed| match failed {
        TokenError::NoToken(_) => TokenError::Gone,
        other => other,
    })?;
    match connected.device == *was {
        true => Ok(connected),
        false => Err(TokenError::AnotherToken { was: was.to_string(), found: connected.device.to_string() }),
    }
}

fn open(library: &Pkcs11, name: &TokenName) -> Result<(Session, Slot, TokenInfo, Device), TokenError> {
    let (slot, token) = find(library, name)?;
    let device = Device::of(&token, library.get_slot_info(slot)?.hardware_slot());
    let can = library.get_mechanism_list(slot)?;
    for (mechanism, name) in [(MechanismType::AES_KEY_GEN, "CKM_AES_KEY_GEN"), (MechanismType::AES_GCM, "CKM_AES_GCM")]
    {
        if !can.contains(&mechanism) {
            return Err(TokenError::Lacks(name));
        }
    }
    Ok((library.open_rw_session(slot)?, slot, token, device))
}

fn find(library: &Pkcs11, name: &TokenName) -> Result<(Slot, TokenInfo), TokenError> {
    let mut found = None;
    for slot in library.get_slots_with_token()? {
        // A slot with something that is no token we could read is none of ours.
        let Ok(token) = library.get_token_info(slot) else { continue };
        let is_it = match name {
            TokenName::Label(label) => token.label() == label,
            TokenName::Serial(serial) => token.serial_number() == serial,
        };
        if is_it && token.token_initialized() && found.replace((slot, token)).is_some() {
            return Err(TokenError::SeveralTokens(name.clone()));
        }
    }
    found.ok_or_else(|| TokenError::NoToken(name.clone()))
}

/// A token with a keypad of its own is given no PIN.
fn log_in(session: &Session, token: &TokenInfo, settings: &TokenSettings) -> Result<(), TokenError> {
    if token.user_pin_locked() {
        return Err(TokenError::LockedPin);
    }
    // A service that is started again and again with a wrong PIN would lock the token, and what its root opens with it.
    if token.user_pin_final_try() {
        return Err(TokenError::LastTry);
    }
    let pin = pin::read(&settings.pin)?;
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, Function::Login)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Connected {
    /// Does it in the session, if that still is one with this slot and logged in: somebody else in the process may have shut
    /// the library down, and a new session may then go by the number of the old one.
    pub(super) fn act<T, E: From<TokenError>>(&self, act: impl FnOnce(&Session) -> Result<T, E>) -> Result<T, E> {
        self.run(|session| {
            let about = session.get_session_info().map_err(TokenError::from)?;
            match about.slot_id() == self.slot && about.session_state() == SessionState::RwUser {
                true => act(session),
                false => Err(TokenError::Gone.into()),
            }
        })
    }

    /// Nobody shuts the library down meanwhile.
    fn run<T, E: From<TokenError>>(&self, act: impl FnOnce(&Session) -> Result<T, E>) -> Result<T, E> {
        let turn = self.library.turn();
        match self.session.as_ref().filter(|_| turn.get() == self.ended) {
            Some(session) => act(session),
            None => Err(TokenError::Gone.into()),
        }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let turn = self.library.turn();
        let session = self.session.take();
        if turn.get() != self.ended {
            // It ended with the library, and what goes by its number now is somebody else's.
            std::mem::forget(session);
        }
    }
}

impl Device {
    fn of(token: &TokenInfo, is_hardware: bool) -> Self {
        let trimmed = |text: &str| text.trim_end_matches(['\0', ' ']).to_owned();
        Self {
            label: trimmed(token.label()),
            maker: trimmed(token.manufacturer_id()),
            model: trimmed(token.model()),
            serial: trimmed(token.serial_number()),
            is_hardware,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, maker, model, serial, .. } = self;
        write!(f, "the token {label:?} with the serial number {serial:?} ({maker} {model})")
    }
}
