//! Prints how fast the embedded log is in a directory: `cargo run --release -p events --example log_speed -- DIR [RECORDS]`.
//! The directory must be on the disk that is meant, and is left empty.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::path::Path;

use events::log::Log;
use events::log::speed::{appends, opens, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("a directory is needed")?;
    let total: usize = arguments.next().map_or(Ok(300_000), |records| records.parse())?;
    for (records, share) in [(1, 30), (16, 6), (64, 1), (512, 1)] {
        let dir = Path::new(&dir).join(format!("log-speed-{records}"));
        let cpu = cpu_us()?;
        let (log, speed) = appends(&dir, total / share / records, records)?;
        let per_record = |since: u64| {
            Ok::<_, Box<dyn std::error::Error>>((cpu_us()? - since) as f64 / log.head().size.max(1) as f64)
        };
        println!("  {} µs of processor a record, making it included", per_record(cpu)?);
        let cpu = cpu_us()?;
        println!(
            "append {records:>3} a commit: {:>9.0} records/s, median {:?}, p99 {:?}",
            speed.per_second, speed.median, speed.p99
        );
        let size = log.head().size;
        let (journal, counts) = (log.journal().file_bytes(), log.counts());
        println!("  read from the beginning: {:.0} records/s, {} µs of processor each", read(&log)?, per_record(cpu)?);
        drop(log);
        let index = bytes_below(&dir.join("index"))?;
        println!("  {size} records, {counts:?}");
        println!("  bytes a record: journal files {}, index {}", journal / size, index / size);
        let cpu = cpu_us()?;
        let (kept, rebuilt) = opens(&dir)?;
        println!("  open with its index: {kept:.0} records/s; rebuild: {rebuilt:.0} records/s");
        println!("  both: {:.2} µs of processor a record", (cpu_us()? - cpu) as f64 / size as f64);
        println!("  index made again: {} bytes a record", bytes_below(&dir.join("index"))? / size);
        println!("  memory of the process: {} MB", resident()?);
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

fn bytes_below(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.path().is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// What the process has used of the processors.
fn cpu_us() -> Result<u64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks * 10_000)
}

fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).ok_or("no such line")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes / 1024)
}
