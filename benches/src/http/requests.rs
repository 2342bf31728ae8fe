//! The requests that are measured, as bodies.

use domain::id::ContactId;
use domain::time::Day;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::client::{Asker, Door};
use crate::Done;
use crate::data::{Dice, PAST_DAYS, TAGS, tag};

/// What an answered page begins with.
pub const PAGE_BEGINS: &str = r#"{"data":{"contacts":{"nodes":["#;

/// What a change that was taken is answered with; errors come first, so a rejection does not begin so.
pub const CHANGE_BEGINS: &str = r#"{"data":{"changed":{"errors":[],"#;

const PAGE: &str = "query($first:Int,$after:String,$last:Int,$before:String,$filter:ContactFilter,$by:Sort,\
    $descending:Boolean){contacts(first:$first,after:$after,last:$last,before:$before,filter:$filter,sortBy:$by,\
    descending:$descending){nodes{id firstName lastName email phone createdAt organization{name}}\
    pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}";

/// The cursors of all contacts.
pub fn cursors(door: &Door) -> Done<Vec<String>> {
    let mut cursors = Vec::new();
    walk(door, usize::MAX, "", |edge| {
        cursors.extend(edge.pointer("/cursor").and_then(Value::as_str).map(str::to_owned));
    })?;
    Ok(cursors)
}

/// So many contacts, each with its mail point.
pub fn mail_points(door: &Door, most: usize) -> Done<Vec<(String, String)>> {
    let mut points = Vec::new();
    walk(door, most, " node{id points{id kind}}", |edge| {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let contact = text(edge.pointer("/node/id"));
        let all = edge.pointer("/node/points").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mail = all.iter().find(|point| point.get("kind").and_then(Value::as_str) == Some("EMAIL"));
        points.extend(contact.zip(mail.and_then(|mail| text(mail.get("id")))));
    })?;
    Ok(points)
}

/// Walks contacts, page by page, until so many were seen.
fn walk(door: &Door, most: usize, node: &str, mut seen: impl FnMut(&Value)) -> Done {
    let mut asker = Asker::new(door)?;
    let (mut count, mut after) = (0, String::new());
    loop {
        let body = format!(
            r#"{{"query":"{{contacts(first:100,sortBy:CREATED{after}){{edges{{cursor{node}}} pageInfo{{hasNextPage}}}}}}"}}"#
        );
        let answer = asker.ask(&body)?;
        let contacts = answer.pointer("/data/contacts").ok_or_else(|| format!("no page: {answer}"))?;
        let edges = contacts.pointer("/edges").and_then(Value::as_array).ok_or("a page without edges")?;
        edges.iter().for_each(&mut seen);
        count += edges.len();
        let last = edges.last().and_then(|edge| edge.pointer("/cursor")?.as_str());
        match last {
            Some(last) if count < most && contacts.pointer("/pageInfo/hasNextPage") == Some(&true.into()) => {
                after = format!(r#",after:\"{last}\""#);
            }
            _ => return Ok(()),
        }
    }
}

/// Pages of 50 contacts behind or before cursors in random order, each cursor once: every sort, both directions, both
/// ways, half of them with a filter.
pub fn pages(mut cursors: Vec<String>, seed: u64) -> impl Iterator<Item = String> {
    let mut random = StdRng::seed_from_u64(seed);
    cursors.shuffle(&mut random);
    cursors.into_iter().map(move |cursor| {
        let part = match random.random_range(0..2) {
            0 => format!(r#""first":50,"after":"{cursor}""#),
            _ => format!(r#""last":50,"before":"{cursor}""#),
        };
        let by = match random.random_range(0..3) {
            0 => "NAME",
            1 => "CREATED",
            _ => "CHANGED",
        };
        let filter = match random.random_range(0..8) {
            0 => format!(r#""tags":["{}"]"#, tag(random.random_range(0..TAGS))),
            1 => r#""source":"PHONE""#.to_owned(),
            2 => r#""reason":"ENQUIRY""#.to_owned(),
            3 => format!(r#""tags":["{}"],"source":"EMAIL""#, tag(random.random_range(0..TAGS))),
            _ => String::new(),
        };
        let descending = random.random_range(0..2) == 0;
        format!(
            r#"{{"query":"{PAGE}","variables":{{{part},"by":"{by}","descending":{descending},"filter":{{{filter}}}}}}}"#
        )
    })
}

/// New notes of so many bytes on contacts that are there, drawn at random.
pub fn changes(contacts: Vec<ContactId>, bytes: usize, seed: u64) -> impl Iterator<Item = String> {
    let (mut dice, mut random) = (Dice::new(seed), StdRng::seed_from_u64(seed));
    std::iter::from_fn(move || {
        let contact = contacts.get(random.random_range(0..contacts.len().max(1)))?;
        let notes = dice.text(bytes);
        let query = "mutation($input:ChangeContactInput!){changed:changeContact(input:$input){errors{message} position \
                     contact{id revision}}}";
        Some(format!(
            r#"{{"query":"{query}","variables":{{"input":{{"contactId":"{contact}","reason":"CHANGE","notes":"{}"}}}}}}"#,
            notes.as_str()
        ))
    })
}

/// Searches: the first two letters of a name, or a whole one.
pub fn searches(whole: bool, seed: u64) -> impl Iterator<Item = String> {
    let mut dice = Dice::new(seed);
    std::iter::repeat_with(move || {
        let name = dice.name();
        let text: String = name.chars().take(if whole { usize::MAX } else { 2 }).collect();
        let query = r#"query($text:String){contacts(first:20,search:$text){nodes{id name email organization{name}}}}"#;
        format!(r#"{{"query":"{query}","variables":{{"text":"{text}"}}}}"#)
    })
}

/// What an answer to [`may_contact`] begins with.
pub const MAY_BEGINS: &str = r#"{"data":{"mayContact":{"allowed":"#;

/// May we write to them on a day in the past?
pub fn may_contact(points: Vec<(String, String)>, today: Day, seed: u64) -> impl Iterator<Item = String> {
    let mut random = StdRng::seed_from_u64(seed);
    std::iter::from_fn(move || {
        let (contact, point) = points.get(random.random_range(0..points.len().max(1)))?;
        let day = Day(today.0 - random.random_range(0..PAST_DAYS).cast_signed());
        let query = "query($contact:ID!,$purpose:String!,$point:ID!,$day:Day){mayContact(contactId:$contact,\
                     purpose:$purpose,channel:EMAIL,pointId:$point,day:$day){allowed why decidedBy}}";
        Some(format!(
            r#"{{"query":"{query}","variables":{{"contact":"{contact}","purpose":"newsletter","point":"{point}","day":"{day}"}}}}"#
        ))
    })
}

/// What an answer to [`consents`] begins with.
pub const CONSENTS_BEGIN: &str = r#"{"data":{"consents":{"id":"#;

/// Their consents as of a day in the past.
pub fn consents(points: Vec<(String, String)>, today: Day, seed: u64) -> impl Iterator<Item = String> {
    let mut random = StdRng::seed_from_u64(seed);
    std::iter::from_fn(move || {
        let (contact, _) = points.get(random.random_range(0..points.len().max(1)))?;
        let day = Day(today.0 - random.random_range(0..PAST_DAYS).cast_signed());
        let query = "query($contact:ID!,$day:Day){consents(contactId:$contact,asOf:$day){id asOf \
                     entries{state purpose channel decidedBy validUntil recordedAt effectiveAt}}}";
        Some(format!(r#"{{"query":"{query}","variables":{{"contact":"{contact}","day":"{day}"}}}}"#))
    })
}

/// A person asks to be forgotten.
pub fn request_erasure(contact: ContactId, today: Day) -> String {
    let query = "mutation($input:RequestErasureInput!){requestErasure(input:$input){erasure{id} errors{message}}}";
    format!(
        r#"{{"query":"{query}","variables":{{"input":{{"contactId":"{contact}","ground":"CONSENT_WITHDRAWN","how":"EMAIL","askedOn":"{today}","identityCheck":"KNOWN_POINT","identityOn":"{today}"}}}}}}"#
    )
}

/// A second person says yes.
pub fn approve_erasure(erasure: &str) -> String {
    let query =
        "mutation($input:ApproveErasureInput!){approveErasure(input:$input){erasure{id stage} errors{message}}}";
    format!(r#"{{"query":"{query}","variables":{{"input":{{"erasureId":"{erasure}"}}}}}}"#)
}

/// The contact that a cursor names.
pub fn contact_of(cursor: &str) -> Done<ContactId> {
    Ok(format!("contact_{}", cursor.get(..32).ok_or("a short cursor")?).parse()?)
}
