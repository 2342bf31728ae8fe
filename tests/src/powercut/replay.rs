//! Every state of the disk that a cut can leave, in a fixed order for a seed, so that a red one can be built again.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::check::Plan;
use super::disk::{Choice, Disk, Tear};
use super::image::Image;
use super::trace::{Acknowledged, Answer, Step, Trace};

/// One disk after one cut.
pub struct State {
    /// The cut is before this step of the trace.
    pub step: usize,
    /// Which of the cut's outcomes this is.
    pub choice: usize,
    what: String,
    /// What it holds.
    pub image: Image,
    /// What had been acknowledged.
    pub acknowledged: Acknowledged,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cut before step {}, outcome {}: {}", self.step, self.choice, self.what)
    }
}

impl State {
    /// Writes it below `directory`, which is emptied first.
    pub fn build(&self, directory: &Path) {
        self.image.build(directory);
    }
}

/// The states of a trace, cut by cut.
pub struct States<'a> {
    trace: &'a Trace,
    plan: Plan,
    share: f64,
    disk: Disk,
    next: usize,
    answers: Arc<Vec<Answer>>,
    answered: usize,
    before: Option<Arc<Acknowledged>>,
    ready: Vec<State>,
}

/// All states, or as many of the cuts as `plan.most` allows, drawn by the seed.
pub fn states<'a>(trace: &'a Trace, plan: &Plan, before: Option<Arc<Acknowledged>>) -> States<'a> {
    let settled = trace.steps.iter().position(|step| *step == Step::Settled).map_or(0, |at| at + 1);
    let cuts = trace.steps.iter().skip(settled).filter(|step| is_cut(step)).count() + 1;
    let share = plan.most() as f64 / (cuts * plan.per_step) as f64;
    let mut disk = Disk::default();
    for (number, step) in trace.steps.iter().enumerate().take(settled) {
        disk.follow(number, step).unwrap();
    }
    let answers = Arc::new(trace.answers());
    States { trace, plan: *plan, share, disk, next: settled, answers, answered: 0, before, ready: Vec::new() }
}

/// The disk with everything kept: what the program saw at the end.
pub fn last(trace: &Trace) -> Result<Image, String> {
    let mut disk = Disk::default();
    for (number, step) in trace.steps.iter().enumerate() {
        disk.follow(number, step)?;
    }
    Ok(disk.image(&Choice { kept: disk.pending().into_keys().collect(), ..Choice::default() }))
}

/// A cut is made before each step that changes what the disk may be: so all answers up to there count.
fn is_cut(step: &Step) -> bool {
    !matches!(
        step,
        Step::Acknowledged { .. }
            | Step::Opened { created: false, truncated: false, .. }
            | Step::Noted { .. }
            | Step::Faulted { .. }
            | Step::SyncBegan { .. }
            | Step::Started { .. }
            | Step::Settled
    )
}

impl Iterator for States<'_> {
    type Item = State;

    fn next(&mut self) -> Option<State> {
        while self.ready.is_empty() && self.next <= self.trace.steps.len() {
            let step = self.trace.steps.get(self.next);
            if step.is_none_or(is_cut) {
                self.cut();
            }
            if let Some(step) = step {
                self.answered += usize::from(matches!(step, Step::Acknowledged { .. }));
                self.disk.follow(self.next, step).unwrap();
            }
            self.next += 1;
        }
        self.ready.pop()
    }
}

impl States<'_> {
    fn cut(&mut self) {
        let seed = self.plan.seed ^ (self.next as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = StdRng::seed_from_u64(seed);
        let (one, drawn) = (self.plan.only.map(|(step, _)| step), rng.random::<f64>() < self.share);
        if one.is_some_and(|step| step != self.next) || (one.is_none() && !drawn) {
            return;
        }
        let pending: Vec<Pending> = self.disk.pending().into_iter().collect();
        let outcomes = outcomes(&pending, self.plan.per_step, &mut rng);
        for (number, (what, choice)) in outcomes.into_iter().enumerate().rev() {
            if self.plan.only.is_some_and(|(_, only)| only != number) {
                continue;
            }
            let acknowledged = Acknowledged::new(self.answers.clone(), self.answered, self.before.clone());
            let image = self.disk.image(&choice);
            self.ready.push(State { step: self.next, choice: number, what, image, acknowledged });
        }
    }
}

/// A step that is not settled, and where it writes, if it is a write.
type Pending = (usize, Range<u64>);

/// At most `most` outcomes for what is pending: the telling ones first, then subsets, all of them where they are few.
fn outcomes(pending: &[Pending], most: usize, rng: &mut StdRng) -> Vec<(String, Choice)> {
    let keep = |of: &[Pending]| Choice { kept: of.iter().map(|(step, _)| *step).collect(), ..Choice::default() };
    let mut all = vec![("nothing unsynced kept".to_owned(), Choice::default())];
    if pending.is_empty() {
        return all;
    }
    all.push(("everything kept".to_owned(), keep(pending)));
    if let Some(at) = pending.iter().rposition(|(_, place)| !place.is_empty()) {
        let (step, place) = &pending[at];
        for tear in [Tear::Prefix(sector_edge(place, rng)), Tear::Prefix(any_byte(place, rng)), any_tear(place, rng)] {
            let mut choice = keep(&pending[..=at]);
            choice.torn.insert(*step, tear.clone());
            all.push((format!("all kept up to step {step}, which is torn: {tear:?}"), choice));
        }
    }
    match pending.len() {
        1 => {}
        2..=4 => all.extend((1..(1_u32 << pending.len()) - 1).map(|bits| {
            let some: Vec<_> = (0..).zip(pending).filter(|(i, _)| bits >> i & 1 == 1).map(|(_, p)| p.clone()).collect();
            subset(&some, keep(&some), rng, 0.0)
        })),
        _ => {
            for _ in all.len()..most.max(all.len() + 2) {
                let share = *[0.1, 0.5, 0.9].choose(rng).unwrap();
                let some: Vec<_> = pending.iter().filter(|_| rng.random_bool(share)).cloned().collect();
                all.push(subset(&some, keep(&some), rng, 0.2));
            }
        }
    }
    while all.len() > most.max(2) {
        let at = rng.random_range(2..all.len());
        all.remove(at);
    }
    all
}

/// Some of these are torn: between sectors, and one of them within a sector, for a disk writes one at a time.
fn subset(some: &[Pending], mut choice: Choice, rng: &mut StdRng, torn: f64) -> (String, Choice) {
    let mut within = true;
    for (step, place) in some.iter().filter(|(_, place)| !place.is_empty()) {
        if rng.random_bool(torn) {
            let tear = if std::mem::take(&mut within) { any_tear(place, rng) } else { sector_tear(place, rng) };
            choice.torn.insert(*step, tear);
        }
    }
    (format!("of the unsynced steps only {:?} kept, of these torn: {:?}", choice.kept, choice.torn), choice)
}

/// A length of the write at which it ends with a sector of the file; 0 where it lies within one.
fn sector_edge(place: &Range<u64>, rng: &mut StdRng) -> usize {
    let sector = rng.random_range(place.start / 512..place.end.div_ceil(512));
    (sector * 512).saturating_sub(place.start) as usize
}

fn any_byte(place: &Range<u64>, rng: &mut StdRng) -> usize {
    rng.random_range(0..place.end - place.start) as usize
}

fn any_tear(place: &Range<u64>, rng: &mut StdRng) -> Tear {
    match rng.random_range(0..3) {
        0 => Tear::Prefix(any_byte(place, rng)),
        1 => Tear::Zeros(any_byte(place, rng)),
        _ => Tear::Sectors(rng.random()),
    }
}

fn sector_tear(place: &Range<u64>, rng: &mut StdRng) -> Tear {
    if rng.random() { Tear::Prefix(sector_edge(place, rng)) } else { Tear::Sectors(rng.random()) }
}
