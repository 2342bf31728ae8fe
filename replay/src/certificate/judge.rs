//! What a certificate is worth: who signed it, and whether what it says was done is what its records say.

use domain::event::Event;
use domain::subject::AnchorLevel;
use events::note::{NoteError, SignedNote};
use events::record::Record;

use super::file::Head;
use super::{CertificateFile, Held, Statement, belongs, stated};
use crate::check::{Checked, Read, Stamped, Status, Verdict, check};
use crate::policy::Policy;

/// Judges a certificate under a policy. `against` is what a copy of the log says of the erasure, where one was verified.
pub fn judge(file: &CertificateFile, policy: &Policy, stamp: Option<Stamped>, against: Option<&Held>) -> Checked {
    let mut checked = check(&file.evidence, policy, stamp);
    let mut verdict = Verdict::new();
    match Read::of(&file.evidence) {
        _ if checked.integrity.status == Status::Broken => verdict.breaks("Its records do not hold."),
        Ok(read) => weigh(file, &read, policy, against, &mut verdict),
        Err(wrong) => verdict.breaks(wrong),
    }
    verdict.leaves_out("whether the anchor is what its level says: that is the operator's word.");
    verdict.leaves_out("what happened to the erasure after this file was made.");
    checked.certificate = Some(verdict);
    checked
}

fn weigh(file: &CertificateFile, read: &Read<'_>, policy: &Policy, against: Option<&Held>, verdict: &mut Verdict) {
    let Some(head) = file.head() else { return verdict.breaks("It does not begin as a certificate does.") };
    let origin = read.checkpoint.as_ref().map(|checkpoint| checkpoint.origin.as_str());
    if origin != Some(head.origin) {
        return verdict.breaks("It is in the name of another log than its checkpoint.");
    }
    let Some((statement, last)) = proved(read, &head, verdict) else { return };
    let text = file.note.text();
    let (front, back) = (statement.head(head.origin, head.language), statement.shown(head.language));
    if !text.starts_with(&front) || !text.ends_with(&back) || text.len() < front.len() + back.len() {
        return verdict.breaks("What it says was done is not what its records say.");
    }
    verdict.finds("What it says was done is what its records say.");
    told(&statement, verdict);
    let signed = signed(&file.note, &head, policy, verdict);
    match against {
        Some(held) => match (held.root, read.checkpoint.as_ref().map(|checkpoint| checkpoint.root)) {
            (None, _) => verdict.lacks(
                "The copy of the log is older than the file: it has fewer records than the file's checkpoint covers. Hold the \
                 file against a newer one.",
            ),
            (copied, signed) if copied != signed => verdict.breaks(
                "The copy is of another log, or was changed: its records do not make the root of the file's checkpoint.",
            ),
            _ => compare(text, &head, &held.records, last, verdict),
        },
        None if !signed => verdict.lacks(
            "No log of the policy has signed it: what was asked, and since when it was withheld, is the word of whoever made \
             the file. Hold it against a copy of the log.",
        ),
        None => verdict.leaves_out("what was asked, and since when it was withheld: that is the log's signed word."),
    }
}

/// What the records of the file say that stand under its root, and the position of the last one.
fn proved(read: &Read<'_>, head: &Head<'_>, verdict: &mut Verdict) -> Option<(Statement, u64)> {
    let mut lines: Vec<_> = read.others.iter().zip(&read.evidence.others).collect();
    lines.sort_by_key(|(line, _)| line.record.position);
    let (mut statement, mut case, mut last) = (Statement::new(head.erasure), None, 0);
    for (line, placed) in lines {
        let event = match line.event() {
            Ok(event) if belongs(&line.record, &event, head.erasure) => event,
            _ => {
                verdict.breaks(format!("Record {} does not belong to it.", line.record.position));
                return None;
            }
        };
        if !read.stands(line, placed.path.as_deref()) {
            verdict.breaks(format!("Record {} does not stand under its root.", line.record.position));
            return None;
        }
        if matches!(event, Event::Anchor(_)) && statement.certified.is_some() {
            verdict.breaks(format!("Record {} came too late to belong to it.", line.record.position));
            return None;
        }
        let is_case = matches!(event, Event::Case(_));
        if is_case && *case.get_or_insert(line.record.stream) != line.record.stream {
            verdict.breaks("Its records are of several cases.");
            return None;
        }
        statement.see(&line.record, &event);
        last = line.record.position;
    }
    if statement.controller.is_none() || statement.ordered.is_none() || statement.certified.is_none() {
        verdict.breaks("It lacks the first record of the log, or the order, or the record that certifies it.");
        return None;
    }
    if statement.approved.is_empty() && statement.over.is_none() {
        verdict.breaks("It is of no erasure: nobody approved one, and no retention was over.");
        return None;
    }
    Some((statement, last))
}

fn told(statement: &Statement, verdict: &mut Verdict) {
    let Some((certificate, placed)) = &statement.certified else { return };
    let level = match certificate.level {
        AnchorLevel::A0 => "A0: it is a logical erasure, and no more".to_owned(),
        level => level.name().to_owned(),
    };
    verdict.finds(format!("{} is certified by record {}, at level {level}.", statement.erasure, placed.position));
    let open = statement.residues.iter().filter(|(_, closed)| closed.is_none()).count();
    match &statement.finally {
        Some(placed) => verdict.finds(format!("It is final, by record {}.", placed.position)),
        None => verdict.finds(format!("It is provisional: {open} of its residues are open.")),
    }
}

fn signed(note: &SignedNote, head: &Head<'_>, policy: &Policy, verdict: &mut Verdict) -> bool {
    for log in policy.logs().iter().filter(|log| log.key.name() == head.origin) {
        match note.verify(std::slice::from_ref(&log.key)) {
            Ok(_) => {
                verdict.finds(format!("The log {} has signed it.", head.origin));
                return true;
            }
            Err(NoteError::Unsigned) => {}
            Err(wrong) => verdict.breaks(format!("Its signature does not hold: {wrong}.")),
        }
    }
    false
}

/// The same text, made from the copy, as far as the file goes.
fn compare(text: &str, head: &Head<'_>, records: &[Vec<u8>], last: u64, verdict: &mut Verdict) {
    let position = |bytes: &&Vec<u8>| Record::parse(bytes).map_or(u64::MAX, |record| record.position);
    let (known, later): (Vec<_>, Vec<_>) = records.iter().partition(|bytes| position(bytes) <= last);
    let known = known.into_iter().map(Vec::as_slice);
    match stated(head.erasure, known) {
        Ok((statement, _)) if statement.text(head.origin, head.language) == text => {
            verdict.finds("The copy of the log says the same, what was asked included.");
            if !later.is_empty() {
                verdict.finds(format!("The copy has {} later records of this erasure.", later.len()));
            }
        }
        Ok(_) => verdict.breaks("The copy of the log says something else."),
        Err(failed) => verdict.breaks(format!("The copy of the log does not have it: {failed}.")),
    }
}
