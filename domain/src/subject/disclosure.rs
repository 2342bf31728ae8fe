//! A disclosure: values of a subject that leave the ledger in a file. No erasure reaches that file, so what can be said of it
//! without a key stays, and is named beside every later erasure.

use super::{Case, Event, Rejection};
use crate::aggregate::Circumstances;
use crate::compartment::Compartment;
use crate::id::DisclosureId;
use crate::personal::Held;
use crate::time::Day;
use crate::value::{Line, Text};

/// What is known of a file that was handed out: facts, which stay when the words about it are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disclosure {
    /// Its id.
    pub id: DisclosureId,
    /// BLAKE3 of the file. Every part that is opened in it brings random salts of 32 bytes, so it tells nothing of the values
    /// to whoever has not got the file.
    pub digest: [u8; 32],
    /// How many sealed parts are opened in it.
    pub parts: u32,
    /// The day the copy must be gone, where one was agreed.
    pub until: Option<Day>,
}

/// Who gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipient {
    /// Who that is.
    pub recipient: Line,
    /// What for, on which basis, with which promise.
    pub words: Option<Text>,
}

pub(super) fn disclose(
    case: &Case,
    disclosure: Disclosure,
    to: &Recipient,
    when: &Circumstances,
) -> Result<Event, Rejection> {
    let subject = super::decide::subject(case)?;
    if disclosure.parts == 0 {
        return Err(Rejection::NothingOpened);
    }
    if let Some(day) = disclosure.until.filter(|day| *day < when.now.day()) {
        return Err(Rejection::PastDay(day));
    }
    Ok(Event::Disclosed { disclosure, to: Held::new(subject, Compartment::Claims, to.clone()) })
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, AskedHow, Closing, Command, CoolingOff, Ground, IdentityCheck, Request, SubjectKind};
    use super::*;
    use crate::aggregate::Aggregate as _;
    use crate::id::{ActorId, ErasureId, KeyId, SubjectId};
    use crate::personal::Gone;

    const MARIA: SubjectId = SubjectId([1; 16]);
    const ERASURE: ErasureId = ErasureId([4; 16]);

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn on(actor: u8) -> Circumstances {
        let now = day("2026-03-02").start();
        Circumstances { actor: ActorId([actor; 16]), effective_at: now, now }
    }

    fn court() -> Recipient {
        let words = Text::parse("file number 12 C 345/26").ok();
        Recipient { recipient: Line::parse("District court").unwrap(), words }
    }

    fn file(parts: u32, until: Option<&str>) -> Disclosure {
        Disclosure { id: DisclosureId([7; 16]), digest: [8; 32], parts, until: until.map(day) }
    }

    fn disclose(disclosure: Disclosure) -> Command {
        Command::Disclose { disclosure, to: court() }
    }

    fn given(commands: &[(u8, Command)]) -> Case {
        let mut case = Case::default();
        let open = (2, Command::Open { subject: MARIA, kind: SubjectKind::Person });
        for (actor, command) in std::iter::once(&open).chain(commands) {
            for event in case.decide(command, &on(*actor)).unwrap() {
                case.evolve(&event);
            }
        }
        case
    }

    #[test]
    fn who_gets_it_is_sealed_under_claims_and_the_rest_stays() {
        for disclosure in [file(3, None), file(1, Some("2026-03-02")), file(u32::MAX, Some("2999-12-31"))] {
            let to = Held::new(MARIA, Compartment::Claims, court());
            assert_eq!(
                given(&[]).decide(&disclose(disclosure), &on(3)),
                Ok(vec![Event::Disclosed { disclosure, to }]),
                "{disclosure:?}"
            );
        }
    }

    #[test]
    fn nothing_is_disclosed_of_nobody_of_nothing_or_until_a_day_that_is_over() {
        let refused = |case: &Case, disclosure| case.decide(&disclose(disclosure), &on(3)).unwrap_err();
        assert_eq!(refused(&Case::default(), file(3, None)), Rejection::NotOpened);
        let case = given(&[]);
        assert_eq!(refused(&case, file(0, None)), Rejection::NothingOpened);
        assert_eq!(refused(&case, file(3, Some("2026-03-01"))), Rejection::PastDay(day("2026-03-01")));
        for (gone, rejection) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Withheld)] {
            let mut case = Case::default();
            case.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(gone) });
            assert_eq!(refused(&case, file(3, None)), rejection);
        }
    }

    /// What a fence takes is not opened any more; what the law keeps may still have to be shown.
    #[test]
    fn an_erasure_under_way_is_no_reason_against_a_disclosure_of_what_stays() {
        let identity = IdentityCheck::KnownPoint;
        let on = day("2026-02-02");
        let asked = Asked { ground: Ground::Objected, how: AskedHow::Letter, on, identity, identity_on: on };
        let request = Request { words: None, people: vec![] };
        let closed = vec![Compartment::Relationship];
        let closing = vec![Closing { subject: MARIA, closed, stays: vec![Compartment::Claims] }];
        let case = given(&[
            (2, Command::RequestErasure { erasure: ERASURE, asked, request }),
            (3, Command::Approve { erasure: ERASURE }),
            (3, Command::Fence { erasure: ERASURE, closing, keys: vec![KeyId([9; 16])], wait: CoolingOff::NONE }),
        ]);
        let disclosed = case.decide(&disclose(file(2, None)), &super::tests::on(3)).unwrap();
        let mut after = case.clone();
        disclosed.iter().for_each(|event| after.evolve(event));
        assert_eq!(after, case, "and it keeps nobody from going on");
    }
}
