//! The words something is found by, and the words of a question.
//!
//! A word is found by its beginning. Names give their words; a mail address gives itself whole, the words before the @
//! and those of its domain but the last; a phone number gives its digits, as written and as E.164 has them.

use crate::fold::fold;

/// Collects the words of one row.
#[derive(Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Words of a name.
    pub fn name(&mut self, name: &str) {
        self.0.extend(split(&fold(name)).map(str::to_owned));
    }

    /// Words of a mail address.
    pub fn mail(&mut self, mail: &str) {
        let mail = fold(mail);
        let (local, domain) = mail.split_once('@').unwrap_or((&mail, ""));
        self.0.extend(split(local).map(str::to_owned));
        let domain = domain.rsplit_once('.').map_or(domain, |(domain, _)| domain);
        self.0.extend(split(domain).map(str::to_owned));
        self.0.push(mail);
    }

    /// Words of a phone number.
    pub fn phone(&mut self, phone: &str) {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        if !digits.is_empty() {
            self.0.push(digits);
        }
    }

    /// Sorted, and without those that another one begins with: whoever finds the short one finds the long one.
    pub fn finish(self) -> Vec<String> {
        let mut words = self.0;
        words.sort_unstable();
        let mut kept: Vec<String> = Vec::with_capacity(words.len());
        for word in words.into_iter().rev() {
            if !kept.last().is_some_and(|longer| longer.starts_with(&word)) {
                kept.push(word);
            }
        }
        kept.reverse();
        kept
    }
}

/// The words of a question; all of them must be found. A question of nothing but digits and the marks between them is
/// one number, and a word with an @ is the beginning of one address.
pub(crate) fn question(text: &str) -> Vec<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-/().".contains(c));
    if number && !digits.is_empty() {
        return vec![digits];
    }
    let text = fold(text);
    let mut words: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        match part.strip_prefix('@') {
            None if part.contains('@') => words.push(part.to_owned()),
            None => words.extend(split(part).map(str::to_owned)),
            Some(domain) => words.extend(split(domain).map(str::to_owned)),
        }
    }
    let whole = words.clone();
    let mut at = 0;
    words.retain(|word| {
        at += 1;
        !whole
            .iter()
            .enumerate()
            .any(|(other, longer)| longer.starts_with(word.as_str()) && (longer.len() > word.len() || other + 1 < at))
    });
    words
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_words_people_look_for() {
        let mut words = Words::default();
        words.name("Dr. Anna-Lena");
        words.name("Müller");
        words.mail("Anna.Mueller@Crafts.example.org");
        words.phone("+49 30 1234");
        words.phone("030 1234");
        let expected = [
            "0301234",
            "49301234",
            "anna.mueller@crafts.example.org",
            "crafts",
            "dr",
            "example",
            "lena",
            "mueller",
            "muller",
        ];
        assert_eq!(words.finish(), expected);
    }

    #[test]
    fn a_question_has_its_words() {
        assert_eq!(question("  ma SCH "), ["ma", "sch"]);
        assert_eq!(question("Ma Maria"), ["maria"], "whoever is found by the long one is found by the short one");
        assert_eq!(question("ma ma"), ["ma"]);
        assert_eq!(question("+49 (30) 12-34"), ["49301234"]);
        assert_eq!(question("anna.m@craf"), ["anna.m@craf"]);
        assert_eq!(question("anna.mueller"), ["anna", "mueller"]);
        assert_eq!(question("@crafts"), ["crafts"]);
        assert_eq!(question(" . ").len(), 0);
    }
}
