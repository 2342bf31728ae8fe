//! The ledger's clock: never goes back, and stops appends when it cannot be right.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::Time;
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

/// How far behind the last record the clock may be: small steps back are bridged by repeating its time.
const BEHIND_MS: i64 = 5_000;
/// How far wall clock and time since boot may drift apart while the ledger is open.
const DRIFT_MS: i64 = 60_000;
/// How far ahead of the last write the clock may be at open.
const AHEAD_MS: i64 = 30 * Time::DAY_MS;

/// A clock that cannot be right. Appends stop until an operator confirms the time, which is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongClock {
    /// It went back.
    #[error("the clock says {now}, but the last record was written at {last}: confirm the time to go on")]
    Behind {
        /// What it says.
        now: Time,
        /// When the last record was written.
        last: Time,
    },
    /// It jumped while the ledger was open.
    #[error("the clock jumped by {by_s} s: confirm the time to go on")]
    Jumped {
        /// By how much, in seconds; negative is back.
        by_s: i64,
    },
    /// It is far ahead of the last write.
    #[error("the clock says {now}, more than 30 days after the last write at {last}: confirm the time to go on")]
    Ahead {
        /// What it says.
        now: Time,
        /// When the last record was written.
        last: Time,
    },
}

/// Stands in for a time that was set while a clock that may be set follows the machine's.
const FOLLOWS: i64 = i64::MIN;

/// A time in which the ledger was closed: how long it was, nothing but the wall clock says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Away {
    /// When the last record before it was written.
    pub since: Time,
    /// How long, in milliseconds.
    pub ms: i64,
}

impl Away {
    /// What lies between two times; nothing where the clock went back.
    pub fn between(since: Time, until: Time) -> Option<Self> {
        let ms = until.0.saturating_sub(since.0);
        (ms > 0).then_some(Self { since, ms })
    }
}

/// Wall clock, watched; or one that may be set, which only the demo and tests may have.
pub struct Clock {
    /// Where the clock may be set: the time it stands at, or [`FOLLOWS`].
    set: Option<AtomicI64>,
    /// Wall clock less time since boot, when the time was last believed.
    base_ms: AtomicI64,
    /// Up to which last record an operator said that a clock behind it is right.
    behind_ok: AtomicI64,
    /// Whether an operator confirmed the time since the ledger was opened.
    confirmed: AtomicBool,
    /// When the last record before the open was written.
    opened_after: AtomicI64,
    /// When the ledger was closed, of all its opens since an operator confirmed the time.
    away: Mutex<Vec<Away>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self {
            set: None,
            base_ms: AtomicI64::new(base_ms()),
            behind_ok: AtomicI64::new(i64::MIN),
            confirmed: AtomicBool::new(false),
            opened_after: AtomicI64::new(i64::MIN),
            away: Mutex::default(),
        }
    }

    /// A clock that stands still until it is set again or let run; for tests.
    pub fn set_to(time: Time) -> Self {
        Self { set: Some(AtomicI64::new(time.0)), ..Self::system() }
    }

    /// A clock that follows the machine's and may be set; for the demo.
    pub fn demo() -> Self {
        let demo = Self::set_to(Time(FOLLOWS));
        demo.confirmed.store(true, Ordering::Release);
        demo
    }

    /// Moves a clock that may be set and stops it there. Without effect on the machine's.
    pub fn set(&self, time: Time) {
        if let Some(set) = &self.set {
            set.store(time.0, Ordering::Release);
        }
    }

    /// Lets a clock that was set follow the machine's from now on, which is believed as it is.
    pub fn run(&self) {
        if let Some(set) = &self.set {
            self.base_ms.store(base_ms(), Ordering::Release);
            self.confirmed.store(true, Ordering::Release);
            set.store(FOLLOWS, Ordering::Release);
        }
    }

    /// Whether it may be set.
    pub fn may_be_set(&self) -> bool {
        self.set.is_some()
    }

    /// Whether it stands still where it was set.
    pub fn stands(&self) -> bool {
        self.standing().is_some()
    }

    /// What it says, believed or not.
    pub fn now(&self) -> Time {
        self.standing().unwrap_or_else(|| Time(wall_ms()))
    }

    /// The ledger was opened behind a record of this time, and had been closed before, as its records say. Says whether it
    /// was closed until now.
    pub fn opened_after(&self, last: Time, before: &[Away]) -> bool {
        self.opened_after.store(last.0, Ordering::Release);
        if self.confirmed.load(Ordering::Acquire) {
            return false;
        }
        let now = Away::between(last, self.now());
        *self.away.lock() = before.iter().copied().chain(now).collect();
        now.is_some()
    }

    /// What it says, for whoever waits since a time of the log and must not go on by the wall clock alone: the time in which
    /// the ledger was closed does not count, for nothing but the wall clock says how long that was. An operator who confirms
    /// the time says so too.
    pub fn waited(&self, since: Time) -> Time {
        let away = self.away.lock();
        let later = away.iter().filter(|away| since <= away.since).map(|away| away.ms);
        self.now().plus_ms(later.fold(0_i64, i64::saturating_sub))
    }

    /// What a decision goes by that must come true: not before the last record; but where an operator said that this clock is
    /// right and that record's later time wrong, what the clock says.
    pub fn decides(&self, last: Time) -> Time {
        let now = self.now();
        let is_wrong = now.0 < last.0.saturating_sub(BEHIND_MS) && last.0 <= self.behind_ok.load(Ordering::Acquire);
        if is_wrong { now } else { now.max(last) }
    }

    /// The time for the next record: not before the last one.
    pub fn next(&self, last: Time) -> Result<Time, WrongClock> {
        let now = self.now();
        let behind = now.0 < last.0.saturating_sub(BEHIND_MS);
        if behind && last.0 > self.behind_ok.load(Ordering::Acquire) {
            return Err(WrongClock::Behind { now, last });
        }
        if !self.stands() {
            self.watch(now)?;
        }
        Ok(now.max(last))
    }

    /// An operator says that the time is right: what was in doubt is believed again. Behind records of a wrong, later time
    /// that time is repeated until the clock has passed it. Returns the time for the record of it.
    pub fn confirm(&self, last: Time) -> Time {
        self.behind_ok.store(last.0, Ordering::Release);
        self.base_ms.store(base_ms(), Ordering::Release);
        self.confirmed.store(true, Ordering::Release);
        self.away.lock().clear();
        self.now().max(last)
    }

    fn standing(&self) -> Option<Time> {
        let set = self.set.as_ref()?.load(Ordering::Acquire);
        (set != FOLLOWS).then_some(Time(set))
    }

    fn watch(&self, now: Time) -> Result<(), WrongClock> {
        let by = base_ms() - self.base_ms.load(Ordering::Acquire);
        if by.abs() > DRIFT_MS {
            return Err(WrongClock::Jumped { by_s: by / 1000 });
        }
        let last = Time(self.opened_after.load(Ordering::Acquire));
        let ahead = last.0 > i64::MIN && now.0 > last.0.saturating_add(AHEAD_MS);
        if ahead && !self.confirmed.load(Ordering::Acquire) {
            return Err(WrongClock::Ahead { now, last });
        }
        Ok(())
    }
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `CLOCK_BOOTTIME` goes on while the machine sleeps, so only a change of the wall clock moves this.
fn base_ms() -> i64 {
    let boot = clock_gettime(ClockId::Boottime);
    wall_ms() - (boot.tv_sec * 1000 + boot.tv_nsec / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back() {
        let clock = Clock::set_to(Time(100_000));
        assert_eq!(clock.next(Time(99_000)), Ok(Time(100_000)));
        assert_eq!(clock.next(Time(104_000)), Ok(Time(104_000)));
        assert_eq!(clock.next(Time(105_001)), Err(WrongClock::Behind { now: Time(100_000), last: Time(105_001) }));
    }

    #[test]
    fn a_confirmed_clock_waits_at_the_wrong_time_that_was_written() {
        let (clock, wrong) = (Clock::set_to(Time(100_000)), Time(900_000));
        assert!(clock.next(wrong).is_err());
        assert_eq!(clock.decides(wrong), wrong, "nobody has said which one is right");
        assert_eq!(clock.confirm(wrong), wrong);
        assert_eq!((clock.next(wrong), clock.decides(wrong)), (Ok(wrong), Time(100_000)));
        assert_eq!(clock.decides(Time(104_000)), Time(104_000), "a small step back is bridged");
        clock.set(Time(900_001));
        assert_eq!(clock.next(wrong), Ok(Time(900_001)));
        clock.set(Time(800_000));
        assert!(clock.next(Time(900_001)).is_err());
    }

    #[test]
    fn a_demo_clock_is_set_and_then_follows_the_machine() {
        let clock = Clock::demo();
        let long_ago = Time(clock.now().0 - 1_826 * Time::DAY_MS);
        clock.opened_after(long_ago, &[]);
        clock.set(long_ago);
        assert_eq!((clock.stands(), clock.next(long_ago)), (true, Ok(long_ago)));
        clock.run();
        assert!(!clock.stands());
        assert!(clock.next(long_ago).is_ok_and(|now| now.day() > long_ago.day()));
        let system = Clock::system();
        system.set(long_ago);
        system.run();
        assert!(!system.may_be_set() && system.now() > long_ago);
    }

    #[test]
    fn the_time_that_the_ledger_was_closed_is_no_time_waited() {
        let clock = Clock::system();
        let last = Time(clock.now().0 - 2 * Time::DAY_MS);
        clock.opened_after(last, &[]);
        let is_near = |time: Time, to: Time| (time.0 - to.0).abs() < Time::DAY_MS;
        for since in [last, last.plus_ms(-5)] {
            assert!(is_near(clock.waited(since), last), "nobody saw these two days pass");
        }
        assert!(is_near(clock.waited(clock.now()), clock.now()), "what began since is not kept waiting");
        let earlier = last.plus_ms(-9 * Time::DAY_MS);
        let before = Away::between(earlier, last.plus_ms(-Time::DAY_MS)).unwrap();
        clock.opened_after(last, &[before]);
        assert!(is_near(clock.waited(earlier), last.plus_ms(-8 * Time::DAY_MS)), "every time it was closed counts");
        assert!(is_near(clock.waited(last), last), "but for what began behind it");
        clock.confirm(last);
        assert!(is_near(clock.waited(earlier), clock.now()));
        let demo = Clock::demo();
        demo.opened_after(last, &[]);
        assert!(is_near(demo.waited(last), demo.now()), "a demo's clock is believed");
    }

    #[test]
    fn far_ahead_at_open_waits_for_an_operator() {
        let clock = Clock::system();
        let last = Time(clock.now().0 - 31 * Time::DAY_MS);
        clock.opened_after(last, &[]);
        assert!(matches!(clock.next(last), Err(WrongClock::Ahead { .. })));
        clock.confirm(last);
        assert!(clock.next(last).is_ok());
    }
}
