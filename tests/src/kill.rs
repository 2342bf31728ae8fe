//! `kill -9` at random, under load: the process dies, the page cache stays. A power cut is [`crate::powercut`].

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How often, and how long a process may live.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    pub seed: u64,
    pub rounds: usize,
    /// The longest life after the first answer; every third process is killed within this time of its start instead.
    pub longest: Duration,
}

/// Starts the command on the same directory again and again, kills it, and has the opener look.
///
/// What the process writes to its standard output, line by line, is what it has acknowledged; the opener gets the lines of
/// all rounds. Returns how many lines there were.
///
/// # Panics
/// With the seed and the round, when the opener is not content.
pub fn kill_at_random(
    plan: Rounds,
    directory: &Path,
    command: impl Fn(&Path) -> Command,
    opener: impl Fn(&Path, &[String]) -> Result<(), String>,
) -> usize {
    kill_under_load(plan, directory, command, read_lines, opener)
}

/// As [`kill_at_random`], for a program that is put under load from outside, a server: `load` gets its standard output,
/// talks to it until it is gone, calls the second argument at each answer, and returns what was acknowledged.
///
/// # Panics
/// As [`kill_at_random`].
pub fn kill_under_load<A: Send>(
    plan: Rounds,
    directory: &Path,
    command: impl Fn(&Path) -> Command,
    load: impl Fn(ChildStdout, &dyn Fn()) -> Vec<A> + Sync,
    opener: impl Fn(&Path, &[A]) -> Result<(), String>,
) -> usize {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let mut acknowledged = Vec::new();
    for round in 0..plan.rounds {
        let life = plan.longest.mul_f64(rng.random::<f64>());
        acknowledged.extend(live_and_die(command(directory), life, round % 3 != 0, &load));
        if let Err(why) = opener(directory, &acknowledged) {
            panic!("seed {}, round {round}, after {} answers: {why}", plan.seed, acknowledged.len());
        }
    }
    acknowledged.len()
}

fn live_and_die<A: Send>(
    mut command: Command,
    life: Duration,
    after_first_answer: bool,
    load: &(impl Fn(ChildStdout, &dyn Fn()) -> Vec<A> + Sync),
) -> Vec<A> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let (said, heard) = mpsc::channel();
    std::thread::scope(|scope| {
        let loading = scope.spawn(move || load(out, &|| _ = said.send(())));
        if after_first_answer {
            let _said_nothing = heard.recv_timeout(Duration::from_secs(20));
        }
        std::thread::sleep(life);
        let _already_over = child.kill();
        child.wait().unwrap();
        loading.join().unwrap()
    })
}

fn read_lines(out: ChildStdout, answered: &dyn Fn()) -> Vec<String> {
    let (mut out, mut lines, mut line) = (BufReader::new(out), Vec::new(), String::new());
    while out.read_line(&mut line).unwrap_or(0) > 0 && line.ends_with('\n') {
        answered();
        lines.push(std::mem::take(&mut line).trim_end().to_owned());
    }
    lines
}
