//! Where the certificate of an erasure goes, and that it went there. The address lies under a key of its own, which no erasure
//! of this case takes and which is over soon after the delivery. It may be given, or given anew, at every stage: no fence closes
//! it, and where its key is over, it gets another one.

use super::{Case, Erasure, Event, Rejection, Stage};
use crate::aggregate::Circumstances;
use crate::compartment::Compartment;
use crate::id::ErasureId;
use crate::limits::DELIVERED_DAYS;
use crate::personal::Held;
use crate::time::Day;
use crate::value::Text;

/// The last day that an address is kept behind a delivery, or behind the end of its erasure without one.
pub fn kept_until(on: Day) -> Day {
    on.plus_days(DELIVERED_DAYS)
}

pub(super) fn give(case: &Case, erasure: ErasureId, address: &Text) -> Result<Event, Rejection> {
    let wanted = [Stage::Requested, Stage::Approved, Stage::Fenced, Stage::DestructionOrdered, Stage::Certified];
    if super::decide::find(case, erasure, &wanted, "not over", "given an address")?.is_retention() {
        return Err(Rejection::AddressOfNobody(erasure));
    }
    let subject = super::decide::subject(case)?;
    let compartment = number(case, erasure).map(Compartment::Delivery).ok_or(Rejection::TooManyAddresses)?;
    Ok(Event::DeliveryAddressGiven { erasure, address: Held::new(subject, compartment, address.clone()) })
}

/// Remembers under which number an address was given; it follows from the records before it, whether or not it can be read.
pub(super) fn given(case: &mut Case, erasure: ErasureId) {
    let number = number(case, erasure);
    case.addresses.extend(number.map(|number| (erasure, number)));
}

/// The number that the address of an erasure gets among those of its case, from 1: the one that it has, as long as nothing has
/// closed that.
fn number(case: &Case, erasure: ErasureId) -> Option<u16> {
    let closed = |number| case.erasures.iter().any(|it| it.compartments.contains(&Compartment::Delivery(number)));
    let own = case.addresses.iter().rev().find(|(of, _)| *of == erasure).map(|(_, number)| *number);
    let last = || case.addresses.iter().map(|(_, number)| *number).max().unwrap_or_default();
    own.filter(|number| !closed(*number)).or_else(|| last().checked_add(1))
}

pub(super) fn deliver(case: &Case, erasure: ErasureId, on: Day, when: &Circumstances) -> Result<Event, Rejection> {
    let found: &Erasure = super::decide::find(case, erasure, &[Stage::Certified], "certified", "delivered")?;
    if on > when.now.day() {
        return Err(Rejection::FutureDelivery(on));
    }
    Ok(Event::CertificateDelivered { erasure, on, is_final: found.is_final })
}

#[cfg(test)]
mod tests {
    use super::super::{
        AnchorLevel, Asked, AskedHow, Certificate, Closing, Command, CoolingOff, Ground, IdentityCheck, Request,
        SubjectKind,
    };
    use super::*;
    use crate::aggregate::Aggregate as _;
    use crate::id::{ActorId, KeyId, SubjectId};
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

    fn address() -> Text {
        Text::parse("Seestrasse 1, 8000 Zürich").unwrap()
    }

    fn request(erasure: ErasureId) -> Command {
        let (on, identity) = (day("2026-03-01"), IdentityCheck::KnownPoint);
        let asked = Asked { ground: Ground::Objected, how: AskedHow::Letter, on, identity, identity_on: on };
        Command::RequestErasure { erasure, asked, request: Request { words: None, people: vec![] } }
    }

    fn give() -> Command {
        Command::GiveDeliveryAddress { erasure: ERASURE, address: address() }
    }

    fn deliver(on: &str) -> Command {
        Command::RecordDelivery { erasure: ERASURE, on: day(on) }
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
        let stays = vec![Compartment::Claims, Compartment::Delivery(1)];
        let closing = vec![Closing { subject: MARIA, closed: vec![Compartment::Relationship], stays }];
        let (survives, links, residues) = (vec![], vec![], vec![]);
        let certificate = Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives, links };
        vec![
            (2, request(ERASURE)),
            (2, give()),
            (3, Command::Approve { erasure: ERASURE }),
            (3, Command::Fence { erasure: ERASURE, closing, keys: keys.clone(), wait: CoolingOff::NONE }),
            (3, Command::OrderDestruction { erasure: ERASURE, keys, epoch_before: 4 }),
            (3, Command::Certify { erasure: ERASURE, certificate, residues }),
        ]
    }

    #[test]
    fn every_erasure_of_a_case_has_an_address_under_a_key_of_its_own() {
        let sealed = |number| Held::new(MARIA, Compartment::Delivery(number), address());
        let first = given(vec![(2, request(ERASURE))]);
        let address_given = Event::DeliveryAddressGiven { erasure: ERASURE, address: sealed(1) };
        assert_eq!(first.decide(&give(), &on(2)), Ok(vec![address_given]));
        let next = ErasureId([5; 16]);
        let withdrawn = (2, Command::WithdrawRequest { erasure: ERASURE });
        let second = given(vec![(2, request(ERASURE)), withdrawn, (2, request(next))]);
        assert!(matches!(second.decide(&give(), &on(2)), Err(Rejection::OutOfOrder { .. })), "it is over");
        let to_next = Command::GiveDeliveryAddress { erasure: next, address: address() };
        let to_the_next = |number| Ok(vec![Event::DeliveryAddressGiven { erasure: next, address: sealed(number) }]);
        assert_eq!(second.decide(&to_next, &on(2)), to_the_next(1));
        let third = given(vec![
            (2, request(ERASURE)),
            (2, give()),
            (2, give()),
            (2, Command::WithdrawRequest { erasure: ERASURE }),
            (2, request(next)),
        ]);
        assert_eq!(
            third.decide(&to_next, &on(2)),
            to_the_next(2),
            "of two addresses of one erasure the key is the same"
        );
        let unknown = Command::GiveDeliveryAddress { erasure: ErasureId([6; 16]), address: address() };
        assert_eq!(second.decide(&unknown, &on(2)), Err(Rejection::NoSuchErasure(ErasureId([6; 16]))));
    }

    #[test]
    fn what_is_certified_is_delivered_on_a_day_that_has_been() {
        let early = given(vec![(2, request(ERASURE))]).decide(&deliver("2026-03-02"), &on(3)).unwrap_err();
        assert_eq!(early.to_string(), "this erasure is requested; only one that is certified can be delivered");
        let case = given(certified());
        let delivered = Event::CertificateDelivered { erasure: ERASURE, on: day("2026-03-02"), is_final: true };
        assert_eq!(case.decide(&deliver("2026-03-02"), &on(3)), Ok(vec![delivered]));
        assert_eq!(case.decide(&deliver("2026-03-03"), &on(3)), Err(Rejection::FutureDelivery(day("2026-03-03"))));
        assert_eq!(kept_until(day("2026-03-02")), day("2026-04-01"));
    }

    /// Where the claims died with the rest, the certificate is delivered all the same, and nobody gives another address.
    #[test]
    fn the_delivery_needs_no_key_of_claims() {
        let mut case = Case::default();
        case.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(Gone::Erased) });
        let requested = given(vec![]).decide(&request(ERASURE), &on(2)).unwrap();
        requested.iter().for_each(|event| case.evolve(event));
        let (survives, links) = (vec![], vec![]);
        let certificate = Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives, links };
        case.evolve(&Event::Certified { erasure: ERASURE, certificate });
        assert!(case.decide(&deliver("2026-03-02"), &on(3)).is_ok());
        assert_eq!(case.decide(&give(), &on(2)), Err(Rejection::Erased));
    }
}
