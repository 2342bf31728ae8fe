//! The sweep behind an erasure: how fast sealed parts are overwritten, and what writers notice of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::id::KeyId;
use domain::owner::Person;
use domain::subject::Case;

use crate::data::Dice;
use crate::ledger::{self, Ledger};
use crate::report::percentile;
use crate::{Done, erase};

/// How long somebody writes alone, to compare with.
const ALONE: Duration = Duration::from_secs(3);

/// Parts a second beside one writer, whose latency is told without the sweep and with it.
pub fn sweep(dir: &Path, runs: usize, parts: usize) -> Done {
    ledger::create(dir)?;
    let ledger = ledger::open(dir)?;
    let mut dice = Dice::new(7);
    let register = erase::register(&ledger, &mut dice)?;
    let stays = ledger::contacts(&ledger, &mut dice, 1)?.into_iter().map(|known| known.person).collect::<Vec<_>>();
    for _ in 0..runs {
        let goes = ledger::contacts(&ledger, &mut dice, 1)?.pop().ok_or("there is no contact")?.person;
        erase::busy(&ledger, &mut dice, goes, parts)?;
        let (_, case) = erase::one(&ledger, &mut dice, register, goes)?;
        let (_, state) = ledger.state::<Case>(&case.0)?;
        let keys: Vec<KeyId> = state.erasures().iter().flat_map(|erasure| erasure.keys.clone()).collect();

        let begin = Instant::now();
        told("alone", &mut written(&ledger, &mut dice, &stays, || begin.elapsed() < ALONE)?);
        let is_over = AtomicBool::new(false);
        let (swept, mut beside) = std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| {
                let begin = Instant::now();
                let swept = ledger.sweep(&keys);
                is_over.store(true, Ordering::Release);
                swept.map(|swept| (swept, begin.elapsed()))
            });
            let beside = written(&ledger, &mut dice, &stays, || !is_over.load(Ordering::Acquire));
            (sweeper.join(), beside)
        });
        let (swept, took) = swept.map_err(|_| "the sweep panicked")??;
        println!("sweep: {swept} parts in {took:.1?}, {:.0} a second", swept as f64 / took.as_secs_f64());
        told("beside the sweep", beside.as_mut().map_err(|failed| failed.to_string())?);
    }
    Ok(())
}

fn written(ledger: &Ledger, dice: &mut Dice, of: &[Person], goes_on: impl Fn() -> bool) -> Done<Vec<Duration>> {
    let (mut times, mut ticket) = (Vec::new(), [0; 16]);
    while goes_on() {
        if times.len() % erase::NOTES == 0 {
            ticket = ledger::tickets(ledger, dice, of)?.pop().ok_or("there is no ticket")?;
        }
        let intent = dice.note(ticket, 100);
        let begin = Instant::now();
        ledger.submit_blocking(&intent)?;
        times.push(begin.elapsed());
    }
    Ok(times)
}

fn told(how: &str, times: &mut [Duration]) {
    let (p50, p99) = (percentile(times, 0.5), percentile(times, 0.99));
    println!("one writer {how}: p50 {p50:.1?}, p99 {p99:.1?} of {}", times.len());
}
