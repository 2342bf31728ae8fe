//! What a client is told of a step that was refused.

use domain::subject::Rejection;
use events::ledger::EraseError;

use crate::graphql::outcome::{ErrorCode, Kind, No, UserError};

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotOver { .. } | Self::NoEnd(_) | Self::NotARetention(_) | Self::NotConfirmed => ErrorCode::Conflict,
            Self::StaleTime { .. } => ErrorCode::Conflict,
            Self::ConfirmingOwnRun | Self::ConfirmingOwnRule => ErrorCode::Permission,
            Self::NotAsked => ErrorCode::Validation,
            Self::NotOpened | Self::NoSuchErasure(_) | Self::NotLinked | Self::NothingOpened => ErrorCode::NotFound,
            Self::NoSuchHold(_) | Self::NoSuchResidue(_) | Self::NoAddress => ErrorCode::NotFound,
            Self::Redaction(no) => no.kind(),
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Withheld | Self::NoMatterNow => ErrorCode::Fenced,
            Self::ApprovingOwnRequest | Self::RefusingOwnRequest | Self::ApprovalStands => ErrorCode::Permission,
            Self::ApprovingOwnHold | Self::ApprovingOwnLift | Self::OthersRequest => ErrorCode::Permission,
            Self::NoSuchClaim => ErrorCode::NotFound,
            Self::ClaimUsed | Self::NobodyAsked(_) | Self::OwnErasure(_) | Self::AlreadyReturned(_) => {
                ErrorCode::Conflict
            }
            Self::NothingToFence | Self::OnHold { .. } => ErrorCode::Hold,
            Self::AlreadyOpened
            | Self::ErasureOpen(_)
            | Self::ErasureIdUsed(_)
            | Self::OutOfOrder { .. }
            | Self::OtherKeys
            | Self::CoolingOff(_)
            | Self::HoldTooLate(_)
            | Self::HoldIdUsed(_)
            | Self::HoldOutOfOrder { .. }
            | Self::ResidueClosed { .. }
            | Self::AlreadyFinal
            | Self::AddressOfNobody(_)
            | Self::TooManyAddresses
            | Self::NotRunOut { .. }
            | Self::Epochs { .. } => ErrorCode::Conflict,
            Self::FutureDay(_)
            | Self::PastDay(_)
            | Self::ReviewOver(_)
            | Self::OtherEnd { .. }
            | Self::FutureEnd(_)
            | Self::FutureDelivery(_)
            | Self::EarlyDelivery { .. }
            | Self::EarlyEnd { .. }
            | Self::NoResidueNamed
            | Self::TooManyResidues
            | Self::TooManyHeld(_)
            | Self::NobodyHas(_)
            | Self::SuppressUnread(_)
            | Self::HasNo(_)
            | Self::PeopleOfAPerson
            | Self::TooManyPeople(_)
            | Self::TooManyKeys
            | Self::TooManyStay(_) => ErrorCode::Validation,
        }
    }
}

impl From<EraseError> for No {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Refused(refused) => refused.into(),
            EraseError::UnderWay(_) => UserError::new(ErrorCode::Conflict, error).into(),
            EraseError::OnHold(_) => UserError::new(ErrorCode::Hold, error).into(),
            EraseError::NoRule(missing) => UserError::new(ErrorCode::Conflict, missing).into(),
            EraseError::Failed(failed) => Self::Failure(failed.into()),
        }
    }
}
