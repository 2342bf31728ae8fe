//! The states of streams in use, at their revision, bounded. A state is only ever a shortcut for folding its stream again.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::ids::IdMap;

/// How many states are kept. A full cache is emptied: simple, and right again after a few reads.
const MOST: usize = 100_000;

/// A state as it was folded.
pub struct Cached {
    /// How many records it was folded from.
    pub count: u64,
    /// The aggregate.
    pub state: Arc<dyn Any + Send + Sync>,
}

/// The cache. What was folded before keys were fenced, freed or destroyed is not found any more.
#[derive(Default)]
pub struct States {
    epoch: AtomicU64,
    held: Mutex<IdMap<[u8; 16], (u64, Cached)>>,
}

impl States {
    /// When folding begins: what is folded under an older epoch will not be found.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Keys changed: every state may hold an id that can be read no more, or lack one that can be read again.
    pub fn expire(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.held.lock().clear();
    }

    /// The state of a stream, if it is kept.
    pub fn get<A: Any + Send + Sync>(&self, id: &[u8; 16]) -> Option<(u64, Arc<A>)> {
        let held = self.held.lock();
        let (epoch, cached) = held.get(id)?;
        let state = (*epoch == self.epoch()).then(|| cached.state.clone())?;
        Some((cached.count, state.downcast::<A>().ok()?))
    }

    /// Keeps a state, unless a later one is kept already.
    pub fn put<A: Any + Send + Sync>(&self, id: [u8; 16], epoch: u64, count: u64, state: Arc<A>) {
        let mut held = self.held.lock();
        if epoch != self.epoch() || held.get(&id).is_some_and(|(of, cached)| *of == epoch && cached.count > count) {
            return;
        }
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(id, (epoch, Cached { count, state }));
    }

    /// Drops one state.
    pub fn evict(&self, id: &[u8; 16]) {
        self.held.lock().remove(id);
    }
}
