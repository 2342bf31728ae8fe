//! From settings to a session that is logged in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use parking_lot::Mutex;

use super::error::TokenError;
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
    pub(super) session: Session,
    slot: Slot,
    pub(super) device: Device,
}

/// Libraries stay where they are until the process ends: one that is unloaded takes threads and sessions of others along.
static LOADED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// Finds the token and logs in.
pub(super) fn connect(settings: &TokenSettings) -> Result<Connected, TokenError> {
    let library = load(&settings.library)?;
    let (slot, token) = find(&library, &settings.token)?;
    let device = Device::of(&token, library.get_slot_info(slot)?.hardware_slot());
    let can = library.get_mechanism_list(slot)?;
    for (mechanism, name) in [(MechanismType::AES_KEY_GEN, "CKM_AES_KEY_GEN"), (MechanismType::AES_GCM, "CKM_AES_GCM")]
    {
        if !can.contains(&mechanism) {
            return Err(TokenError::Lacks(name));
        }
    }
    let session = library.open_rw_session(slot)?;
    log_in(&session, &token, settings)?;
    Ok(Connected { session, slot, device })
}

/// The same for a session that was lost. It must be the same device.
pub(super) fn again(settings: &TokenSettings, was: &Device) -> Result<Connected, TokenError> {
    let connected = connect(settings).map_err(|failed| match failed {
        TokenError::NoToken(_) => TokenError::Gone,
        other => other,
    })?;
    match connected.device == *was {
        true => Ok(connected),
        false => Err(TokenError::AnotherToken { was: was.to_string(), found: connected.device.to_string() }),
    }
}

fn load(path: &Path) -> Result<Pkcs11, TokenError> {
    let failed = |error: Error| TokenError::Library { library: path.to_owned(), why: error.to_string() };
    let mut loaded = LOADED.lock();
    let library = match loaded.get(path) {
        Some(library) => library.clone(),
        None => Pkcs11::new(path).map_err(failed)?,
    };
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Somebody else in the process may use it too, or we did before.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    Ok(loaded.entry(path.to_owned()).or_insert(library).clone())
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
    let pin = pin::read(&settings.pin)?;
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, Function::Login)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Connected {
    /// The session, if it still is one with this slot and logged in: somebody else in the process may have shut the
    /// library down, and a new session may then go by the number of the old one.
    pub(super) fn check(&self) -> Result<&Session, TokenError> {
        let about = self.session.get_session_info()?;
        match about.slot_id() == self.slot && about.session_state() == SessionState::RwUser {
            true => Ok(&self.session),
            false => Err(TokenError::Gone),
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
