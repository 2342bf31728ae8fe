//! A PKCS#11 token: the root is made in there and never leaves, and what is sealed under it ends with it.
//!
//! What cannot be seen from outside is whether the device has a backup of the root or shares it with others; the
//! controller declares that ([`Declared`]). A library that lies about being hardware cannot be seen either.

mod connect;
mod error;
mod library;
mod pin;
mod root;
mod seal;

use cryptoki::session::Session;
use domain::id::LogId;
use parking_lot::Mutex;

pub use error::TokenError;
pub use pin::PinError;

use super::{Anchor, AnchorError, Declared, Description, Identity, Level, TokenSettings, associated, each_once};
use crate::keyring::Key;
use connect::{Connected, Device, Eyes};

/// A token that is logged in to. Roots are AES-256 keys in it.
///
/// Level A0 where the slot says it is no hardware, as SoftHSM2 does; else A1, and A3 from [`Anchor::declare`] on.
///
/// A session that is lost is opened again once, with the library initialized anew where that does not find the token; then the
/// call fails, and the next one tries again.
pub struct TokenAnchor {
    settings: TokenSettings,
    device: Device,
    declared: Mutex<Option<Declared>>,
    session: Mutex<Held>,
}

/// What there is between two calls.
enum Held {
    /// A session, logged in.
    In(Connected),
    /// None: the last call failed and left nothing half done. The next one connects.
    Out,
    /// None, and the token refused the PIN: a token counts that, so it is asked again by the next open only.
    Refused,
}

impl TokenAnchor {
    /// Finds the token and logs in to it.
    ///
    /// # Errors
    /// When its library, itself, what it must be able to do or its PIN is not there, or not the right one.
    pub fn open(settings: &TokenSettings) -> Result<Self, AnchorError> {
        let connected = connect::connect(settings, Eyes::These)?;
        let (device, declared) = (connected.device.clone(), Mutex::new(None));
        Ok(Self { settings: settings.clone(), device, declared, session: Mutex::new(Held::In(connected)) })
    }

    /// Does it in the session there is; where that turns out to be lost, once more in a new one.
    fn with<T>(&self, act: impl Fn(&Session) -> Result<T, AnchorError>) -> Result<T, AnchorError> {
        self.seen_by(Eyes::These, act)
    }

    fn seen_by<T>(&self, eyes: Eyes, act: impl Fn(&Session) -> Result<T, AnchorError>) -> Result<T, AnchorError> {
        let mut held = self.session.lock();
        match std::mem::replace(&mut *held, Held::Out) {
            Held::In(connected) if eyes == Eyes::Other => drop(connected),
            Held::In(connected) => match connected.act(&act) {
                Err(AnchorError::Token(TokenError::Gone)) => {
                    tracing::debug!("the session with the anchor's token was lost; connecting again");
                }
                done => return Self::keep(&mut held, connected, done),
            },
            Held::Out => {}
            Held::Refused => {
                *held = Held::Refused;
                return Err(TokenError::WrongPin.into());
            }
        }
        let connected = connect::again(&self.settings, &self.device, eyes).inspect_err(|failed| {
            if matches!(failed, TokenError::WrongPin) {
                *held = Held::Refused;
            }
        })?;
        let done = connected.act(&act);
        Self::keep(&mut held, connected, done)
    }

    /// Closes a session in which a call failed.
    fn keep<T>(held: &mut Held, connected: Connected, done: Result<T, AnchorError>) -> Result<T, AnchorError> {
        if !matches!(done, Err(AnchorError::Token(_))) {
            *held = Held::In(connected);
        }
        done
    }
}

impl Anchor for TokenAnchor {
    fn identity(&self) -> Identity {
        let Device { maker, model, serial, .. } = &self.device;
        Identity::new("pkcs11", &[maker, model, serial])
    }

    fn level(&self) -> Level {
        match (self.device.is_hardware, self.declared.lock().as_ref()) {
            (false, _) => Level::A0,
            (true, Some(Declared { no_backup: true, .. })) => Level::A3,
            (true, _) => Level::A1,
        }
    }

    fn describe(&self) -> Description {
        let level = self.level();
        let declared = match self.declared.lock().as_ref() {
            Some(Declared { device, .. }) => format!(", declared as {device:?}"),
            None => String::new(),
        };
        let kind = if self.device.is_hardware { "" } else { ", in software" };
        let words = format!("{}{kind}{declared}: {}", self.device, level.words());
        Description { kind: "pkcs11", level, serial: Some(self.device.serial.clone()), words }
    }

    fn declare(&self, declared: &Declared) -> Result<Level, AnchorError> {
        if declared.serial != self.device.serial {
            let (declared, found) = (declared.serial.clone(), self.device.serial.clone());
            return Err(AnchorError::OtherDevice { declared, found });
        }
        *self.declared.lock() = Some(declared.clone());
        Ok(self.level())
    }

    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        each_once(log, self.with(|session| root::numbers(session, log))?)
    }

    fn roots_anew(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        each_once(log, self.seen_by(Eyes::Other, |session| root::numbers(session, log))?)
    }

    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        if !self.with(|session| Ok(root::found(session, log, root)?))?.is_empty() {
            return Err(AnchorError::Exists { log, root });
        }
        // Nothing was there, so what is found is what this call made before the session was lost.
        self.with(|session| match root::the_one(session, log, root) {
            Err(AnchorError::NoRoot { .. }) => root::make(session, log, root),
            found => found.map(|_| ()),
        })
    }

    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.with(|session| {
            for object in root::found(session, log, root)? {
                session.destroy_object(object).map_err(TokenError::from)?;
            }
            Ok(())
        })?;
        // A library says that an object is gone which it only forgot, as when its token is not there any more.
        self.seen_by(Eyes::Other, |session| {
            match root::found(session, log, root)?.is_empty() && !root::numbers(session, log)?.contains(&root) {
                true => Ok(()),
                false => Err(AnchorError::Remains { log, root }),
            }
        })
    }

    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
        self.with(|session| seal::seal(session, root::the_one(session, log, root)?, &associated(log, root), top))
    }

    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        self.with(|session| seal::open(session, root::the_one(session, log, root)?, &associated(log, root), sealed))
    }
}
