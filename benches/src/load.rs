//! Appends under load: single ones and batches, through the ledger, beside the bare disk.

use std::collections::VecDeque;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use domain::contact::Contact;
use domain::id::ContactId;
use domain::owner::{Company, Person};
use domain::ticket::Ticket;
use events::ledger::Intent;
use events::log::{Log, PartBytes};

use crate::Done;
use crate::data::{Dice, Known};
use crate::ledger::{self, Ledger};
use crate::report::{median, percentile, processor, repeat};

/// The personal data of one event, in bytes.
const BYTES: usize = 500;
/// How many streams each client writes to.
const STREAMS: usize = 512;

/// What is appended.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum Kind {
    /// A note of 500 bytes to a ticket: one part with one field.
    Note,
    /// New notes of 500 bytes on a contact: one part with 19 fields, and views that follow.
    Change,
    /// A new ticket of a person at an organization: two parts, each with 200 bytes of question, and a new stream.
    Ticket,
    /// A new contact: one part with 20 fields, a new stream, a new key, and views that follow.
    Register,
}

/// What one client appends to.
struct Client {
    dice: Dice,
    kind: Kind,
    contacts: Vec<ContactId>,
    tickets: Vec<[u8; 16]>,
    people: Vec<Person>,
    company: Company,
    next: usize,
}

/// Commands that are ready to be submitted.
enum Batch {
    Contacts(Vec<Intent<Contact>>),
    Tickets(Vec<Intent<Ticket>>),
}

impl Client {
    fn batch(&mut self, count: usize) -> Done<Batch> {
        let Self { dice, kind, contacts, tickets, people, company, next } = self;
        let from = *next;
        *next += count;
        let at = |number: usize| (from + number) % STREAMS;
        Ok(match kind {
            Kind::Note => {
                let ticket = |number| tickets.get(at(number)).copied().unwrap_or_default();
                Batch::Tickets((0..count).map(|number| dice.note(ticket(number), BYTES)).collect())
            }
            Kind::Change => {
                let contact = |number| contacts.get(at(number)).copied().unwrap_or(ContactId([0; 16]));
                Batch::Contacts((0..count).map(|number| dice.change(contact(number), BYTES)).collect())
            }
            Kind::Ticket => {
                let of = (0..count).filter_map(|number| people.get(at(number)));
                Batch::Tickets(of.map(|person| dice.ticket(*person, Some(*company))).collect())
            }
            Kind::Register => {
                let organization = dice.id();
                let contacts = (0..count).map(|_| dice.contact(organization).map(|(intent, _)| intent));
                Batch::Contacts(contacts.collect::<Done<_>>()?)
            }
        })
    }
}

impl Batch {
    async fn submit(&self, ledger: &Ledger) -> Result<(), String> {
        match self {
            Self::Contacts(intents) => ledger::accepted(ledger.submit_all(intents).await),
            Self::Tickets(intents) => ledger::accepted(ledger.submit_all(intents).await),
        }
        .map_err(|failed| failed.to_string())
    }
}

/// Single appends.
pub fn append(dir: &Path, runs: usize, seconds: u64, writers: &[usize], kind: Kind) -> Done {
    let most = writers.iter().copied().max().unwrap_or(1);
    let (ledger, mut clients) = serve(dir, most, kind)?;
    let seconds = Duration::from_secs(seconds);
    run(&ledger, &mut clients, most, 1, Duration::from_millis(500))?;
    for writers in writers {
        let before = ledger.log().head().size;
        let runs = repeat(runs, || run(&ledger, &mut clients, *writers, 1, seconds))?;
        println!("append {kind:?}, {writers:>2} writers: {}", Ran::say(runs));
        if *writers == 1 {
            let bytes = frame_bytes(&ledger, before)?;
            let bare = repeat(3, || bare(dir, bytes, seconds))?;
            println!("append bare, {bytes} bytes and fdatasync: {}", Ran::say(bare));
        }
    }
    Ok(())
}

/// Batches.
pub fn batch(dir: &Path, runs: usize, seconds: u64, shapes: &[String], kind: Kind) -> Done {
    for shape in shapes {
        let (clients, size) = shape.split_once('x').ok_or("a shape is written 64x64")?;
        let (count, size): (usize, usize) = (clients.parse()?, size.parse()?);
        let (ledger, mut clients) = serve(&dir.join(format!("batch-{shape}")), count, kind)?;
        run(&ledger, &mut clients, count, size, Duration::from_millis(500))?;
        let behind = |ledger: &Ledger| ledger.log().head().size.saturating_sub(ledger.log().indexed());
        let start = behind(&ledger);
        let ran = repeat(runs, || run(&ledger, &mut clients, count, size, Duration::from_secs(seconds)))?;
        let end = behind(&ledger);
        println!(
            "batch {kind:?}, {count} clients x {size}: {}, index behind by {start} at the start and {end} at the end",
            Ran::say(ran)
        );
    }
    Ok(())
}

/// A ledger in service and streams for each client.
fn serve(dir: &Path, clients: usize, kind: Kind) -> Done<(Arc<Ledger>, Vec<Client>)> {
    ledger::create(dir)?;
    let ledger = ledger::open(dir)?;
    let mut dice = Dice::new(1 + ledger.log().head().size);
    let mut make = |seed: usize| {
        let known = ledger::contacts(&ledger, &mut dice, if kind == Kind::Register { 0 } else { STREAMS })?;
        let people: Vec<_> = known.iter().map(|Known { person, .. }| *person).collect();
        let tickets = if kind == Kind::Note { ledger::tickets(&ledger, &mut dice, &people)? } else { Vec::new() };
        let contacts = people.iter().map(|person| person.contact).collect();
        let mut dice = Dice::new(1 + seed as u64 + ledger.log().head().size);
        let company = Company { subject: dice.id(), organization: dice.id() };
        Ok(Client { dice, kind, contacts, tickets, people, company, next: 0 })
    };
    let clients = (0..clients).map(&mut make).collect::<Done<Vec<_>>>()?;
    Ok((Arc::new(ledger), clients))
}

/// What one run came to.
struct Ran {
    per_second: f64,
    processor_us: f64,
    p50: Duration,
    p99: Duration,
    /// How far the checkpoints were behind, at most; nothing where there are none.
    behind: Duration,
}

impl Ran {
    fn of(behind: Duration, commands: usize, took: Duration, processor: Duration, mut times: Vec<Duration>) -> Self {
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        let processor_us = processor.as_secs_f64() * 1e6 / commands.max(1) as f64;
        Self { per_second: commands as f64 / took.as_secs_f64(), processor_us, p50, p99, behind }
    }

    fn say(runs: Vec<Self>) -> String {
        let of = |figure: fn(&Self) -> f64| median(runs.iter().map(figure).collect());
        let ms = |figure: f64| figure * 1000.0;
        let (p50, p99) = (ms(of(|ran| ran.p50.as_secs_f64())), ms(of(|ran| ran.p99.as_secs_f64())));
        let (processor, behind) = (of(|ran| ran.processor_us), of(|ran| ran.behind.as_secs_f64()));
        let checkpoints = match behind > 0.0 {
            true => format!(", checkpoints {behind:.2} s behind at most"),
            false => String::new(),
        };
        let per_second = of(|ran| ran.per_second);
        format!("{per_second:.0}/s, p50 {p50:.3} ms, p99 {p99:.3} ms, {processor:.1} µs of processor{checkpoints}")
    }
}

/// Clients that each submit as soon as the last answer came, as tasks on two threads.
fn run(ledger: &Arc<Ledger>, clients: &mut Vec<Client>, count: usize, size: usize, long: Duration) -> Done<Ran> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(count.min(2)).build()?;
    let rest = clients.split_off(count.min(clients.len()));
    let (begin, used) = (Instant::now(), processor()?);
    let watched = Arc::clone(ledger);
    let lag = std::thread::spawn(move || lag(&watched, begin + long));
    let tasks: Vec<_> = clients
        .drain(..)
        .map(|mut client| {
            let ledger = Arc::clone(ledger);
            runtime.spawn(async move {
                let mut times = Vec::new();
                while begin.elapsed() < long {
                    let batch = client.batch(size).map_err(|failed| failed.to_string())?;
                    let start = Instant::now();
                    batch.submit(&ledger).await?;
                    times.push(start.elapsed());
                }
                Ok::<_, String>((client, times))
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        let (client, took) = runtime.block_on(task)??;
        times.extend(took);
        clients.push(client);
    }
    let took = begin.elapsed();
    let behind = lag.join().map_err(|_| "the thread that watches the checkpoints failed")?;
    clients.extend(rest);
    Ok(Ran::of(behind, times.len() * size, took, processor()? - used, times))
}

/// How old, at most, the oldest durable record was that no checkpoint covered yet.
fn lag(ledger: &Ledger, until: Instant) -> Duration {
    let (mut waiting, mut most) = (VecDeque::new(), Duration::ZERO);
    while Instant::now() < until {
        let signed = ledger.published().latest().map_or(0, |latest| latest.checkpoint.size);
        let now = Instant::now();
        let size = ledger.log().head().size;
        if waiting.back().is_none_or(|(last, _)| size > *last) {
            waiting.push_back((size, now));
        }
        while waiting.front().is_some_and(|(size, _)| *size <= signed) {
            waiting.pop_front();
        }
        most = most.max(waiting.front().map_or(Duration::ZERO, |(_, since)| now - *since));
        std::thread::sleep(Duration::from_millis(20));
    }
    most
}

/// The size of the frame of one such append.
fn frame_bytes(ledger: &Ledger, position: u64) -> Done<usize> {
    let entry = ledger.log().record(position)?.ok_or("nothing was appended")?;
    let parts = entry.parts.iter().map(|part| match &part.bytes {
        PartBytes::Present(bytes) => bytes.len() + 42,
        _ => 42,
    });
    Ok(28 + 4 + entry.record.len() + parts.sum::<usize>() + 16)
}

/// Writes as many bytes one behind the other into a file of zeros, each synced.
fn bare(dir: &Path, bytes: usize, long: Duration) -> Done<Ran> {
    const SIZE: usize = 64 << 20;
    let path = dir.join("bare");
    let file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    file.write_all_at(&vec![0; SIZE], 0)?;
    file.sync_all()?;
    let (begin, used) = (Instant::now(), processor()?);
    let (mut offset, mut times, piece) = (0, Vec::new(), vec![7; bytes]);
    while begin.elapsed() < long {
        let start = Instant::now();
        file.write_all_at(&piece, offset)?;
        file.sync_data()?;
        times.push(start.elapsed());
        offset = if offset + 2 * bytes as u64 > SIZE as u64 { 0 } else { offset + bytes as u64 };
    }
    let took = begin.elapsed();
    std::fs::remove_file(path)?;
    Ok(Ran::of(Duration::ZERO, times.len(), took, processor()? - used, times))
}
