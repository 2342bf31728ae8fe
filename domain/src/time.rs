//! Time as the log counts it: milliseconds since 1970 in UTC, and days of the calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, SecondsFormat, Utc};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub i64);

/// A text that is no moment or no day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotATime {
    /// Not a moment.
    #[error("not a moment: it is written 2026-01-31T09:30:00Z (RFC 3339)")]
    Moment,
    /// Not a day.
    #[error("not a day: it is written 2026-01-31 (ISO 8601)")]
    Day,
}

impl Time {
    /// Milliseconds in a day.
    pub const DAY_MS: i64 = 86_400_000;

    /// The day this moment lies in, in UTC.
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(Self::DAY_MS)).unwrap_or(i32::MAX))
    }

    /// This many milliseconds later; stays at the end of time instead of overflowing.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.0) {
            Some(moment) => f.write_str(&moment.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Time {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        DateTime::parse_from_rfc3339(text).map(|moment| Self(moment.timestamp_millis())).map_err(|_| NotATime::Moment)
    }
}

/// A day in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Day(pub i32);

impl Day {
    /// The first moment of the day.
    pub fn start(self) -> Time {
        Time(i64::from(self.0) * Time::DAY_MS)
    }

    /// The last millisecond of the day.
    pub fn end(self) -> Time {
        Time(i64::from(self.0) * Time::DAY_MS + Time::DAY_MS - 1)
    }

    /// The last day of a year.
    pub fn last_of(year: u16) -> Self {
        NaiveDate::from_ymd_opt(year.into(), 12, 31).map_or(Self(i32::MAX), Self::of)
    }

    /// The year it lies in.
    pub fn year(self) -> u16 {
        self.date().and_then(|date| u16::try_from(date.year()).ok()).unwrap_or(0)
    }

    /// The same day of the month, this many months later, or the last day of a shorter month
    /// (Regulation (EEC, Euratom) No 1182/71, Art. 3(2)(c)).
    pub fn plus_months(self, months: u32) -> Self {
        let later = self.date().and_then(|date| date.checked_add_months(Months::new(months)));
        later.map_or(self, Self::of)
    }

    /// This many days later.
    pub fn plus_days(self, days: u16) -> Self {
        Self(self.0.saturating_add(days.into()))
    }

    /// The last day of the month it lies in.
    pub fn end_of_month(self) -> Self {
        let first = self.date().and_then(|date| date.with_day(1)).map(Self::of);
        first.map_or(self, |first| Self(first.plus_months(1).0.saturating_sub(1)))
    }

    fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_num_days_from_ce_opt(self.0.checked_add(EPOCH)?)
    }

    fn of(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce().saturating_sub(EPOCH))
    }
}

/// 1970-01-01 counted from the first day of the common era.
const EPOCH: i32 = 719_163;

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{}", date.format("%Y-%m-%d")),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let plain = text.len() == 10;
        let date = plain.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        date.map(Self::of).ok_or(NotATime::Day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_read_back() {
        let day: Day = "2026-01-31".parse().unwrap_or_default();
        assert_eq!(day.to_string(), "2026-01-31");
        assert_eq!(day.plus_months(1).to_string(), "2026-02-28");
        assert_eq!(day.year(), 2026);
        let february: Day = "2028-02-01".parse().unwrap_or_default();
        assert_eq!(february.end_of_month().to_string(), "2028-02-29");
        assert_eq!(day.end_of_month(), day);
        assert_eq!(Day::last_of(2026).to_string(), "2026-12-31");
        assert_eq!(day.start().day(), day);
        assert_eq!(day.end().day(), day);
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!("1970-01-01T01:00:00+01:00".parse(), Ok(Time(0)));
        assert_eq!("2026-02-30".parse::<Day>(), Err(NotATime::Day));
    }
}
