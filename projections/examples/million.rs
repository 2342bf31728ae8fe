//! Measures the views at a million contacts (each with two points and one consent, five to an organization): memory,
//! pages, search, fold rate. `cargo run --release -p projections --example million -- [contacts]`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_types,
    reason = "a measurement, not the product"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use domain::channel::Channel;
use domain::compartment::Compartment;
use domain::consent::{About, AsOf, Evidence, Fact, Method, Person, Source, State, Way};
use domain::event::{Event, Follow, Place, Recorded, Stream, StreamKind};
use domain::holding::{Holding, ReasonKind, SourceKind};
use domain::id::{ActorId, CommandId, ContactId, NoticeId, OrganizationId, PointId, SubjectId};
use domain::notice::Shown;
use domain::personal::Held;
use domain::point::{Point, PointKind, Reach};
use domain::profile::{Address, OldId};
use domain::register::Slug;
use domain::time::{Day, Time};
use domain::value::{Line, Tag};
use domain::{contact, organization};
use projections::{ConsentFilter, Cursor, Cut, Direction, Filter, Sort, Views};

/// Counts what is allocated, as asked for; the resident size shows what it costs.
struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "counts and passes on")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size.wrapping_sub(layout.size()), Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn id(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_le_bytes()
    }
}

const STARTS: [&str; 24] = [
    "An", "Mar", "Jo", "Ka", "El", "Fre", "Lu", "Pe", "So", "Ste", "Ta", "Vi", "Wil", "Ya", "Ze", "Ro", "Schm", "Mü",
    "Ha", "Ber", "Gr", "Kr", "Ne", "Wag",
];
const MIDDLES: [&str; 16] =
    ["na", "ri", "hann", "the", "isa", "ber", "mo", "ka", "li", "ller", "ge", "fe", "do", "sch", "be", "ti"];
const ENDS: [&str; 12] = ["a", "us", "ine", "er", "mann", "en", "ski", "ez", "ova", "t", "sen", "el"];

fn name(dice: &mut Dice) -> String {
    let part = |list: &[&'static str], dice: &mut Dice| list[dice.below(list.len())];
    format!("{}{}{}", part(&STARTS, dice), part(&MIDDLES, dice), part(&ENDS, dice))
}

fn line(text: impl Into<String>) -> Line {
    Line::from_log(text.into())
}

struct Maker {
    dice: Dice,
    position: u64,
    contacts: Vec<(ContactId, PointId, String)>,
}

impl Maker {
    fn record(&mut self, kind: StreamKind, id: [u8; 16], event: impl Into<Event>) -> Recorded {
        let at = Time(1_700_000_000_000 + self.position as i64 / 4);
        let place = Place {
            position: self.position,
            stream: Stream { kind, id },
            revision: 0,
            recorded_at: at,
            effective_at: at,
            actor: ActorId([1; 16]),
            command: CommandId(self.dice.id()),
            hash: [0; 32],
        };
        self.position += 1;
        Recorded { place, event: event.into() }
    }

    fn holding(&mut self) -> Holding {
        let source = if self.dice.below(1000) == 0 { SourceKind::Referral } else { SourceKind::Import };
        let reason = ReasonKind::ALL[self.dice.below(ReasonKind::ALL.len())];
        Holding { source, reason, hold_until: None }
    }

    fn address(&mut self) -> Address {
        Address {
            lines: vec![line(format!("{}straße {}", name(&mut self.dice), self.dice.below(200)))],
            postcode: Some(line(format!("{:05}", self.dice.below(99_999)))),
            city: Some(line(format!("{}stadt", name(&mut self.dice)))),
            region: None,
            country: Some(line("Germany")),
            country_code: None,
        }
    }

    /// One organization and its five contacts, each with a consent: eleven records.
    fn batch(&mut self, contacts: usize, out: &mut Vec<Recorded>) {
        let organization = OrganizationId(self.dice.id());
        let subject = SubjectId(self.dice.id());
        let company = format!("{} {} GmbH", name(&mut self.dice), name(&mut self.dice));
        let profile = organization::Profile {
            name: Some(line(company.clone())),
            invoice_address: Some(self.address()),
            ..Default::default()
        };
        let holding = self.holding();
        let profile = Held::new(subject, Compartment::Relationship, Box::new(profile));
        let event = organization::Event::Registered { holding, profile };
        out.push(self.record(StreamKind::Organization, organization.0, event));
        for _ in 0..contacts {
            let (contact, subject) = (ContactId(self.dice.id()), SubjectId(self.dice.id()));
            let (first, last) = (name(&mut self.dice), name(&mut self.dice));
            let number = self.dice.below(100_000_000);
            let mail = format!("{}.{}{}@{}.example.de", first, last, number % 1000, company.split(' ').next().unwrap());
            let point = |id, kind, value: String, normalized: Option<String>| Point {
                id: PointId(id),
                kind,
                label: None,
                value: Reach::from_log(value),
                normalized: normalized.map(Reach::from_log),
            };
            let mail_point = self.dice.id();
            let points = vec![
                point(mail_point, PointKind::Email, mail.clone(), Some(mail)),
                point(
                    self.dice.id(),
                    PointKind::Mobile,
                    format!("0171 {number:08}"),
                    Some(format!("+49171{number:08}")),
                ),
            ];
            let tag = ["customer", "prospect", "VIP", "partner"][self.dice.below(4)];
            let profile = contact::Profile {
                salutation: Some(line("Frau")),
                first_name: Some(line(first)),
                last_name: Some(line(last.clone())),
                job_title: Some(line("Head of Purchasing")),
                organization: Some(organization),
                work_address: Some(self.address()),
                tags: vec![Tag::from_log(tag.to_owned())],
                old_id: Some(OldId { source: line("northwind"), id: line(format!("{number}")) }),
                points,
                ..Default::default()
            };
            let holding = self.holding();
            let profile = Held::new(subject, Compartment::Relationship, Box::new(profile));
            out.push(self.record(StreamKind::Contact, contact.0, contact::Event::Registered { holding, profile }));
            let fact = Fact::Given {
                about: About {
                    purpose: Slug::from_log("newsletter".into()),
                    channel: Channel::Email,
                    point: PointId(mail_point),
                },
                shown: Some(Shown { notice: NoticeId([1; 16]), version: 1, hash: [2; 32] }),
                valid_until: Some(Day(20_400)),
                way: Way { source: Source::WebForm, method: Method::Checkbox },
                evidence: Evidence::AgentsWord,
            };
            let person = Held::new(subject, Compartment::ConsentProof, Person { contact, words: None });
            let id = self.dice.id();
            out.push(self.record(StreamKind::Consents, id, domain::consent::Event { fact, person }));
            self.contacts.push((contact, PointId(mail_point), last));
        }
    }
}

/// Nanoseconds this thread ran: on a busy machine the clock on the wall says little.
fn on_cpu() -> u64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn report(what: &str, mut nanos: Vec<u64>) {
    nanos.sort_unstable();
    let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!("{what:<44} p50 {:>9.1} µs   p99 {:>9.1} µs   max {:>9.1} µs", at(0.5), at(0.99), at(1.0));
}

fn timed<T>(times: usize, mut one: impl FnMut(usize) -> T) -> Vec<u64> {
    (0..times)
        .map(|n| {
            let start = Instant::now();
            black_box(one(n));
            start.elapsed().as_nanos() as u64
        })
        .collect()
}

fn main() {
    let wanted: usize = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().unwrap());
    let mut maker = Maker { dice: Dice(7), position: 0, contacts: Vec::with_capacity(wanted) };
    let mut views = Views::default();
    let (mut records, mut seconds) = (0, 0.0);
    let own = |maker: &Maker| {
        maker.contacts.iter().map(|(_, _, name)| name.capacity()).sum::<usize>() + maker.contacts.capacity() * 56
    };
    while maker.contacts.len() < wanted {
        let mut batch = Vec::with_capacity(4_400);
        while batch.len() < 4_400 && maker.contacts.len() < wanted {
            maker.batch(5, &mut batch);
        }
        records += batch.len();
        let start = on_cpu();
        views.follow(batch);
        seconds += (on_cpu() - start) as f64 / 1e9;
    }
    let contacts = maker.contacts.len();
    println!("{records} records in {seconds:.2} s of one core: {:.0} records/s", records as f64 / seconds);
    let (live, rss, own) = (LIVE.load(Relaxed), resident(), own(&maker));
    println!(
        "{} B allocated, {} B resident a contact (the maker's own {} B taken off)",
        (live - own) / contacts,
        (rss - own) / contacts,
        own / contacts
    );

    let mut dice = Dice(11);
    let filters: Vec<(&str, Filter)> = vec![
        ("all", Filter::default()),
        ("a quarter: tag", Filter { tags: vec![Tag::from_log("vip".into())], ..Default::default() }),
        ("one in 1000: source", Filter { source: Some(SourceKind::Referral), ..Default::default() }),
        (
            "one in 20000: tag, source, reason",
            Filter {
                tags: vec![Tag::from_log("vip".into())],
                source: Some(SourceKind::Referral),
                reason: Some(ReasonKind::Consent),
                ..Default::default()
            },
        ),
    ];
    for (what, filter) in &filters {
        for sort in [Sort::Name, Sort::Created, Sort::Changed] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let times = timed(2_000, |_| {
                    let (id, _, _) = maker.contacts[dice.below(contacts)];
                    let after: Option<Cursor> = views.contact(id).map(|contact| contact.cursor());
                    let page = views.contacts(filter, sort, direction, &Cut::First { count: 50, after }).unwrap();
                    page.items.len()
                });
                report(&format!("page {what}, {sort:?} {direction:?}"), times);
            }
        }
    }
    let all: Vec<char> = "abcdefghijklmnopqrstuvwxyz".chars().collect();
    let two = |dice: &mut Dice| format!("{}{}", all[dice.below(26)], all[dice.below(26)]);
    let found = |text: &str| views.find_contacts(text, &Filter::default(), &Cut::first(50)).unwrap().items.len();
    report("search two letters", timed(2_000, |_| found(&two(&mut dice))));
    report("search two words of two letters", timed(500, |_| found(&format!("{} {}", two(&mut dice), two(&mut dice)))));
    report("search a last name", timed(2_000, |_| found(&maker.contacts[dice.below(contacts)].2)));
    report(
        "search 'a a' and the like",
        timed(200, |_| found(&format!("{} {}", all[dice.below(26)], all[dice.below(26)]))),
    );
    let register =
        domain::register::defaults().into_iter().map(|event| maker.record(StreamKind::Register, [3; 16], event));
    views.follow(register.collect());
    let newsletter: Slug = "newsletter".parse().unwrap();
    let may = timed(20_000, |_| {
        let (id, point, _) = &maker.contacts[dice.below(contacts)];
        views.may_contact(*id, &newsletter, Channel::Email, *point, AsOf::day(Day(19_800))).unwrap().allowed
    });
    report("mayContact", may);
    for states in [vec![State::Given, State::Confirmed], vec![State::Withdrawn], vec![State::Expired]] {
        let consent = ConsentFilter { purpose: newsletter.clone(), states, today: Day(19_800) };
        let times = timed(200, |_| {
            let after = views.contact(maker.contacts[dice.below(contacts)].0).map(|contact| contact.cursor());
            let cut = Cut::First { count: 50, after };
            let all = Filter::default();
            views.contacts_by_consent(&consent, &all, Sort::Name, Direction::Ascending, &cut).unwrap().items.len()
        });
        report(&format!("page by consent {:?}", consent.states), times);
    }
    let crafts = views.contact(maker.contacts[0].0).unwrap().sheet.unwrap().organization();
    let filter = Filter { organization: crafts, ..Filter::default() };
    let first = Cut::first(50);
    let page = |_| views.contacts(&filter, Sort::Name, Direction::Ascending, &first).unwrap().items.len();
    report("contacts of an organization", timed(2_000, page));
}
