//! Whether nothing is missing of a stream: the map of stream heads says how many records it has, and its last.

use domain::event::Event;
use domain::ledger;
use events::evidence::Trail;
use events::map::Standing;
use events::record::Hash;

use super::{Line, Read, Verdict};
use crate::countersign::Replayed;
use crate::policy::Policy;

pub(super) fn judge(read: &Read<'_>, policy: &Policy, sound: bool) -> Verdict {
    let mut verdict = Verdict::new();
    if !sound {
        verdict.lacks(read.why_nothing());
        return verdict;
    }
    let Some((size, root)) = logged(read, &mut verdict) else { return verdict };
    for (trail, lines) in read.evidence.trails.iter().zip(&read.trails) {
        whole(trail, lines, size, &root, &mut verdict);
    }
    confirmed(read, policy, size, &mut verdict);
    verdict
}

/// The size and the root of the map's record, which must stand under the checkpoint.
fn logged(read: &Read<'_>, verdict: &mut Verdict) -> Option<(u64, Hash)> {
    let (Some(placed), Some(line)) = (&read.evidence.map, &read.map) else {
        verdict.lacks("The file has no map of stream heads: later or other records of the streams may exist.");
        return None;
    };
    let event = line.event();
    let Ok(Event::Log(ledger::Event::Mapped { size, root, .. })) = event else {
        verdict.breaks("The record of the map is another one.");
        return None;
    };
    if size > line.record.position || !read.stands(line, placed.path.as_deref()) {
        verdict.breaks("The record of the map does not stand under the root.");
        return None;
    }
    Some((size, root))
}

fn whole(trail: &Trail, lines: &[Line<'_>], size: u64, root: &Hash, verdict: &mut Verdict) {
    let stream = trail.stream;
    let standing = match trail.map.as_ref().map(|map| map.verify(root, &stream.id)) {
        None => return verdict.lacks(format!("{stream}: the file has no map proof for it.")),
        Some(Err(wrong)) => return verdict.breaks(format!("{stream}: {wrong}.")),
        Some(Ok(standing)) => standing,
    };
    let mut before = lines.iter().filter(|line| line.record.position < size);
    let (found, last) = (before.clone().count() as u64, before.next_back());
    let newer = lines.len() as u64 - found;
    match standing {
        Standing::Absent if found == 0 => {
            verdict.finds(format!("{stream}: there was no such stream in the first {size} records."));
        }
        Standing::Absent => verdict.breaks(format!("{stream}: by the map there is no such stream.")),
        Standing::Present(head) if head.stream != stream => {
            verdict.breaks(format!("{stream}: by the map the stream with this id is {}.", head.stream));
        }
        Standing::Present(head) if head.count != found => verdict.breaks(format!(
            "{stream}: by the map it had {} records in the first {size}, and the file has {found} of them.",
            head.count
        )),
        Standing::Present(head) if last.is_none_or(|last| last.hash != head.hash) => {
            verdict.breaks(format!("{stream}: by the map its last record in the first {size} is another one."));
        }
        Standing::Present(_) => verdict.finds(format!(
            "{stream}: its {found} records in the first {size} are all there are, if the map's root is honest."
        )),
    }
    if newer > 0 {
        verdict.finds(format!("{stream}: {newer} records are newer than the map; more may exist behind it."));
    }
}

/// Who has made the map's roots again by replay, and how far. A replay counts when its tree and this one are one history.
fn confirmed(read: &Read<'_>, policy: &Policy, size: u64, verdict: &mut Verdict) {
    let Some(checkpoint) = &read.checkpoint else { return };
    let mut nobody = true;
    for demanded in policy.replays() {
        let name = String::from_utf8_lossy(&demanded.name);
        let replays = read.evidence.replays.iter();
        let of_this = replays.filter_map(|replay| {
            let replayed = Replayed::open(&replay.note, &demanded.key).ok()?;
            replayed.agrees(checkpoint, &replay.path).then_some(replayed)
        });
        match of_this.max_by_key(|replayed| replayed.size) {
            Some(replayed) if replayed.size >= size => {
                nobody = false;
                verdict.finds(format!("{name} has replayed the first {} records and confirms the map.", replayed.size));
            }
            Some(replayed) => {
                verdict.breaks(format!("{name} has replayed {} records, and the map speaks of {size}.", replayed.size))
            }
            None => {
                verdict.breaks(format!("The policy demands a replay by {name}, and the file has none of this log."))
            }
        }
    }
    if nobody {
        verdict
            .leaves_out("whether the map's root is honest: nobody that the policy names has confirmed it by replay.");
    }
    verdict.leaves_out("records behind the map's size.");
}
