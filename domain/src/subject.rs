//! A subject's rights: what is linked to it, what was disclosed of it, its erasures from the request to the certificate, and
//! the legal holds that stop them.
//!
//! A retention that is over goes the way of an erasure from its fence on; nobody asked for it, so what comes before the fence
//! is what the register says, and what comes behind it is a second person's or an outside clock's word.
//!
//! The stream is a case, whose id is not the subject's; the subject's id stands only inside sealed parts. Links are sealed
//! with the relationship and die with it; requests, refusals, recipients and the matters of holds are
//! sealed under claims. When these keys are gone, the
//! order of an erasure is still kept, for it hangs on facts.

mod claim;
mod cooling;
mod decide;
pub mod delivery;
mod disclosure;
mod ground;
mod hold;
pub mod redaction;
mod rejection;
mod residue;
mod retention;

use std::collections::BTreeSet;

pub use claim::{ClaimMark, OldErasure, Returned};
pub use cooling::CoolingOff;
pub use decide::check_fence;
pub use disclosure::{Disclosure, Recipient};
pub use ground::{
    AnchorLevel, AskedHow, Ground, IdentityCheck, OutsideSource, RefusalGround, Stage, StillLinks, SubjectKind,
    UnfenceGround,
};
pub use hold::{Hold, HoldStage, Holding, covers};
pub use redaction::{NotRedacted, Redaction};
pub use rejection::Rejection;
pub use residue::{Residue, ResidueEnd, ResidueKind, Standing};
pub use retention::{Confirmed, FRESH_MS, OutsideTime, Over, asked as asked_by_nobody};

use crate::aggregate::{Aggregate, Circumstances};
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::id::{ActorId, ContactId, ErasureId, HoldId, KeyId, OrganizationId, SubjectId};
use crate::owner::Owner;
use crate::personal::{Gone, Held};
use crate::time::{Day, Time};
use crate::value::{Line, Text};

/// What holds data of a subject.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Link {
    /// A contact; several may be the same person.
    Contact(ContactId),
    /// An organization.
    Organization(OrganizationId),
    /// An employee.
    Actor(ActorId),
}

/// How an erasure was asked for: codes and days only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Why the data must go.
    pub ground: Ground,
    /// How the request came in.
    pub how: AskedHow,
    /// The day it came in.
    pub on: Day,
    /// How we know who asked.
    pub identity: IdentityCheck,
    /// The day that was checked.
    pub identity_on: Day,
}

/// The personal side of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What was asked, in words.
    pub words: Option<Text>,
    /// For an organization: which of its people go too.
    pub people: Vec<SubjectId>,
}

/// What a fence closed to new keys, sealed under a key that stays, so that a restart knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed {
    /// Which compartments of this subject.
    pub compartments: Vec<Compartment>,
}

/// What a fence does to one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closing {
    /// Whose.
    pub subject: SubjectId,
    /// The compartments that die.
    pub closed: Vec<Compartment>,
    /// The compartments whose keys stay.
    pub stays: Vec<Compartment>,
}

/// What outlives an erasure. It never names a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survivor {
    /// Which compartment.
    pub compartment: Compartment,
    /// On which law.
    pub basis: Line,
    /// The last day it is kept.
    pub until: Day,
}

/// How the keys were destroyed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// How hard it is to bring the old root key back.
    pub level: AnchorLevel,
    /// The keyring's epoch when the destruction was ordered.
    pub epoch_before: u64,
    /// The epoch since.
    pub epoch_after: u64,
    /// What stays, why, until when; in the order of compartments.
    pub survives: Vec<Survivor>,
    /// What may still link streams of the erased.
    pub links: Vec<StillLinks>,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Begin the case of a subject.
    Open {
        /// Whose.
        subject: SubjectId,
        /// What it is.
        kind: SubjectKind,
    },
    /// This holds data of the subject.
    Link(Link),
    /// It does not, after all.
    Unlink(Link),
    /// A file with opened parts of the subject is about to be handed out.
    Disclose {
        /// What is known of it.
        disclosure: Disclosure,
        /// Who gets it.
        to: Recipient,
    },
    /// What is held is needed for a matter: nothing of it may be destroyed.
    PlaceHold {
        /// A new id.
        hold: HoldId,
        /// What, for how long at first, and what for.
        holding: Holding,
    },
    /// Yes, says a second person: from here on the hold is in force. Or somebody says that it stays so, after a lift was asked
    /// for.
    ApproveHold {
        /// Which.
        hold: HoldId,
    },
    /// The hold is not needed any more. One that is in force stays so until a second person agrees.
    LiftHold {
        /// Which.
        hold: HoldId,
    },
    /// Yes, says a second person: the hold is lifted.
    ApproveLift {
        /// Which.
        hold: HoldId,
    },
    /// One value, one message or one node goes.
    Redaction(redaction::Command),
    /// Somebody asks that the subject be forgotten.
    RequestErasure {
        /// A new id.
        erasure: ErasureId,
        /// How.
        asked: Asked,
        /// Words and people.
        request: Request,
    },
    /// The request is taken back; a fence is lifted with it.
    WithdrawRequest {
        /// Which.
        erasure: ErasureId,
    },
    /// No; a fence is lifted with it.
    Refuse {
        /// Which.
        erasure: ErasureId,
        /// Why.
        ground: RefusalGround,
        /// Why, in words.
        words: Option<Text>,
    },
    /// Where the certificate goes, by e-mail or by post.
    GiveDeliveryAddress {
        /// Of which erasure.
        erasure: ErasureId,
        /// Where to.
        address: Text,
    },
    /// The certificate went to its address.
    RecordDelivery {
        /// Of which erasure.
        erasure: ErasureId,
        /// On which day.
        on: Day,
    },
    /// The hash of the code that lets whoever asked come back, or of another one in its place.
    MarkClaim {
        /// Of which erasure.
        erasure: ErasureId,
        /// Of the code.
        mark: ClaimMark,
    },
    /// Whose case this is was erased before, and showed the code of that.
    LinkReturn {
        /// Which erasure, as the register has it.
        old: OldErasure,
        /// The hash of the code that was shown.
        shown: ClaimMark,
        /// Why they are linked to it, in words.
        reason: Text,
    },
    /// Yes, says a second person.
    Approve {
        /// Which.
        erasure: ErasureId,
    },
    /// The time of these keys is over: nothing more is written under them, and nothing is read. Opens the case where there is
    /// none.
    FenceRetention(Over),
    /// It is over, says a second person, or somebody outside.
    ConfirmRetention {
        /// Which.
        erasure: ErasureId,
        /// Who says so.
        confirmed: Confirmed,
    },
    /// Nothing more is written under these keys, and nothing is read.
    Fence {
        /// Which.
        erasure: ErasureId,
        /// What closes and what stays, for each subject it reaches.
        closing: Vec<Closing>,
        /// The fingerprints of all keys that die.
        keys: Vec<KeyId>,
        /// What decides how long it waits.
        wait: CoolingOff,
    },
    /// The way back.
    Unfence {
        /// Which.
        erasure: ErasureId,
        /// Why.
        ground: UnfenceGround,
        /// Why, in words.
        words: Option<Text>,
    },
    /// The last step before the keys go.
    OrderDestruction {
        /// Which.
        erasure: ErasureId,
        /// The fingerprints: those that are fenced, no more and no fewer.
        keys: Vec<KeyId>,
        /// The keyring's epoch now.
        epoch_before: u64,
    },
    /// The keys are gone and the old root is gone.
    Certify {
        /// Which.
        erasure: ErasureId,
        /// How.
        certificate: Certificate,
        /// What it does not reach, or not yet.
        residues: Vec<Residue>,
    },
    /// More was found that a certified erasure does not reach.
    NameResidues {
        /// Which.
        erasure: ErasureId,
        /// What; nothing where an old certificate names none and there is none.
        residues: Vec<Residue>,
    },
    /// A residue came to its end.
    CloseResidue {
        /// Of which erasure.
        erasure: ErasureId,
        /// Which, by its number.
        number: u16,
        /// How.
        end: ResidueEnd,
        /// On which day.
        on: Day,
    },
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A case was begun.
    Opened {
        /// What the subject is.
        kind: SubjectKind,
        /// The subject is the part's own; under [`Compartment::Claims`].
        subject: Held<()>,
    },
    /// This holds data of the subject.
    Linked {
        /// Under [`Compartment::Relationship`], with which the link dies.
        link: Held<Link>,
    },
    /// It does not, after all.
    Unlinked {
        /// Under [`Compartment::Relationship`].
        link: Held<Link>,
    },
    /// A file with opened parts of the subject was made to be handed out. It is recorded first: a crash leaves a record of a
    /// file that nobody has, and never the other way.
    Disclosed {
        /// What is known of it.
        disclosure: Disclosure,
        /// Who gets it; under [`Compartment::Claims`].
        to: Held<Recipient>,
    },
    /// A hold was placed. It keeps nothing yet.
    HoldPlaced {
        /// The hold's own id.
        hold: HoldId,
        /// What it covers, sorted; everything where none is named, and claims always.
        compartments: Vec<Compartment>,
        /// The day by which somebody looks whether it is still needed.
        review_on: Day,
        /// Who placed it, so that somebody else approves it.
        by: ActorId,
        /// What the data is needed for; under [`Compartment::Claims`].
        matter: Held<Text>,
    },
    /// A second person agreed: the hold is in force. Behind a lift that was asked for: it stays in force.
    HoldApproved {
        /// Which.
        hold: HoldId,
    },
    /// Somebody asks that a hold be lifted, which is in force until a second person agrees.
    HoldLiftRequested {
        /// Which.
        hold: HoldId,
        /// Who asks, so that somebody else approves it.
        by: ActorId,
    },
    /// The hold keeps nothing any more.
    HoldLifted {
        /// Which.
        hold: HoldId,
    },
    /// One value, one message or one node goes.
    Redaction(redaction::Event),
    /// Somebody asked that the subject be forgotten.
    ErasureRequested {
        /// The request's own id.
        erasure: ErasureId,
        /// How.
        asked: Asked,
        /// Who wrote it down, so that somebody else approves it.
        by: ActorId,
        /// The last day to answer: one month after it came in (Art. 12(3) GDPR, Regulation 1182/71 Art. 3). A day that falls
        /// on a weekend is not moved.
        due: Day,
        /// Words and people; under [`Compartment::Claims`].
        request: Held<Request>,
    },
    /// Somebody said where the certificate goes.
    DeliveryAddressGiven {
        /// Of which erasure.
        erasure: ErasureId,
        /// Where to; under a [`Compartment::Delivery`] of its own.
        address: Held<Text>,
    },
    /// The certificate went to its address.
    CertificateDelivered {
        /// Of which erasure.
        erasure: ErasureId,
        /// On which day.
        on: Day,
        /// Whether it was the final one.
        is_final: bool,
    },
    /// Whoever asked has a code, or another one from here on; this is its hash.
    ClaimMarked {
        /// Of which erasure.
        erasure: ErasureId,
        /// Of the code.
        mark: ClaimMark,
    },
    /// Whose case this is showed the code of an earlier erasure of theirs.
    Returned {
        /// Of which, and why they are linked to it; under [`Compartment::Claims`], with which the link dies.
        returned: Held<Returned>,
    },
    /// The request was taken back.
    ErasureWithdrawn {
        /// Which.
        erasure: ErasureId,
    },
    /// It was refused.
    ErasureRefused {
        /// Which.
        erasure: ErasureId,
        /// Why.
        ground: RefusalGround,
        /// Why, in words; under [`Compartment::Claims`].
        words: Option<Held<Text>>,
    },
    /// A second person agreed.
    ErasureApproved {
        /// Which.
        erasure: ErasureId,
    },
    /// The register says that the time of some compartments is over. The fence stands behind it, of the same command.
    RetentionOver {
        /// An id of its own, as an erasure has.
        erasure: ErasureId,
        /// Who had it looked for, so that somebody else confirms it; nobody's id where the server did by itself.
        by: ActorId,
        /// The day it was found, by the ledger's clock.
        on: Day,
        /// Which compartments, since when and why; in their order.
        over: Vec<Survivor>,
    },
    /// A second person, or a time from outside, says so too.
    RetentionConfirmed {
        /// Which.
        erasure: ErasureId,
        /// Who says so.
        confirmed: Confirmed,
    },
    /// From here on the writer turns away every part under these keys.
    Fenced {
        /// Which.
        erasure: ErasureId,
        /// What is closed to new keys, of any of the subjects, in order.
        compartments: Vec<Compartment>,
        /// The fingerprints, sorted.
        keys: Vec<KeyId>,
        /// What is closed, once under each key that stays.
        closed: Vec<Held<Closed>>,
    },
    /// The fenced keys are not destroyed before this time. Written with the fence; a fence that does not wait has none.
    CoolingOffSet {
        /// Which.
        erasure: ErasureId,
        /// From when on the destruction may be ordered, by the ledger's clock.
        until: Time,
    },
    /// The fence was lifted; these parts are read again.
    Unfenced {
        /// Which.
        erasure: ErasureId,
        /// Why.
        ground: UnfenceGround,
        /// The fingerprints, sorted: those that were fenced.
        keys: Vec<KeyId>,
        /// Why, in words; under [`Compartment::Claims`].
        words: Option<Held<Text>>,
    },
    /// The keys will be destroyed, whatever happens; opening the ledger finishes it.
    DestructionOrdered {
        /// Which.
        erasure: ErasureId,
        /// The fingerprints, sorted: those that were fenced.
        keys: Vec<KeyId>,
        /// The keyring's epoch before.
        epoch_before: u64,
    },
    /// The keys are gone.
    Certified {
        /// Which.
        erasure: ErasureId,
        /// How.
        certificate: Certificate,
    },
    /// What the erasure does not reach, or not yet: the certificate is provisional as long as one of them is open.
    ResiduesNamed {
        /// Which.
        erasure: ErasureId,
        /// What; their numbers go on from those that were named before.
        residues: Vec<Residue>,
    },
    /// A residue came to its end.
    ResidueClosed {
        /// Of which erasure.
        erasure: ErasureId,
        /// Which, by its number.
        number: u16,
        /// How.
        end: ResidueEnd,
        /// On which day.
        on: Day,
    },
    /// Nothing is left that the final certificate waits for.
    CertifiedFinally {
        /// Which.
        erasure: ErasureId,
    },
}

/// One erasure, as far as it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// How far it is.
    pub stage: Stage,
    /// How it was asked for.
    pub asked: Asked,
    /// Who wrote the request down.
    pub by: ActorId,
    /// The last day to answer.
    pub due: Day,
    /// Which people go too, while that can be read.
    pub people: Result<Vec<SubjectId>, Gone>,
    /// The fingerprints that are fenced or destroyed, sorted.
    pub keys: Vec<KeyId>,
    /// What is closed to new keys.
    pub compartments: Vec<Compartment>,
    /// From when on the destruction may be ordered, where the fence waits.
    pub cooling_off: Option<Time>,
    /// The keyring's epoch when the destruction was ordered.
    pub epoch_before: Option<u64>,
    /// What the register said was over, where nobody asked.
    pub over: Vec<Survivor>,
    /// Who confirmed that.
    pub confirmed: Option<Confirmed>,
    /// What it does not reach, in the order of their numbers.
    pub residues: Vec<Standing>,
    /// Whether anybody has said what it does not reach; certificates of old ledgers do not.
    pub residues_named: bool,
    /// Whether nothing is left of it.
    pub is_final: bool,
}

impl Erasure {
    /// Whether nobody asked: the register says that its time is over.
    pub fn is_retention(&self) -> bool {
        self.asked.ground == Ground::RetentionOver
    }
}

/// A case as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Case {
    owner: Owner,
    kind: Option<SubjectKind>,
    links: BTreeSet<Link>,
    erasures: Vec<Erasure>,
    holds: Vec<Hold>,
    redactions: Vec<Redaction>,
    /// The erasures of earlier subjects that this one showed the codes of, while that can be read.
    returns: BTreeSet<ErasureId>,
    /// Every address that was given for a certificate: of which erasure, and its number.
    addresses: Vec<(ErasureId, u16)>,
}

impl Case {
    /// Whose case it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// What the subject is; none before the case is open.
    pub fn kind(&self) -> Option<SubjectKind> {
        self.kind
    }

    /// What is linked, as far as it can be read.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.links.iter().copied()
    }

    /// All erasures, oldest first.
    pub fn erasures(&self) -> &[Erasure] {
        &self.erasures
    }

    /// All holds, oldest first.
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// All redactions, oldest first.
    pub fn redactions(&self) -> &[Redaction] {
        &self.redactions
    }

    /// The hold in force that covers one of these compartments, if there is one.
    pub fn keeping(&self, compartments: &[Compartment]) -> Option<&Hold> {
        hold::keeping(self, compartments)
    }

    /// The erasure that was asked for and that somebody still has to do something about.
    pub fn open_erasure(&self) -> Option<&Erasure> {
        let asked = self.erasures.iter().rev().find(|erasure| !erasure.is_retention());
        asked.filter(|erasure| erasure.stage.is_open())
    }
}

impl Aggregate for Case {
    const KIND: StreamKind = StreamKind::Case;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        decide::events(self, command, when)
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Opened { kind, subject } => (self.kind, self.owner) = (Some(*kind), Owner::of(subject)),
            Event::Linked { link } => self.links.extend(link.here().map(|link| *link.expose())),
            Event::Unlinked { link } => {
                if let Some(link) = link.here() {
                    self.links.remove(link.expose());
                }
            }
            Event::Returned { returned } => {
                self.returns.extend(returned.here().map(|returned| returned.expose().erasure));
            }
            // Whatever was handed out, or is to go somewhere, keeps nobody from anything; which mark counts, says the register.
            Event::Disclosed { .. } | Event::CertificateDelivered { .. } | Event::ClaimMarked { .. } => {}
            Event::DeliveryAddressGiven { erasure, .. } => delivery::given(self, *erasure),
            Event::Redaction(event) => redaction::evolve(self, event),
            Event::ErasureRequested { erasure, asked, by, due, request } => self.erasures.push(Erasure {
                id: *erasure,
                stage: Stage::Requested,
                asked: *asked,
                by: *by,
                due: *due,
                people: request.read(|request| request.expose().people.clone()),
                keys: vec![],
                compartments: vec![],
                cooling_off: None,
                epoch_before: None,
                over: vec![],
                confirmed: None,
                residues: vec![],
                residues_named: false,
                is_final: false,
            }),
            Event::RetentionOver { erasure, by, on, over } => {
                self.erasures.push(retention::begun(*erasure, *by, *on, over))
            }
            Event::RetentionConfirmed { erasure, confirmed } => {
                let found = self.erasures.iter_mut().find(|found| found.id == *erasure);
                found.into_iter().for_each(|erasure| erasure.confirmed = Some(confirmed.clone()));
            }
            Event::HoldPlaced { hold, compartments, review_on, by, matter: _ } => self.holds.push(Hold {
                id: *hold,
                stage: HoldStage::Placed,
                compartments: compartments.clone(),
                review_on: *review_on,
                by: *by,
                lift_by: None,
            }),
            Event::HoldApproved { hold } => self.turn(*hold, HoldStage::InForce, None),
            Event::HoldLiftRequested { hold, by } => self.turn(*hold, HoldStage::LiftRequested, Some(*by)),
            Event::HoldLifted { hold } => self.turn(*hold, HoldStage::Lifted, None),
            Event::ErasureWithdrawn { erasure } => self.step(*erasure, Stage::Withdrawn, |_| ()),
            Event::ErasureRefused { erasure, .. } => self.step(*erasure, Stage::Refused, |_| ()),
            Event::ErasureApproved { erasure } => self.step(*erasure, Stage::Approved, |_| ()),
            Event::Fenced { erasure, compartments, keys, closed: _ } => self.step(*erasure, Stage::Fenced, |erasure| {
                (erasure.compartments, erasure.keys) = (compartments.clone(), keys.clone());
            }),
            Event::CoolingOffSet { erasure, until } => {
                let found = self.erasures.iter_mut().find(|found| found.id == *erasure);
                found.into_iter().for_each(|erasure| erasure.cooling_off = Some(*until));
            }
            Event::Unfenced { erasure, .. } => self.step(*erasure, Stage::Approved, |erasure| {
                (erasure.compartments, erasure.keys, erasure.cooling_off) = (vec![], vec![], None);
                if erasure.is_retention() {
                    erasure.stage = Stage::Withdrawn;
                }
            }),
            Event::DestructionOrdered { erasure, keys: _, epoch_before } => {
                self.step(*erasure, Stage::DestructionOrdered, |erasure| erasure.epoch_before = Some(*epoch_before));
                redaction::step(self, *erasure, Stage::DestructionOrdered, Some(*epoch_before));
            }
            Event::Certified { erasure, .. } => {
                self.step(*erasure, Stage::Certified, |_| ());
                redaction::step(self, *erasure, Stage::Certified, None);
            }
            Event::ResiduesNamed { erasure, residues } => self.step(*erasure, Stage::Certified, |erasure| {
                erasure.residues_named = true;
                erasure.residues.extend(residues.iter().map(|residue| Standing { residue: *residue, closed: None }));
            }),
            Event::ResidueClosed { erasure, number, end, on } => self.step(*erasure, Stage::Certified, |erasure| {
                let at = usize::from(*number).wrapping_sub(1);
                erasure.residues.get_mut(at).into_iter().for_each(|standing| standing.closed = Some((*end, *on)));
            }),
            Event::CertifiedFinally { erasure } => {
                self.step(*erasure, Stage::Certified, |erasure| erasure.is_final = true);
            }
        }
    }
}

impl Case {
    fn step(&mut self, id: ErasureId, stage: Stage, change: impl FnOnce(&mut Erasure)) {
        if let Some(erasure) = self.erasures.iter_mut().find(|erasure| erasure.id == id) {
            erasure.stage = stage;
            change(erasure);
        }
    }

    fn turn(&mut self, id: HoldId, stage: HoldStage, lift_by: Option<ActorId>) {
        if let Some(hold) = self.holds.iter_mut().find(|hold| hold.id == id) {
            // Of a lift that did not come to pass nothing is kept: the next one is asked for anew.
            let earlier = hold.lift_by.filter(|_| stage == HoldStage::Lifted);
            (hold.stage, hold.lift_by) = (stage, lift_by.or(earlier));
        }
    }
}

#[cfg(test)]
mod tests;
