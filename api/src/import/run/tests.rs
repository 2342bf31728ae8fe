//! Given a ledger, when files come in, then each row is there once, whole, and in the place it belongs.

use std::collections::HashSet;

use domain::contact;
use domain::holding::{Holding, ReasonKind, SourceKind};
use domain::id::{ActorId, OrganizationId};
use domain::organization::{self, Organization};
use domain::profile::FieldPolicy;
use domain::value::Line;
use events::ledger::{Clock, Fresh, Intent};
use events::log::Log as _;
use projections::{Cut, Direction, Filter, Sort};
use tempfile::TempDir;

use super::stages::{Ask, Becomes, write_organizations};
use super::{Order, run};
use crate::app::App;
use crate::import::Reason;
use crate::kept::NotKept;
use crate::local::Reply;
use crate::open::{Opening, open};
use crate::publish::Publishing;

/// A ledger, and a directory for files.
struct Office {
    app: App,
    home: TempDir,
}

impl Office {
    fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let opening = Opening {
            controller: "C".into(),
            origin: "o.example".into(),
            demo: None,
            test: false,
            cooling_off_ms: None,
            not_kept: NotKept::default(),
            publishing: Publishing::default(),
            signs: true,
        };
        let app = open(&home.path().join("data"), &opening, Clock::system()).unwrap();
        Self { app, home }
    }

    fn order(&self, text: &str) -> Order {
        let file = self.home.path().join("people.csv");
        std::fs::write(&file, text).unwrap();
        Order {
            file,
            data: self.home.path().join("data"),
            map: None,
            source: Some("old".into()),
            reason: Some("contract".into()),
            update: false,
            rejects: None,
            dry_run: false,
        }
    }

    fn carry_out(&self, order: &Order) -> Vec<String> {
        let mut said = Vec::new();
        let told = &mut |reply| match reply {
            Reply::Say(line) | Reply::Warn(line) => said.push(line),
            Reply::Progress { .. } | Reply::Done | Reply::Failed(_) => {}
        };
        run(&self.app, order, told).unwrap();
        said
    }

    /// What a dry run says, and then the run itself, which must say the same; without the dry run's first words.
    fn import(&self, text: &str, update: bool) -> Vec<String> {
        let order = Order { update, ..self.order(text) };
        let head = self.app.ledger().log().head();
        let dry = self.carry_out(&Order { dry_run: true, ..order.clone() });
        assert_eq!(self.app.ledger().log().head(), head);
        let said = self.carry_out(&order);
        let plain = |line: &String| {
            let line = line.strip_prefix("dry run, nothing was changed: ").unwrap_or(line);
            line.replace("it would be applied", "applied")
        };
        assert_eq!(dry.iter().map(plain).collect::<Vec<_>>(), said, "a dry run says what the run does");
        // The first four lines are about the file.
        said.into_iter().skip(4).collect()
    }

    fn contacts(&self) -> Vec<contact::Profile> {
        let views = self.app.ledger().views();
        let page = views.contacts(&Filter::default(), Sort::Created, Direction::Ascending, &Cut::first(5000)).unwrap();
        page.items.iter().map(|contact| contact.sheet.unwrap().profile()).collect()
    }

    /// Each organization's name, city and how many points it has.
    fn organizations(&self) -> Vec<(String, String, usize)> {
        let views = self.app.ledger().views();
        let (all, cut) = (Filter::default(), Cut::first(5000));
        let page = views.organizations(&all, Sort::Created, Direction::Ascending, &cut).unwrap();
        let told = page.items.iter().map(|known| {
            let profile = known.sheet.unwrap().profile();
            let city = profile.invoice_address.and_then(|address| address.city);
            let text = |line: Option<Line>| line.map(|line| line.as_str().to_owned()).unwrap_or_default();
            (text(profile.name), text(city), profile.points.len())
        });
        told.collect()
    }
}

fn organization(name: &str, city: &str, points: usize) -> (String, String, usize) {
    (name.to_owned(), city.to_owned(), points)
}

#[test]
fn the_same_row_twice_in_a_file_is_one_contact() {
    let office = Office::open();
    let said = office.import("id,name\n1,Ann\n1,Ann\n2,Bo\n", false);
    assert_eq!(said, ["3 rows: 2 new, 1 unchanged, 0 changed, 0 rejected; 0 organizations made; 0 warnings"]);
    assert_eq!(office.contacts().len(), 2);
}

#[test]
fn another_row_with_the_same_id_is_a_change_of_the_first() {
    let office = Office::open();
    let text = "id,name,title\n1,Ann,Buyer\n1,Ann,Head\n";
    let said = office.import(text, false);
    assert_eq!(said[0], "line 3: changed since; --update applies it");
    assert_eq!(office.contacts()[0].job_title.as_ref().unwrap().as_str(), "Buyer");
    let said = office.import(text, true);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "line 3: changed since; applied");
    assert!(said[1].starts_with("2 rows: 0 new, 1 unchanged, 1 changed, 0 rejected"), "{said:?}");
    let [ann] = &office.contacts()[..] else { panic!() };
    assert_eq!(ann.job_title.as_ref().unwrap().as_str(), "Head");
}

#[test]
fn an_organization_that_a_person_named_first_gets_what_its_own_row_says() {
    let office = Office::open();
    let text = "id,company,name,city,phone\n1,Acme,Ann,Ulm,\n8,ACME,,Berlin,030 1234567\n2,Acme,Bo,Ulm,\n";
    let said = office.import(text, false);
    assert_eq!(said, ["3 rows: 3 new, 0 unchanged, 0 changed, 0 rejected; 1 organizations made; 0 warnings"]);
    assert_eq!(office.organizations(), [organization("ACME", "Berlin", 1)]);
    assert!(office.contacts().iter().all(|contact| contact.organization.is_some()));
    let again = office.import(text, false);
    assert_eq!(again, ["3 rows: 0 new, 3 unchanged, 0 changed, 0 rejected; 0 organizations made; 0 warnings"]);
}

#[test]
fn rows_of_organizations_are_known_by_their_id() {
    let office = Office::open();
    let text = "id,company,city\n8,Acme,Berlin\n9,Acme,Paris\n";
    let both = [organization("Acme", "Berlin", 0), organization("Acme", "Paris", 0)];
    for round in 0..2 {
        let said = office.import(text, true);
        let expected = [(2, 0, 2), (0, 2, 0)][round];
        let (new, unchanged, made) = expected;
        let counts =
            format!("2 rows: {new} new, {unchanged} unchanged, 0 changed, 0 rejected; {made} organizations made");
        assert!(said[0].starts_with(&counts), "{said:?}");
        assert_eq!(office.organizations(), both);
    }
    office.import("id,company,city\n8,Acme Ltd,Berlin\n", true);
    assert_eq!(office.organizations(), [organization("Acme Ltd", "Berlin", 0), both[1].clone()]);
}

#[test]
fn organizations_without_an_id_are_known_by_their_name() {
    let office = Office::open();
    office.import("company,city\nAcme,Berlin\nBolt,Ulm\n", false);
    let said = office.import("company,city\nacme,Paris\nBolt,Ulm\n", false);
    assert_eq!(said[0], "line 2: changed since; --update applies it");
    assert_eq!(office.organizations().len(), 2);
}

#[test]
fn a_row_with_a_card_number_makes_nothing_and_its_company_is_there_for_others() {
    let office = Office::open();
    let text = "id,company,name,notes\n1,Acme,Ann,card 4111 1111 1111 1111\n2,Acme,Bo,tea\n8,Bolt,,4111111111111111\n";
    let said = office.import(text, false);
    let why = "the notes looks like the number of a payment card, which must not be kept";
    assert_eq!(said[0], format!("line 2, column 4: {why}"));
    assert_eq!(said[1], format!("line 4, column 4: {why}"));
    assert_eq!(said[2], "3 rows: 1 new, 0 unchanged, 0 changed, 2 rejected; 1 organizations made; 0 warnings");
    assert_eq!(office.organizations(), [organization("Acme", "", 0)]);
    let [bo] = &office.contacts()[..] else { panic!() };
    let views = office.app.ledger().views();
    assert!(views.organization(bo.organization.unwrap()).is_some_and(|acme| acme.sheet.is_some()));
}

#[test]
fn a_row_with_a_field_that_is_not_kept_is_a_reject() {
    let mut office = Office::open();
    let contacts = FieldPolicy::refusing([contact::Field::JobTitle]);
    office.app = office.app.keeping(NotKept { contacts, ..NotKept::default() });
    let rows = "customer_id,contact_name,contact_title\n1,Ann Lee,Buyer\n2,Bob Ray,\n";
    let said = office.import(rows, false).join("\n");
    assert!(said.contains("JOB_TITLE is not kept here"), "{said}");
    let names: Vec<_> = office.contacts().into_iter().filter_map(|held| held.displayed_name).collect();
    assert_eq!(names.iter().map(Line::as_str).collect::<Vec<_>>(), ["Bob Ray"]);
}

#[test]
fn more_points_than_are_kept_are_a_reject_with_a_place() {
    let office = Office::open();
    let mails: Vec<String> = (0..33).map(|n| format!("a{n}@example.org")).collect();
    let said = office.import(&format!("id,company,name,email\n1,Acme,Ann,{}\n", mails.join(" ")), false);
    assert_eq!(said[0], "line 2, column 4: at most 32 contact points may be kept");
    assert!(office.organizations().is_empty());
}

/// The contact has all the points it may have; the row brings more.
#[test]
fn an_update_that_may_not_be_is_a_reject_and_changes_nothing() {
    let office = Office::open();
    let row = |title: &str, from: usize, to: usize| {
        let mails: Vec<String> = (from..to).map(|n| format!("a{n}@example.org")).collect();
        format!("id,name,title,email\n1,Ann,{title},{}\n", mails.join(" "))
    };
    office.import(&row("Buyer", 0, 32), false);
    let said = office.import(&row("Head", 31, 33), true);
    assert_eq!(
        said,
        [
            "line 2: at most 32 contact points may be kept",
            "1 rows: 0 new, 0 unchanged, 0 changed, 1 rejected; 0 organizations made; 0 warnings",
        ]
    );
    let [ann] = &office.contacts()[..] else { panic!() };
    assert_eq!((ann.job_title.as_ref().unwrap().as_str(), ann.points.len()), ("Buyer", 32));
}

#[test]
fn a_changed_row_makes_no_organization_before_it_is_applied() {
    let office = Office::open();
    office.import("id,company,name\n1,Acme,Ann\n", false);
    let moved = "id,company,name\n1,Bolt,Ann\n";
    let said = office.import(moved, false);
    assert_eq!(said[1], "1 rows: 0 new, 0 unchanged, 1 changed, 0 rejected; 0 organizations made; 0 warnings");
    assert_eq!(office.organizations().len(), 1);
    let said = office.import(moved, true);
    assert_eq!(said[1], "1 rows: 0 new, 0 unchanged, 1 changed, 0 rejected; 1 organizations made; 0 warnings");
    let said = office.import(moved, true);
    assert_eq!(said[0], "1 rows: 0 new, 1 unchanged, 0 changed, 0 rejected; 0 organizations made; 0 warnings");
}

#[test]
fn warnings_are_told_with_their_places() {
    let office = Office::open();
    let said = office.import("id,name,country\n1,Plantagenet,Atlantis\n", false);
    assert_eq!(said[0], "line 2, column 3: the country is not known; it is kept as written");
    assert!(said[1].ends_with("1 warnings") && !said.concat().contains("Plantagenet"), "{said:?}");
}

#[test]
fn source_and_reason_are_told_before_anything_is_done() {
    let office = Office::open();
    let told = |order: &Order| office.carry_out(order).into_iter().skip(2).take(2).collect::<Vec<_>>();
    let order = office.order("id,name\n1,Ann\n");
    assert_eq!(
        told(&Order { reason: Some("legal-duty".into()), ..order.clone() }),
        ["source: old", "reason: LEGAL_DUTY"]
    );
    assert_eq!(
        told(&Order { source: None, reason: None, ..order }),
        [
            "source: people (the file's name; --source says another)",
            "reason: CONTRACT (not said; --reason says another)"
        ]
    );
}

/// More rows than are on their way at a time, and behind them the same people again, and companies of their own.
#[test]
fn a_long_file_comes_in_once_and_in_its_order() {
    let office = Office::open();
    let mut text = "id,company,name,city,notes\n".to_owned();
    for n in 0..4000 {
        let row = match (n >= 3000, n % 250) {
            (true, 125) => format!("c{n},Company {},,Ulm,\n", n / 5),
            (true, 175) => format!("{n},Company 1,Person,Ulm,4111 1111 1111 1111\n"),
            (true, 225) => format!("{},Company {},Person {},Ulm,\n", n - 310, (n - 310) / 5, n - 310),
            _ => format!("{n},Company {},Person {n},Ulm,\n", n / 5),
        };
        text.push_str(&row);
    }
    let rejects = office.home.path().join("rejects.csv");
    let order = Order { rejects: Some(rejects.clone()), ..office.order(&text) };
    let said = office.carry_out(&order);
    let counts = "4000 rows: 3992 new, 4 unchanged, 0 changed, 4 rejected; 800 organizations made; 0 warnings";
    assert_eq!(said.last().unwrap(), counts);
    assert_eq!(std::fs::read_to_string(&rejects).unwrap().lines().count(), 5);
    let names: Vec<String> =
        office.contacts().iter().map(|one| one.displayed_name.as_ref().unwrap().as_str().to_owned()).collect();
    let plain = |n: &i32| *n < 3000 || ![125, 175, 225].contains(&(n % 250));
    let expected = (0..4000).filter(plain).map(|n| format!("Person {n}"));
    assert!(names.iter().cloned().eq(expected));
    let again = office.carry_out(&Order { rejects: None, ..order });
    assert!(
        again.last().unwrap().starts_with("4000 rows: 0 new, 3996 unchanged, 0 changed, 4 rejected; 0 org"),
        "{again:?}"
    );
}

#[test]
fn what_the_ledger_refuses_on_the_way_is_a_reject_of_its_rows_and_no_more() {
    let office = Office::open();
    let intent = |id: u8, name: Option<&str>| {
        let mut fresh = Fresh::new();
        let profile = organization::Profile { name: name.map(|name| Line::parse(name).unwrap()), ..Default::default() };
        let (subject, command_id) = (fresh.id().unwrap(), fresh.id().unwrap());
        let holding = Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: None };
        let (profile, policy) = (Box::new(profile), FieldPolicy::default());
        let command = organization::Command::Register { subject, holding, profile, policy };
        Intent {
            id: [id; 16],
            command,
            command_id,
            actor: ActorId([1; 16]),
            effective_at: None,
            expected: None,
            reads: Vec::new(),
            keys: Vec::new(),
            fresh,
        }
    };
    let ask = |line, made: Option<Intent<Organization>>, works_for: Option<u8>| Ask {
        line,
        raw: None,
        becomes: Becomes::New,
        company: made.as_ref().map(|made| OrganizationId(made.id)),
        contact: None,
        works_for: works_for.map(|id| OrganizationId([id; 16])),
        organizations: made.into_iter().collect(),
        contacts: Vec::new(),
        refused: None,
    };
    let mut missing = HashSet::new();
    let mut first = [ask(2, Some(intent(1, Some("Acme"))), Some(1)), ask(3, Some(intent(2, None)), Some(2))];
    write_organizations(&office.app, &mut first, &mut missing).unwrap();
    let mut second = [ask(4, None, Some(1)), ask(5, None, Some(2))];
    write_organizations(&office.app, &mut second, &mut missing).unwrap();
    let refused = first.iter().chain(&second).map(|ask| ask.refused);
    let expected = [
        None,
        Some(Reason::Organization(organization::Rejection::NameMissing)),
        None,
        Some(Reason::WithoutOrganization),
    ];
    assert!(refused.eq(expected));
    assert_eq!(office.organizations().len(), 1);
}

/// Whoever is on the list is counted and nothing else: not in the file of rejected rows, and not by their line.
#[test]
fn a_suppressed_row_is_dropped_counted_and_told_of_nowhere() {
    use domain::event::Event;
    use domain::suppression::{Address, DropPlace, Dropped};
    use events::ledger::open_entry;

    let office = Office::open();
    let today = office.app.now().day();
    for address in ["ann@example.org", "+49 30 1234567"] {
        let address = Address::parse(address, None).unwrap();
        office.app.ledger().suppress(&[address], &[], today.plus_months(1), None).unwrap();
    }
    let text = "id,name,company,country,phone,email\n1,Ann,,,,Ann@Example.org\n2,Bo,,,,bo@example.org\n\
                3,Cy,Acme,Germany,030 1234567,\n4,,Umbra,Germany,030 123 45 67,\n";
    let rejects = office.home.path().join("rejects.csv");
    let order = Order { rejects: Some(rejects.clone()), ..office.order(text) };
    let before = office.app.ledger().log().head().size;
    let dry = office.carry_out(&Order { dry_run: true, rejects: None, ..order.clone() });
    assert_eq!(office.app.ledger().log().head().size, before);
    let said = office.carry_out(&order);
    let counts = "4 rows: 1 new, 0 unchanged, 0 changed, 0 rejected; 0 organizations made; 0 warnings";
    assert_eq!(said[4..], ["3 suppressed", counts]);
    assert_eq!(dry[4..], ["3 suppressed".to_owned(), format!("dry run, nothing was changed: {counts}")]);
    assert_eq!(std::fs::read_to_string(&rejects).unwrap().lines().count(), 1, "the header alone");
    assert_eq!(office.contacts().len(), 1);
    let last = office.app.ledger().log().head().size - 1;
    let entry = office.app.ledger().log().record(last).unwrap().unwrap();
    let event = open_entry(&entry, office.app.ledger().keyring()).unwrap().recorded.event;
    let dropped = Dropped { place: DropPlace::Import, purpose: None, count: 3 };
    assert_eq!(event, Event::Log(domain::ledger::Event::Dropped(dropped)), "one record for all of them");
}
