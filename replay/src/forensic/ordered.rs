//! What the log's own records say of keys: which must be gone, and since which record.

use std::collections::BTreeMap;

use domain::event::Event;
use domain::id::{KeyId, LogId};
use domain::{ledger, subject};
use events::ids::IdSet;
use events::record::Record;

use super::ForensicError;
use crate::source::Source;
use crate::verify::facts;

/// The kinds that say it.
const KINDS: [&str; 3] = ["case.destruction-ordered", "log.erasures", "log.leave-ordered"];

/// What was ordered to be destroyed.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// The first generation of the log, whose id its keyring has.
    pub log: LogId,
    /// Each key, with the record that orders its destruction or says that it is gone.
    pub keys: BTreeMap<KeyId, u64>,
    /// The record that orders every key to be destroyed, where the controller left.
    pub left: Option<u64>,
    /// The keys that parts are sealed under.
    pub named: IdSet<KeyId>,
}

impl Ordered {
    /// Reads all records of an audit copy, or of a data directory at rest. The log itself is not judged.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(source: &Source) -> Result<Self, ForensicError> {
        let mut ordered = Self { log: LogId([0; 16]), keys: BTreeMap::new(), left: None, named: IdSet::default() };
        for (position, audited) in (0..).zip(source.records()) {
            let audited = audited?;
            let unread = |why: String| ForensicError::Record { position, why };
            let record = Record::parse(&audited.record).map_err(|bad| unread(bad.to_string()))?;
            if position == 0 {
                ordered.log = record.log;
            }
            ordered.named.extend(record.personal.iter().map(|part| part.key));
            if !KINDS.contains(&record.kind) {
                continue;
            }
            let keys = match facts(&record).map_err(|failed| unread(failed.to_string()))? {
                Event::Case(subject::Event::DestructionOrdered { keys, .. }) => keys,
                Event::Log(ledger::Event::ErasedBefore { keys, .. }) => keys,
                Event::Log(ledger::Event::Leaving(_)) => {
                    ordered.left = Some(position);
                    ordered.named.iter().copied().collect()
                }
                _ => Vec::new(),
            };
            for key in keys {
                ordered.keys.entry(key).or_insert(position);
            }
        }
        Ok(ordered)
    }
}
