//! Numbers of payment cards, which no free text may keep.

/// Whether the text holds what looks like the number of a payment card: 13 to 19 digits (ISO/IEC 7812-1), alone or in
/// groups with one space or hyphen between, whose check digit fits (Luhn) and which begin as the networks' cards do.
pub fn looks_like_card(text: &str) -> bool {
    runs(text).iter().any(|run| (0..run.len()).any(|start| begins_a_card(run.get(start..).unwrap_or_default())))
}

/// Whether the first groups of the run together are a card's number.
fn begins_a_card(groups: &[Vec<u32>]) -> bool {
    let mut digits = Vec::new();
    groups.iter().any(|group| {
        digits.extend_from_slice(group);
        (13..=19).contains(&digits.len())
            && digits.first().is_some_and(|first| (2..=6).contains(first))
            && luhn(&digits)
    })
}

/// Groups of digits that one space or hyphen keeps apart, run by run.
fn runs(text: &str) -> Vec<Vec<Vec<u32>>> {
    let (mut runs, mut run, mut group, mut gap) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for c in text.chars().chain(['\n']) {
        if let Some(digit) = c.to_digit(10) {
            gap = 0;
            group.push(digit);
            continue;
        }
        gap += 1;
        if !group.is_empty() {
            run.push(std::mem::take(&mut group));
        }
        if gap > 1 || !matches!(c, ' ' | '-' | '\u{a0}') {
            runs.push(std::mem::take(&mut run));
        }
    }
    runs
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, digit)| if i % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_seen_in_every_spelling() {
        for text in [
            "4111111111111111",
            "card 4111 1111 1111 1111, exp 12/27",
            "4111-1111-1111-1111 12",
            "5 4111 1111 1111 1111",
            "3782 822463 10005",
            "5555555555554444.",
            "12 4222222222222",
        ] {
            assert!(looks_like_card(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_pass() {
        for text in [
            "4111111111111112",
            "call +49 30 1234567",
            "order 123456789012",
            "41111111111111111111111",
            "4111 1111 1111",
            "1111 1111 1111 1117",
            "4111, 1111, 1111, 1111",
            "",
        ] {
            assert!(!looks_like_card(text), "{text}");
        }
    }
}
