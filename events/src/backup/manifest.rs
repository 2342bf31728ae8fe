//! The file that says what a backup is. Text, one thing a line, in one form only.
//!
//! ```text
//! lethe backup 1
//! backup backup_…
//! run 2
//! first log_…             the first generation of the log, whose keyring opens it
//! log log_…               the last one in it
//! origin NAME             what checkpoints of that one are signed for
//! head SIZE:HASH
//! root HASH
//! region NAME             left out where none was said
//! kept until DAY
//! taken at TIME
//! file NAME BYTES HASH    for each file of the journal, in order
//! check HASH
//! ```

use domain::backup::Region;
use domain::id::{BackupId, LogId};
use domain::time::{Day, Time};

use super::BackupError;
use crate::chain::Head;
use crate::log::copying::Copied;
use crate::log::segment;
use crate::note::may_be_named;
use crate::record::Hash;
use crate::tree::Node;

pub(super) const FIRST: &str = "lethe backup 1";
const CONTEXT: &str = "lethe 2026-11 backup v1";

/// What a backup says of itself. Nothing of it is about a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Which backup: all runs into its directory have this id.
    pub backup: BackupId,
    /// Which of its runs, from 1.
    pub run: u64,
    /// The first generation of the log.
    pub first: LogId,
    /// The last one in it.
    pub log: LogId,
    /// What that one's checkpoints are signed for.
    pub origin: String,
    /// How many records, and the hash of the last.
    pub head: Head,
    /// The root of the tree over them.
    pub root: Node,
    /// Where it lies.
    pub region: Option<Region>,
    /// The last day on which it is kept.
    pub until: Day,
    /// When it was taken, by the ledger's clock.
    pub at: Time,
    /// The files of the journal, in order.
    pub files: Vec<Copied>,
}

impl std::fmt::Display for Manifest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = self.said();
        writeln!(f, "{said}check {}", hex(&check(&said)))
    }
}

impl Manifest {
    fn said(&self) -> String {
        let Self { backup, run, first, log, origin, head, root, region, until, at, files } = self;
        let region = region.as_ref().map(|region| format!("region {region}\n")).unwrap_or_default();
        let file = |file: &Copied| format!("file {} {} {}\n", file.name, file.bytes, hex(&file.hash));
        let files: String = files.iter().map(file).collect();
        format!(
            "{FIRST}\nbackup {backup}\nrun {run}\nfirst {first}\nlog {log}\norigin {origin}\nhead {head}\nroot {}\n{region}kept \
             until {until}\ntaken at {at}\n{files}",
            hex(root)
        )
    }

    /// Reads it.
    ///
    /// # Errors
    /// The first line that is not what it must be.
    pub fn parse(text: &str) -> Result<Self, BackupError> {
        let mut lines = Lines { lines: text.split_inclusive('\n').peekable(), line: 0 };
        lines.take("", |word| (word == FIRST).then_some(()))?;
        let manifest = Self {
            backup: lines.take("backup ", |word| word.parse().ok())?,
            run: lines.take("run ", |word| number(word).filter(|run| *run > 0 && *run < u64::MAX))?,
            first: lines.take("first ", |word| word.parse().ok())?,
            log: lines.take("log ", |word| word.parse().ok())?,
            origin: lines.take("origin ", |word| may_be_named(word).then(|| word.to_owned()))?,
            head: lines.take("head ", |word| word.parse().ok().filter(|head: &Head| head.size > 0))?,
            root: lines.take("root ", hash)?,
            region: lines.begins("region ").then(|| lines.take("region ", |word| word.parse().ok())).transpose()?,
            until: lines.take("kept until ", |word| word.parse().ok())?,
            at: lines.take("taken at ", |word| word.parse().ok())?,
            files: lines.files()?,
        };
        let said = manifest.said();
        lines.take("check ", |word| hash(word).filter(|found| *found == check(&said)))?;
        // What reads in another form than it is written in would be another file with the same check.
        if manifest.to_string() == text { Ok(manifest) } else { Err(BackupError::Unclear { line: 0 }) }
    }
}

struct Lines<'a, I: Iterator<Item = &'a str>> {
    lines: std::iter::Peekable<I>,
    line: usize,
}

impl<'a, I: Iterator<Item = &'a str>> Lines<'a, I> {
    fn begins(&mut self, with: &str) -> bool {
        self.lines.peek().is_some_and(|line| line.starts_with(with))
    }

    fn take<T>(&mut self, with: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, BackupError> {
        self.line += 1;
        let word = self.lines.next().and_then(|line| line.strip_suffix('\n')?.strip_prefix(with));
        word.and_then(read).ok_or(BackupError::Unclear { line: self.line })
    }

    /// At least one, in the order of their names.
    fn files(&mut self) -> Result<Vec<Copied>, BackupError> {
        let mut files: Vec<Copied> = Vec::new();
        while files.is_empty() || self.begins("file ") {
            let before = files.last().map_or("", |file| file.name.as_str()).to_owned();
            files.push(self.take("file ", |words| file(words).filter(|file| file.name > before))?);
        }
        Ok(files)
    }
}

fn file(words: &str) -> Option<Copied> {
    let (name, rest) = words.split_once(' ')?;
    let (bytes, of) = rest.split_once(' ')?;
    segment::first_in(name)?;
    Some(Copied { name: name.to_owned(), bytes: number(bytes)?, hash: hash(of)? })
}

fn number(word: &str) -> Option<u64> {
    word.parse().ok().filter(|number: &u64| number.to_string() == word)
}

fn hash(word: &str) -> Option<Hash> {
    let found = blake3::Hash::from_hex(word).ok()?;
    (found.to_hex().as_str() == word).then(|| *found.as_bytes())
}

fn hex(hash: &Hash) -> blake3::Hash {
    blake3::Hash::from_bytes(*hash)
}

fn check(said: &str) -> Hash {
    blake3::derive_key(CONTEXT, said.as_bytes())
}

#[cfg(test)]
pub(crate) fn example() -> Manifest {
    Manifest {
        backup: BackupId([0xba; 16]),
        run: 2,
        first: LogId([0x10; 16]),
        log: LogId([0x10; 16]),
        origin: "muster.example/lethe".into(),
        head: Head { size: 50, hash: [0x11; 32] },
        root: [0x22; 32],
        region: "eu-central-1".parse().ok(),
        until: Day(20_514),
        at: Time(1_769_851_800_000),
        files: vec![
            Copied { name: segment::name(0), bytes: 30_000_000, hash: [0x33; 32] },
            Copied { name: segment::name(41), bytes: 5_000, hash: [0x44; 32] },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_nothing_else_does() {
        let (full, mut bare) = (example(), example());
        bare.region = None;
        for manifest in [&full, &bare] {
            assert_eq!(Manifest::parse(&manifest.to_string()).unwrap(), *manifest);
        }
        let text = full.to_string();
        for at in 0..text.len() {
            let without = format!("{}{}", &text[..at], &text[at + 1..]);
            for bent in [&text[..at], without.as_str()] {
                assert!(matches!(Manifest::parse(bent), Err(BackupError::Unclear { .. })), "{bent}");
            }
            let mut other = text.clone().into_bytes();
            other[at] ^= 1;
            let other = String::from_utf8(other).unwrap();
            assert!(Manifest::parse(&other).is_err(), "{other}");
        }
        assert!(
            Manifest::parse(&(text.clone() + "\n")).is_err() && Manifest::parse(&text.replace('\n', "\r\n")).is_err()
        );
    }

    /// Whoever bends it may make a new check: it is no signature, and what it names is compared with what is there.
    #[test]
    fn a_line_that_is_none_is_named() {
        let line = |from: &str, to: &str| {
            let text = example().to_string();
            assert!(text.contains(from), "{from}");
            match Manifest::parse(&text.replacen(from, to, 1)) {
                Err(BackupError::Unclear { line }) => line,
                other => panic!("{from}: {other:?}"),
            }
        };
        assert_eq!(line("lethe backup 1", "lethe backup 2"), 1);
        assert_eq!(line("run 2", "run 0"), 3);
        assert_eq!(line("head 50:", "head 050:"), 7);
        assert_eq!(line("region eu", "region EU"), 9);
        assert_eq!(line("file 00000000000000000041.segment", "file ../../etc/passwd"), 13);
        assert_eq!(line("file 00000000000000000041", "file 00000000000000000000"), 13);
        assert_eq!(line("run 2", "run 3"), 14);
    }
}
