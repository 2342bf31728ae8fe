//! The verdict: every state is built and opened, and what the opener says against it is reported with seed and step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use super::record::Recorder;
use super::replay::{State, States, states};
use super::trace::{Acknowledged, Trace};

/// How many states, and which.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// At most so many outcomes of one cut.
    pub per_step: usize,
    /// About so many states in all; cuts are drawn by the seed when there are more. The variable `LETHE_STATES` multiplies it.
    pub most: usize,
    /// Stop after so many failures.
    pub failures: usize,
    /// Only this cut and outcome, as a red report names them.
    pub only: Option<(usize, usize)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { seed: 1, per_step: 12, most: 4_000, failures: 3, only: None }
    }
}

impl Plan {
    pub(crate) fn most(&self) -> usize {
        static TIMES: OnceLock<usize> = OnceLock::new();
        let times =
            || std::env::var("LETHE_STATES").map_or(1, |times| times.parse().expect("LETHE_STATES is a number"));
        self.most * TIMES.get_or_init(times)
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Report {
    pub states: usize,
    pub failures: Vec<String>,
    trace: Trace,
}

impl Report {
    /// # Panics
    /// When a state did not open as it must, or when there was none. The trace is kept, and named.
    pub fn assert_green(&self) {
        assert!(self.states > 0, "no state was built");
        if !self.failures.is_empty() {
            let kept = self.trace.save(&std::env::current_exe().unwrap().with_file_name("powercut"));
            panic!("of {} states:\n{}\nrecorded in {}", self.states, self.failures.join("\n"), kept.display());
        }
    }

    /// For controls.
    ///
    /// # Panics
    /// When every state opened as it must.
    pub fn assert_red(&self) {
        assert!(!self.failures.is_empty(), "{} states are green, and a fault was built in", self.states);
    }
}

/// A directory for states, in memory where there is room: thousands of them are built.
pub fn scratch() -> tempfile::TempDir {
    static ROOMY: OnceLock<bool> = OnceLock::new();
    let memory = "/dev/shm";
    let roomy = ROOMY.get_or_init(|| {
        let free = Command::new("df").args(["-k", "--output=avail", memory]).output();
        let free =
            free.ok().and_then(|out| String::from_utf8_lossy(&out.stdout).lines().nth(1)?.trim().parse::<u64>().ok());
        free.is_some_and(|kilobytes| kilobytes > 1_000_000)
    });
    if *roomy { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Opens every state. The opener may change the directory; a panic of it is a failure like any other.
pub fn check(trace: &Trace, plan: &Plan, opener: impl Fn(&Path, &Acknowledged) -> Result<(), String> + Sync) -> Report {
    Report { trace: trace.clone(), ..run(states(trace, plan, None), plan, &opener) }
}

/// The second level: of the states of `trace` about `sample` are opened by a program under the recorder, and a cut is made
/// at any step of that recovery as well.
pub fn check_recovery(
    trace: &Trace,
    plan: &Plan,
    sample: usize,
    recovery: impl Fn(&Path) -> (Recorder, Command) + Sync,
    opener: impl Fn(&Path, &Acknowledged) -> Result<(), String> + Sync,
) -> Report {
    let first = Plan { most: sample, ..*plan };
    let second = Plan { most: plan.most / sample.max(1), per_step: plan.per_step, only: None, ..*plan };
    let inner = Mutex::new(0);
    let mut report = run(states(trace, &first, None), &first, &|directory, acknowledged| {
        let (recorder, command) = recovery(directory);
        let recording = recorder.run(command)?;
        let before = Some(Arc::new(acknowledged.clone()));
        let report = run(states(&recording.trace, &second, before), &second, &opener);
        *inner.lock().unwrap() += report.states;
        report.failures.first().map_or(Ok(()), |failure| Err(format!("a cut during recovery: {failure}")))
    });
    report.states = *inner.lock().unwrap();
    report.trace = trace.clone();
    report
}

fn run(
    states: States<'_>,
    plan: &Plan,
    opener: &(impl Fn(&Path, &Acknowledged) -> Result<(), String> + Sync),
) -> Report {
    let (source, report) = (Mutex::new(states), Mutex::new(Report::default()));
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let home = scratch();
                let directory: PathBuf = home.path().join("disk");
                while report.lock().unwrap().failures.len() < plan.failures {
                    let Some(state) = source.lock().unwrap().next() else { return };
                    let verdict = open(&state, &directory, opener);
                    let mut report = report.lock().unwrap();
                    report.states += 1;
                    if let Err(why) = verdict {
                        report.failures.push(format!("seed {}, {state}\n    {why}", plan.seed));
                    }
                }
            });
        }
    });
    report.into_inner().unwrap()
}

fn open(
    state: &State,
    directory: &Path,
    opener: &(impl Fn(&Path, &Acknowledged) -> Result<(), String> + Sync),
) -> Result<(), String> {
    state.build(directory);
    catch_unwind(AssertUnwindSafe(|| opener(directory, &state.acknowledged))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}
