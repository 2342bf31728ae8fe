//! The codes of an erasure: why it is asked for or refused, how it was asked and who asked, and what remains.

use super::Survivor;
use crate::code::codes;
use crate::compartment::Compartment;
use crate::time::Day;

codes! {
    /// What a subject is.
    pub enum SubjectKind {
        /// A natural person.
        Person = 1 "PERSON",
        /// An organization; a sole trader is a person behind it, so it has the same rights here.
        Organization = 2 "ORGANIZATION",
    }

    /// Why data must go: Art. 17(1)(a) to (f) GDPR, in that order.
    pub enum Ground {
        /// (a) It is no longer needed for what it was collected for.
        NoLongerNecessary = 1 "NO_LONGER_NECESSARY",
        /// (b) The consent it rests on was withdrawn.
        ConsentWithdrawn = 2 "CONSENT_WITHDRAWN",
        /// (c) The person objected.
        Objected = 3 "OBJECTED",
        /// (d) It was processed unlawfully.
        Unlawful = 4 "UNLAWFUL",
        /// (e) A law demands it.
        LegalDuty = 5 "LEGAL_DUTY",
        /// (f) It was collected from a child for an online service.
        Child = 6 "CHILD",
        /// (a) again, and nobody asked: the register says that its time is over (Art. 5(1)(e) GDPR).
        RetentionOver = 7 "RETENTION_OVER",
    }

    /// How the request came in.
    pub enum AskedHow {
        /// By mail.
        Email = 1 "EMAIL",
        /// By letter.
        Letter = 2 "LETTER",
        /// In a call.
        Phone = 3 "PHONE",
        /// Face to face.
        InPerson = 4 "IN_PERSON",
        /// Through a form on a web site.
        WebForm = 5 "WEB_FORM",
        /// Through the customer portal.
        Portal = 6 "PORTAL",
        /// Nobody asked: the controller found that it must go.
        OwnReview = 7 "OWN_REVIEW",
    }

    /// How we know that it was the person who asked (Art. 12(6) GDPR).
    pub enum IdentityCheck {
        /// An answer from a contact point on file.
        KnownPoint = 1 "KNOWN_POINT",
        /// The person was signed in.
        SignedIn = 2 "SIGNED_IN",
        /// A call back to a number on file.
        CalledBack = 3 "CALLED_BACK",
        /// A document was seen; no copy is kept.
        DocumentSeen = 4 "DOCUMENT_SEEN",
        /// Somebody of ours knows the person.
        KnownInPerson = 5 "KNOWN_IN_PERSON",
        /// A power of attorney was seen.
        Attorney = 6 "ATTORNEY",
        /// Nobody asked, so there is nobody to check.
        NotNeeded = 7 "NOT_NEEDED",
    }

    /// Why an erasure is refused.
    pub enum RefusalGround {
        /// Unfounded or excessive (Art. 12(5)(b) GDPR).
        UnfoundedOrExcessive = 1 "UNFOUNDED_OR_EXCESSIVE",
        /// It could not be shown who asked (Art. 11(2) and 12(6) GDPR).
        IdentityNotShown = 2 "IDENTITY_NOT_SHOWN",
        /// None of the grounds of Art. 17(1) GDPR applies.
        NoGround = 3 "NO_GROUND",
        /// Free expression and information (Art. 17(3)(a) GDPR).
        Expression = 4 "EXPRESSION",
        /// A law that obliges us, or a public task (Art. 17(3)(b) GDPR).
        LegalDuty = 5 "LEGAL_DUTY",
        /// Public health (Art. 17(3)(c) GDPR).
        PublicHealth = 6 "PUBLIC_HEALTH",
        /// Archives, research, statistics (Art. 17(3)(d) GDPR).
        Archives = 7 "ARCHIVES",
        /// Legal claims (Art. 17(3)(e) GDPR).
        Claims = 8 "CLAIMS",
        /// The data is another controller's.
        NotController = 9 "NOT_CONTROLLER",
    }

    /// Why a fence is lifted.
    pub enum UnfenceGround {
        /// The person thought better of it.
        RequestWithdrawn = 1 "REQUEST_WITHDRAWN",
        /// The wrong person, or too much.
        Mistake = 2 "MISTAKE",
        /// A claim or a law came up that needs the data.
        NeededForClaims = 3 "NEEDED_FOR_CLAIMS",
        /// Its time is not over after all: the clock was wrong, or the register says so now.
        NotOver = 4 "NOT_OVER",
        /// An erasure of the whole person was approved and takes these keys along.
        ErasedInstead = 5 "ERASED_INSTEAD",
    }

    /// How far an erasure is.
    pub enum Stage {
        /// Asked for.
        Requested = 1 "REQUESTED",
        /// The request was taken back.
        Withdrawn = 2 "WITHDRAWN",
        /// Refused.
        Refused = 3 "REFUSED",
        /// A second person agreed.
        Approved = 4 "APPROVED",
        /// The keys are fenced; a way leads back.
        Fenced = 5 "FENCED",
        /// The keys are about to be destroyed; no way leads back.
        DestructionOrdered = 6 "DESTRUCTION_ORDERED",
        /// Done.
        Certified = 7 "CERTIFIED",
    }

    /// Who outside says what time it is.
    pub enum OutsideSource {
        /// A witness, with its cosignature on a checkpoint of this log.
        Witness = 1 "WITNESS",
        /// A time-stamping authority (RFC 3161), with its token for a checkpoint of this log.
        Authority = 2 "AUTHORITY",
    }

    /// How hard it is to bring a destroyed root key back. The higher, the harder.
    pub enum AnchorLevel {
        /// A file: logical only.
        A0 = 1 "A0",
        /// Hardware, without a declared device.
        A1 = 2 "A1",
        /// A cloud's key service; destruction is delayed.
        A2 = 3 "A2",
        /// Hardware whose device is declared.
        A3 = 4 "A3",
    }

    /// What may still link streams of the erased, for whoever reads the log.
    pub enum StillLinks {
        /// Records of one command stand side by side.
        AdjacentRecords = 1 "ADJACENT_RECORDS",
        /// Records of several streams were written close in time.
        CloseInTime = 2 "CLOSE_IN_TIME",
        /// The keys were destroyed in a batch of one, so they were one subject's.
        BatchOfOne = 3 "BATCH_OF_ONE",
        /// Files with opened parts were handed out before; whoever keeps one reads it still.
        HandedOut = 4 "HANDED_OUT",
        /// Keys that are kept open what is sealed under them, and that names whose it is.
        KeptKeys = 6 "KEPT_KEYS",
        /// The case file of the request is sealed under claims, which are kept.
        CaseFile = 7 "CASE_FILE",
        /// What other systems got before is theirs.
        OtherSystems = 8 "OTHER_SYSTEMS",
    }
}

impl RefusalGround {
    /// Why a fence is lifted where an erasure is refused for this.
    pub fn unfences(self) -> UnfenceGround {
        match self {
            Self::Claims | Self::LegalDuty => UnfenceGround::NeededForClaims,
            _ => UnfenceGround::Mistake,
        }
    }
}

impl StillLinks {
    /// A sentence for the certificate.
    pub fn words(self) -> &'static str {
        match self {
            Self::AdjacentRecords => "Records of one command stand side by side in the log.",
            Self::CloseInTime => {
                "Records of several streams were written close in time; that stays for as long as the log is kept."
            }
            Self::BatchOfOne => "The keys were destroyed in a batch of one, so they were one subject's.",
            Self::HandedOut => {
                "Files with opened values were handed out before; whoever keeps one can read it, and no erasure reaches it."
            }
            Self::KeptKeys => {
                "Keys that are kept, as listed, open what is sealed under them, and that names whose it is; the last one ends on DAY."
            }
            Self::CaseFile => "The case file of the request is sealed and names whose it is; its key ends on DAY.",
            Self::OtherSystems => {
                "Other systems that got data before may know who it was; this log does not reach them, and knows no end of that."
            }
        }
    }

    /// The last day of it, by what the certificate says that is kept; none where the log knows no end.
    pub fn until(self, survives: &[Survivor]) -> Option<Day> {
        let kept = survives.iter().filter(|survivor| match self {
            Self::KeptKeys => true,
            Self::CaseFile => survivor.compartment == Compartment::Claims,
            _ => false,
        });
        kept.map(|survivor| survivor.until).max()
    }

    /// The sentence in some language, with its day in the place of `DAY`.
    pub fn dated(self, words: &str, survives: &[Survivor]) -> String {
        words.replace("DAY", &self.until(survives).map_or_else(|| "?".to_owned(), |day| day.to_string()))
    }
}

impl Stage {
    /// Whether somebody still has to do something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Approved | Self::Fenced | Self::DestructionOrdered)
    }

    /// The word for sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::Approved => "approved",
            Self::Fenced => "fenced",
            Self::DestructionOrdered => "ordered to be destroyed",
            Self::Certified => "certified",
        }
    }
}
