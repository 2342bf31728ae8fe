//! The operator's retention runs, and a second person's word at the same machine.

use domain::id::{ActorId, ErasureId};
use domain::subject::Confirmed;
use events::ledger::{Due, EraseError};

use super::Reply;
use super::stamp::{self, Stamped};
use crate::access::Viewer;
use crate::app::{App, nobody};
use crate::http::auth::Authenticate as _;

/// Lists what is over; fences it first, unless it is only a rehearsal.
pub(super) fn run(app: &App, dry_run: bool, token: Option<&str>, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let by = token.map(|token| bearer(app, token)).transpose()?;
    if !dry_run {
        let mut progress = |done, of| told(progress(done, of));
        let run = app.run_retention(by.map(|by| by.actor), &mut progress).map_err(words)?;
        told(Reply::Say(format!("fenced now: {} keys of {} subjects", run.keys, run.fenced)));
        for (count, what) in [
            (run.lifted, "fences lifted, because their time is not over or a hold came"),
            (run.later, "subjects that changed meanwhile; the next run takes them"),
        ] {
            (count > 0).then(|| told(Reply::Say(format!("{what}: {count}"))));
        }
    }
    let due = app.retention_due().map_err(words)?;
    told(Reply::Say(match due.len() {
        0 => "Nothing is over.".into(),
        count => format!("{count} keys are over and not destroyed:"),
    }));
    due.iter().map(line).map(Reply::Say).for_each(&mut *told);
    if due.iter().any(|due| due.fenced.is_some()) {
        let words = "Our clock alone destroys nothing: a second person confirms it with `lethe retention confirm`.";
        told(Reply::Say(words.into()));
    }
    Ok(())
}

/// Confirms what waits in the name of the bearer of a token.
pub(super) fn confirm(app: &App, token: &str, erasures: &[String], told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let by = bearer(app, token)?;
    let which: Vec<ErasureId> = match erasures {
        [] => app.retention_waiting(),
        named => {
            named.iter().map(|id| id.parse().map_err(|_| format!("{id} is no erasure"))).collect::<Result<_, _>>()?
        }
    };
    settle(app, by.actor, &which, &Confirmed::Person, told)
}

/// Confirms what waits by the time of a time-stamping authority: in nobody's name where the server's settings name it, else in
/// the name of who trusts it. Anybody can make one, so that person must be a second one.
pub(super) fn confirm_by_time(
    app: &App,
    token: &str,
    stamped: &Stamped,
    told: &mut dyn FnMut(Reply),
) -> Result<(), String> {
    let by = bearer(app, token)?;
    let (outside, is_named) = stamp::time(app, stamped)?;
    let by = if is_named { nobody().map_err(words)? } else { by.actor };
    told(Reply::Say(format!("by {} it was {}", outside.by.as_str(), outside.at)));
    settle(app, by, &app.retention_waiting(), &Confirmed::Outside(outside), told)
}

fn settle(
    app: &App,
    by: ActorId,
    which: &[ErasureId],
    confirmed: &Confirmed,
    told: &mut dyn FnMut(Reply),
) -> Result<(), String> {
    let mut progress = |done, of| told(progress(done, of));
    let settled = app.confirm_retention(by, which, confirmed, None, &mut progress).map_err(words)?;
    for (erasure, error) in &settled.refused {
        told(Reply::Warn(format!("{erasure}: {error}")));
    }
    let waiting = settled.confirmed.len().saturating_sub(settled.destroyed);
    let said = format!("confirmed: {}, destroyed now: {}", settled.confirmed.len(), settled.destroyed);
    told(Reply::Say(said));
    if waiting > 0 {
        told(Reply::Say(format!("{waiting} wait for the end of their cooling-off, or of a hold")));
    }
    if settled.refused.is_empty() { Ok(()) } else { Err(format!("{} were refused", settled.refused.len())) }
}

fn bearer(app: &App, token: &str) -> Result<Viewer, String> {
    let viewer = app.viewer(token).map_err(|refused| refused.to_string())?;
    if viewer.may("confirmRetention") { Ok(viewer) } else { Err("only a data protection officer may do this".into()) }
}

fn progress(done: usize, of: usize) -> Reply {
    Reply::Progress { done: done as u64, of: of as u64 }
}

/// Ids alone: it names nobody.
fn line(due: &Due) -> String {
    let Due { subject, over, fenced, hold, .. } = due;
    let stands = match (fenced, hold) {
        (_, Some(hold)) => format!("kept by {hold}"),
        (Some(erasure), None) => format!("fenced by {erasure}"),
        (None, None) => "not fenced".into(),
    };
    format!("  {} of {subject}, kept until {}, {stands}: {}", over.compartment, over.until, over.basis.as_str())
}

fn words(error: EraseError) -> String {
    match &error {
        EraseError::Failed(failed) => format!("it failed: {failed}"),
        other => other.to_string(),
    }
}
