//! An erasure from its approval to its certificate, for people with few records and with many.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::id::{ActorId, CaseId, ErasureId, RegisterId};
use domain::owner::Person;
use domain::register::{self, Register};
use domain::subject::{self, Asked, AskedHow, Case, Ground, IdentityCheck, Request, SubjectKind};

use crate::Done;
use crate::data::Dice;
use crate::ledger::{self, Ledger};
use crate::report::percentile;

/// How many people are erased for each number of records, for each run.
const PEOPLE: usize = 20;
/// How many records go into one ticket.
pub const NOTES: usize = 5_000;
/// Who approves what somebody else asked for.
const APPROVER: ActorId = ActorId([2; 16]);

/// Approved to certified.
pub fn erase(dir: &Path, runs: usize, records: &[usize], keys: usize) -> Done {
    ledger::create(dir)?;
    let ledger = ledger::open(dir)?;
    let mut dice = Dice::new(3);
    let register = register(&ledger, &mut dice)?;
    let records_of_all = records.len().max(1);
    for records in records {
        let mut people = Vec::new();
        for _ in 0..runs * PEOPLE {
            // So many keys of others lie between one person's and the next.
            for _ in 0..keys / (records_of_all * runs * PEOPLE) {
                ledger.keyring().mint()?;
            }
            people.extend(ledger::contacts(&ledger, &mut dice, 1)?);
        }
        for known in &people {
            busy(&ledger, &mut dice, known.person, *records)?;
        }
        let mut times = Vec::with_capacity(people.len());
        for known in &people {
            times.push(one(&ledger, &mut dice, register, known.person)?.0);
        }
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!("erase, a person with {records} records: p50 {p50:.1?}, p99 {p99:.1?} of {}", times.len());
    }
    Ok(())
}

/// A register that says what stays.
pub fn register(ledger: &Ledger, dice: &mut Dice) -> Done<RegisterId> {
    let register: RegisterId = dice.id();
    for event in register::defaults() {
        let command = match event {
            register::Event::PurposeSet(purpose) => register::Command::SetPurpose(purpose),
            register::Event::RetentionSet(retention) => register::Command::SetRetention(retention),
            register::Event::ResidueDaysSet(set) => register::Command::SetResidueDays(set),
        };
        ledger.submit_blocking::<Register>(&dice.intent(register.0, command))?;
    }
    Ok(register)
}

/// Gives a person so many records in all: the contact, tickets and their notes.
pub fn busy(ledger: &Ledger, dice: &mut Dice, person: Person, records: usize) -> Done {
    let mut left = records.saturating_sub(1);
    while left > 0 {
        let tickets = ledger::tickets(ledger, dice, &[person])?;
        left -= 1;
        for ticket in tickets {
            let notes = left.min(NOTES);
            let intents: Vec<_> = (0..notes).map(|_| dice.note(ticket, 100)).collect();
            for intents in intents.chunks(512) {
                ledger::accepted(ledger.submit_all_blocking(intents))?;
            }
            left -= notes;
        }
    }
    Ok(())
}

/// How long a person's erasure takes from its approval, and the case it is in.
pub fn one(ledger: &Ledger, dice: &mut Dice, register: RegisterId, person: Person) -> Done<(Duration, CaseId)> {
    let (case, erasure): (CaseId, ErasureId) = (dice.id(), dice.id());
    let open = subject::Command::Open { subject: person.subject, kind: SubjectKind::Person };
    ledger.submit_blocking::<Case>(&dice.intent(case.0, open))?;
    let today = ledger.clock().now().day();
    let asked = Asked {
        ground: Ground::ConsentWithdrawn,
        how: AskedHow::Email,
        on: today,
        identity: IdentityCheck::KnownPoint,
        identity_on: today,
    };
    let request = Request { words: None, people: Vec::new() };
    let request = subject::Command::RequestErasure { erasure, asked, request };
    ledger.submit_blocking::<Case>(&dice.intent(case.0, request))?;
    let mut approval = dice.intent::<Case>(case.0, subject::Command::Approve { erasure });
    approval.actor = APPROVER;
    let begin = Instant::now();
    ledger.approve_erasure(register, case, erasure, &approval, subject::CoolingOff::NONE)?;
    ledger.destroy_fenced(register, case, erasure, APPROVER)?;
    Ok((begin.elapsed(), case))
}
