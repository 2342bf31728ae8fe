//! A ledger in a directory, as the tests make and open it, and a realistic log in it.

use std::path::Path;

use domain::event::Recorded;
use domain::time::Day;
use events::backup::BackingUp;
use events::ledger::{Clock, Directory, Founding, Ledger, Made};
use events::log::Log;
use events::log::engine::Options;
use replay::rebuild::{self, Booted};

use crate::acts::{Act, NOW, destroy, doomed, perform_all, register};
use crate::cast::Someone;
use crate::collected::Collected;

/// Small segments, so that there are several.
pub fn options() -> Options {
    Options { segment_size: 48 << 10, mark_every: std::time::Duration::from_millis(2), ..Options::default() }
}

/// Makes a ledger.
///
/// # Errors
/// As the directory has them.
pub fn create(path: &Path) -> Result<(), String> {
    let founding =
        Founding { controller: "Muster GmbH".into(), origin: "muster.example/log".into(), demo: true, at: NOW };
    Directory::create(path, &founding, options()).map(drop).map_err(|failed| failed.to_string())
}

/// Opens and boots a ledger.
///
/// # Errors
/// The sentence it refuses with.
pub fn open(path: &Path) -> Result<Ledger<Collected>, String> {
    boot(path).map(|(ledger, _)| ledger)
}

/// The same, with what the boot found.
///
/// # Errors
/// The sentence it refuses with.
pub fn boot(path: &Path) -> Result<(Ledger<Collected>, Booted), String> {
    let directory = patiently(|| Directory::open(path, options(), &|_, _| {}).map_err(|failed| failed.to_string()))?;
    let booted = rebuild::boot(directory, Collected::default(), Clock::set_to(NOW), &|_, _| {});
    booted.map_err(|failed| failed.to_string())
}

/// A lock that was let go is still held by a process that another test's thread is just starting, until it has become
/// that program.
///
/// # Errors
/// What is still the case when that cannot be the reason any more.
pub fn patiently<T>(attempt: impl Fn() -> Result<T, String>) -> Result<T, String> {
    for _ in 0..400 {
        match attempt() {
            Err(busy) if busy.contains("uses this") || busy.contains("holds the keyring") => {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            done => return done,
        }
    }
    attempt()
}

/// Opens it, makes it where there is none.
///
/// # Errors
/// The sentence it refuses with.
pub fn open_or_create(path: &Path) -> Result<Ledger<Collected>, String> {
    if !Directory::exists(path).map_err(|failed| failed.to_string())? {
        create(path)?;
    }
    let ledger = open(path)?;
    register(&ledger);
    Ok(ledger)
}

/// Makes a backup, which is kept for 30 days.
///
/// # Errors
/// The sentence it refuses with.
pub fn back_up(ledger: &Ledger<Collected>, into: &Path) -> Result<Made, String> {
    let region = "eu-central-1".parse().ok();
    let order = BackingUp { dir: into.to_owned(), region, until: Day(NOW.day().0 + 30) };
    patiently(|| ledger.back_up(&order, &|_, _| {}).map_err(|failed| failed.to_string()))
}

/// A ledger with a register and these people, each with everything that is done about them in a day.
///
/// # Panics
/// When something of it is refused.
pub fn wrote(home: &Path, who: impl IntoIterator<Item = u64>) -> Ledger<Collected> {
    create(home).unwrap();
    let ledger = open(home).unwrap();
    register(&ledger);
    who.into_iter().for_each(|who| perform_all(&ledger, Someone(who), &Act::DAILY));
    ledger
}

/// Who is in [`write()`]'s log, by how far their erasure has come.
pub const DAILY: [Someone; 3] = [Someone(1), Someone(2), Someone(3)];
/// Certified and swept.
pub const SWEPT: Someone = Someone(10);
/// Certified, and the parts are still there.
pub const RESIDUE: Someone = Someone(11);
/// In cooling-off.
pub const FENCED: Someone = Someone(12);
/// Fenced by mistake.
pub const UNFENCED: Someone = Someone(13);

/// A log with everything in it: people and organizations with consents, tickets and quotes, and erasures that came to
/// different ends.
///
/// # Panics
/// When something in it is refused.
pub fn write(path: &Path) {
    write_before_the_erasures(path);
    write_erasures(path);
}

/// The first part of it: erasures are asked for, and one fence is lifted again.
///
/// # Panics
/// When something in it is refused.
pub fn write_before_the_erasures(path: &Path) {
    create(path).unwrap();
    let ledger = open(path).unwrap();
    register(&ledger);
    for who in DAILY.into_iter().chain([SWEPT, RESIDUE, FENCED, UNFENCED]) {
        perform_all(&ledger, who, &Act::DAILY);
    }
    for who in [SWEPT, RESIDUE, FENCED, UNFENCED] {
        perform_all(&ledger, who, &Act::TO_THE_FENCE);
    }
    perform_all(&ledger, UNFENCED, &[Act::Unfence]);
}

/// The rest of it.
///
/// # Panics
/// When something in it is refused.
pub fn write_erasures(path: &Path) {
    let ledger = open(path).unwrap();
    for who in [SWEPT, RESIDUE] {
        let keys = doomed(&ledger, who.subject());
        destroy(&ledger, who).unwrap();
        if who == SWEPT {
            ledger.sweep(&keys).unwrap();
        }
    }
    perform_all(&ledger, Someone(4), &Act::DAILY);
    perform_all(&ledger, Someone(4), &[Act::Actor]);
}

/// All records, as a subscriber gets them.
///
/// # Errors
/// The first that cannot be read.
pub fn read_all(ledger: &Ledger<Collected>) -> Result<Vec<Recorded>, String> {
    let (mut tail, size) = (ledger.tail(0), ledger.log().head().size);
    let mut records = Vec::new();
    while (records.len() as u64) < size {
        let more = tail.next(std::time::Duration::ZERO).map_err(|failed| failed.to_string())?;
        if more.is_empty() {
            return Err(format!("nothing is read at {} of {size}", records.len()));
        }
        records.extend(more);
    }
    Ok(records)
}
