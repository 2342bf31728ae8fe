//! The server under load, over HTTP on loopback: 64 clients in one thread of this process, the server in a process of its
//! own. Both share the machine, so what the server itself took of it is printed beside.

mod child;
mod client;
pub mod constants;
mod evidence;
mod requests;

use std::path::Path;
use std::time::{Duration, Instant};

use domain::id::ContactId;
use domain::time::{Day, Time};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::Done;
use crate::data::Dice;
use crate::report::{median, percentile};
use crate::{erase, ledger};
use child::Server;
use client::{Asker, Load, drive};

/// The personal data of one change, in bytes.
const BYTES: usize = 500;
/// How many people are erased for each number of records, for each run.
const PEOPLE: usize = 20;
/// What warms a server up before it is measured.
const WARM: Duration = Duration::from_secs(1);

/// How a measure over HTTP is taken.
#[derive(clap::Args, Clone, Copy)]
pub struct Taken {
    /// How many contacts, where the directory has no ledger yet.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: usize,
    /// How long each run takes.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many clients.
    #[arg(long, default_value_t = 64)]
    clients: usize,
}

/// Pages of 50 contacts with six fields and the organization's name, no page twice; and the same page over constants.
pub fn pages(dir: &Path, runs: usize, taken: &Taken) -> Done {
    let server = start(dir, taken)?;
    let mut cursors = requests::cursors(&server.door)?;
    cursors.shuffle(&mut StdRng::seed_from_u64(1));
    let constants = Server::constants()?;
    let share = cursors.len() / (runs + 1);
    let mut shares = cursors.chunks(share.max(1)).map(<[String]>::to_vec);
    let (mut real, mut constant) = (Measured::default(), Measured::default());
    for run in 0..=runs as u64 {
        let share = shares.next().ok_or("too few contacts for so many runs")?;
        let time = if run == 0 { WARM } else { Duration::from_secs(taken.seconds) };
        let begins = requests::PAGE_BEGINS;
        let one =
            measure(&constants, |door| drive(door, taken.clients, time, requests::pages(share.clone(), run), begins))?;
        let other =
            measure(&server, |door| drive(door, taken.clients, time, requests::pages(share.clone(), run), begins))?;
        if run > 0 {
            constant.add(one);
            real.add(other);
        }
    }
    real.tell(&format!("http pages of 50 contacts, of {} contacts", cursors.len()));
    constant.tell("the same page over constants");
    println!(
        "ratio to the page over constants: {:.2} by requests, {:.2} by processor time",
        median(constant.rates) / median(real.rates),
        median(real.processor) / median(constant.processor)
    );
    Ok(())
}

/// New notes of 500 bytes on contacts, drawn from up to a hundred thousand.
pub fn changes(dir: &Path, runs: usize, taken: &Taken) -> Done {
    let server = start(dir, taken)?;
    let contacts = some_contacts(&server)?;
    let mut measured = Measured::default();
    for run in 0..=runs as u64 {
        let time = if run == 0 { WARM } else { Duration::from_secs(taken.seconds) };
        let bodies = requests::changes(contacts.clone(), BYTES, run);
        let one = measure(&server, |door| drive(door, taken.clients, time, bodies, requests::CHANGE_BEGINS))?;
        if run > 0 {
            measured.add(one);
        }
    }
    measured.tell(&format!("http changeContact with {BYTES} bytes, {} clients", taken.clients));
    Ok(())
}

/// The first two letters, and a word.
pub fn searches(dir: &Path, runs: usize, taken: &Taken) -> Done {
    let server = start(dir, taken)?;
    for (whole, what) in [(false, "the first two letters"), (true, "a word")] {
        let mut measured = Measured::default();
        for run in 0..runs as u64 {
            let (time, bodies) = (Duration::from_secs(taken.seconds), requests::searches(whole, run));
            let begins = r#"{"data":{"contacts":{"nodes":["#;
            measured.add(measure(&server, |door| drive(door, taken.clients, time, bodies, begins))?);
        }
        measured.tell(&format!("http search by {what}, {} clients", taken.clients));
    }
    Ok(())
}

/// `mayContact` and consents, both as of random days of the last five years, at so many records.
pub fn consents(dir: &Path, runs: usize, records: u64, taken: &Taken) -> Done {
    let data = dir.join("history");
    ledger::fill_history(&data, taken.contacts, records)?;
    let server = serve(&data)?;
    let points = requests::mail_points(&server.door, 100_000)?;
    let today = today()?;
    let time = Duration::from_secs(taken.seconds);
    let (mut may, mut all) = (Measured::default(), Measured::default());
    for run in 0..runs as u64 {
        let bodies = requests::may_contact(points.clone(), today, run);
        may.add(measure(&server, |door| drive(door, taken.clients, time, bodies, requests::MAY_BEGINS))?);
        let bodies = requests::consents(points.clone(), today, run);
        all.add(measure(&server, |door| drive(door, taken.clients, time, bodies, requests::CONSENTS_BEGIN))?);
    }
    may.tell(&format!("http mayContact on a past day, {records} records, {} clients", taken.clients));
    all.tell(&format!("http consents as of a past day, {records} records, {} clients", taken.clients));
    Ok(())
}

/// Evidence of trails, at so many records.
pub fn evidence(dir: &Path, runs: usize, records: u64, taken: &Taken) -> Done {
    let data = dir.join("history");
    ledger::fill_history(&data, taken.contacts, records)?;
    evidence::measure(&serve(&data)?, runs, records)
}

/// Approved to certified, one after the other, for people with so many records.
pub fn erasures(dir: &Path, runs: usize, records: &[usize]) -> Done {
    let data = dir.join("erasures");
    ledger::create(&data)?;
    let mut people = Vec::new();
    {
        let ledger = ledger::open(&data)?;
        let mut dice = Dice::new(rand::random());
        for records in records {
            let known = ledger::contacts(&ledger, &mut dice, runs * PEOPLE)?;
            for known in &known {
                erase::busy(&ledger, &mut dice, known.person, *records)?;
            }
            people.push((records, known));
        }
    }
    let server = serve(&data)?;
    let dpo = server.dpo.as_ref().ok_or("a server without a data protection officer")?;
    let (mut agent, mut dpo) = (Asker::new(&server.door)?, Asker::new(dpo)?);
    let today = today()?;
    for (records, known) in people {
        let mut times = Vec::new();
        for known in known {
            let asked = agent.ask(&requests::request_erasure(known.person.contact, today))?;
            let erasure = asked.pointer("/data/requestErasure/erasure/id").and_then(|id| id.as_str());
            let erasure = erasure.ok_or_else(|| format!("no request: {asked}"))?;
            let begin = Instant::now();
            let done = dpo.ask(&requests::approve_erasure(erasure))?;
            times.push(begin.elapsed());
            if done.pointer("/data/approveErasure/erasure/stage") != Some(&"CERTIFIED".into()) {
                return Err(format!("not certified: {done}").into());
            }
        }
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        println!(
            "http approveErasure, a person with {records} records: p50 {p50:.1?}, p99 {p99:.1?} of {}",
            times.len()
        );
    }
    Ok(())
}

fn today() -> Done<Day> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Time(i64::try_from(now.as_millis())?).day())
}

/// The time until the server takes requests, and what it holds then, and some requests later: what a boot has let go is
/// given back by whoever asks for memory next.
pub fn boots(dir: &Path, runs: usize, taken: &Taken) -> Done {
    let mut seconds = Vec::new();
    for _ in 0..runs {
        let server = start(dir, taken)?;
        seconds.push(server.boot.as_secs_f64());
        let (at_first, mut asker) = (server.resident()?, Asker::new(&server.door)?);
        for _ in 0..5 {
            asker.ask(r#"{"query":"{contacts(first:100){nodes{name}}}"}"#)?;
            std::thread::sleep(Duration::from_secs(1));
        }
        println!("serve: {} MB resident at first, {} MB some requests later", at_first >> 20, server.resident()? >> 20);
    }
    println!("serve, median: {:.2} s to the first request", median(seconds));
    Ok(())
}

fn start(dir: &Path, taken: &Taken) -> Done<Server> {
    let data = dir.join("data");
    ledger::fill(&data, taken.contacts)?;
    serve(&data)
}

fn serve(data: &Path) -> Done<Server> {
    let server = Server::lethe(data)?;
    println!("the server booted in {:.2} s and holds {} MB", server.boot.as_secs_f64(), server.resident()? >> 20);
    Ok(server)
}

fn some_contacts(server: &Server) -> Done<Vec<ContactId>> {
    let mut cursors = requests::cursors(&server.door)?;
    cursors.shuffle(&mut StdRng::seed_from_u64(2));
    cursors.iter().take(100_000).map(|cursor| requests::contact_of(cursor)).collect()
}

/// A load, and the processor time the server took for it.
fn measure(server: &Server, load: impl FnOnce(&client::Door) -> Done<Load>) -> Done<(Load, Duration)> {
    let before = server.processor()?;
    let load = load(&server.door)?;
    Ok((load, server.processor()?.saturating_sub(before)))
}

#[derive(Default)]
struct Measured {
    rates: Vec<f64>,
    /// Microseconds an answer.
    processor: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    kilobytes: f64,
}

impl Measured {
    fn add(&mut self, (mut load, processor): (Load, Duration)) {
        let answers = load.times.len().max(1) as f64;
        self.rates.push(load.rate());
        self.processor.push(processor.as_secs_f64() * 1e6 / answers);
        self.p50.push(percentile(&mut load.times, 0.5).as_secs_f64() * 1e3);
        self.p99.push(percentile(&mut load.times, 0.99).as_secs_f64() * 1e3);
        self.kilobytes = load.bytes as f64 / answers / 1024.0;
    }

    fn tell(&self, what: &str) {
        println!(
            "{what}: {:.0} requests/s, p50 {:.1} ms, p99 {:.1} ms, {:.0} µs of the server's processor each, {:.1} KB an answer",
            median(self.rates.clone()),
            median(self.p50.clone()),
            median(self.p99.clone()),
            median(self.processor.clone()),
            self.kilobytes
        );
    }
}
