//! The certificate of an erasure: a text for the person and for the authority, signed by the log, with the records that
//! prove it. It names nobody, and says no more than the log does. `FORMAT.md` shows it.
//!
//! Records with sealed parts name live keys, so none of them is in the file: what they say (what was asked, and since when it
//! is withheld) is the log's signed word, and a copy of the log shows it. All else is taken from the records in the file.

mod file;
mod judge;
mod slip;
mod text;
mod words;

use std::collections::BTreeMap;

use domain::anchor;
use domain::compartment::Compartment;
use domain::event::Event;
use domain::id::{ActorId, ErasureId};
use domain::ledger;
use domain::subject::{self, Asked, Confirmed, Residue, ResidueEnd, Survivor};
use domain::time::{Day, Time};
use events::checkpoint::Checkpoint;
use events::note::SignedNote;
use events::record::Record;
use events::tree::{self, Node};

use crate::gather::{GatherError, Gathered};
use crate::source::Source;
use crate::tiles::Growing;
use crate::verify::{facts, verify};

pub use file::{CertificateFile, NoCertificate, is_one};
pub use judge::judge;
pub use slip::slip;
pub use words::{Language, NoLanguage};

/// Where something stands and when it was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The position of its record.
    pub position: u64,
    /// When it was recorded.
    pub at: Time,
    /// Who said it.
    pub actor: ActorId,
}

impl Placed {
    fn of(record: &Record<'_>) -> Self {
        Self { position: record.position, at: record.recorded_at, actor: record.actor }
    }
}

/// What two people said of a device that held the root: that no backup and no cluster holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// Which device, in words.
    pub device: String,
    /// Its serial number.
    pub serial: String,
    /// Who said so first, and where.
    pub declared: Placed,
    /// Who agreed, and where; it counts from there on.
    pub confirmed: Option<Placed>,
}

/// How a residue ended, the day that it was, and the record that says so.
pub type Ended = (ResidueEnd, Day, Placed);

/// What the log says of one erasure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// Which.
    pub erasure: ErasureId,
    /// Whose ledger it is, where the first record of the log was seen, and whether it is a demonstration.
    pub controller: Option<(String, bool)>,
    /// How it was asked for.
    pub asked: Option<(Asked, Placed)>,
    /// Where nobody asked: what the register says is over, why and since when.
    pub over: Option<(Vec<Survivor>, Placed)>,
    /// Who confirmed that: a second person, or a time from outside.
    pub confirmed: Option<(Confirmed, Placed)>,
    /// Since when nobody reads it, and what is closed.
    pub fenced: Option<(Vec<Compartment>, Placed)>,
    /// Until when the fence waited.
    pub cooling_off: Option<Time>,
    /// Who approved it.
    pub approved: Vec<Placed>,
    /// What was declared of devices and not taken back before it was certified, by stream.
    pub declared: BTreeMap<[u8; 16], Declared>,
    /// How many keys, in which epoch.
    pub ordered: Option<(usize, u64, Placed)>,
    /// How they were destroyed, and what stays.
    pub certified: Option<(subject::Certificate, Placed)>,
    /// Whether anybody has said what it does not reach.
    pub residues_named: bool,
    /// What it does not reach, by number from 1.
    pub residues: Vec<(Residue, Option<Ended>)>,
    /// The final certificate.
    pub finally: Option<Placed>,
}

impl Statement {
    fn new(erasure: ErasureId) -> Self {
        Self {
            erasure,
            controller: None,
            asked: None,
            over: None,
            confirmed: None,
            fenced: None,
            cooling_off: None,
            approved: Vec::new(),
            declared: BTreeMap::new(),
            ordered: None,
            certified: None,
            residues_named: false,
            residues: Vec::new(),
            finally: None,
        }
    }

    /// Whether the certificate is final.
    pub fn is_final(&self) -> bool {
        self.finally.is_some()
    }

    /// The part of a statement that the file itself proves.
    fn proved(&self) -> Self {
        Self { asked: None, fenced: None, cooling_off: None, ..self.clone() }
    }

    /// Takes the next record of the log that says something of it.
    fn see(&mut self, record: &Record<'_>, event: &Event) {
        match event {
            Event::Log(ledger::Event::Opened { controller, demo, .. }) => {
                self.controller = Some((controller.clone(), *demo));
            }
            Event::Case(event) if of(event) == Some(self.erasure) => self.take(record, event),
            Event::Anchor(event) if self.certified.is_none() => self.declare(record, event),
            _ => {}
        }
    }

    fn declare(&mut self, record: &Record<'_>, event: &anchor::Event) {
        let (stream, placed) = (record.stream.id, Placed::of(record));
        match event {
            anchor::Event::Declared { device, serial, .. } => {
                let (device, serial) = (device.as_str().to_owned(), serial.as_str().to_owned());
                self.declared.insert(stream, Declared { device, serial, declared: placed, confirmed: None });
            }
            anchor::Event::Confirmed => {
                let declared = self.declared.get_mut(&stream);
                declared.into_iter().for_each(|declared| declared.confirmed = Some(placed));
            }
            anchor::Event::Withdrawn => drop(self.declared.remove(&stream)),
        }
    }

    fn take(&mut self, record: &Record<'_>, event: &subject::Event) {
        let placed = Placed::of(record);
        match event {
            subject::Event::ErasureRequested { asked, .. } => self.asked = Some((*asked, placed)),
            subject::Event::RetentionOver { over, .. } => self.over = Some((over.clone(), placed)),
            subject::Event::RetentionConfirmed { confirmed, .. } => self.confirmed = Some((confirmed.clone(), placed)),
            subject::Event::ErasureApproved { .. } => self.approved.push(placed),
            subject::Event::Fenced { compartments, .. } => {
                (self.fenced, self.cooling_off) = (Some((compartments.clone(), placed)), None);
            }
            subject::Event::CoolingOffSet { until, .. } => self.cooling_off = Some(*until),
            subject::Event::DestructionOrdered { keys, epoch_before, .. } => {
                self.ordered = Some((keys.len(), *epoch_before, placed));
            }
            subject::Event::Certified { certificate, .. } => self.certified = Some((certificate.clone(), placed)),
            subject::Event::ResiduesNamed { residues, .. } => {
                self.residues_named = true;
                self.residues.extend(residues.iter().map(|residue| (*residue, None)));
            }
            subject::Event::ResidueClosed { number, end, on, .. } => {
                let residue = self.residues.get_mut(usize::from(*number).wrapping_sub(1));
                residue.into_iter().for_each(|(_, closed)| *closed = Some((*end, *on, placed)));
            }
            subject::Event::CertifiedFinally { .. } => self.finally = Some(placed),
            _ => {}
        }
    }
}

/// Whether a record belongs into the file: it is of the erasure and has no sealed part, or it says whose ledger that is and what
/// was declared of its anchor.
pub fn belongs(record: &Record<'_>, event: &Event, erasure: ErasureId) -> bool {
    match event {
        Event::Case(event) => record.personal.is_empty() && of(event) == Some(erasure),
        Event::Log(ledger::Event::Opened { .. }) | Event::Anchor(_) => true,
        _ => false,
    }
}

/// The erasure that an event is a step of.
fn of(event: &subject::Event) -> Option<ErasureId> {
    use subject::Event::*;
    match event {
        ErasureRequested { erasure, .. }
        | ErasureApproved { erasure }
        | RetentionOver { erasure, .. }
        | RetentionConfirmed { erasure, .. }
        | Fenced { erasure, .. }
        | CoolingOffSet { erasure, .. }
        | DestructionOrdered { erasure, .. }
        | Certified { erasure, .. }
        | ResiduesNamed { erasure, .. }
        | ResidueClosed { erasure, .. }
        | CertifiedFinally { erasure } => Some(*erasure),
        _ => None,
    }
}

/// Why there is no certificate of an erasure.
#[derive(Debug, thiserror::Error)]
pub enum NotCertified {
    /// The log knows no erasure of this number.
    #[error("the log has no {0}")]
    Unknown(ErasureId),
    /// It is not as far as that.
    #[error("{0} is not certified: there is a certificate when its keys are destroyed")]
    Early(ErasureId),
    /// Its records are newer than the checkpoint of the copy.
    #[error("the checkpoint of this copy does not cover all records of {0} yet: take a newer copy")]
    Uncovered(ErasureId),
    /// A record cannot be read.
    #[error("a record is none")]
    Record,
    /// The log cannot be read.
    #[error(transparent)]
    Gather(#[from] GatherError),
    /// The file would be none.
    #[error(transparent)]
    File(#[from] NoCertificate),
}

/// What the records of a log say of an erasure, and those of them that belong into its file.
///
/// # Errors
/// When none of them is of this erasure, or it is not certified yet.
pub fn stated<'a>(
    erasure: ErasureId,
    records: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Statement, Vec<Vec<u8>>), NotCertified> {
    let (mut statement, mut proof) = (Statement::new(erasure), Vec::new());
    for bytes in records {
        let record = Record::parse(bytes).map_err(|_| NotCertified::Record)?;
        let event = facts(&record).map_err(GatherError::Failed)?;
        statement.see(&record, &event);
        let later = matches!(event, Event::Anchor(_)) && statement.certified.is_some();
        if belongs(&record, &event, erasure) && !later {
            proof.push(bytes.to_vec());
        }
    }
    let is_known = statement.asked.is_some() || statement.over.is_some();
    match (&statement.certified, is_known) {
        (Some(_), true) => Ok((statement, proof)),
        (None, true) => Err(NotCertified::Early(erasure)),
        // A redaction has an order and a certificate too, and erases nobody.
        (_, false) => Err(NotCertified::Unknown(erasure)),
    }
}

/// The certificate of an erasure from an audit copy, which is verified first. The log has not signed it: what its records
/// with sealed parts say is nobody's word before it is held against a copy.
pub fn from_copy(source: &Source, erasure: ErasureId, language: Language) -> Result<CertificateFile, NotCertified> {
    verify(source, None, &mut |_, _| {}, &|_, _| {}).map_err(GatherError::Failed)?;
    let records = of_copy(source, erasure)?;
    let (statement, proof) = stated(erasure, records.iter().map(Vec::as_slice))?;
    let (note, checkpoint, tiles) = source.published().map_err(GatherError::Source)?.ok_or(GatherError::Unpublished)?;
    let position = |record: &Vec<u8>| Record::parse(record).map_or(u64::MAX, |record| record.position);
    if proof.iter().map(position).max() >= Some(checkpoint.size) {
        return Err(NotCertified::Uncovered(erasure));
    }
    let gathered = Gathered { checkpoint: Some((note, checkpoint.size)), others: proof, ..Gathered::default() };
    let evidence = gathered.evidence(&tiles).map_err(GatherError::Tiles)?;
    let text = statement.text(&checkpoint.origin, language);
    Ok(CertificateFile { note: SignedNote::new(text).map_err(|_| NoCertificate)?, evidence })
}

/// What an audit copy has to say of a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Its records of the erasure, and the first one.
    pub records: Vec<Vec<u8>>,
    /// The root over as many of its records as the file's checkpoint covers; none where it has fewer.
    pub root: Option<Node>,
}

/// What a certificate is to be held against, from an audit copy, which is verified first. Whether it is a copy of the log that
/// signed the checkpoint in the file, its root shows.
pub fn held_against(source: &Source, file: &CertificateFile) -> Result<Held, NotCertified> {
    verify(source, None, &mut |_, _| {}, &|_, _| {}).map_err(GatherError::Failed)?;
    let checkpoint = file.evidence.checkpoint.as_ref().and_then(|note| Checkpoint::parse(note.text()).ok());
    let size = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    let mut tree = Growing::to(size);
    for audited in source.records().take(usize::try_from(size).unwrap_or(usize::MAX)) {
        let leaf = tree::leaf(&audited.map_err(GatherError::Source)?.record);
        let Ok(()) = tree.push(leaf, &mut |_, _, _| Ok::<(), std::convert::Infallible>(()));
    }
    let records = file.erasure().map(|erasure| of_copy(source, erasure)).transpose()?.unwrap_or_default();
    Ok(Held { records, root: (tree.len() == size).then(|| tree.root()) })
}

/// The records of an audit copy that say something of an erasure, and the first one. The copy must have been verified.
fn of_copy(source: &Source, erasure: ErasureId) -> Result<Vec<Vec<u8>>, NotCertified> {
    let mut found = Vec::new();
    for audited in source.records() {
        let bytes = audited.map_err(GatherError::Source)?.record;
        let record = Record::parse(&bytes).map_err(|_| NotCertified::Record)?;
        if record.position > 0 && !["case.", "anchor."].iter().any(|noun| record.kind.starts_with(noun)) {
            continue;
        }
        let event = facts(&record).map_err(GatherError::Failed)?;
        let is_wanted = match &event {
            Event::Case(event) => of(event) == Some(erasure),
            Event::Anchor(_) => true,
            _ => record.position == 0,
        };
        if is_wanted {
            found.push(bytes);
        }
    }
    Ok(found)
}
