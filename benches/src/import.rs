//! `lethe import contacts` as an operator runs it: the release program on a file, into a directory that it makes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Done;
use crate::report::{median, processor_of_children, repeat};

const FIRST: &[&str] = &["Anna", "Bert", "Chloé", "Dörte", "Emre", "Federica", "Giorgos", "Hana", "Ines", "Jürgen"];
const LAST: &[&str] =
    &["Abel", "Brandt", "Çelik", "Dvořák", "Eriksen", "Ferrari", "García", "Hoffmann", "Ivanova", "Møller"];
const TITLES: &[&str] = &["Head of Purchasing", "Owner", "Sales Representative", "Accounting Manager"];
const CITIES: &[&str] = &["Berlin", "München", "Hamburg", "Köln", "Leipzig", "Mannheim", "Aachen", "Frankfurt a.M."];
/// How many people one company has.
const PEOPLE: usize = 5;

/// Rows in a second, from the program's start on an empty directory to its end.
pub fn import(dir: &Path, runs: usize, rows: usize) -> Done {
    let program = std::env::current_exe()?.with_file_name("lethe");
    if !program.is_file() {
        return Err("build the program first: cargo build --release --bin lethe".into());
    }
    let file = dir.join("contacts.csv");
    write(&file, rows)?;
    let mut processor = Vec::new();
    let speeds = repeat(runs, || {
        let data = tempfile::Builder::new().prefix("import-").tempdir_in(dir)?;
        let used = processor_of_children()?;
        let begin = Instant::now();
        let mut command = Command::new(&program);
        command.args(["import", "contacts"]).arg(&file).arg("--data").arg(data.path().join("data"));
        let ended = command.args(["--reason", "contract"]).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let took = begin.elapsed();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        if !ended.status.success() || !said.contains(&format!("{rows} rows: {rows} new,")) {
            return Err(format!("not every row came in: {}", said.lines().last().unwrap_or_default()).into());
        }
        processor.push((processor_of_children()? - used).as_secs_f64() * 1e6 / rows as f64);
        Ok(rows as f64 / took.as_secs_f64())
    })?;
    let (speed, processor) = (median(speeds), median(processor));
    println!("import, {rows} rows: {speed:.0} rows/s ({processor:.0} µs of processor time a row)");
    Ok(())
}

/// Writes a file of customers, the same each time: people of companies of five, with mail, phone and address.
pub fn write(file: &Path, rows: usize) -> Done {
    let mut dice = StdRng::seed_from_u64(7);
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "customer_id,company_name,contact_name,contact_title,email,phone,address,city,country")?;
    for row in 0..rows {
        let company = row / PEOPLE;
        let [first, last] = [FIRST, LAST].map(|names| pick(&mut dice, names));
        let [title, city] = [TITLES, CITIES].map(|texts| pick(&mut dice, texts));
        let (phone, house) = (dice.random_range(1_000_000..10_000_000), dice.random_range(1..200));
        writeln!(
            out,
            "C{row:07},Company {company} GmbH,{first} {last},{title},person{row}@company{company}.example,030-{phone},\
             Königsallee {house},{city},Germany"
        )?;
    }
    out.flush()?;
    let size = fs::metadata(file)?.len();
    println!("{}: {rows} rows, {size} bytes", file.display());
    Ok(())
}

fn pick(dice: &mut StdRng, from: &[&'static str]) -> &'static str {
    from.get(dice.random_range(0..from.len())).copied().unwrap_or_default()
}
