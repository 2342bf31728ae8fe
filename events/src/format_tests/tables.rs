//! The tables of `FORMAT.md` that are made from the wire types and the registered codes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::actor::Role;
use domain::channel::Channel;
use domain::consent::{Evidence, Method, Source};
use domain::event::StreamKind;
use domain::holding::{ChangeCause, ReasonKind, SourceKind};
use domain::leaving::LeaveReason;
use domain::ledger::SignatureKind;
use domain::point::PointKind;
use domain::register::{CompartmentKind, CountedFrom, LegalBasis};
use domain::subject::{
    AnchorLevel, AskedHow, Ground, IdentityCheck, OutsideSource, RefusalGround, ResidueEnd, ResidueKind, StillLinks,
    SubjectKind, UnfenceGround,
};
use domain::suppression::{DropPlace, SuppressionAct, SuppressionReason};
use domain::ticket::{Direction, Origin, Priority};

use crate::wire::{self, Columns};

/// Which codes a field of two bytes holds, by structure or kind and by field. What is a plain number stands here too.
const CODES_OF: &[(&str, &str, &str)] = &[
    ("PointV1", "kind", "PointKind"),
    ("HoldingChangeV1", "source", "SourceKind"),
    ("HoldingChangeV1", "reason", "ReasonKind"),
    ("contact.registered", "source", "SourceKind"),
    ("contact.registered", "reason", "ReasonKind"),
    ("contact.changed", "cause", "ChangeCause"),
    ("organization.registered", "source", "SourceKind"),
    ("organization.registered", "reason", "ReasonKind"),
    ("organization.changed", "cause", "ChangeCause"),
    ("AboutV1", "channel", "Channel"),
    ("ScopeV1", "channel", "Channel"),
    ("WayV1", "source", "Source"),
    ("WayV1", "method", "Method"),
    ("consents.requested", "validity_months", "months"),
    ("consents.given", "evidence", "Evidence"),
    ("CompartmentV1", "code", "CompartmentKind"),
    ("AskedV1", "ground", "Ground"),
    ("AskedV1", "how", "AskedHow"),
    ("AskedV1", "identity", "IdentityCheck"),
    ("CertificateV1", "level", "AnchorLevel"),
    ("CertificateV1", "links", "StillLinks"),
    ("OutsideTimeV1", "source", "OutsideSource"),
    ("case.opened", "kind", "SubjectKind"),
    ("case.erasure-refused", "ground", "RefusalGround"),
    ("case.unfenced", "ground", "UnfenceGround"),
    ("ResidueV1", "kind", "ResidueKind"),
    ("case.residue-closed", "number", "a number from 1"),
    ("case.residue-closed", "end", "ResidueEnd"),
    ("ticket.opened", "priority", "Priority"),
    ("ticket.opened", "origin", "Origin"),
    ("ticket.replied", "direction", "Direction"),
    ("ticket.priority-changed", "priority", "Priority"),
    ("ItemV1", "discount", "hundredths of a percent"),
    ("ItemV1", "tax", "hundredths of a percent"),
    ("actor.registered", "roles", "Role"),
    ("actor.roles-changed", "roles", "Role"),
    ("register.purpose-set", "basis", "LegalBasis"),
    ("register.purpose-set", "compartment", "CompartmentKind"),
    ("register.purpose-set", "validity_months", "months"),
    ("register.purpose-set", "channels", "Channel"),
    ("register.retention-set", "kind", "CompartmentKind"),
    ("RuleV1", "Kept", "CountedFrom"),
    ("RuleV1", "AtMost", "CountedFrom"),
    ("register.residue-days-set", "kind", "ResidueKind"),
    ("register.residue-days-set", "days", "a number of days"),
    ("log.signer", "algorithm", "SignatureKind"),
    ("log.continued", "algorithm", "SignatureKind"),
    ("log.suppressed", "act", "SuppressionAct"),
    ("log.suppressed", "reason", "SuppressionReason"),
    ("log.dropped", "place", "DropPlace"),
    ("log.leave-requested", "reason", "LeaveReason"),
    ("log.leave-ordered", "level", "AnchorLevel"),
    ("log.leave-certified", "level", "AnchorLevel"),
];

/// What the codes of one enum are: its name, and number and name of each.
type Codes = (&'static str, Vec<(u16, &'static str)>);

macro_rules! codes {
    ($($ty:ident)*) => {
        vec![$((stringify!($ty), $ty::ALL.iter().map(|one| (one.code(), one.name())).collect())),*]
    };
}

fn all_codes() -> Vec<Codes> {
    codes! { AnchorLevel AskedHow ChangeCause Channel CompartmentKind CountedFrom Direction Evidence Ground IdentityCheck
    LegalBasis Method Origin OutsideSource PointKind Priority ReasonKind RefusalGround ResidueEnd ResidueKind Role SignatureKind Source
    SourceKind StillLinks SubjectKind
    UnfenceGround SuppressionAct SuppressionReason DropPlace LeaveReason }
}

/// Every kind, with its facts and its sealed parts.
pub fn kinds() -> String {
    let mut out = "| kind | version | facts | sealed parts |\n|---|---:|---|---|\n".to_owned();
    for shape in wire::shapes() {
        let parts: Vec<String> =
            shape.parts.iter().map(|(how_many, of)| format!("{how_many}: {}", parts_of(shape.kind, of))).collect();
        let parts = if parts.is_empty() { "none".to_owned() } else { parts.join("<br>") };
        let facts = columns(shape.kind, shape.facts);
        writeln!(out, "| `{}` | {} | {facts} | {parts} |", shape.kind, shape.version).unwrap();
    }
    out
}

/// Every structure that stands in them.
pub fn structures() -> String {
    let mut out = "| structure | fields |\n|---|---|\n".to_owned();
    for (name, of) in wire::structures() {
        writeln!(out, "| `{name}` | {} |", columns(name, of)).unwrap();
    }
    out
}

/// Every code that a record may hold.
pub fn codes() -> String {
    let mut out = "| codes | numbers |\n|---|---|\n".to_owned();
    for (name, codes) in all_codes() {
        let codes: Vec<String> = codes.iter().map(|(code, name)| format!("{code} `{name}`")).collect();
        writeln!(out, "| {name} | {} |", codes.join(", ")).unwrap();
    }
    out
}

/// The names of streams.
pub fn streams() -> String {
    let names: Vec<String> = StreamKind::ALL.iter().map(|kind| format!("`{}`", kind.name())).collect();
    names.join(", ") + "\n"
}

/// What was moved has the fields of another kind.
fn parts_of(kind: &str, of: Columns) -> String {
    if kind == "case.resealed" { "what stays of its fields".to_owned() } else { columns(kind, of) }
}

fn columns(place: &str, of: Columns) -> String {
    let column = |(field, stored): &(&str, &str)| {
        let codes = codes_of(place, field).map(|codes| format!(" ({codes})")).unwrap_or_default();
        format!("{field} `{stored}`{codes}")
    };
    if of.is_empty() { "no fields".to_owned() } else { of.iter().map(column).collect::<Vec<_>>().join(", ") }
}

fn codes_of(place: &str, field: &str) -> Option<&'static str> {
    CODES_OF.iter().find(|(of, name, _)| (*of, *name) == (place, field)).map(|(.., codes)| *codes)
}

/// Every table: where it is of, and its columns.
fn all_columns() -> Vec<(&'static str, Columns)> {
    let of_shape = |shape: &&'static wire::Shape| {
        let facts = (shape.kind, shape.facts);
        std::iter::once(facts).chain(shape.parts.iter().map(|(_, of)| (shape.kind, *of))).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = wire::shapes().iter().flat_map(of_shape).collect();
    all.extend(wire::structures());
    all
}

#[test]
fn every_number_that_may_be_a_code_says_which() {
    let mut used = BTreeSet::new();
    for (place, of) in all_columns() {
        for (field, stored) in of.iter().filter(|(_, stored)| stored.contains("u16")) {
            let codes = codes_of(place, field);
            assert!(codes.is_some(), "what does the {stored} in {field} of {place} mean? Say it in CODES_OF");
            used.insert((place, *field, codes.unwrap()));
        }
    }
    let said: BTreeSet<_> = CODES_OF.iter().copied().collect();
    assert_eq!(used, said, "CODES_OF speaks of fields that are not there");
    let named: BTreeSet<_> = said.iter().map(|(.., codes)| *codes).filter(|codes| !codes.contains(' ')).collect();
    let known: BTreeSet<_> = all_codes().iter().map(|(name, _)| *name).chain(["months"]).collect();
    assert_eq!(named, known, "codes without a field, or fields without codes");
}

#[test]
fn every_type_in_a_table_is_explained() {
    let plain = ["bool", "u8", "u16", "u32", "u64", "i32", "i64", "String", "Vec", "Option", "ChangeV1"];
    let mut known: BTreeSet<&str> = wire::structures().iter().map(|(name, _)| *name).collect();
    assert_eq!(known.len(), wire::structures().len(), "two structures have one name");
    known.extend(plain);
    let variants = ["LinkV1", "RuleV1", "ConfirmedV1"];
    for (place, of) in all_columns().into_iter().filter(|(place, _)| !variants.contains(place)) {
        for (field, stored) in of {
            for word in stored.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
                let number = word.parse::<u16>().is_ok();
                assert!(number || known.contains(word), "{word} of {field} in {place} is in no table");
            }
        }
    }
}
