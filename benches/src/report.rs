//! What is said about figures: the machine they were taken on, medians, percentiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Done;

/// Where a measure writes: a directory that was named, which stays, or one that goes with the program.
pub enum Place {
    /// It stays.
    Named(PathBuf),
    /// It goes.
    Passing(tempfile::TempDir),
}

impl Place {
    /// The directory that was named, or a new one beside the program, so that it is on the disk and not in memory.
    pub fn of(named: Option<PathBuf>) -> Done<Self> {
        if let Some(path) = named {
            fs::create_dir_all(&path)?;
            return Ok(Self::Named(path));
        }
        let program = std::env::current_exe()?;
        let beside = program.parent().ok_or("the program lies nowhere")?;
        Ok(Self::Passing(tempfile::Builder::new().prefix("lethe-bench-").tempdir_in(beside)?))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Passing(dir) => dir.path(),
        }
    }
}

/// Cores, processor, kernel, file system and load.
pub fn machine(dir: &Path) -> Done<String> {
    let cores = std::thread::available_parallelism()?;
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let (model, kernel) = (model.unwrap_or("unknown processor"), kernel.trim());
    Ok(format!("{cores} cores, {model}, Linux {kernel}, {}, load {load}", file_system(dir)?))
}

/// The file system that holds a directory: that of the longest mount point above it.
fn file_system(dir: &Path) -> Done<String> {
    let dir = dir.canonicalize()?;
    let mounts = fs::read_to_string("/proc/mounts")?;
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        dir.starts_with(point).then_some((point.len(), kind))
    });
    Ok(above.max_by_key(|(length, _)| *length).map_or("unknown file system", |(_, kind)| kind).to_owned())
}

/// The one in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// At most so long took this share of them.
pub fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// Calls so often and gives what came of it.
pub fn repeat<T>(runs: usize, mut once: impl FnMut() -> Done<T>) -> Done<Vec<T>> {
    (0..runs).map(|_| once()).collect()
}

/// The processor time that this process has used.
pub fn processor() -> Done<Duration> {
    processor_of("self")
}

/// The processor time that a process has used.
pub fn processor_of(process: &str) -> Done<Duration> {
    ticks(process, 11)
}

/// The processor time of the processes that this one has started and waited for.
pub fn processor_of_children() -> Done<Duration> {
    ticks("self", 13)
}

/// Two fields of proc_pid_stat(5), behind the name: time in the program and in the kernel.
fn ticks(process: &str, from: usize) -> Done<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("the kernel does not say")?;
    let ticks = fields.split_whitespace().skip(from).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The resident bytes of a process.
pub fn resident(process: &str) -> Done<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("the kernel does not say")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("the kernel does not say")?.parse()?;
    Ok(kilobytes * 1024)
}
