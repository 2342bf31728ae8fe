//! What an image gives back: copies of a data directory or raw images of disks are searched, at any byte, for everything
//! that a keyring or a journal ever wrote; the keys that the current root opens are tried on every sealed part; and what
//! was destroyed must not be among what opens. Only reads, and names keys by their fingerprints.

mod image;
mod ordered;
mod parts;
mod report;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use domain::id::{KeyId, LogId};
use events::ids::IdSet;
use events::keyring::carve::{Graph, Opener, Root, Windows};
use events::keyring::{Anchor, AnchorError};

pub use ordered::Ordered;
pub use report::Report;

use crate::source::SourceError;
use image::{Images, Searched};
use parts::Parts;

/// How it is searched.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How often a key is tried on a node, and how often on a sealed part, that nobody named it for.
    pub tries: u64,
    /// Whether every window of 32 bytes is looked at, for keys in clear.
    pub deep: bool,
}

/// What is searched, and with what.
pub struct Case {
    /// Files, devices, and directories of files.
    pub images: Vec<PathBuf>,
    /// The anchor that holds the current root.
    pub anchors: Vec<Box<dyn Anchor>>,
    /// Which log; where it is not known, the one that the anchor has a root of.
    pub log: Option<LogId>,
    /// What the log's own records say.
    pub ordered: Option<Ordered>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ForensicError {
    /// An image cannot be read.
    #[error("cannot read {image}: {source}")]
    Io {
        /// Which.
        image: String,
        /// Why not.
        source: io::Error,
    },
    /// There is nothing to read.
    #[error("there is no byte in these images")]
    Nothing,
    /// The images are of another log, or of none.
    #[error("no header of this log: {}", others(.log.as_ref(), .found))]
    NoHeader {
        /// Whose header was looked for, where that was known.
        log: Option<LogId>,
        /// The logs whose headers are there.
        found: Vec<LogId>,
    },
    /// The anchor cannot be asked.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The records cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A record that orders a destruction cannot be read.
    #[error("record {position} cannot be read: {why}")]
    Record {
        /// Which.
        position: u64,
        /// What is the matter with it.
        why: String,
    },
}

/// A root that lay in an image and is not the current one, and what it opens.
pub(crate) struct OldRoot {
    number: u64,
    graph: Graph,
}

/// Everything that was found, before it is judged.
pub(crate) struct Found {
    log: LogId,
    searched: Searched,
    roots: Vec<(Vec<u64>, events::keyring::Description)>,
    ordered: Option<Ordered>,
    graph: Graph,
    parts: Parts,
    old_roots: Vec<OldRoot>,
    /// What the old roots open of the parts, beyond the current one.
    old_parts: Option<Parts>,
    /// Keys in clear: in which image, at which byte.
    clear: Vec<(String, u64, KeyId)>,
    deep: bool,
}

/// Searches, and judges. `progress` hears how many bytes of all were read.
///
/// # Errors
/// When an image or the anchor cannot be read, or when there is no header of the log in any image.
pub fn examine(case: Case, options: Options, progress: &dyn Fn(u64, u64)) -> Result<Report, ForensicError> {
    let Case { images, anchors, log, ordered } = case;
    let images = Images::open(&images)?;
    let searched = images.search(progress)?;
    let log = match ordered.as_ref().filter(|ordered| ordered.left.is_some()) {
        // Nothing is left of its keyring where the controller left.
        Some(left) => left.log,
        None => the_log(&searched, &anchors, log.or_else(|| ordered.as_ref().map(|ordered| ordered.log)))?,
    };
    let roots = anchors
        .iter()
        .map(|anchor| Ok((anchor.roots(log)?, anchor.describe())))
        .collect::<Result<Vec<_>, AnchorError>>()?;
    let named = parts::named(&images, &searched, ordered.as_ref())?;
    let carved = &searched.carved;
    let graph = carved.open(log, Opener::Anchors(&anchors), &named, options.tries)?;
    let mut old_roots = Vec::new();
    for root in carved.roots(log).filter(|root| !is_current(root, &searched, &graph, log)) {
        let graph = carved.open(log, Opener::Root(root), &named, options.tries)?;
        old_roots.push(OldRoot { number: root.number, graph });
    }
    let windows = Windows::new(to_look_for(&graph, ordered.as_ref()));
    let parts = parts::open(&images, &searched, &[&graph], Some(&windows), options.tries)?;
    let also: Vec<&Graph> = old_roots.iter().map(|old| &old.graph).filter(|old| old.headers > 0).collect();
    let old_parts = if also.is_empty() { None } else { Some(parts::open(&images, &searched, &also, None, 0)?) };
    let clear = if options.deep { images.deep(&windows, progress)? } else { Vec::new() };
    let deep = options.deep;
    Ok(Report::of(Found { log, searched, roots, ordered, graph, parts, old_roots, old_parts, clear, deep }))
}

/// The names of keys that must not stand anywhere in clear: those of the tree that was opened, and what was destroyed.
fn to_look_for(graph: &Graph, ordered: Option<&Ordered>) -> IdSet<KeyId> {
    let of_log = ordered.into_iter().flat_map(|ordered| ordered.keys.keys());
    let of_tree = graph.keys().map(|(name, _)| name).chain(graph.destroyed().keys());
    of_tree.chain(of_log).copied().collect()
}

/// The root in an anchor's own directory lies in a copy of it too.
fn is_current(root: &Root, searched: &Searched, graph: &Graph, log: LogId) -> bool {
    graph.newest.is_some_and(|newest| searched.carved.opens(log, root, newest.counter))
}

fn the_log(searched: &Searched, anchors: &[Box<dyn Anchor>], named: Option<LogId>) -> Result<LogId, ForensicError> {
    let logs: BTreeMap<LogId, usize> = searched.carved.logs();
    let found = logs.keys().copied().collect();
    if let Some(log) = named {
        return if logs.contains_key(&log) { Ok(log) } else { Err(ForensicError::NoHeader { log: Some(log), found }) };
    }
    for log in logs.keys() {
        for anchor in anchors {
            if !anchor.roots(*log)?.is_empty() {
                return Ok(*log);
            }
        }
    }
    Err(ForensicError::NoHeader { log: None, found })
}

fn others(log: Option<&LogId>, found: &[LogId]) -> String {
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let wanted = match log {
        Some(log) => format!("{log} has none in these images"),
        None => "the anchor has a root of no log that has one in these images".to_owned(),
    };
    if found.is_empty() {
        format!("{wanted}, nor has any other log")
    } else {
        format!("{wanted}; they hold headers of {}", found.join(", "))
    }
}
