//! Days as exports write them. What could be two days is none.

use domain::compartment::Country;
use domain::time::Day;

/// `2026-01-31`, `20260131`, `31.01.2026`, `31/1/2026`; with a time behind it, the day alone. Where both ways round make
/// a day, dots read day first, and slashes read month first in the United States and are not read elsewhere: half the
/// world's programs write them the American way.
pub fn read(text: &str, country: Option<Country>) -> Option<Day> {
    let date = text.split(['T', ' ']).next().unwrap_or_default();
    let numbers: Vec<&str> = date.split(['-', '.', '/']).collect();
    let plain = numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let numbers = plain.then_some(numbers)?;
    match *numbers.as_slice() {
        [all] if all.len() == 8 => day(all.get(..4)?, all.get(4..6)?, all.get(6..)?),
        [year, month, date] if year.len() == 4 => day(year, month, date),
        [date, month, year] if year.len() == 4 && text.contains('.') => day(year, month, date),
        [a, b, year] if year.len() == 4 => match (day(year, b, a), day(year, a, b)) {
            (Some(one), Some(other)) if one == other => Some(one),
            (Some(_), Some(month_first)) => Some(month_first).filter(|_| country == Some(Country(*b"US"))),
            (one, other) => one.or(other),
        },
        _ => None,
    }
}

fn day(year: &str, month: &str, date: &str) -> Option<Day> {
    let short = month.len() <= 2 && date.len() <= 2;
    short.then(|| format!("{year}-{month:0>2}-{date:0>2}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_where_they_can_be_one_day_only() {
        let us = Some(Country(*b"US"));
        for (text, country, expected) in [
            ("1908-12-09", None, "1908-12-09"),
            ("19081209", None, "1908-12-09"),
            ("1948-12-08 00:00:00", None, "1948-12-08"),
            ("1948-12-08T00:00:00Z", None, "1948-12-08"),
            ("8.12.1948", None, "1948-12-08"),
            ("31/1/1990", None, "1990-01-31"),
            ("1/31/1990", None, "1990-01-31"),
            ("2/3/1990", us, "1990-02-03"),
            ("3/3/1990", None, "1990-03-03"),
            ("2/3/1990", None, ""),
            ("19901331", None, ""),
            ("31.2.1990", None, ""),
            ("8.12.48", None, ""),
            ("yesterday", None, ""),
            ("", None, ""),
            ("--", None, ""),
            ("éé-1-1", None, ""),
        ] {
            let read = read(text, country).map(|day| day.to_string());
            assert_eq!(read.unwrap_or_default(), expected, "{text}");
        }
    }
}
