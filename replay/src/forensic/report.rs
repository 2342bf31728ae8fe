//! What an image gives back, in words and as JSON. Keys go by their fingerprints; nothing that was opened is shown.

use std::collections::BTreeSet;

use domain::id::KeyId;
use serde::Serialize;

use super::parts::Parts;
use super::{Found, OldRoot};
use crate::check::{Status, Verdict};
use crate::plain::plain;

/// How many fingerprints are printed in one sentence; all of them stand in the JSON.
const SHOWN: usize = 6;

/// Everything that an examination says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Which log.
    pub log: String,
    /// How many files or devices were read.
    pub images: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// The members of the anchor.
    pub anchors: Vec<AnchorSaid>,
    /// What was found of keyrings, of whichever log.
    pub found: FoundCounts,
    /// What the current root opens.
    pub keys: Keys,
    /// Sealed parts.
    pub parts: PartCounts,
    /// Roots that lay in the images and are not the current one.
    pub old_roots: Vec<OldRootSaid>,
    /// Keys that stand in clear in an image; only a deep search finds them.
    pub in_clear: Vec<InClear>,
    /// Keys that stand in a record, or in what was sealed in one.
    pub in_records: Vec<InRecord>,
    /// Whether every byte was looked at for keys in clear.
    pub deep: bool,
    /// What follows.
    pub verdict: Verdict,
}

/// A member of the anchor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AnchorSaid {
    /// What it is: `file`, `pkcs11`.
    pub kind: String,
    /// What destroying a root there is worth.
    pub level: String,
    /// The numbers of the roots it holds.
    pub roots: Vec<u64>,
}

/// How much was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct FoundCounts {
    /// Headers.
    pub headers: usize,
    /// Headers that the current root opens.
    pub headers_opened: usize,
    /// What begins as a header does and is none.
    pub headers_damaged: usize,
    /// Headers of the format before this one.
    pub headers_of_first_format: usize,
    /// Nodes.
    pub nodes: usize,
    /// Nodes that open.
    pub nodes_opened: usize,
    /// Entries that were read of nodes that are not whole.
    pub entries_of_torn_nodes: usize,
    /// Root files.
    pub roots: usize,
}

/// Which keys the current root opens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Keys {
    /// Keys of the tree that are not destroyed, as many as its header counts.
    pub live: u64,
    /// Of those, the ones that open.
    pub live_opened: u64,
    /// Keys that the tree or the log says are destroyed.
    pub destroyed: usize,
    /// Of those, the ones that open. There must be none.
    pub destroyed_opened: Vec<String>,
    /// Keys that records name and that neither open nor are known to be destroyed.
    pub unknown: usize,
    /// How often a key was not tried on a node, since the tries were used up.
    pub untried: u64,
}

/// What became of sealed parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct PartCounts {
    /// Frames of journals.
    pub frames: usize,
    /// Frames that are not whole.
    pub frames_torn: usize,
    /// Records in them.
    pub records: u64,
    /// Parts that are there.
    pub present: u64,
    /// Parts that are zeros.
    pub swept: u64,
    /// Parts that are not whole.
    pub damaged: u64,
    /// Parts that open.
    pub opened: usize,
    /// Parts under destroyed keys that open. There must be none.
    pub opened_of_destroyed: usize,
    /// Parts that open under another key than their record names.
    pub opened_by_another: u64,
    /// Parts under destroyed keys that nothing opens: residue, until it is swept.
    pub closed_of_destroyed: usize,
    /// Parts under keys of which nothing is known.
    pub closed_of_unknown: usize,
    /// Parts that their own key does not open.
    pub closed_with_key: u64,
    /// How often a key was not tried on a part, since the tries were used up.
    pub untried: u64,
}

/// What an old root opens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OldRootSaid {
    /// Its number.
    pub number: u64,
    /// Headers that it opens.
    pub headers: usize,
    /// Destroyed keys that it opens.
    pub destroyed_opened: usize,
    /// Other keys that it opens.
    pub others_opened: usize,
}

/// A key in clear.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InClear {
    /// In which file or device.
    pub image: String,
    /// At which byte.
    pub offset: u64,
    /// Its fingerprint.
    pub key: String,
}

/// A key in a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InRecord {
    /// In which.
    pub position: u64,
    /// Its fingerprint.
    pub key: String,
}

impl Report {
    pub(super) fn of(found: Found) -> Self {
        let destroyed = destroyed(&found);
        let opened: BTreeSet<KeyId> = found.graph.keys().map(|(name, _)| *name).collect();
        let destroyed_opened: Vec<KeyId> = destroyed.intersection(&opened).copied().collect();
        let keys = keys(&found, &destroyed, &destroyed_opened);
        let anchors = found.roots.iter().map(|(roots, said)| AnchorSaid {
            kind: said.kind.to_owned(),
            level: said.level.to_string(),
            roots: roots.clone(),
        });
        let counts = found.searched.carved.counts();
        let clear = found.clear.iter().map(|(image, offset, key)| InClear {
            image: image.clone(),
            offset: *offset,
            key: key.to_string(),
        });
        let mut report = Self {
            log: found.log.to_string(),
            images: found.searched.images,
            bytes: found.searched.bytes,
            anchors: anchors.collect(),
            found: FoundCounts {
                headers: counts.headers,
                headers_opened: found.graph.headers,
                headers_damaged: counts.damaged_headers,
                headers_of_first_format: counts.old_headers,
                nodes: counts.nodes,
                nodes_opened: found.graph.nodes,
                entries_of_torn_nodes: found.graph.cut,
                roots: counts.roots,
            },
            keys,
            parts: part_counts(&found.parts, &destroyed),
            old_roots: found.old_roots.iter().map(|root| old_root(root, &destroyed)).collect(),
            in_clear: clear.collect(),
            in_records: found
                .parts
                .held
                .iter()
                .map(|(position, key)| InRecord { position: *position, key: key.to_string() })
                .collect(),
            deep: found.deep,
            verdict: Verdict::new(),
        };
        report.judge(&found, &destroyed);
        report
    }

    /// Whether the images give back nothing that was destroyed, and everything else.
    pub fn holds(&self) -> bool {
        self.verdict.status == Status::Holds
    }

    fn judge(&mut self, found: &Found, destroyed: &BTreeSet<KeyId>) {
        let mut verdict = Verdict::new();
        self.judge_keys(&mut verdict, found);
        self.judge_parts(&mut verdict);
        self.judge_clear(&mut verdict, destroyed);
        self.judge_anchors(&mut verdict);
        self.judge_old_roots(&mut verdict, found, destroyed);
        self.say_what_is_not_covered(&mut verdict, found);
        self.verdict = verdict;
    }

    fn judge_keys(&self, verdict: &mut Verdict, found: &Found) {
        let Keys { live, live_opened, destroyed, destroyed_opened, .. } = &self.keys;
        let left = found.ordered.as_ref().and_then(|ordered| ordered.left).filter(|_| self.parts.frames > 0);
        if let Some(position) = left {
            let roots: usize = self.anchors.iter().map(|anchor| anchor.roots.len()).sum();
            let sentence = format!(
                "The controller left: record {position} orders every key to be destroyed, and the anchor holds {roots} roots."
            );
            if roots == 0 { verdict.finds(sentence) } else { verdict.breaks(sentence) }
        } else if found.graph.newest.is_none() {
            verdict.lacks(
                "The current root opens no header here, so nothing shows that these images were read right: images from \
                 before the last shred say so. Give one from behind it beside them.",
            );
        }
        let all = if live_opened == live {
            format!("all {live} live ones")
        } else {
            format!("{live_opened} of {live} live ones")
        };
        let sentence =
            format!("The current root opens {} of {destroyed} destroyed keys and {all}.", destroyed_opened.len());
        match (destroyed_opened.is_empty(), live_opened < live) {
            (false, _) => verdict.breaks(sentence),
            (true, true) => verdict.lacks(sentence),
            (true, false) => verdict.finds(sentence),
        }
        if !destroyed_opened.is_empty() {
            verdict.breaks(format!("Destroyed, and they open: {}.", some(destroyed_opened)));
            let orders: BTreeSet<u64> = found
                .ordered
                .iter()
                .flat_map(|ordered| &ordered.keys)
                .filter(|(key, _)| found.graph.key(key).is_some())
                .map(|(_, position)| *position)
                .collect();
            if !orders.is_empty() {
                let orders: Vec<String> = orders.iter().map(u64::to_string).collect();
                verdict.breaks(format!("Their destruction was ordered by the records {}.", some(&orders)));
            }
        }
        if *destroyed == 0 {
            verdict.lacks("No key is known to be destroyed: neither the tree nor a record says so.");
        }
        if self.keys.unknown > 0 {
            verdict.finds(format!(
                "{} keys that records name neither open nor are said to be destroyed: lost ones, or ones that these images do not have.",
                self.keys.unknown
            ));
        }
    }

    fn judge_parts(&self, verdict: &mut Verdict) {
        let parts = &self.parts;
        if parts.opened_of_destroyed > 0 {
            verdict.breaks(format!("{} sealed parts under destroyed keys open.", parts.opened_of_destroyed));
        }
        if parts.opened_by_another > 0 {
            verdict.breaks(format!(
                "{} sealed parts open under another key than their record names.",
                parts.opened_by_another
            ));
        }
        verdict.finds(format!(
            "Of {} sealed parts {} open; {} lie under destroyed keys and do not, {} under keys that are not here. {} more are swept.",
            parts.present, parts.opened, parts.closed_of_destroyed, parts.closed_of_unknown, parts.swept
        ));
        if parts.closed_with_key > 0 || parts.damaged > 0 {
            verdict.finds(format!(
                "{} parts do not open under their own key, and {} are not whole.",
                parts.closed_with_key, parts.damaged
            ));
        }
    }

    fn judge_clear(&self, verdict: &mut Verdict, destroyed: &BTreeSet<KeyId>) {
        let is_destroyed = |key: &str| destroyed.iter().any(|name| name.to_string() == key);
        let word = |key: &str| if is_destroyed(key) { "destroyed" } else { "live" };
        for InClear { image, offset, key } in self.in_clear.iter().take(SHOWN) {
            verdict.breaks(format!("The {} key {key} stands in clear in {image} at byte {offset}.", word(key)));
        }
        for InRecord { position, key } in self.in_records.iter().take(SHOWN) {
            verdict.breaks(format!(
                "The {} key {key} stands in record {position}, or in what was sealed there.",
                word(key)
            ));
        }
        let more = self.in_clear.len().saturating_sub(SHOWN) + self.in_records.len().saturating_sub(SHOWN);
        if more > 0 {
            verdict.breaks(format!("{more} more keys stand in clear."));
        }
    }

    fn judge_anchors(&self, verdict: &mut Verdict) {
        for (number, anchor) in (1..).zip(&self.anchors) {
            if anchor.roots.len() > 1 {
                verdict.breaks(format!(
                    "Member {number} of the anchor holds {} roots of this log, so a destruction was cut short: opening the \
                     ledger finishes it.",
                    anchor.roots.len()
                ));
            }
        }
    }

    fn judge_old_roots(&self, verdict: &mut Verdict, found: &Found, destroyed: &BTreeSet<KeyId>) {
        for root in self.old_roots.iter().filter(|root| root.headers > 0) {
            verdict.finds(format!(
                "Root {} lies in an image and is not the current one. It opens {} of {} destroyed keys: whoever kept it \
                 brings them back, and so a file as an anchor (A0) is called logical.",
                root.number, root.destroyed_opened, self.keys.destroyed
            ));
        }
        if let Some(parts) = &found.old_parts {
            let opened = parts.opened.iter().filter(|key| destroyed.contains(key)).count();
            verdict.finds(format!("Old roots open {opened} sealed parts under destroyed keys."));
        }
    }

    fn say_what_is_not_covered(&self, verdict: &mut Verdict, found: &Found) {
        if self.keys.untried > 0 || self.parts.untried > 0 {
            verdict.leaves_out(&format!(
                "{} pairs of a node and a key, and {} of a sealed part and a key, for want of tries (`--tries`); every key was \
                 tried where a parent or a record names it.",
                self.keys.untried, self.parts.untried
            ));
        }
        if found.ordered.is_none() {
            verdict.leaves_out("what the log ordered to be destroyed: no records were given (`--ledger`).");
        }
        if !self.deep {
            verdict.leaves_out("keys in clear outside records (`--deep` looks at every byte).");
        }
        verdict.leaves_out(
            "copies that are not in these images: other disks, backups, memory, and spare cells of the disks themselves.",
        );
        verdict.leaves_out("keys that somebody enciphered in a way that is not Lethe's.");
    }
}

/// What the tree and the log say is gone.
fn destroyed(found: &Found) -> BTreeSet<KeyId> {
    let of_log = found.ordered.iter().flat_map(|ordered| ordered.keys.keys());
    found.graph.destroyed().keys().chain(of_log).copied().collect()
}

fn keys(found: &Found, destroyed: &BTreeSet<KeyId>, destroyed_opened: &[KeyId]) -> Keys {
    let graph = &found.graph;
    let live_opened = graph.slots().iter().filter(|key| !destroyed.contains(key)).count() as u64;
    // Each slot is one key for ever, so what was not seen of them is as many keys.
    let seen = graph.slots().len() + graph.destroyed().keys().filter(|key| !graph.slots().contains(key)).count();
    let unseen = graph.newest.map_or(0, |newest| newest.slots.saturating_sub(seen as u64));
    let unknown: BTreeSet<&KeyId> = found
        .parts
        .closed
        .iter()
        .chain(found.ordered.iter().flat_map(|ordered| &ordered.named))
        .filter(|key| graph.key(key).is_none() && !destroyed.contains(key))
        .collect();
    Keys {
        live: live_opened + unseen,
        live_opened,
        destroyed: destroyed.len(),
        destroyed_opened: destroyed_opened.iter().map(ToString::to_string).collect(),
        unknown: unknown.len(),
        untried: graph.untried,
    }
}

fn part_counts(parts: &Parts, destroyed: &BTreeSet<KeyId>) -> PartCounts {
    let of_destroyed = |keys: &[KeyId]| keys.iter().filter(|key| destroyed.contains(key)).count();
    let closed_of_destroyed = of_destroyed(&parts.closed);
    PartCounts {
        frames: parts.frames,
        frames_torn: parts.torn_frames,
        records: parts.records,
        present: parts.present,
        swept: parts.swept,
        damaged: parts.damaged,
        opened: parts.opened.len(),
        opened_of_destroyed: of_destroyed(&parts.opened),
        opened_by_another: parts.by_another,
        closed_of_destroyed,
        closed_of_unknown: parts.closed.len() - closed_of_destroyed,
        closed_with_key: parts.closed_with_key,
        untried: parts.untried,
    }
}

fn old_root(root: &OldRoot, destroyed: &BTreeSet<KeyId>) -> OldRootSaid {
    let opened = root.graph.slots();
    let destroyed_opened = opened.iter().filter(|key| destroyed.contains(key)).count();
    let others_opened = opened.len() - destroyed_opened;
    OldRootSaid { number: root.number, headers: root.graph.headers, destroyed_opened, others_opened }
}

fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { found, parts, .. } = self;
        writeln!(f, "{}: {} files, {} bytes", plain(&self.log), self.images, self.bytes)?;
        for AnchorSaid { kind, level, roots } in &self.anchors {
            let roots: Vec<String> = roots.iter().map(u64::to_string).collect();
            writeln!(f, "anchor: {kind}, {level}, root {}", roots.join(", "))?;
        }
        writeln!(
            f,
            "found: {} headers ({} open), {} nodes ({} open), {} root files, {} frames with {} records and {} sealed parts",
            found.headers,
            found.headers_opened,
            found.nodes,
            found.nodes_opened,
            found.roots,
            parts.frames,
            parts.records,
            parts.present + parts.swept + parts.damaged
        )?;
        write!(f, "what the images give back: {}", self.verdict)
    }
}
