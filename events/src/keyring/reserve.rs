//! Keys drawn ahead of need: begun, durable, and not yet handed out. A thread of its own keeps it filled from the first need
//! on, so that no later command waits for the disk, and whoever only looks leaves nothing to retire.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

/// How many keys are drawn at once, at first.
pub(super) const BLOCK: usize = 256;
/// How many at most.
const MAX_BLOCK: usize = 4096;

/// The slots of keys that nobody has yet.
pub(super) struct Reserve {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    slots: VecDeque<u64>,
    block: usize,
    /// Somebody asked for a key.
    asked: bool,
    /// It was filled once.
    begun: bool,
    /// Since it was last filled, somebody found it empty: keys go faster than they are drawn.
    ran_dry: bool,
    settled: bool,
    closed: bool,
}

impl Reserve {
    pub(super) fn new(settled: bool) -> Self {
        let state = State {
            slots: VecDeque::new(),
            block: BLOCK,
            asked: false,
            begun: false,
            ran_dry: false,
            settled,
            closed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The next slot, waiting for it where need be. `None` when nothing will come any more.
    pub(super) fn take(&self) -> Option<u64> {
        let mut state = self.state.lock();
        state.asked = true;
        loop {
            if state.closed || !state.settled {
                return None;
            }
            if let Some(slot) = state.slots.pop_front() {
                if state.is_low() {
                    self.changed.notify_all();
                }
                return Some(slot);
            }
            state.ran_dry = state.begun;
            self.changed.notify_all();
            self.changed.wait(&mut state);
        }
    }

    /// Waits until keys are wanted, and says how many. `None` when it is closed.
    pub(super) fn wanted(&self) -> Option<usize> {
        let mut state = self.state.lock();
        while !(state.closed || state.settled && state.asked && state.is_low()) {
            self.changed.wait(&mut state);
        }
        if state.ran_dry {
            state.block = (state.block * 2).min(MAX_BLOCK);
            state.ran_dry = false;
        }
        (!state.closed).then_some(state.block)
    }

    pub(super) fn put(&self, slots: impl Iterator<Item = u64>) {
        let mut state = self.state.lock();
        state.slots.extend(slots);
        state.begun = true;
        drop(state);
        self.changed.notify_all();
    }

    /// The log was read: keys may be drawn and handed out.
    pub(super) fn settle(&self) {
        self.state.lock().settled = true;
        self.changed.notify_all();
    }

    pub(super) fn is_settled(&self) -> bool {
        self.state.lock().settled
    }

    /// Nothing is handed out any more.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().slots.len()
    }
}

impl State {
    fn is_low(&self) -> bool {
        self.slots.len() < self.block / 2
    }
}
