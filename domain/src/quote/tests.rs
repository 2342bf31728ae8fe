//! Given these facts, when this command comes, then this happens.

use proptest::prelude::*;

use super::*;
use crate::id::{ActorId, SubjectId};
use crate::value::BasisPoints;

const MARIA: Person = Person { subject: SubjectId([1; 16]), contact: ContactId([11; 16]) };
const ALFREDS: Company = Company { subject: SubjectId([2; 16]), organization: OrganizationId([12; 16]) };

fn on(day: &str) -> Circumstances {
    let now = format!("{day}T09:00:00Z").parse().expect("a moment");
    Circumstances { actor: ActorId([9; 16]), effective_at: now, now }
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn texts() -> Texts {
    Texts { descriptions: vec![Line::parse("Crates").expect("a line")], ..Texts::default() }
}

fn item(quantity_milli: u64, unit_price_minor: i64) -> Item {
    let tax = BasisPoints::new(1_900).expect("a share");
    Item { quantity_milli, unit_price_minor, discount: BasisPoints::default(), tax }
}

fn offer() -> Offer {
    let currency = Currency::parse("EUR").expect("a currency");
    Offer { currency, valid_until: day("2026-03-31"), items: vec![item(2_000, 1_000)], texts: texts() }
}

fn terms() -> Terms {
    let amounts = Amounts { net_minor: 2_000, tax_minor: 380, gross_minor: 2_380 };
    let items = vec![PricedItem { item: item(2_000, 1_000), amounts }];
    Terms { currency: offer().currency, valid_until: offer().valid_until, items, total: amounts }
}

fn draft(person: Option<Person>, company: Option<Company>) -> Command {
    Command::Draft { person, company, offer: offer() }
}

fn company_part(contact: Option<ContactId>) -> Held<OrganizationPart> {
    let part = OrganizationPart { organization: ALFREDS.organization, contact, texts: texts() };
    Held::new(ALFREDS.subject, Compartment::Sales(2026), part)
}

fn person_part(texts: Option<Texts>) -> Held<PersonPart> {
    let part = PersonPart { contact: MARIA.contact, texts };
    Held::new(MARIA.subject, Compartment::Sales(2026), part)
}

fn drafted() -> Event {
    Event::Drafted { terms: terms(), person: None, organization: Some(company_part(None)) }
}

fn revised(version: u32) -> Event {
    let texts = Held::new(ALFREDS.subject, Compartment::Sales(2026), texts());
    Event::Revised { version, terms: terms(), texts }
}

fn sent(version: u32) -> Event {
    Event::Sent { version }
}

fn rejected(version: u32) -> Event {
    Event::Rejected { version, reason: None }
}

fn given(events: &[Event]) -> Quote {
    let mut quote = Quote::default();
    events.iter().for_each(|event| quote.evolve(event));
    quote
}

fn decide(events: &[Event], command: Command) -> Result<Vec<Event>, Rejection> {
    given(events).decide(&command, &on("2026-03-02"))
}

fn late(events: &[Event], command: Command) -> Result<Vec<Event>, Rejection> {
    given(events).decide(&command, &on("2026-04-01"))
}

fn revise(offer: Offer) -> Command {
    Command::Revise { offer }
}

fn send(version: u32) -> Command {
    Command::MarkSent { version }
}

fn accept(version: u32) -> Command {
    Command::Accept { version, copy: None }
}

fn reject(version: u32) -> Command {
    Command::Reject { version, reason: None }
}

#[test]
fn the_words_are_the_organizations_where_there_is_one() {
    assert_eq!(decide(&[], draft(None, Some(ALFREDS))), Ok(vec![drafted()]));
    let both =
        Event::Drafted { terms: terms(), person: Some(person_part(None)), organization: Some(company_part(None)) };
    assert_eq!(decide(&[], draft(Some(MARIA), Some(ALFREDS))), Ok(vec![both]));
    let alone = Event::Drafted { terms: terms(), person: Some(person_part(Some(texts()))), organization: None };
    assert_eq!(decide(&[], draft(Some(MARIA), None)), Ok(vec![alone]));
}

#[test]
fn a_sole_trader_has_one_part() {
    let same = Person { subject: ALFREDS.subject, ..MARIA };
    let part = company_part(Some(MARIA.contact));
    let event = Event::Drafted { terms: terms(), person: None, organization: Some(part) };
    assert_eq!(decide(&[], draft(Some(same), Some(ALFREDS))), Ok(vec![event]));
}

#[test]
fn a_quote_is_drafted_once_and_for_somebody() {
    assert_eq!(decide(&[], draft(None, None)), Err(Rejection::NobodyNamed));
    assert_eq!(decide(&[drafted()], draft(None, Some(ALFREDS))), Err(Rejection::AlreadyDrafted));
    for command in [revise(offer()), send(1), accept(1), reject(1)] {
        assert_eq!(decide(&[], command), Err(Rejection::NotDrafted));
    }
}

#[test]
fn an_offer_is_whole() {
    let refused = |offer: Offer| {
        let drafted = decide(&[], Command::Draft { person: None, company: Some(ALFREDS), offer: offer.clone() });
        assert_eq!(drafted, decide(&[super::tests::drafted()], revise(offer)), "a revision is checked alike");
        drafted.expect_err("refused")
    };
    let line = || Line::parse(&"ß".repeat(200)).expect("a line");
    let lines = |count, text: Line| Offer {
        items: vec![item(1, 1); count],
        texts: Texts { descriptions: vec![text; count], ..Texts::default() },
        ..offer()
    };
    assert_eq!(refused(lines(0, line())), Rejection::WrongNumberOfLines { limit: 200 });
    assert_eq!(refused(lines(201, line())), Rejection::WrongNumberOfLines { limit: 200 });
    assert_eq!(refused(lines(200, line())), Rejection::TooMuch { limit: 48_000 });
    assert_eq!(refused(Offer { items: vec![item(1, 1); 2], ..offer() }), Rejection::DescriptionsDiffer);
    for quantity in [0, QUANTITY_MILLI + 1] {
        let refused = refused(Offer { items: vec![item(quantity, 1)], ..offer() });
        assert_eq!(refused, Rejection::WrongQuantity { limit: QUANTITY_MILLI });
    }
    assert_eq!(refused(Offer { items: vec![item(2_000, i64::MAX)], ..offer() }), Rejection::AmountTooLarge);
    let valid_until = day("2026-03-01");
    assert_eq!(refused(Offer { valid_until, ..offer() }), Rejection::Expired { valid_until });
}

#[test]
fn sums_are_added_up_by_line() {
    let two = Offer {
        items: vec![item(1_000, 13), item(1_000, 13)],
        texts: Texts { descriptions: vec![texts().descriptions[0].clone(); 2], ..Texts::default() },
        ..offer()
    };
    let terms = two.terms(day("2026-03-02")).expect("terms");
    let total = Amounts { net_minor: 26, tax_minor: 4, gross_minor: 30 };
    assert_eq!(terms.total, total, "2.47 each is 2 each, not 4.94 together");
}

#[test]
fn versions_are_numbered_and_sent() {
    assert_eq!(decide(&[drafted()], revise(offer())), Ok(vec![revised(2)]));
    assert_eq!(decide(&[drafted(), revised(2)], revise(offer())), Ok(vec![revised(3)]));
    assert_eq!(given(&[drafted(), revised(2)]).version(), Some(2));
    assert_eq!(decide(&[drafted(), revised(2)], send(2)), Ok(vec![sent(2)]));
    assert_eq!(decide(&[drafted(), revised(2)], send(1)), Err(Rejection::NotTheLastVersion { last: 2 }));
    assert_eq!(decide(&[drafted(), sent(1)], send(1)), Ok(Vec::new()));
    let valid_until = day("2026-03-31");
    assert_eq!(late(&[drafted()], send(1)), Err(Rejection::Expired { valid_until }));
    let full = Event::Revised { version: QUOTE_VERSIONS, terms: terms(), texts: Held::Gone(Gone::Erased) };
    let refused = Err(Rejection::TooManyVersions { limit: QUOTE_VERSIONS });
    assert_eq!(decide(&[drafted(), full], revise(offer())), refused);
}

#[test]
fn only_the_version_sent_last_is_accepted_and_in_time() {
    assert_eq!(decide(&[drafted()], accept(1)), Err(Rejection::NotSent));
    assert_eq!(decide(&[drafted(), sent(1)], accept(1)), Ok(vec![Event::Accepted { version: 1 }]));
    let newer_draft = [drafted(), sent(1), revised(2)];
    assert_eq!(decide(&newer_draft, accept(2)), Err(Rejection::NotTheLastSent { last: 1 }));
    assert_eq!(decide(&newer_draft, accept(1)), Ok(vec![Event::Accepted { version: 1 }]));
    let newer = [drafted(), sent(1), revised(2), sent(2)];
    assert_eq!(decide(&newer, accept(1)), Err(Rejection::NotTheLastSent { last: 2 }));
    let valid_until = day("2026-03-31");
    assert_eq!(late(&newer, accept(2)), Err(Rejection::Expired { valid_until }));
    let last_day = given(&newer).decide(&accept(2), &on("2026-03-31"));
    assert!(last_day.is_ok(), "the last day counts");
}

#[test]
fn a_later_draft_does_not_move_the_last_day_of_what_was_sent() {
    let longer = Terms { valid_until: day("2026-12-31"), ..terms() };
    let texts = Held::new(ALFREDS.subject, Compartment::Sales(2026), texts());
    let history = [drafted(), sent(1), Event::Revised { version: 2, terms: longer, texts }];
    assert_eq!(late(&history, accept(1)), Err(Rejection::Expired { valid_until: day("2026-03-31") }));
    assert_eq!(late(&history, send(2)), Ok(vec![sent(2)]));
}

#[test]
fn nothing_changes_after_an_acceptance() {
    let history = [drafted(), sent(1), Event::Accepted { version: 1 }];
    for command in [revise(offer()), send(1), accept(1), reject(1)] {
        assert_eq!(decide(&history, command), Err(Rejection::Accepted));
    }
}

#[test]
fn after_a_rejection_a_new_version_may_follow() {
    let reason = Text::parse("Too dear.").expect("a text");
    let with_reason = Command::Reject { version: 1, reason: Some(reason.clone()) };
    let sealed = Held::new(ALFREDS.subject, Compartment::Sales(2026), reason);
    let event = Event::Rejected { version: 1, reason: Some(sealed) };
    assert_eq!(decide(&[drafted(), sent(1)], with_reason), Ok(vec![event]));
    assert_eq!(late(&[drafted(), sent(1)], reject(1)), Ok(vec![rejected(1)]), "a no may come late");
    assert_eq!(decide(&[drafted()], reject(1)), Err(Rejection::NotSent));
    let newer = [drafted(), sent(1), revised(2), sent(2)];
    assert_eq!(decide(&newer, reject(1)), Err(Rejection::NotTheLastSent { last: 2 }));
    let history = [drafted(), sent(1), rejected(1)];
    for command in [accept(1), reject(1), send(1)] {
        assert_eq!(decide(&history, command), Err(Rejection::Rejected));
    }
    assert_eq!(decide(&history, revise(offer())), Ok(vec![revised(2)]));
    let again = [drafted(), sent(1), rejected(1), revised(2)];
    assert_eq!(decide(&again, accept(1)), Err(Rejection::NotSent));
    assert_eq!(decide(&again, send(2)), Ok(vec![sent(2)]));
}

#[test]
fn a_quote_stands_differently_on_different_days() {
    let status = |events: &[Event], today| given(events).status(day(today));
    assert_eq!(status(&[], "2026-03-02"), None);
    assert_eq!(status(&[drafted()], "2026-03-02"), Some(Status::Draft));
    assert_eq!(status(&[drafted(), sent(1)], "2026-03-31"), Some(Status::Sent));
    assert_eq!(status(&[drafted(), sent(1)], "2026-04-01"), Some(Status::Expired));
    assert_eq!(status(&[drafted(), sent(1), revised(2)], "2026-04-01"), Some(Status::Draft));
    let accepted = Event::Accepted { version: 1 };
    assert_eq!(status(&[drafted(), sent(1), accepted], "2026-04-01"), Some(Status::Accepted));
    assert_eq!(status(&[drafted(), sent(1), rejected(1)], "2026-03-02"), Some(Status::Rejected));
    assert_eq!(status(&[drafted(), sent(1), rejected(1), revised(2)], "2026-03-02"), Some(Status::Draft));
}

#[test]
fn after_an_erasure_no_words_come_in_and_an_answer_still_does() {
    for (why, answer) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Fenced)] {
        let person = Some(person_part(None));
        let history = [Event::Drafted { terms: terms(), person, organization: Some(Held::Gone(why)) }, sent(1)];
        assert_eq!(decide(&history, revise(offer())), Err(answer), "the person's key is no substitute");
        let reason = Some(Text::parse("Too dear.").expect("a text"));
        assert_eq!(decide(&history, Command::Reject { version: 1, reason }), Err(answer));
        assert_eq!(decide(&history, reject(1)), Ok(vec![rejected(1)]));
        assert_eq!(decide(&history, accept(1)), Ok(vec![Event::Accepted { version: 1 }]));
    }
}

#[test]
fn when_the_person_is_forgotten_the_companys_quote_goes_on() {
    let person = Some(Held::Gone(Gone::Erased));
    let history = [Event::Drafted { terms: terms(), person, organization: Some(company_part(None)) }];
    assert_eq!(decide(&history, revise(offer())), Ok(vec![revised(2)]));
}

/// The same fact after the key is gone.
fn forget(event: Event) -> Event {
    let lost = Gone::Erased;
    match event {
        Event::Drafted { terms, person, organization } => {
            let (person, organization) = (person.map(|_| Held::Gone(lost)), organization.map(|_| Held::Gone(lost)));
            Event::Drafted { terms, person, organization }
        }
        Event::Revised { version, terms, .. } => Event::Revised { version, terms, texts: Held::Gone(lost) },
        Event::Rejected { version, reason } => Event::Rejected { version, reason: reason.map(|_| Held::Gone(lost)) },
        other => other,
    }
}

fn any_offer() -> impl Strategy<Value = Offer> {
    let quantity = prop_oneof![1..5_000u64, any::<u64>()];
    let price = prop_oneof![-5_000..5_000i64, any::<i64>()];
    (quantity, price, 20_500..20_600i32).prop_map(|(quantity, price, day)| Offer {
        valid_until: Day(day),
        items: vec![item(quantity, price)],
        ..offer()
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    let reason = any::<bool>().prop_map(|words| words.then(|| Text::parse("Too dear.").expect("a text")));
    prop_oneof![
        (any::<(bool, bool)>(), any_offer()).prop_map(|((person, company), offer)| {
            let (person, company) = (person.then_some(MARIA), company.then_some(ALFREDS));
            Command::Draft { person, company, offer }
        }),
        any_offer().prop_map(revise),
        (0..5u32).prop_map(send),
        (0..5u32).prop_map(send),
        (0..5u32).prop_map(accept),
        (0..5u32, reason).prop_map(|(version, reason)| Command::Reject { version, reason }),
    ]
}

proptest! {
    #[test]
    fn any_commands_are_answered_and_replay_alike(
        commands in prop::collection::vec((any_command(), 0i64..4), 0..60),
    ) {
        let (mut live, mut history, mut when) = (Quote::default(), Vec::new(), on("2026-01-10"));
        for (command, days) in &commands {
            when.effective_at = when.effective_at.plus_ms(days * crate::time::Time::DAY_MS);
            let today = when.effective_at.day();
            let before = live.status(today);
            for event in live.decide(command, &when).unwrap_or_default() {
                prop_assert_ne!(before, Some(Status::Accepted), "nothing changes after an acceptance");
                let accepts = matches!(event, Event::Accepted { .. });
                prop_assert!(!accepts || before != Some(Status::Expired), "nothing is accepted when it is over");
                live.evolve(&event);
                history.push(event);
            }
        }
        prop_assert_eq!(given(&history), live.clone());
        let forgotten: Vec<_> = history.into_iter().map(forget).collect();
        let today = when.effective_at.day();
        prop_assert_eq!(given(&forgotten).status(today), live.status(today));
        for (command, _) in commands.iter().filter(|_| !forgotten.is_empty()) {
            for event in given(&forgotten).decide(command, &when).unwrap_or_default() {
                prop_assert_eq!(forget(event.clone()), event, "no key, no words");
            }
        }
    }
}

#[test]
fn an_accepted_quote_has_its_own_copy_for_the_tax_office_unless_nobody_is_left() {
    let country = crate::compartment::Country(*b"DE");
    let voucher = Voucher { recipient: Line::parse("Alfreds").ok(), ..Voucher::default() };
    let copy = Some(Box::new(Copy { country, voucher: voucher.clone() }));
    let accept = Command::Accept { version: 1, copy };
    let events = decide(&[drafted(), sent(1)], accept.clone()).unwrap();
    let [Event::Accepted { version: 1 }, Event::VoucherKept { version: 1, voucher: kept }] = &events[..] else {
        panic!("{events:?}")
    };
    let kept = kept.here().unwrap();
    assert!(matches!(kept.compartment(), Compartment::Fiscal(of, _) if of == country), "a key of its own");
    assert_eq!(kept.expose(), &voucher);
    let gone = |event| match event {
        Event::Drafted { terms, person, organization } => Event::Drafted {
            terms,
            person: person.map(|_| Held::Gone(Gone::Erased)),
            organization: organization.map(|_| Held::Gone(Gone::Erased)),
        },
        other => other,
    };
    let events = decide(&[gone(drafted()), sent(1)], accept).unwrap();
    assert_eq!(events, [Event::Accepted { version: 1 }]);
}
