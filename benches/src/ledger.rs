//! A ledger to measure: made, opened, filled.

use std::path::Path;

use domain::id::OrganizationId;
use domain::owner::Person;
use domain::register::{self, Purpose};
use domain::time::Time;
use events::ledger::{Accepted, Clock, Directory, Founding, Ledger as Served, Refused};
use events::log::Log as _;
use events::log::engine::Options;
use projections::Views;
use replay::rebuild::boot;

use crate::Done;
use crate::data::{Dice, Known};

/// With the views it has in service.
pub type Ledger = Served<Views>;

/// How many commands go into one message where a ledger is filled.
const BATCH: usize = 512;

/// Makes a ledger, unless there is one.
pub fn create(path: &Path) -> Done {
    if Directory::exists(path)? {
        return Ok(());
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let at = Time(i64::try_from(now.as_millis())?);
    let founding = Founding { controller: "Muster GmbH".into(), origin: "muster.example/log".into(), demo: false, at };
    Directory::create(path, &founding, Options::default())?;
    Ok(())
}

/// Opens it with its views.
pub fn open(path: &Path) -> Done<Ledger> {
    let directory = Directory::open(path, Options::default(), &|_, _| {})?;
    let (ledger, _) = boot(directory, Views::default(), Clock::system(), &|_, _| {})?;
    Ok(ledger)
}

/// All must have been accepted.
pub fn accepted<R: std::error::Error + 'static>(done: Vec<Result<Accepted, Refused<R>>>) -> Done {
    for done in done {
        done?;
    }
    Ok(())
}

/// So many contacts, five to an organization.
pub fn contacts(ledger: &Ledger, dice: &mut Dice, count: usize) -> Done<Vec<Known>> {
    let mut known = Vec::with_capacity(count);
    while known.len() < count {
        let more = (count - known.len()).min(BATCH);
        let (intents, ids): (Vec<_>, Vec<OrganizationId>) = (0..more.div_ceil(5)).map(|_| dice.organization()).unzip();
        accepted(ledger.submit_all_blocking(&intents))?;
        let five = ids.iter().flat_map(|id| std::iter::repeat_n(*id, 5)).take(more);
        let contacts = five.map(|organization| dice.contact(organization)).collect::<Done<Vec<_>>>()?;
        let (intents, more): (Vec<_>, Vec<Known>) = contacts.into_iter().unzip();
        accepted(ledger.submit_all_blocking(&intents))?;
        known.extend(more);
    }
    Ok(known)
}

/// One open ticket for each person.
pub fn tickets(ledger: &Ledger, dice: &mut Dice, people: &[Person]) -> Done<Vec<[u8; 16]>> {
    let mut tickets = Vec::with_capacity(people.len());
    for people in people.chunks(BATCH) {
        let intents: Vec<_> = people.iter().map(|person| dice.ticket(*person, None)).collect();
        tickets.extend(intents.iter().map(|intent| intent.id));
        accepted(ledger.submit_all_blocking(&intents))?;
    }
    Ok(tickets)
}

/// The ledger that boots, verifies and rebuilds are measured on; made where there is none. It is at rest when this returns.
pub fn fill(path: &Path, count: usize) -> Done {
    if Directory::exists(path)? {
        return Ok(());
    }
    filled(path, count, &mut Dice::new(7))?;
    Ok(())
}

/// The same, and statements of these people until there are so many records: yes and no to a newsletter, over five years.
pub fn fill_history(path: &Path, count: usize, records: u64) -> Done {
    if Directory::exists(path)? {
        return Ok(());
    }
    let mut dice = Dice::new(7);
    let (ledger, people) = filled(path, count, &mut dice)?;
    let purpose = newsletter()?;
    for people in people.chunks(BATCH).cycle() {
        if ledger.log().head().size >= records {
            break;
        }
        let now = ledger.clock().now();
        let statement = |(known, stream): &Consenting| dice.statement(known, *stream, &purpose, now);
        let intents: Vec<_> = people.iter().map(statement).collect();
        accepted(ledger.submit_all_blocking(&intents))?;
    }
    Ok(())
}

/// Somebody, and the stream of their consents.
type Consenting = (Known, [u8; 16]);

fn filled(path: &Path, count: usize, dice: &mut Dice) -> Done<(Ledger, Vec<Consenting>)> {
    create(path)?;
    let ledger = open(path)?;
    let purpose = newsletter()?;
    let known = contacts(&ledger, dice, count)?;
    let mut people = Vec::with_capacity(known.len());
    for known in known.chunks(BATCH) {
        let intents: Vec<_> = known.iter().map(|known| dice.consent(known, &purpose)).collect();
        people.extend(known.iter().copied().zip(intents.iter().map(|intent| intent.id)));
        accepted(ledger.submit_all_blocking(&intents))?;
    }
    Ok((ledger, people))
}

fn newsletter() -> Done<Purpose> {
    let purposes = register::defaults().into_iter().find_map(|event| match event {
        register::Event::PurposeSet(purpose) if purpose.slug.as_str() == "newsletter" => Some(purpose),
        _ => None,
    });
    purposes.ok_or_else(|| "the register has no newsletter".into())
}
