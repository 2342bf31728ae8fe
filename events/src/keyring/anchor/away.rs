//! A member that could not be reached when the keyring was opened, by another one. Each call tries to reach it, and whoever
//! answers is believed when it is who it must be.

use std::sync::OnceLock;

use domain::id::LogId;
use parking_lot::Mutex;

use super::{Anchor, AnchorError, AnchorSettings, Declared, Description, Identity, Level, TokenError};
use crate::keyring::Key;

type Reach = Box<dyn Fn() -> Result<Box<dyn Anchor>, AnchorError> + Send + Sync>;

/// Stands in the place of a member until that is back. It is worth nothing until then, and what was declared of it waits.
pub(in crate::keyring) struct Away {
    who: Who,
    identity: Identity,
    reach: Reach,
    there: OnceLock<Box<dyn Anchor>>,
    waits: Mutex<Waits>,
}

/// Who may answer.
pub(in crate::keyring) enum Who {
    /// This one.
    Member(Identity),
    /// Anybody but these, since it is none of the members.
    NoneOf(Vec<Identity>),
}

#[derive(Default)]
struct Waits {
    declared: Vec<Declared>,
    /// It refused the PIN: a token counts that, so it is asked again by the next open only.
    refused: bool,
}

impl Away {
    /// Whoever these settings name.
    pub(in crate::keyring) fn new(who: Who, settings: AnchorSettings) -> Self {
        Self::by(who, Box::new(move || settings.anchor()))
    }

    pub(in crate::keyring) fn by(who: Who, reach: Reach) -> Self {
        let identity = match &who {
            Who::Member(identity) => identity.clone(),
            Who::NoneOf(_) => Identity::new("unreached", &[]),
        };
        Self { who, identity, reach, there: OnceLock::new(), waits: Mutex::default() }
    }

    fn reached(&self) -> Result<&dyn Anchor, AnchorError> {
        if let Some(there) = self.there.get() {
            return Ok(there.as_ref());
        }
        let mut waits = self.waits.lock();
        if waits.refused {
            return Err(TokenError::WrongPin.into());
        }
        let found = (self.reach)().inspect_err(|failed| {
            waits.refused = matches!(failed, AnchorError::Token(TokenError::WrongPin));
        })?;
        let identity = found.identity();
        let is_it = match &self.who {
            Who::Member(member) => identity == *member,
            Who::NoneOf(others) => !others.contains(&identity),
        };
        if !is_it {
            return Err(AnchorError::AnotherMember { wanted: self.identity.clone(), found: identity });
        }
        for declared in waits.declared.drain(..) {
            if let Err(error) = found.declare(&declared) {
                tracing::info!(%error, "a declaration is about another device");
            }
        }
        tracing::info!(%identity, "a member of the anchor is back");
        Ok(self.there.get_or_init(|| found).as_ref())
    }
}

impl Anchor for Away {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn level(&self) -> Level {
        self.there.get().map_or(Level::A0, |there| there.level())
    }

    fn describe(&self) -> Description {
        self.there.get().map_or_else(
            || Description {
                kind: "away",
                level: Level::A0,
                serial: None,
                words: format!("{} is away, and nothing is destroyed before it is back", self.identity),
            },
            |there| there.describe(),
        )
    }

    fn declare(&self, declared: &Declared) -> Result<Level, AnchorError> {
        if let Some(there) = self.there.get() {
            return there.declare(declared);
        }
        self.waits.lock().declared.push(declared.clone());
        Ok(self.level())
    }

    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        self.reached()?.roots(log)
    }

    fn roots_anew(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        self.reached()?.roots_anew(log)
    }

    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.reached()?.create_root(log, root)
    }

    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError> {
        self.reached()?.destroy_root(log, root)
    }

    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
        self.reached()?.seal(log, root, top)
    }

    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        self.reached()?.open(log, root, sealed)
    }
}
