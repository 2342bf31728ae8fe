//! A directory: contacts or organizations, as rows. It has two halves. Facts stay for ever: that a row was registered, when
//! it changed, from what source and for what reason it is held. The sheet, and whatever is derived from its values (name
//! order, words, tags, who belongs where), is part of the drawer: [`crate::subjects`] fills and empties it.
//!
//! Lists hold only rows that have a sheet: who was forgotten is in no list and is found by nothing but the id.

mod find;
mod list;
mod listing;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use domain::event::Place;
use domain::holding::{Holding, HoldingChange, ReasonKind, SourceKind};
use domain::time::Time;

pub(crate) use list::Also;
pub use list::{Direction, Filter, Sort};

use crate::digest::Digest;
use crate::fold::first_sixteen;
use crate::store::{Groups, Ids, Order, Rows};
use crate::subjects::Subjects;
use crate::subjects::sheet::Listed;
use crate::words::Words;

/// What the log says of a row without any key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// When it was registered.
    pub created_at: Time,
    /// The position of that record.
    pub created: u64,
    /// When it changed last.
    pub changed_at: Time,
    /// The position of that record.
    pub changed: u64,
    /// The revision of its stream.
    pub revision: u64,
    /// Where from, why, until when.
    pub holding: Holding,
}

/// One word of one row: the row, and which of its words, in six bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word([u16; 3]);

impl Word {
    fn new(row: u32, number: usize) -> Self {
        Self([(row >> 16) as u16, row as u16, number as u16])
    }

    fn row(self) -> u32 {
        let Self([high, low, _]) = self;
        u32::from(high) << 16 | u32::from(low)
    }

    fn number(self) -> usize {
        let Self([_, _, number]) = self;
        number.into()
    }
}

/// Contacts or organizations.
pub(crate) struct Directory<S> {
    ids: Ids,
    facts: Vec<Facts>,
    sheets: Vec<Box<[u8]>>,
    holders: Vec<u32>,
    present: Rows,
    names: Order<u128, u32>,
    changes: Order<u64, u32>,
    words: Order<u128, Word>,
    tags: BTreeMap<Box<str>, Rows>,
    sources: BTreeMap<SourceKind, Rows>,
    reasons: BTreeMap<ReasonKind, Rows>,
    members: Groups,
    /// Whether the lists are made later, all at once; until then they are empty.
    put_off: bool,
    kind: PhantomData<fn() -> S>,
}

impl<S> Default for Directory<S> {
    fn default() -> Self {
        Self {
            ids: Ids::default(),
            facts: Vec::new(),
            sheets: Vec::new(),
            holders: Vec::new(),
            present: Rows::default(),
            names: Order::default(),
            changes: Order::default(),
            words: Order::default(),
            tags: BTreeMap::new(),
            sources: BTreeMap::new(),
            reasons: BTreeMap::new(),
            members: Groups::default(),
            put_off: false,
            kind: PhantomData,
        }
    }
}

impl<S: Listed> Directory<S> {
    /// The row of an id.
    pub fn row(&self, id: &[u8; 16]) -> Option<u32> {
        self.ids.get(id)
    }

    /// The id of a row.
    pub fn id(&self, row: u32) -> [u8; 16] {
        self.ids.id(row).unwrap_or_default()
    }

    /// What stays of a row.
    pub fn facts(&self, row: u32) -> Option<&Facts> {
        self.facts.get(row as usize)
    }

    /// What is held in a row, while it is there.
    pub fn sheet(&self, row: u32) -> Option<&[u8]> {
        self.sheets.get(row as usize).filter(|_| self.present.contains(row)).map(|sheet| &**sheet)
    }

    /// The row of the subject whose sheet it is, while it is there.
    pub fn holder(&self, row: u32) -> Option<u32> {
        self.holders.get(row as usize).copied().filter(|_| self.present.contains(row))
    }

    /// How many rows there ever were.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// How many rows are there to be listed.
    pub fn present(&self) -> usize {
        self.present.len()
    }

    /// The rows that belong to a group, in the order they were registered.
    pub fn members(&self, group: &[u8; 16]) -> Option<&Rows> {
        self.members.get(group)
    }

    /// A row begins.
    pub fn register(&mut self, place: &Place, holding: Holding) -> u32 {
        let row = self.ids.add(place.stream.id);
        if row as usize == self.facts.len() {
            let (at, position) = (place.recorded_at, place.position);
            self.facts.push(Facts {
                created_at: at,
                created: position,
                changed_at: at,
                changed: position,
                revision: place.revision,
                holding,
            });
            self.sheets.push(Box::default());
            self.holders.push(0);
        }
        row
    }

    /// A row changed.
    pub fn change(&mut self, row: u32, place: &Place, holding: Option<&HoldingChange>) {
        let present = self.present.contains(row);
        if present {
            self.unlist_facts(row);
        }
        if let Some(facts) = self.facts.get_mut(row as usize) {
            (facts.changed_at, facts.changed, facts.revision) = (place.recorded_at, place.position, place.revision);
            holding.into_iter().for_each(|change| facts.holding.apply(change));
        }
        if present {
            self.list_facts(row);
        }
    }

    /// What is held in a row, and whose it is.
    pub fn put(&mut self, row: u32, holder: u32, sheet: Vec<u8>) {
        let Some(place) = self.holders.get_mut(row as usize) else { return };
        *place = holder;
        if self.present.insert(row) {
            self.replace(row, sheet);
            self.list_facts(row);
            return self.list(row);
        }
        if self.put_off {
            return self.replace(row, sheet);
        }
        let (words, name) = (self.words_of(row), self.name_of(row));
        let same = S::words(&sheet) == words && S::sort_name(&sheet) == name;
        if same {
            self.unlist_groups(row);
            self.replace(row, sheet);
            return self.list_groups(row);
        }
        self.unlist(row);
        self.replace(row, sheet);
        self.list(row);
    }

    /// Makes another sheet of the one that is held. A row without a sheet stays without.
    pub fn rewrite(&mut self, row: u32, other: impl FnOnce(&[u8]) -> Vec<u8>) {
        if let (Some(sheet), Some(holder)) = (self.sheet(row), self.holder(row)) {
            let sheet = other(sheet);
            self.put(row, holder, sheet);
        }
    }

    /// What is held in a row is gone.
    pub fn clear(&mut self, row: u32) {
        if self.present.contains(row) {
            self.unlist_facts(row);
            self.unlist(row);
            self.present.remove(row);
            self.replace(row, Vec::new());
        }
    }

    fn replace(&mut self, row: u32, sheet: Vec<u8>) {
        if let Some(place) = self.sheets.get_mut(row as usize) {
            *place = sheet.into_boxed_slice();
        }
    }

    fn list_facts(&mut self, row: u32) {
        if self.put_off {
            return;
        }
        let Some(facts) = self.facts.get(row as usize).copied() else { return };
        let all = &self.facts;
        self.changes.insert(time_key(facts.changed_at), row, |other| by_change(all, other, row));
        self.list_holding(row);
    }

    fn list_holding(&mut self, row: u32) {
        let Some(holding) = self.facts.get(row as usize).map(|facts| facts.holding) else { return };
        self.sources.entry(holding.source).or_default().insert(row);
        self.reasons.entry(holding.reason).or_default().insert(row);
    }

    fn unlist_facts(&mut self, row: u32) {
        if self.put_off {
            return;
        }
        let Some(facts) = self.facts.get(row as usize).copied() else { return };
        let all = &self.facts;
        self.changes.remove(time_key(facts.changed_at), row, |other| by_change(all, other, row));
        self.sources.entry(facts.holding.source).or_default().remove(row);
        self.reasons.entry(facts.holding.reason).or_default().remove(row);
    }

    fn list(&mut self, row: u32) {
        if self.put_off {
            return;
        }
        let (name, words) = (self.name_of(row), self.words_of(row));
        let sheets = &self.sheets;
        self.names.insert(first_sixteen(&name), row, |other| by_name::<S>(sheets, other, &name, row));
        for (number, text) in words.iter().enumerate() {
            let word = Word::new(row, number);
            self.words.insert(first_sixteen(text), word, |other| by_word::<S>(sheets, other, text, word));
        }
        self.list_groups(row);
    }

    fn unlist(&mut self, row: u32) {
        if self.put_off {
            return;
        }
        let (name, words) = (self.name_of(row), self.words_of(row));
        let sheets = &self.sheets;
        self.names.remove(first_sixteen(&name), row, |other| by_name::<S>(sheets, other, &name, row));
        for (number, text) in words.iter().enumerate() {
            let word = Word::new(row, number);
            self.words.remove(first_sixteen(text), word, |other| by_word::<S>(sheets, other, text, word));
        }
        self.unlist_groups(row);
    }

    fn list_groups(&mut self, row: u32) {
        let sheet = bytes(&self.sheets, row);
        for tag in S::tags(sheet) {
            self.tags.entry(tag.folded().into()).or_default().insert(row);
        }
        if let Some(group) = S::belongs_to(sheet) {
            self.members.add(group.0, row);
        }
    }

    /// Neither a tag nor a group outlives its last row: both are personal.
    fn unlist_groups(&mut self, row: u32) {
        let sheet = bytes(&self.sheets, row);
        for tag in S::tags(sheet) {
            let folded = tag.folded();
            let rows = self.tags.get_mut(&*folded);
            if rows.is_some_and(|rows| rows.remove(row) && rows.is_empty()) {
                self.tags.remove(&*folded);
            }
        }
        if let Some(group) = S::belongs_to(sheet) {
            self.members.remove(&group.0, row);
        }
    }

    /// Facts, sheets and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for (row, facts) in self.facts.iter().enumerate() {
            let row = row as u32;
            out.bytes(&self.id(row));
            out.facts(facts);
            out.subject(self.holder(row), subjects);
            out.bytes(self.sheet(row).unwrap_or_default());
        }
        out.rows(&self.present);
        self.names.forward(self.names.start()).for_each(|row| out.number(row));
        self.changes.forward(self.changes.start()).for_each(|row| out.number(row));
        for word in self.words.forward(self.words.start()) {
            out.number(word.row());
            out.number(word.number() as u64);
        }
        out.sets(&self.tags);
        out.sets(&self.sources);
        out.sets(&self.reasons);
        out.groups(&self.members);
    }

    fn name_of(&self, row: u32) -> String {
        S::sort_name(bytes(&self.sheets, row))
    }

    fn words_of(&self, row: u32) -> Words {
        S::words(bytes(&self.sheets, row))
    }
}

fn bytes(sheets: &[Box<[u8]>], row: u32) -> &[u8] {
    sheets.get(row as usize).map_or(&[], |sheet| sheet)
}

/// How a row compares to one of this name.
fn by_name<S: Listed>(sheets: &[Box<[u8]>], other: u32, name: &str, row: u32) -> Ordering {
    if other == row {
        return Ordering::Equal;
    }
    let same = if name.len() < 16 { Ordering::Equal } else { S::sort_name(bytes(sheets, other)).as_str().cmp(name) };
    same.then(other.cmp(&row))
}

/// How a word compares to this one. Words of less than sixteen bytes are told apart by their number alone.
fn by_word<S: Listed>(sheets: &[Box<[u8]>], other: Word, text: &str, word: Word) -> Ordering {
    let same = match (other.row() == word.row(), text.len() < 16) {
        (true, _) | (_, true) => Ordering::Equal,
        (false, false) => {
            let words = S::words(bytes(sheets, other.row()));
            words.get(other.number()).cmp(text)
        }
    };
    same.then(other.row().cmp(&word.row())).then(other.number().cmp(&word.number()))
}

/// How a row's change compares to that of another one at the same time.
fn by_change(facts: &[Facts], other: u32, row: u32) -> Ordering {
    let changed = |row: u32| facts.get(row as usize).map(|facts| facts.changed);
    changed(other).cmp(&changed(row))
}

/// A number that sorts as the time does.
fn time_key(time: Time) -> u64 {
    (time.0 as u64) ^ (1 << 63)
}
