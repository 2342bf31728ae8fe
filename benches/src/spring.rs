//! A spring cleaning: a year of support is over for many people at once, fenced, confirmed and destroyed.

use std::path::Path;
use std::time::Instant;

use domain::id::{ActorId, RegisterId};
use domain::owner::Person;
use domain::register::{self, CompartmentKind, CountedFrom, Register, Retention, Rule};
use domain::subject::{Confirmed, CoolingOff, SubjectKind};
use domain::ticket::Ticket;
use domain::time::Day;
use domain::value::Line;
use events::ledger::Intent;

use crate::Done;
use crate::data::Dice;
use crate::ledger::{self, Ledger};

/// Who confirms what somebody else had fenced.
const OFFICER: ActorId = ActorId([2; 16]);
/// How many commands the ledger gets at once, and how many people's keys die in one rotation.
const BATCH: usize = 512;
const TOGETHER: usize = 1_000;
/// When the tickets came in that are over by now.
const LONG_AGO: Day = Day(18_295);

/// From the first fence to the last certificate.
pub fn clean(dir: &Path, people: usize) -> Done {
    ledger::create(dir)?;
    let ledger = ledger::open(dir)?;
    let mut dice = Dice::new(5);
    let register: RegisterId = dice.id();
    let basis = Line::parse("answered long ago")?;
    let rule = Rule::AtMost { basis, months: 24, counted_from: CountedFrom::EndOfYear };
    let retention = Retention { kind: CompartmentKind::Support, country: None, rule };
    ledger.submit_blocking::<Register>(&dice.intent(register.0, register::Command::SetRetention(retention)))?;
    let known: Vec<Person> =
        ledger::contacts(&ledger, &mut dice, people)?.into_iter().map(|known| known.person).collect();
    old_tickets(&ledger, &mut dice, &known)?;

    let begin = Instant::now();
    let mut told = |done: usize, of: usize| {
        if done == of || done.is_multiple_of(2_000) {
            println!("fenced {done} of {of} after {:.1?}", begin.elapsed());
        }
    };
    let person = |_| SubjectKind::Person;
    let run = ledger.fence_due(register, dice.id(), CoolingOff::NONE, &person, &mut told)?;
    let fenced = ledger.fenced_retentions();
    for some in fenced.chunks(TOGETHER) {
        for answer in ledger.confirm_retention(register, OFFICER, some, &Confirmed::Person, None)? {
            answer?;
        }
        let due: Vec<_> = some.iter().map(|(case, erasure)| (*case, *erasure, OFFICER)).collect();
        for answer in ledger.destroy_all(register, &due)? {
            answer?;
        }
        println!("destroyed {} more after {:.1?}", some.len(), begin.elapsed());
    }
    println!("spring cleaning of {} people: {:.1?}, {} keys", run.fenced, begin.elapsed(), run.keys);
    Ok(())
}

fn old_tickets(ledger: &Ledger, dice: &mut Dice, people: &[Person]) -> Done {
    for some in people.chunks(BATCH) {
        let old =
            |person: &Person| Intent::<Ticket> { effective_at: Some(LONG_AGO.start()), ..dice.ticket(*person, None) };
        let intents: Vec<_> = some.iter().map(old).collect();
        ledger::accepted(ledger.submit_all_blocking(&intents))?;
    }
    Ok(())
}
