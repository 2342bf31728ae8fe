//! The anchor: what holds the root, and nothing else does. The root seals the keyring's top key and never leaves.
//!
//! Of the kinds of DESIGN §6 there are two, a file and a PKCS#11 token. A TPM and a cloud's key service are gaps: each
//! would be a file beside these, and an arm in [`AnchorSettings`].

mod away;
mod file;
mod identity;
mod pkcs11;
mod settings;

use std::fmt;
use std::io;

use domain::id::LogId;

pub(super) use away::{Away, Who};
pub use file::FileAnchor;
pub(super) use file::{ROOT_MAGIC, carve_root, make_dir, open_under, sync_dir};
pub use identity::Identity;
pub use pkcs11::{PinError, TokenAnchor, TokenError};
pub use settings::{AnchorSettings, PinPlace, TokenName, TokenSettings};

use super::Key;
use crate::random::NoRandomness;

/// What a destroyed root is worth (DESIGN §6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Logical only: a copy of the anchor made before brings everything back. For development and demos.
    A0,
    /// In hardware, without a record that no copy of the root exists.
    A1,
    /// Destroyed by a key service, after its delay.
    A2,
    /// In hardware, with that record.
    A3,
}

impl Level {
    const ALL: [Self; 4] = [Self::A0, Self::A1, Self::A2, Self::A3];

    /// As the keyring's header writes it.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// The level of that number.
    pub(super) fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }
}

/// What an anchor is, for those who run it. It holds no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// As the settings call it: `file`, `pkcs11`.
    pub kind: &'static str,
    /// What destroying a root here is worth now.
    pub level: Level,
    /// The serial number of the device, where it has one.
    pub serial: Option<String>,
    /// Which one it is and why it has this level, in a sentence.
    pub words: String,
}

/// What the controller declares about a device, in a record. Nobody can see it from outside the device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// Which device it is, in the controller's words.
    pub device: String,
    /// Its serial number, as its token says it.
    pub serial: String,
    /// Whether no backup and no cluster holds the root.
    pub no_backup: bool,
}

/// Why an anchor did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// It holds no such root.
    #[error("the anchor holds no root {root} of {log}")]
    NoRoot {
        /// Of which log.
        log: LogId,
        /// Which root.
        root: u64,
    },
    /// A root of this number is there.
    #[error("the anchor holds root {root} of {log} already, and no number is used twice")]
    Exists {
        /// Of which log.
        log: LogId,
        /// Which root.
        root: u64,
    },
    /// There is more than one root of a number: one of them is a copy, or somebody else's.
    #[error("the anchor holds more than one root {root} of {log}")]
    Twice {
        /// Of which log.
        log: LogId,
        /// Which root.
        root: u64,
    },
    /// Its root is not the one under which the top key was sealed.
    #[error("the anchor's root does not open this keyring")]
    DoesNotOpen,
    /// What holds the root is damaged.
    #[error("the anchor's root {root} of {log} is damaged")]
    Damaged {
        /// Of which log.
        log: LogId,
        /// Which root.
        root: u64,
    },
    /// What tells a directory of root files from others is not what was written there.
    #[error("the file `id` of the anchor's directory is damaged")]
    DamagedId,
    /// A root that was destroyed is still listed.
    #[error("the anchor still holds root {root} of {log}, which it was to destroy")]
    Remains {
        /// Of which log.
        log: LogId,
        /// Which root.
        root: u64,
    },
    /// It is another device than the declared one.
    #[error("the device that is declared has the serial number {declared:?}, and this one has {found:?}")]
    OtherDevice {
        /// The serial number that was declared.
        declared: String,
        /// The serial number of the device.
        found: String,
    },
    /// Somebody else answers in the place of a member that was away.
    #[error("{found} answers where {wanted} should")]
    AnotherMember {
        /// Who was to come back.
        wanted: Identity,
        /// Who came.
        found: Identity,
    },
    /// A device is declared that no member of the anchor is.
    #[error("no member of the anchor is a device with the serial number {declared:?}")]
    NoDevice {
        /// The serial number that was declared.
        declared: String,
    },
    /// The token did not do it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its file or device failed.
    #[error("the anchor cannot be reached")]
    Io(#[from] io::Error),
    /// No root can be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl AnchorError {
    /// Whether it may be over by itself, as for a token that is not plugged in. What somebody must set right is not.
    pub(super) fn is_away(&self) -> bool {
        use TokenError as Token;
        match self {
            Self::Io(_) => true,
            Self::Token(why) => matches!(
                why,
                Token::Library { .. }
                    | Token::NoToken(_)
                    | Token::LockedPin
                    | Token::LastTry
                    | Token::Gone
                    | Token::Answered { .. }
            ),
            _ => false,
        }
    }

    /// Whether a member answered and holds nothing that opens the keyring.
    pub(super) fn knows_nothing(&self) -> bool {
        matches!(self, Self::NoRoot { .. } | Self::DoesNotOpen)
    }
}

/// What holds the roots of keyrings. Roots of one log are numbered; a number is never used twice.
pub trait Anchor: Send + Sync + 'static {
    /// Who it is. Always the same, and no other anchor is called so: the keyring names its members by it.
    fn identity(&self) -> Identity;

    /// What destroying a root here is worth.
    fn level(&self) -> Level;

    /// What it is.
    fn describe(&self) -> Description;

    /// Takes over what a record declares about the device, and says the level from now on. Only hardware gains by it.
    ///
    /// # Errors
    /// When the declaration is about another device.
    fn declare(&self, declared: &Declared) -> Result<Level, AnchorError> {
        match self.describe().serial {
            Some(serial) if serial == declared.serial => Ok(self.level()),
            found => {
                let (declared, found) = (declared.serial.clone(), found.unwrap_or_default());
                Err(AnchorError::OtherDevice { declared, found })
            }
        }
    }

    /// The numbers of this log's roots, sorted.
    fn roots(&self, log: LogId) -> Result<Vec<u64>, AnchorError>;

    /// The same from the anchor itself, and not from what this process remembers of it.
    fn roots_anew(&self, log: LogId) -> Result<Vec<u64>, AnchorError> {
        self.roots(log)
    }

    /// Makes a root. Durable when it returns. A number that is there already is refused.
    fn create_root(&self, log: LogId, root: u64) -> Result<(), AnchorError>;

    /// Destroys a root and sees that it is gone, as [`Anchor::roots_anew`] sees it. A root that is gone already is no error.
    fn destroy_root(&self, log: LogId, root: u64) -> Result<(), AnchorError>;

    /// Seals a top key under a root; the bytes go into the header of the keyring, at most 1,024 of them.
    fn seal(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError>;

    /// Opens what [`Anchor::seal`] gave.
    fn open(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError>;
}

impl Level {
    /// What it means for whoever was erased.
    pub fn words(self) -> &'static str {
        match self {
            Self::A0 => "logical only: whoever kept a copy of the root can bring back what was destroyed",
            Self::A1 => "in hardware; nobody has declared that no copy of the root exists",
            Self::A2 => "destroyed by a key service, after its delay",
            Self::A3 => "in hardware, and it is declared that no backup or cluster holds the root",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a sealed top key is bound to.
fn associated(log: LogId, root: u64) -> [u8; 24] {
    let mut bytes = [0; 24];
    let (of, number) = bytes.split_at_mut(16);
    of.copy_from_slice(&log.0);
    number.copy_from_slice(&root.to_be_bytes());
    bytes
}

/// Sorted, and none of them more than once.
fn each_once(log: LogId, mut roots: Vec<u64>) -> Result<Vec<u64>, AnchorError> {
    roots.sort_unstable();
    match roots.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    }) {
        Some(root) => Err(AnchorError::Twice { log, root }),
        None => Ok(roots),
    }
}
