//! Why a command about a subject's rights is turned down.

use super::{HoldStage, NotRedacted, ResidueEnd, ResidueKind, Stage};
use crate::compartment::Compartment;
use crate::id::{ErasureId, HoldId};
use crate::time::{Day, Time};

/// Why not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The stream has begun.
    #[error("this case is open already")]
    AlreadyOpened,
    /// The stream has not begun.
    #[error("there is no such case")]
    NotOpened,
    /// The claims key is destroyed.
    #[error("this subject was erased, with the words about it; nothing more can be written here")]
    Erased,
    /// The claims key is fenced.
    #[error("an erasure of this subject was approved; no words can be kept here until it is over")]
    Withheld,
    /// The key was lost.
    #[error("the key of this subject was lost, with the words about it; nothing more can be written here")]
    Lost,
    /// Unlinking what is not linked.
    #[error("this is not linked to the subject")]
    NotLinked,
    /// One at a time.
    #[error("{0} is still open for this subject; one erasure at a time")]
    ErasureOpen(ErasureId),
    /// Ids are never used twice.
    #[error("{0} was used for an earlier request")]
    ErasureIdUsed(ErasureId),
    /// Not of this case.
    #[error("there is no {0} for this subject")]
    NoSuchErasure(ErasureId),
    /// A day that has not come yet.
    #[error("{0} lies in the future; a request came in, and who asked was checked, on a day that has been")]
    FutureDay(Day),
    /// A disclosure of nothing.
    #[error("nothing of this subject can be opened there, so there is nothing to hand out")]
    NothingOpened,
    /// A copy that would have to be gone already.
    #[error("{0} is over; a copy that is handed out now can only be gone by a day to come, or today")]
    PastDay(Day),
    /// People of a person.
    #[error("only an organization has people that can go with it")]
    PeopleOfAPerson,
    /// More than fit one record.
    #[error("at most {0} people can go with an organization in one request")]
    TooManyPeople(usize),
    /// Four eyes.
    #[error("you asked for this erasure yourself; another person must approve it")]
    ApprovingOwnRequest,
    /// Four eyes.
    #[error("you asked for this erasure yourself; another person must refuse it, or you withdraw it")]
    RefusingOwnRequest,
    /// Four eyes: whoever lets commands in knows the roles, so this is decided there.
    #[error("this erasure was approved; only a data protection officer may withdraw it now")]
    ApprovalStands,
    /// Too late or too early.
    #[error("this erasure is {}; only one that is {wanted} can be {act}", .stage.words())]
    OutOfOrder {
        /// How far it is.
        stage: Stage,
        /// How far it should be.
        wanted: &'static str,
        /// For what.
        act: &'static str,
    },
    /// Nothing would die.
    #[error("no key would die; refuse the erasure and say why")]
    NothingToFence,
    /// More than fit one record.
    #[error("more keys than one record can name; erase fewer people at once")]
    TooManyKeys,
    /// More parts than one record has.
    #[error(
        "more than {0} keys of these people must stay, and the record of their erasure has room for no more; erase fewer people at once"
    )]
    TooManyStay(usize),
    /// The order must name what is fenced.
    #[error("the keys to be destroyed are not the keys that are fenced")]
    OtherKeys,
    /// Too early: a mistake may still be found.
    #[error(
        "the keys may be destroyed from {0} on, and not before: until then the erasure can be withdrawn or refused"
    )]
    CoolingOff(Time),
    /// A legal hold is in force.
    #[error(
        "{hold} keeps this data, by two people's word, and is to be looked at again by {review_on}; nothing of it is destroyed before the hold is lifted"
    )]
    OnHold {
        /// Which.
        hold: HoldId,
        /// When somebody looks whether it is still needed.
        review_on: Day,
    },
    /// The matter of a hold is sealed under claims, and these are fenced.
    #[error(
        "the claims of this subject are fenced, so no words can be kept of what a hold is for; refuse the erasure instead, which reads everything again"
    )]
    NoMatterNow,
    /// A hold on what is gone.
    #[error("this hold comes too late: the destruction of this data was ordered by {0}")]
    HoldTooLate(ErasureId),
    /// Ids are never used twice.
    #[error("{0} was used for an earlier hold")]
    HoldIdUsed(HoldId),
    /// Not of this case.
    #[error("there is no {0} for this subject")]
    NoSuchHold(HoldId),
    /// A review that would have been.
    #[error("{0} has come or is over; a hold is looked at again on a day to come")]
    ReviewOver(Day),
    /// More than anybody has.
    #[error("a hold names at most {0} compartments; one that names none covers all")]
    TooManyHeld(usize),
    /// Four eyes.
    #[error("you placed this hold yourself; another person must approve it")]
    ApprovingOwnHold,
    /// Four eyes.
    #[error("you asked yourself that this hold be lifted; another person must approve that")]
    ApprovingOwnLift,
    /// Too late or too early.
    #[error("this hold is {}; only one that is {wanted} can be {act}", .stage.words())]
    HoldOutOfOrder {
        /// How far it is.
        stage: HoldStage,
        /// How far it should be.
        wanted: &'static str,
        /// For what.
        act: &'static str,
    },
    /// Nobody asks for it.
    #[error("that a retention is over is found in the register, and not requested; say NO_LONGER_NECESSARY")]
    NotAsked,
    /// By the clock it is said with, or by the time outside.
    #[error("{compartment} is kept until {until}, and that day is not over")]
    NotOver {
        /// Which.
        compartment: Compartment,
        /// The last day.
        until: Day,
    },
    /// The register was changed since.
    #[error("the register does not say any more when {0} ends; nothing is destroyed on a guess")]
    NoEnd(Compartment),
    /// Not a retention.
    #[error("{0} is an erasure that was asked for; it is approved, and not confirmed")]
    NotARetention(ErasureId),
    /// Local time alone destroys nothing.
    #[error(
        "the time of these keys is over by our clock alone; a second person or a time from outside must confirm that first"
    )]
    NotConfirmed,
    /// Four eyes.
    #[error("you had these keys fenced yourself; another person must confirm that their time is over")]
    ConfirmingOwnRun,
    /// A witness' time that may be of another day.
    #[error("the time outside was {at}, more than a day from ours; a fresh one is needed")]
    StaleTime {
        /// What it says.
        at: Time,
    },
    /// Nowhere to go.
    #[error("there is no address that the certificate could go to: none was given, or it is gone by now")]
    NoAddress,
    /// A retention.
    #[error("nobody asked for {0}: the register says that its time is over, so its certificate goes to no address")]
    AddressOfNobody(ErasureId),
    /// More than anybody needs.
    #[error("this case has had more addresses than it can number")]
    TooManyAddresses,
    /// A delivery from before.
    #[error("{on} is too early: the keys were destroyed on {certified}, and the certificate goes out behind that")]
    EarlyDelivery {
        /// What was said.
        on: Day,
        /// When there was a certificate.
        certified: Day,
    },
    /// An end from before.
    #[error("{on} is too early: this residue is left since {since}")]
    EarlyEnd {
        /// What was said.
        on: Day,
        /// Since when it is one.
        since: Day,
    },
    /// Four eyes.
    #[error("you said yourself how long this is kept; another person must confirm that its time is over")]
    ConfirmingOwnRule,
    /// A delivery that has not been.
    #[error("{0} lies in the future; a certificate was delivered on a day that has been")]
    FutureDelivery(Day),
    /// Whoever knows an id could end somebody's right to be forgotten.
    #[error("somebody else wrote this request down; they take it back, or a data protection officer does")]
    OthersRequest,
    /// Nobody reads an address behind a fence.
    #[error("{0}; approve without suppress, and put addresses on the list with the mutation suppress")]
    SuppressUnread(&'static str),
    /// A hold that would keep nothing, whatever was meant.
    #[error("nobody can have {0}: it is of no year that the register knows, or the register says nothing of it")]
    NobodyHas(Compartment),
    /// A document or an address by a number that is nobody's.
    #[error("this subject has no {0}")]
    HasNo(Compartment),
    /// Nobody to give a code to.
    #[error("nobody asked for {0}, so there is nobody to give a claim code to")]
    NobodyAsked(ErasureId),
    /// A code of nobody's, or of a slip that was replaced.
    #[error("no erasure has this claim code; where the slip was replaced, only the last one counts")]
    NoSuchClaim,
    /// Two codes are never one.
    #[error("this claim code was used for another erasure; draw a new one")]
    ClaimUsed,
    /// An erasure of the same case.
    #[error("{0} is an erasure of this very person as we know them now; there is nobody else to link them to")]
    OwnErasure(ErasureId),
    /// Once is enough.
    #[error("this person is linked to {0} already")]
    AlreadyReturned(ErasureId),
    /// Not of this erasure.
    #[error("this erasure has no residue {0}")]
    NoSuchResidue(u16),
    /// Once is enough.
    #[error("residue {number} was closed already: it came to its end on {on}")]
    ResidueClosed {
        /// Which.
        number: u16,
        /// When.
        on: Day,
    },
    /// Nothing is open any more.
    #[error("the final certificate of this erasure stands; nothing of it is open any more")]
    AlreadyFinal,
    /// An end that such a residue does not have.
    #[error("a residue of the kind {} does not end as {}", .kind.name(), .end.name())]
    OtherEnd {
        /// What it is.
        kind: ResidueKind,
        /// What was said.
        end: ResidueEnd,
    },
    /// An end that has not come.
    #[error("{0} lies in the future; a residue is closed on a day that has been")]
    FutureEnd(Day),
    /// Its last day is not over, or nobody has said which one that is.
    #[error("residue {number} has not run out: {}", .until.map_or("nobody has said until when it is kept".to_owned(), |day| format!("it is kept until {day}")))]
    NotRunOut {
        /// Which.
        number: u16,
        /// Its last day.
        until: Option<Day>,
    },
    /// Nothing to name.
    #[error("name at least one residue; those of this erasure were named already")]
    NoResidueNamed,
    /// More than fit.
    #[error("more residues than one record, or one erasure, can have; count some of them together")]
    TooManyResidues,
    /// A redaction.
    #[error(transparent)]
    Redaction(#[from] NotRedacted),
    /// The certificate is of another destruction.
    #[error("the certificate's epochs do not follow the order: it was {ordered}, then {before}, then {after}")]
    Epochs {
        /// When it was ordered.
        ordered: u64,
        /// What the certificate says.
        before: u64,
        /// What the certificate says.
        after: u64,
    },
}
