//! Exports: that all that could be read was handed out in files. No erasure reaches such a copy.

/// One export. Nothing of whom it is about, only how much it is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Exported {
    /// How many records the log had when it began; what came behind may be in it.
    pub size: u64,
    /// BLAKE3 of its `export.json`, which names the hash of every file.
    pub digest: [u8; 32],
    /// How many contacts are in it, as of all that follow: those that were erased too, with the reason and nothing else.
    pub contacts: u64,
    /// Organizations.
    pub organizations: u64,
    /// Tickets with their messages.
    pub tickets: u64,
    /// Quotes with their versions.
    pub quotes: u64,
    /// Trails of consents.
    pub consents: u64,
    /// Documents with their bytes.
    pub documents: u64,
    /// Notices.
    pub notices: u64,
    /// Actors.
    pub actors: u64,
    /// Requests to be forgotten, and retentions that are over.
    pub erasures: u64,
    /// Legal holds.
    pub holds: u64,
}
