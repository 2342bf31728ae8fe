//! Everything the views hold, personal values included, as bytes in one order: for whoever checks that two of them are equal.
//! The bytes are hashed and compared at once; they are never kept.

use std::fmt::Debug;

use crate::Views;
use crate::store::{Groups, Rows};
use crate::subjects::Subjects;

/// Takes the bytes.
pub(crate) struct Digest<'a>(&'a mut dyn FnMut(&[u8]));

impl Digest<'_> {
    /// Bytes with their length, so that two fields never read as one.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        (self.0)(bytes);
    }

    /// A number.
    pub fn number(&mut self, number: impl Into<u64>) {
        (self.0)(&number.into().to_be_bytes());
    }

    /// Facts by their debug form, which shows all of them. Personal values have none that does.
    pub fn facts(&mut self, facts: &impl Debug) {
        self.bytes(format!("{facts:?}").as_bytes());
    }

    /// A set of rows.
    pub fn rows(&mut self, rows: &Rows) {
        self.number(rows.len() as u64);
        rows.iter().for_each(|row| self.number(row));
    }

    /// Sets of rows by key, but for those without any.
    pub fn sets<'r, K: Debug>(&mut self, sets: impl IntoIterator<Item = (K, &'r Rows)>) {
        for (key, rows) in sets.into_iter().filter(|(_, rows)| !rows.is_empty()) {
            self.facts(&key);
            self.rows(rows);
        }
    }

    /// Sets of rows by id.
    pub fn groups(&mut self, groups: &Groups) {
        self.sets(groups.sorted());
    }

    /// A subject, by its id: rows of subjects are given again after an erasure.
    pub fn subject(&mut self, row: Option<u32>, subjects: &Subjects) {
        self.facts(&row.and_then(|row| subjects.id(row)));
    }
}

impl Views {
    /// Writes everything the views hold, personal values included, in an order that does not hang on how they came to hold
    /// it. Views that followed the log and views that were folded from it anew write the same bytes.
    pub fn write_digest(&self, out: &mut impl FnMut(&[u8])) {
        let mut out = Digest(out);
        let out = &mut out;
        out.number(self.next);
        out.facts(&self.continued);
        for (subject, row) in self.subjects.sorted() {
            out.facts(&subject);
            self.subjects.held(row).iter().for_each(|hold| out.facts(hold));
        }
        self.contacts.write_digest(out, &self.subjects);
        self.organizations.write_digest(out, &self.subjects);
        self.tickets.write_digest(out, &self.subjects);
        self.quotes.write_digest(out, &self.subjects);
        self.statements.write_digest(out, &self.subjects);
        self.erasures.write_digest(out, &self.subjects);
        self.actors.write_digest(out, &self.subjects);
        self.documents.write_digest(out, &self.subjects);
        self.notices.write_digest(out);
        self.registers.write_digest(out);
    }

    /// How many subjects anything is held about.
    pub fn count_subjects(&self) -> usize {
        self.subjects.len()
    }
}
