//! How often somebody may ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;

use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::InMemoryState;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// A rate for each key, which may be used up at once. A rate of 0 is no limit.
pub struct Rate<K: Hash + Eq + Clone>(Option<Limiter<K>>);

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

impl<K: Hash + Eq + Clone> Rate<K> {
    /// So many a second, and at most as many at once.
    pub fn per_second(rate: u32) -> Self {
        let states = HashMapStateStore::<K>::new(HashMap::<K, InMemoryState>::new());
        Self(NonZeroU32::new(rate).map(|rate| RateLimiter::new(Quota::per_second(rate), states, MonotonicClock)))
    }

    /// Whether one more may come now; counts it.
    pub fn takes(&self, key: &K) -> bool {
        self.0.as_ref().is_none_or(|limiter| limiter.check_key(key).is_ok())
    }

    /// Forgets keys that have not come for as long as their rate takes to fill up.
    pub fn sweep(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}
