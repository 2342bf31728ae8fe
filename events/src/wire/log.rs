//! Stored forms of the ledger's own facts.

use domain::backup::{BackedUp, Region};
use domain::export::Exported;
use domain::id::{BackupId, KeyId, LogId};
use domain::ledger::{Continued, Event, SignatureKind, TreeHead};
use domain::suppression::{Dropped, Suppression};
use domain::time::{Day, Time};

use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, leaving};
use crate::codec::{decode, encode};

facts! { OpenedV1 { log: [u8; 16], controller: String, origin: String, demo: bool, codec: String } }
facts! { ClockConfirmedV1 { now: i64 } }
facts! { ReopenedV1 {} }
facts! { NothingNewerV1 { count: u64, digest: [u8; 32] } }
facts! { KeysLostV1 { keys: Vec<[u8; 16]> } }
facts! { ErasedBeforeV1 { keys: Vec<[u8; 16]>, epoch: u64 } }
facts! { MappedV1 { size: u64, streams: u64, root: [u8; 32] } }
facts! { SignerNamedV1 { algorithm: u16, public_key: [u8; 32], name: String } }
facts! { BackedUpV1 { backup: [u8; 16], size: u64, replaces: u64, region: Option<String>, until: i32 } }
facts! {
    ContinuedV1 {
        log: [u8; 16],
        old_log: [u8; 16],
        old_origin: String,
        origin: String,
        size: u64,
        root: [u8; 32],
        checkpoint_size: u64,
        checkpoint_root: [u8; 32],
        algorithm: u16,
        public_key: [u8; 32],
    }
}

mirror! { facts SuppressedV1 = Suppression { act: u16, reason: u16, purposes: Vec<String> } }
mirror! { facts DroppedV1 = Dropped { place: u16, purpose: Option<String>, count: u64 } }

mirror! {
    facts ExportedV1 = Exported {
        size: u64,
        digest: [u8; 32],
        contacts: u64,
        organizations: u64,
        tickets: u64,
        quotes: u64,
        consents: u64,
        documents: u64,
        notices: u64,
        actors: u64,
        erasures: u64,
        holds: u64,
    }
}

/// How facts and fields are written, in words for whoever reads the log without this program.
const CODEC: &str = "bincode 2, fixed-width integers, big-endian";

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "log.opened", version: 1, facts: OpenedV1::FIELDS, parts: &[] },
    Shape { kind: "log.clock", version: 1, facts: ClockConfirmedV1::FIELDS, parts: &[] },
    Shape { kind: "log.keyring", version: 1, facts: KeysLostV1::FIELDS, parts: &[] },
    Shape { kind: "log.map", version: 1, facts: MappedV1::FIELDS, parts: &[] },
    Shape { kind: "log.signer", version: 1, facts: SignerNamedV1::FIELDS, parts: &[] },
    Shape { kind: "log.continued", version: 1, facts: ContinuedV1::FIELDS, parts: &[] },
    Shape { kind: "log.erasures", version: 1, facts: ErasedBeforeV1::FIELDS, parts: &[] },
    Shape { kind: "log.backed-up", version: 1, facts: BackedUpV1::FIELDS, parts: &[] },
    Shape { kind: "log.suppressed", version: 1, facts: SuppressedV1::FIELDS, parts: &[] },
    Shape { kind: "log.dropped", version: 1, facts: DroppedV1::FIELDS, parts: &[] },
    Shape { kind: "log.reopened", version: 1, facts: ReopenedV1::FIELDS, parts: &[] },
    Shape { kind: "log.nothing-newer", version: 1, facts: NothingNewerV1::FIELDS, parts: &[] },
    Shape { kind: "log.exported", version: 1, facts: ExportedV1::FIELDS, parts: &[] },
    leaving::REQUESTED,
    leaving::APPROVED,
    leaving::WITHDRAWN,
    leaving::ORDERED,
    leaving::CERTIFIED,
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts) = match event {
        Event::Opened { log, controller, origin, demo } => {
            let form = OpenedV1 {
                log: log.0,
                controller: controller.clone(),
                origin: origin.clone(),
                demo: *demo,
                codec: CODEC.to_owned(),
            };
            ("log.opened", encode(&form)?)
        }
        Event::ClockConfirmed { now } => ("log.clock", encode(&ClockConfirmedV1 { now: now.0 })?),
        Event::KeysLost { keys } => {
            ("log.keyring", encode(&KeysLostV1 { keys: keys.iter().map(|key| key.0).collect() })?)
        }
        Event::ErasedBefore { keys, epoch } => {
            let keys = keys.iter().map(|key| key.0).collect();
            ("log.erasures", encode(&ErasedBeforeV1 { keys, epoch: *epoch })?)
        }
        Event::Mapped { size, streams, root } => {
            ("log.map", encode(&MappedV1 { size: *size, streams: *streams, root: *root })?)
        }
        Event::SignerNamed { algorithm, public_key, name } => {
            let form = SignerNamedV1 { algorithm: algorithm.store(), public_key: *public_key, name: name.clone() };
            ("log.signer", encode(&form)?)
        }
        Event::Continued(continued) => ("log.continued", encode(&ContinuedV1::from(&**continued))?),
        Event::BackedUp(BackedUp { backup, size, replaces, region, until }) => {
            let region = region.as_ref().map(Region::to_string);
            let form = BackedUpV1 { backup: backup.0, size: *size, replaces: *replaces, region, until: until.0 };
            ("log.backed-up", encode(&form)?)
        }
        Event::Suppressed(suppression) => ("log.suppressed", encode(&suppression.store())?),
        Event::Dropped(dropped) => ("log.dropped", encode(&dropped.store())?),
        Event::Reopened => ("log.reopened", encode(&ReopenedV1 {})?),
        Event::NothingNewer { count, digest } => {
            ("log.nothing-newer", encode(&NothingNewerV1 { count: *count, digest: *digest })?)
        }
        Event::Exported(exported) => ("log.exported", encode(&exported.store())?),
        Event::Leaving(step) => leaving::write(step)?,
    };
    Ok(Written { kind, version: 1, facts, parts: Vec::new() })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    let [] = exactly(parts)?;
    let event = match (kind, version) {
        ("log.opened", 1) => {
            let OpenedV1 { log, controller, origin, demo, codec } = decode(facts, "facts")?;
            if codec != CODEC {
                return Err(WireError::Code("codec"));
            }
            Event::Opened { log: LogId(log), controller, origin, demo }
        }
        ("log.clock", 1) => {
            let ClockConfirmedV1 { now } = decode(facts, "facts")?;
            Event::ClockConfirmed { now: Time(now) }
        }
        ("log.keyring", 1) => {
            let KeysLostV1 { keys } = decode(facts, "facts")?;
            Event::KeysLost { keys: keys.into_iter().map(KeyId).collect() }
        }
        ("log.erasures", 1) => {
            let ErasedBeforeV1 { keys, epoch } = decode(facts, "facts")?;
            Event::ErasedBefore { keys: keys.into_iter().map(KeyId).collect(), epoch }
        }
        ("log.map", 1) => {
            let MappedV1 { size, streams, root } = decode(facts, "facts")?;
            Event::Mapped { size, streams, root }
        }
        ("log.signer", 1) => {
            let SignerNamedV1 { algorithm, public_key, name } = decode(facts, "facts")?;
            Event::SignerNamed { algorithm: SignatureKind::load(algorithm)?, public_key, name }
        }
        ("log.suppressed", 1) => Event::Suppressed(Form::load(decode(facts, "facts")?)?),
        ("log.dropped", 1) => Event::Dropped(Form::load(decode(facts, "facts")?)?),
        ("log.reopened", 1) => {
            let ReopenedV1 {} = decode(facts, "facts")?;
            Event::Reopened
        }
        ("log.nothing-newer", 1) => {
            let NothingNewerV1 { count, digest } = decode(facts, "facts")?;
            Event::NothingNewer { count, digest }
        }
        ("log.exported", 1) => Event::Exported(Form::load(decode(facts, "facts")?)?),
        ("log.continued", 1) => Event::Continued(Box::new(decode::<ContinuedV1>(facts, "facts")?.try_into()?)),
        ("log.backed-up", 1) => {
            let BackedUpV1 { backup, size, replaces, region, until } = decode(facts, "facts")?;
            let region = region.map(|region| region.parse().map_err(|_| WireError::Code("region"))).transpose()?;
            Event::BackedUp(BackedUp { backup: BackupId(backup), size, replaces, region, until: Day(until) })
        }
        (_, 1) => return Ok(leaving::read(kind, facts)?.map(Event::Leaving)),
        _ => return Ok(None),
    };
    Ok(Some(event))
}

/// No checkpoint is known: nobody signs one of no records.
const NO_CHECKPOINT: TreeHead = TreeHead { size: 0, root: [0; 32] };

impl From<&Continued> for ContinuedV1 {
    fn from(continued: &Continued) -> Self {
        let checkpoint = continued.checkpoint.unwrap_or(NO_CHECKPOINT);
        Self {
            log: continued.log.0,
            old_log: continued.old_log.0,
            old_origin: continued.old_origin.clone(),
            origin: continued.origin.clone(),
            size: continued.restored.size,
            root: continued.restored.root,
            checkpoint_size: checkpoint.size,
            checkpoint_root: checkpoint.root,
            algorithm: continued.algorithm.store(),
            public_key: continued.public_key,
        }
    }
}

impl TryFrom<ContinuedV1> for Continued {
    type Error = WireError;

    fn try_from(form: ContinuedV1) -> Result<Self, WireError> {
        let checkpoint = TreeHead { size: form.checkpoint_size, root: form.checkpoint_root };
        if checkpoint.size == 0 && checkpoint != NO_CHECKPOINT {
            return Err(WireError::Code("checkpoint"));
        }
        Ok(Self {
            log: LogId(form.log),
            old_log: LogId(form.old_log),
            old_origin: form.old_origin,
            origin: form.origin,
            restored: TreeHead { size: form.size, root: form.root },
            checkpoint: Some(checkpoint).filter(|checkpoint| *checkpoint != NO_CHECKPOINT),
            algorithm: SignatureKind::load(form.algorithm)?,
            public_key: form.public_key,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::register::Slug;
    use domain::suppression::{DropPlace, SuppressionAct, SuppressionReason};

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        let opened = Event::Opened {
            log: LogId([1; 16]),
            controller: "Muster GmbH".into(),
            origin: "muster.example/lethe".into(),
            demo: true,
        };
        let signer = Event::SignerNamed {
            algorithm: SignatureKind::Ed25519,
            public_key: [3; 32],
            name: "muster.example/lethe".into(),
        };
        let first = Event::Continued(Box::new(continued(None)));
        let later = Event::Continued(Box::new(continued(Some(TreeHead { size: 9, root: [6; 32] }))));
        let others = [
            Event::ClockConfirmed { now: Time(5) },
            Event::Reopened,
            Event::NothingNewer { count: 2, digest: [8; 32] },
            Event::KeysLost { keys: vec![KeyId([2; 16])] },
            Event::ErasedBefore { keys: vec![KeyId([2; 16]), KeyId([3; 16])], epoch: 4 },
            Event::Mapped { size: 7, streams: 3, root: [4; 32] },
            backed_up(None),
            backed_up("eu-central-1".parse().ok()),
            Event::Suppressed(Suppression {
                act: SuppressionAct::Added,
                reason: SuppressionReason::Objected,
                purposes: vec![Slug::from_log("newsletter".into())],
            }),
            Event::Dropped(Dropped { place: DropPlace::Import, purpose: None, count: 3 }),
            Event::Exported(Exported { size: 40, digest: [7; 32], contacts: 2, ..Exported::default() }),
        ];
        for event in [opened, signer, first, later].into_iter().chain(others) {
            reads_back(&wire::Event::Log(event));
        }
    }

    fn backed_up(region: Option<Region>) -> Event {
        Event::BackedUp(BackedUp { backup: BackupId([6; 16]), size: 7, replaces: 3, region, until: Day(20_500) })
    }

    /// A region is a name that an operator gave, and no place for a sentence.
    #[test]
    fn a_region_that_is_none_is_not_read() {
        let form =
            BackedUpV1 { backup: [6; 16], size: 7, replaces: 0, region: Some("Maria Anders".into()), until: 20_500 };
        let read = read("log.backed-up", 1, &encode(&form).unwrap(), Vec::new());
        assert_eq!(read, Err(WireError::Code("region")));
    }

    fn continued(checkpoint: Option<TreeHead>) -> Continued {
        Continued {
            log: LogId([2; 16]),
            old_log: LogId([1; 16]),
            old_origin: "muster.example/lethe".into(),
            origin: "muster.example/lethe-2".into(),
            restored: TreeHead { size: 7, root: [5; 32] },
            checkpoint,
            algorithm: SignatureKind::Ed25519,
            public_key: [3; 32],
        }
    }

    #[test]
    fn no_checkpoint_is_written_in_one_way_only() {
        let mut form = ContinuedV1::from(&continued(None));
        form.checkpoint_root = [1; 32];
        let read = read("log.continued", 1, &encode(&form).unwrap(), Vec::new());
        assert_eq!(read, Err(WireError::Code("checkpoint")));
    }
}
