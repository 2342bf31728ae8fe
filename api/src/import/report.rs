//! What became of the rows: counts, and a line for each reject. It holds no content of any row.

use std::fmt;

/// The counts of one run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// Rows behind the header, those that are blank left out.
    pub rows: u64,
    /// Rows that made something new. Who was erased since an earlier import is not known any more, and new.
    pub new: u64,
    /// Organizations that were made.
    pub organizations: u64,
    /// Rows known and the same.
    pub unchanged: u64,
    /// Rows known and different.
    pub changed: u64,
    /// Rows that were not taken.
    pub rejected: u64,
    /// Rows of whom the suppression list holds; they stand in no file of rejected rows, and no line says which they were.
    pub suppressed: u64,
    /// Warnings on rows that were taken.
    pub warnings: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, new, organizations, unchanged, changed, rejected, suppressed: _, warnings } = self;
        write!(f, "{rows} rows: {new} new, {unchanged} unchanged, {changed} changed, {rejected} rejected; ")?;
        write!(f, "{organizations} organizations made; {warnings} warnings")
    }
}
