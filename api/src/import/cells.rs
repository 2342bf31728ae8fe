//! The cells of one row by the field they are mapped to.

use std::mem;

use domain::value::{Invalid, Line};

use super::field::Field;
use super::mapping::Mapping;
use super::reason::{Oddity, Reason, Reject, Spot, Warning};
use super::record::Fields;

/// A row's cells, and the warnings met while they are read.
pub struct Cells<'a> {
    mapping: &'a Mapping,
    fields: &'a Fields,
    line: u64,
    warnings: Vec<Warning>,
}

impl<'a> Cells<'a> {
    /// The cells of a row that begins on this line. The row must have a field for each column; more are taken only if
    /// they are empty, as some programs end each row with delimiters.
    pub fn new(mapping: &'a Mapping, fields: &'a Fields, line: u64) -> Result<Self, Reject> {
        let (expected, found) = (mapping.columns().len(), fields.count());
        let more = fields.iter().skip(expected).any(|field| !field.trim().is_empty());
        if found < expected || more {
            let reason = Reason::FieldCount { expected, found };
            return Err(Reject { spot: Spot { line, column: None }, reason });
        }
        Ok(Self { mapping, fields, line, warnings: Vec::new() })
    }

    /// The line the row begins on.
    pub fn line_number(&self) -> u64 {
        self.line
    }

    /// What was odd so far.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        mem::take(&mut self.warnings)
    }

    /// The cells of a field, trimmed, with the column (from 1) of each; those that are empty are left out. A constant
    /// stands in where all are. Control characters other than tabs and line breaks are a reject.
    pub fn texts(&mut self, field: Field) -> Result<Vec<(u32, String)>, Reject> {
        let mut texts = Vec::new();
        for place in self.mapping.places(field) {
            let text = self.fields.get(place).trim();
            let column = u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1);
            if text.chars().any(|char| char.is_control() && !matches!(char, '\t' | '\n' | '\r')) {
                return Err(self.reject_at(field, Some(column), Invalid::ControlCharacter));
            }
            if text.contains('\u{fffd}') {
                self.warn_at(column, Oddity::Damaged);
            }
            if !text.is_empty() {
                texts.push((column, text.to_owned()));
            }
        }
        if texts.is_empty() {
            texts.extend(self.mapping.constant(field).map(|value| (0, value.to_owned())));
        }
        Ok(texts)
    }

    /// The one cell of a field.
    pub fn text(&mut self, field: Field) -> Result<Option<String>, Reject> {
        Ok(self.texts(field)?.into_iter().next().map(|(_, text)| text))
    }

    /// The one cell of a field as one line; line breaks become spaces, with a warning.
    pub fn line(&mut self, field: Field) -> Result<Option<Line>, Reject> {
        let Some((column, text)) = self.texts(field)?.into_iter().next() else { return Ok(None) };
        let broken = text.contains(['\n', '\r', '\t']);
        let text = if broken { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text };
        if broken {
            self.warn_at(column, Oddity::LineBreak);
        }
        Line::parse(&text).map(Some).map_err(|invalid| self.reject_at(field, Some(column), invalid))
    }

    /// The one cell of a field, left out with a warning where it is not what it should be.
    pub fn lenient<T>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Reject> {
        let Some((column, text)) = self.texts(field)?.into_iter().next() else { return Ok(None) };
        match parse(&text) {
            Ok(value) => Ok(Some(value)),
            Err(invalid) => self.leave_out(field, column, invalid).map(|()| None),
        }
    }

    /// Whether the column of one field stands left of the other's.
    pub fn stands_before(&self, one: Field, other: Field) -> bool {
        self.mapping.places(one).next() < self.mapping.places(other).next()
    }

    /// Notes something odd about the first column of a field.
    pub fn warn(&mut self, field: Field, oddity: Oddity) {
        let spot = self.spot(field, None);
        self.warnings.push(Warning { spot, oddity });
    }

    /// Notes something odd about a column.
    pub fn warn_at(&mut self, column: u32, oddity: Oddity) {
        let column = Some(column).filter(|column| *column > 0);
        self.warnings.push(Warning { spot: Spot { line: self.line, column }, oddity });
    }

    /// Notes that a value is left out; what must not be kept at all rejects the row, so that somebody looks at it.
    pub fn leave_out(&mut self, field: Field, column: u32, invalid: Invalid) -> Result<(), Reject> {
        if matches!(invalid, Invalid::CardNumber | Invalid::ControlCharacter) {
            return Err(self.reject_at(field, Some(column), invalid));
        }
        self.warn_at(column, Oddity::LeftOut(field, invalid));
        Ok(())
    }

    /// A reject at the first column of a field.
    pub fn reject(&self, field: Field, reason: Reason) -> Reject {
        Reject { spot: self.spot(field, None), reason }
    }

    /// A reject for an invalid value, at this column or else at the field's first.
    pub fn reject_at(&self, field: Field, column: Option<u32>, invalid: Invalid) -> Reject {
        Reject { spot: self.spot(field, column), reason: Reason::Value(field, invalid) }
    }

    /// A reject of the row as a whole.
    pub fn reject_row(&self, reason: Reason) -> Reject {
        Reject { spot: Spot { line: self.line, column: None }, reason }
    }

    fn spot(&self, field: Field, column: Option<u32>) -> Spot {
        let first = || self.mapping.places(field).next().and_then(|place| u32::try_from(place + 1).ok());
        Spot { line: self.line, column: column.filter(|column| *column > 0).or_else(first) }
    }
}
