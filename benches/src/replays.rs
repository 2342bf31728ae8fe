//! Reading a whole log: verified from an audit copy, booted, its index rebuilt.

use std::fs;
use std::path::Path;
use std::time::Instant;

use events::ledger::{Clock, Directory};
use events::log::engine::Options;
use projections::Views;
use replay::source::Source;
use replay::{copy, rebuild as boots, verify as verifies};

use crate::Done;
use crate::ledger;
use crate::report::{median, repeat};

/// The chain from an audit copy.
pub fn verify(dir: &Path, runs: usize, contacts: usize) -> Done {
    let (data, out) = (dir.join("data"), dir.join("copy"));
    ledger::fill(&data, contacts)?;
    if !out.exists() {
        let begin = Instant::now();
        let head = copy::from_directory(&data, &out)?;
        println!("audit copy: {:.0} records/s", head.size as f64 / begin.elapsed().as_secs_f64());
    }
    let mut records = 0;
    let speeds = repeat(runs, || {
        let begin = Instant::now();
        let source = Source::open(&out)?;
        let consistent = verifies::verify(&source, None, &mut |_, _| {}, &|_, _| {})?;
        records = consistent.head.size;
        Ok(records as f64 / begin.elapsed().as_secs_f64())
    })?;
    println!("verify from an audit copy, {records} records: {:.0} records/s", median(speeds));
    Ok(())
}

/// From a directory at rest into service.
pub fn boot(dir: &Path, runs: usize, contacts: usize) -> Done {
    let data = dir.join("data");
    ledger::fill(&data, contacts)?;
    let mut records = 0;
    let (mut opens, mut replays) = (Vec::new(), Vec::new());
    let speeds = repeat(runs, || {
        let begin = Instant::now();
        let directory = Directory::open(&data, Options::default(), &|_, _| {})?;
        opens.push(begin.elapsed().as_secs_f64());
        let (ledger, booted) = boots::boot(directory, Views::default(), Clock::system(), &|_, _| {})?;
        let took = begin.elapsed().as_secs_f64();
        replays.push(took - opens.last().copied().unwrap_or_default());
        records = booted.records;
        drop(ledger);
        Ok(records as f64 / took)
    })?;
    println!(
        "boot, {records} records: {:.0} records/s ({:.2} s to open journal, index and keyring, {:.2} s to read)",
        median(speeds),
        median(opens),
        median(replays)
    );
    Ok(())
}

/// A lost index.
pub fn rebuild(dir: &Path, runs: usize, contacts: usize) -> Done {
    let data = dir.join("data");
    ledger::fill(&data, contacts)?;
    let mut records = 0;
    let speeds = repeat(runs, || {
        fs::remove_dir_all(data.join("index"))?;
        let begin = Instant::now();
        let directory = Directory::open(&data, Options::default(), &|_, _| {})?;
        records = directory.log.opened().caught_up;
        Ok(records as f64 / begin.elapsed().as_secs_f64())
    })?;
    println!("rebuild of a lost index, {records} records: {:.0} records/s", median(speeds));
    Ok(())
}
