//! Evidence of one trail out of a large log: made by the server, judged here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use events::evidence::Evidence;
use replay::check::{Status, check};
use replay::policy::Policy;
use serde_json::Value;

use super::child::Server;
use super::client::Asker;
use super::requests;
use crate::Done;
use crate::report::percentile;

/// How many trails are asked for in each run.
const TRAILS: usize = 500;

/// One trail after the other. The time to make a file is that of its request, the file in base64 and HTTP included.
pub fn measure(server: &Server, runs: usize, records: u64) -> Done {
    let dpo = server.dpo.as_ref().ok_or("a server without a data protection officer")?;
    let (mut agent, mut dpo) = (Asker::new(&server.door)?, Asker::new(dpo)?);
    let key = dpo.ask(r#"{"query":"{log{key}}"}"#)?;
    let key = text(&key, "/data/log/key")?;
    let policy = Policy::parse(format!("log {key}\nquorum none\n").as_bytes())?;
    let people = requests::mail_points(&server.door, TRAILS * runs)?;
    let (mut made, mut judged, mut sizes) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (contact, _) in people {
        let asked = agent.ask(&format!(r#"{{"query":"{{consents(contactId:\"{contact}\"){{id}}}}"}}"#))?;
        let body = format!(r#"{{"query":"{{evidence(ids:[\"{}\"]){{file}}}}"}}"#, text(&asked, "/data/consents/id")?);
        let begin = Instant::now();
        let answer = dpo.ask(&body)?;
        made.push(begin.elapsed());
        let file = BASE64.decode(text(&answer, "/data/evidence/file")?)?;
        let begin = Instant::now();
        let evidence = Evidence::parse(&file)?;
        let checked = check(&evidence, &policy, None);
        judged.push(begin.elapsed());
        let verdicts = [&checked.integrity, &checked.completeness, &checked.anchoring, &checked.erasure];
        if verdicts.iter().any(|verdict| verdict.status != Status::Holds) {
            return Err(checked.to_string().into());
        }
        let records = evidence.trails.iter().map(|trail| trail.records.len()).sum::<usize>();
        let most = sizes.entry(records).or_insert(0);
        *most = file.len().max(*most);
    }
    let of =
        |times: &mut [Duration]| format!("p50 {:.2?}, p99 {:.2?}", percentile(times, 0.5), percentile(times, 0.99));
    println!("evidence of a trail, {records} records, over HTTP: {} of {}", of(&mut made), made.len());
    println!("the same judged: {}", of(&mut judged));
    for (records, bytes) in sizes {
        println!("the file of {records} records: {bytes} bytes at most");
    }
    Ok(())
}

fn text<'a>(answer: &'a Value, at: &str) -> Done<&'a str> {
    Ok(answer.pointer(at).and_then(Value::as_str).ok_or_else(|| format!("no {at}: {answer}"))?)
}
