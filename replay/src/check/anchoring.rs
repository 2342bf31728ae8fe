//! Who stands for the root: the log, witnesses, an authority for time. Without one outside, nobody does.

use domain::time::Time;
use events::note::SignedNote;
use events::tree::Node;

use super::{Read, Stamped, Verdict};
use crate::policy::{Judged, Policy};
use crate::receipt;

/// The verdict, and the root where it may be built upon.
pub(super) struct Anchored {
    pub verdict: Verdict,
    pub root: Option<Node>,
}

pub(super) fn judge(read: &Read<'_>, policy: &Policy, stamp: Option<&Stamped>) -> Anchored {
    let mut verdict = Verdict::new();
    let judged = read.evidence.checkpoint.as_ref().map(|note| policy.judge(note));
    let root = match &judged {
        None => {
            verdict.lacks("The file has no checkpoint: its records are not anchored yet.");
            None
        }
        Some(Err(wrong)) => {
            verdict.breaks(format!("The checkpoint does not hold: {wrong}."));
            None
        }
        Some(Ok(judged)) => {
            let positions = read.trails.iter().flatten().map(|line| line.record.position);
            weigh(positions, judged, stamp, &mut verdict)
        }
    };
    if let Some(note) = &read.evidence.receipt {
        let witnesses = judged.iter().flatten().flat_map(|judged| &judged.cosigned);
        let last = witnesses.max_by_key(|cosigned| cosigned.at).map(|cosigned| receipt::Seen {
            by: String::from_utf8_lossy(&cosigned.witness.name).into_owned(),
            at: Time(i64::try_from(cosigned.at).unwrap_or(i64::MAX).saturating_mul(1000)),
        });
        receipt::judge(read, note, policy, root.is_some(), last, &mut verdict);
    }
    Anchored { verdict, root }
}

/// The same of a whole log of so many records, and the checkpoint that lies with it.
pub fn of_log(note: Option<&SignedNote>, size: u64, policy: &Policy) -> Verdict {
    let mut verdict = Verdict::new();
    match note.map(|note| policy.judge(note)) {
        None => verdict.breaks("The log has no checkpoint."),
        Some(Err(wrong)) => verdict.breaks(format!("The checkpoint does not hold: {wrong}.")),
        Some(Ok(judged)) => {
            let newer = size.saturating_sub(judged.checkpoint.size);
            if weigh(std::iter::empty(), &judged, None, &mut verdict).is_some() && newer > 0 {
                verdict.finds(format!("{newer} records are newer and not anchored yet."));
            }
        }
    }
    verdict
}

/// The root, where a log of the policy has signed it. `positions` are those of the records that it should cover.
fn weigh(
    positions: impl Iterator<Item = u64>,
    judged: &Judged<'_>,
    stamp: Option<&Stamped>,
    verdict: &mut Verdict,
) -> Option<Node> {
    let checkpoint = &judged.checkpoint;
    if judged.log.is_none() {
        verdict
            .breaks(format!("No log of the policy has signed the checkpoint; it says it is of {}.", checkpoint.origin));
        return None;
    }
    verdict.finds(format!("The log {} has signed its first {} records.", checkpoint.origin, checkpoint.size));
    for cosigned in &judged.cosigned {
        let name = String::from_utf8_lossy(&cosigned.witness.name);
        let whose = if cosigned.witness.by_operator { "a witness run by the operator" } else { "a witness" };
        verdict.finds(format!("{name}, {whose}, has cosigned them at {}.", moment(cosigned.at)));
    }
    if let Some(Stamped { at, by }) = stamp {
        verdict.finds(format!("{by} has stamped the checkpoint at {at}."));
    }
    if !judged.quorum {
        verdict.breaks("The witnesses that the policy demands have not cosigned it.");
    }
    let anchored = |position: u64| position < checkpoint.size;
    let newer = positions.filter(|position| !anchored(*position)).count();
    if newer > 0 {
        verdict.finds(format!("{newer} records are newer and not anchored yet."));
    }
    let outside = judged.cosigned.iter().any(|cosigned| !cosigned.witness.by_operator);
    if !outside && stamp.is_none() {
        verdict.leaves_out(
            "whether others were shown another history: nobody outside has confirmed this root, only the log and whom its \
             operator runs.",
        );
    }
    Some(checkpoint.root)
}

/// Seconds since 1970, as people write it.
fn moment(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000))
        .map_or_else(|| format!("{seconds} s"), |ms| domain::time::Time(ms).to_string())
}
