//! Who may do what: one row an operation. A test holds this table against the one in the documentation, and every root field
//! of the schema must have a row.

use domain::actor::Role;
use domain::id::{ActorId, TokenId};

use Role::{Admin, Agent, Auditor, Dpo, Integration};

/// Somebody with a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who; two tokens of one actor are one person.
    pub actor: ActorId,
    /// What the actor is.
    pub roles: Vec<Role>,
    /// With which token.
    pub token: TokenId,
}

impl Viewer {
    /// Whether one of the actor's roles may do this. An operation without a row is nobody's.
    pub fn may(&self, operation: &str) -> bool {
        roles(operation).is_some_and(|roles| self.roles.iter().any(|role| roles.contains(role)))
    }

    /// Whether the actor has this role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// The roles that may do an operation; none when it has no row.
pub fn roles(operation: &str) -> Option<&'static [Role]> {
    TABLE.iter().find(|(name, _)| *name == operation).map(|(_, roles)| *roles)
}

const EVERYBODY: &[Role] = &[Agent, Integration, Dpo, Auditor, Admin];
const READERS: &[Role] = &[Agent, Dpo];
const CHANGERS: &[Role] = &[Agent];

/// Root fields of queries and mutations, and the paths below `/log`.
pub const TABLE: &[(&str, &[Role])] = &[
    ("viewer", EVERYBODY),
    ("node", READERS),
    ("contact", READERS),
    ("contacts", READERS),
    ("organization", READERS),
    ("organizations", READERS),
    ("ticket", READERS),
    ("tickets", READERS),
    ("quote", READERS),
    ("quotes", READERS),
    ("registerContact", &[Agent, Integration]),
    ("registerOrganization", &[Agent, Integration]),
    ("changeContact", CHANGERS),
    ("addContactPoint", CHANGERS),
    ("retireContactPoint", CHANGERS),
    ("changeOrganization", CHANGERS),
    ("openTicket", CHANGERS),
    ("replyToTicket", CHANGERS),
    ("addInternalNote", CHANGERS),
    ("assignTicket", CHANGERS),
    ("setTicketPriority", CHANGERS),
    ("solveTicket", CHANGERS),
    ("reopenTicket", CHANGERS),
    ("closeTicket", CHANGERS),
    ("draftQuote", CHANGERS),
    ("reviseQuote", CHANGERS),
    ("markQuoteSent", CHANGERS),
    ("acceptQuote", CHANGERS),
    ("rejectQuote", CHANGERS),
    ("consents", &[Agent, Integration, Dpo, Auditor]),
    ("mayContact", &[Agent, Integration, Dpo]),
    ("giveConsent", &[Agent, Integration]),
    ("withdrawConsent", &[Agent, Integration]),
    ("refuseConsent", &[Agent, Integration]),
    ("objectToProcessing", &[Agent, Integration]),
    ("requestConsent", &[Integration]),
    ("confirmConsent", &[Integration]),
    ("subject", &[Dpo]),
    ("erasurePreview", &[Dpo]),
    ("erasure", READERS),
    ("erasures", READERS),
    ("hold", &[Dpo]),
    ("holds", &[Dpo]),
    ("history", &[Agent, Dpo, Auditor]),
    ("log", &[Dpo, Auditor]),
    ("inclusionProof", &[Dpo, Auditor]),
    ("consistencyProof", &[Dpo, Auditor]),
    ("evidence", &[Dpo, Auditor]),
    ("receipt", &[Agent, Integration]),
    ("discloseEvidence", &[Dpo]),
    ("requestErasure", &[Agent, Integration, Dpo]),
    ("withdrawErasureRequest", &[Agent, Integration, Dpo]),
    ("approveErasure", &[Dpo]),
    ("orderDestruction", &[Dpo]),
    ("refuseErasure", &[Dpo]),
    ("retention", &[Dpo]),
    ("confirmRetention", &[Dpo]),
    ("nameResidues", &[Dpo]),
    ("closeResidue", &[Dpo]),
    ("deliverCertificate", &[Dpo]),
    ("giveDeliveryAddress", &[Agent, Integration, Dpo]),
    ("replaceClaimCode", &[Agent, Dpo]),
    ("linkReturn", &[Agent, Dpo]),
    ("erasureByCertificate", &[Agent, Integration, Dpo]),
    ("erasureByClaim", &[Agent, Integration, Dpo]),
    ("setResidueDays", &[Dpo]),
    ("residueDays", EVERYBODY),
    ("placeHold", &[Dpo]),
    ("approveHold", &[Dpo]),
    ("liftHold", &[Dpo]),
    ("approveHoldLift", &[Dpo]),
    ("suppressionList", &[Dpo]),
    ("suppress", &[Dpo]),
    ("unsuppress", &[Dpo]),
    ("redactionPreview", READERS),
    ("redaction", READERS),
    ("redactions", READERS),
    ("bin", READERS),
    ("requestRedaction", READERS),
    ("withdrawRedaction", READERS),
    ("approveRedaction", &[Dpo]),
    ("moveToBin", READERS),
    ("restoreFromBin", READERS),
    ("document", READERS),
    ("documents", READERS),
    ("attachDocument", CHANGERS),
    ("redactDocument", READERS),
    ("notices", EVERYBODY),
    ("purposes", EVERYBODY),
    ("retentions", EVERYBODY),
    ("publishNotice", &[Dpo]),
    ("setPurpose", &[Dpo]),
    ("setRetention", &[Dpo]),
    ("actors", &[Agent, Dpo, Auditor, Admin]),
    ("tokens", &[Dpo, Auditor, Admin]),
    ("issueToken", &[Admin]),
    ("revokeToken", &[Admin]),
    ("keyring", &[Dpo, Auditor, Admin]),
    ("declareAnchor", &[Dpo, Admin]),
    ("confirmAnchor", &[Dpo, Admin]),
    ("withdrawAnchor", &[Dpo, Admin]),
];
