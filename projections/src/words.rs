//! The words something is found by, and the words of a question.
//!
//! A word is found by its beginning. Names give their words; a mail address gives itself whole, the words before the @
//! and those of its domain but the last; a phone number gives its digits, as written and as E.164 has them.

use std::ops::Range;

use crate::fold::{fold, fold_into};

/// Words in one piece of memory: rows are told apart by their words a million times over.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Words {
    text: String,
    spans: Vec<Range<usize>>,
}

impl Words {
    /// Adds the words of a name.
    pub fn name(&mut self, name: &str) {
        let start = self.text.len();
        fold_into(name, &mut self.text);
        self.split(start..self.text.len());
    }

    /// Adds the words of a mail address.
    pub fn mail(&mut self, mail: &str) {
        let start = self.text.len();
        fold_into(mail, &mut self.text);
        let whole = start..self.text.len();
        let mail = self.text.get(whole.clone()).unwrap_or_default();
        let at = mail.find('@').unwrap_or(mail.len());
        let end = mail.rfind('.').filter(|dot| *dot > at).unwrap_or(mail.len());
        self.split(start..start + at);
        self.split(start + at..start + end);
        self.spans.push(whole);
    }

    /// Adds the digits of a phone number.
    pub fn phone(&mut self, phone: &str) {
        let start = self.text.len();
        self.text.extend(phone.chars().filter(char::is_ascii_digit));
        if self.text.len() > start {
            self.spans.push(start..self.text.len());
        }
    }

    /// Sorts the words and drops those that another one begins with: whoever finds the short one finds the long one.
    pub fn sorted(mut self) -> Self {
        let Self { text, spans } = &mut self;
        let word = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
        spans.sort_unstable_by(|a, b| word(b).cmp(word(a)));
        spans.dedup_by(|shorter, longer| word(longer).starts_with(word(shorter)));
        spans.reverse();
        self
    }

    /// One of them; nothing where there is none.
    pub fn get(&self, number: usize) -> &str {
        self.spans.get(number).and_then(|span| self.text.get(span.clone())).unwrap_or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().map(|span| self.text.get(span.clone()).unwrap_or_default())
    }

    /// Adds the runs of letters and digits within a span of the text.
    fn split(&mut self, span: Range<usize>) {
        let mut word = span.start;
        for (at, letter) in self.text.get(span.clone()).unwrap_or_default().char_indices() {
            let at = span.start + at;
            if !letter.is_alphanumeric() {
                self.spans.extend((at > word).then_some(word..at));
                word = at + letter.len_utf8();
            }
        }
        self.spans.extend((span.end > word).then_some(word..span.end));
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
        assert!(words.sorted().iter().eq(expected));
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
