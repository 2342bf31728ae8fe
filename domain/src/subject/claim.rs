//! A claim: what lets somebody who was erased come back and ask. The log holds the hash of a code that only they have. Who
//! shows the code is linked to the erasure by a sealed record in their new case, which dies with that case's claims.

use super::{Case, Event, Rejection, Stage};
use crate::id::ErasureId;
use crate::personal::Held;
use crate::value::Text;

/// What is kept of a claim code: its hash. A code has 256 random bits, so nothing is learnt from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClaimMark(pub [u8; 32]);

/// An erasure that somebody was reached by before, as the register has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OldErasure {
    /// Which.
    pub erasure: ErasureId,
    /// How far it is.
    pub stage: Stage,
    /// The mark that counts.
    pub mark: ClaimMark,
}

/// That a subject was somebody before. It stands only inside a sealed part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Returned {
    /// The erasure they showed the code of.
    pub erasure: ErasureId,
    /// Why they are linked to it again, in words.
    pub reason: Text,
}

/// The last mark counts, up to the certificate: behind it the slip is in somebody's drawer.
pub(super) fn mark(case: &Case, erasure: ErasureId, mark: ClaimMark) -> Result<Event, Rejection> {
    let wanted = [Stage::Requested, Stage::Approved, Stage::Fenced, Stage::DestructionOrdered];
    let found = super::decide::find(case, erasure, &wanted, "not certified yet", "given a claim code")?;
    if found.is_retention() {
        return Err(Rejection::NobodyAsked(erasure));
    }
    Ok(Event::ClaimMarked { erasure, mark })
}

pub(super) fn come_back(case: &Case, old: &OldErasure, shown: ClaimMark, reason: &Text) -> Result<Event, Rejection> {
    let subject = super::decide::subject(case)?;
    if old.mark != shown {
        return Err(Rejection::NoSuchClaim);
    }
    if old.stage != Stage::Certified {
        return Err(Rejection::OutOfOrder { stage: old.stage, wanted: "certified", act: "come back to" });
    }
    if case.erasures.iter().any(|erasure| erasure.id == old.erasure) {
        return Err(Rejection::OwnErasure(old.erasure));
    }
    if case.returns.contains(&old.erasure) {
        return Err(Rejection::AlreadyReturned(old.erasure));
    }
    let returned = Returned { erasure: old.erasure, reason: reason.clone() };
    Ok(Event::Returned { returned: Held::new(subject, crate::compartment::Compartment::Claims, returned) })
}

#[cfg(test)]
mod tests {
    use super::super::{
        AnchorLevel, Asked, AskedHow, Certificate, Closing, Command, CoolingOff, Ground, IdentityCheck, Request,
        SubjectKind,
    };
    use super::*;
    use crate::aggregate::{Aggregate as _, Circumstances};
    use crate::compartment::Compartment;
    use crate::id::{ActorId, KeyId, SubjectId};
    use crate::personal::Gone;
    use crate::time::Day;

    const MARIA: SubjectId = SubjectId([1; 16]);
    const ERASURE: ErasureId = ErasureId([4; 16]);
    const OLD: OldErasure =
        OldErasure { erasure: ErasureId([7; 16]), stage: Stage::Certified, mark: ClaimMark([8; 32]) };

    fn on(actor: u8) -> Circumstances {
        let now = "2026-03-02".parse::<Day>().unwrap().start();
        Circumstances { actor: ActorId([actor; 16]), effective_at: now, now }
    }

    fn request() -> Command {
        let (on, identity) = ("2026-03-01".parse().unwrap(), IdentityCheck::KnownPoint);
        let asked = Asked { ground: Ground::Objected, how: AskedHow::Letter, on, identity, identity_on: on };
        Command::RequestErasure { erasure: ERASURE, asked, request: Request { words: None, people: vec![] } }
    }

    fn mark(byte: u8) -> Command {
        Command::MarkClaim { erasure: ERASURE, mark: ClaimMark([byte; 32]) }
    }

    fn come_back(old: OldErasure, shown: u8) -> Command {
        let reason = Text::parse("She is a customer again and asked what became of her old file.").unwrap();
        Command::LinkReturn { old, shown: ClaimMark([shown; 32]), reason }
    }

    fn given(commands: Vec<(u8, Command)>) -> Case {
        let mut case = Case::default();
        let open = (2, Command::Open { subject: MARIA, kind: SubjectKind::Person });
        for (actor, command) in std::iter::once(open).chain(commands) {
            case.decide(&command, &on(actor)).unwrap().iter().for_each(|event| case.evolve(event));
        }
        case
    }

    fn certified() -> Vec<(u8, Command)> {
        let keys = vec![KeyId([9; 16])];
        let closed = vec![Compartment::Relationship];
        let closing = vec![Closing { subject: MARIA, closed, stays: vec![Compartment::Claims] }];
        let (survives, links, residues) = (vec![], vec![], vec![]);
        let certificate = Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives, links };
        vec![
            (3, Command::Approve { erasure: ERASURE }),
            (3, Command::Fence { erasure: ERASURE, closing, keys: keys.clone(), wait: CoolingOff::NONE }),
            (3, Command::OrderDestruction { erasure: ERASURE, keys, epoch_before: 4 }),
            (3, Command::Certify { erasure: ERASURE, certificate, residues }),
        ]
    }

    #[test]
    fn an_erasure_is_marked_up_to_its_certificate() {
        let case = given(vec![(2, request())]);
        let marked = Event::ClaimMarked { erasure: ERASURE, mark: ClaimMark([5; 32]) };
        assert_eq!(case.decide(&mark(5), &on(2)), Ok(vec![marked]));
        let case = given(vec![(2, request()), (2, mark(5))]);
        assert!(case.decide(&mark(6), &on(2)).is_ok(), "a lost slip is replaced");
        let done = given([vec![(2, request()), (2, mark(5))], certified()].concat());
        let late = done.decide(&mark(6), &on(2)).unwrap_err();
        assert_eq!(
            late.to_string(),
            "this erasure is certified; only one that is not certified yet can be given a claim code"
        );
        let mut over = given(vec![]);
        let (on_day, over_now) = ("2026-03-01".parse().unwrap(), vec![]);
        over.evolve(&Event::RetentionOver { erasure: ERASURE, by: ActorId([3; 16]), on: on_day, over: over_now });
        assert_eq!(over.decide(&mark(5), &on(2)), Err(Rejection::NobodyAsked(ERASURE)));
        let unknown = Command::MarkClaim { erasure: ErasureId([6; 16]), mark: ClaimMark([5; 32]) };
        assert_eq!(case.decide(&unknown, &on(2)), Err(Rejection::NoSuchErasure(ErasureId([6; 16]))));
    }

    #[test]
    fn who_shows_the_code_is_linked_once_and_under_claims() {
        let case = given(vec![]);
        let Ok(events) = case.decide(&come_back(OLD, 8), &on(2)) else { panic!("refused") };
        let [Event::Returned { returned: Held::Here(returned) }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((returned.subject(), returned.compartment()), (MARIA, Compartment::Claims));
        assert_eq!(returned.expose().erasure, OLD.erasure);
        let again = given(vec![(2, come_back(OLD, 8))]);
        assert_eq!(again.decide(&come_back(OLD, 8), &on(2)), Err(Rejection::AlreadyReturned(OLD.erasure)));
        let other = OldErasure { erasure: ErasureId([3; 16]), ..OLD };
        assert!(again.decide(&come_back(other, 8), &on(2)).is_ok(), "somebody may have been erased twice");
    }

    #[test]
    fn nobody_is_linked_with_another_code_too_early_or_to_themselves() {
        let case = given(vec![(2, request())]);
        assert_eq!(case.decide(&come_back(OLD, 9), &on(2)), Err(Rejection::NoSuchClaim));
        let fenced = OldErasure { stage: Stage::Fenced, ..OLD };
        let early = case.decide(&come_back(fenced, 8), &on(2)).unwrap_err();
        assert_eq!(early.to_string(), "this erasure is fenced; only one that is certified can be come back to");
        let own = OldErasure { erasure: ERASURE, ..OLD };
        assert_eq!(case.decide(&come_back(own, 8), &on(2)), Err(Rejection::OwnErasure(ERASURE)));
        let mut gone = Case::default();
        gone.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(Gone::Erased) });
        assert_eq!(gone.decide(&come_back(OLD, 8), &on(2)), Err(Rejection::Erased));
    }
}
