//! The words something is found by, and the words of a question.
//!
//! A word is found by its beginning. Names give their words, and one with an apostrophe in it as if it were not there, too;
//! a mail address gives itself whole, the words before the @, and its domain from each of its words on but the last; a
//! phone number gives its digits, as written and as E.164 has them, without the marks of a call abroad.

use std::ops::Range;

use crate::fold::{fold, fold_into};

/// As many bytes of a domain are a word, and of a word of a question are looked up: less than the sixteen that words are
/// sorted by, so that of a million people with mail at one domain none must be looked at to sort another. What is longer
/// is compared with the row itself ([`Words::has`]).
const LOOKED_UP: usize = 15;

/// Words in one piece of memory: rows are told apart by their words a million times over.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Words {
    text: String,
    spans: Vec<Range<usize>>,
}

impl Words {
    /// Adds the words of a name: of `O'Brien` both `obrien` and `brien`.
    pub fn name(&mut self, name: &str) {
        let start = self.text.len();
        fold_into(name, &mut self.text);
        if !self.text.get(start..).unwrap_or_default().contains(APOSTROPHES) {
            return self.split(start..self.text.len());
        }
        let folded = self.text.split_off(start);
        for run in folded.split(|c: char| !c.is_alphanumeric() && !APOSTROPHES.contains(&c)) {
            let start = self.text.len();
            let mut behind = Vec::new();
            for part in run.split(APOSTROPHES).filter(|part| !part.is_empty()) {
                behind.push(self.text.len());
                self.text.push_str(part);
            }
            let end = self.text.len();
            self.spans.extend(behind.into_iter().map(|from| from..end).filter(|span| span.start >= start));
        }
    }

    /// Adds the words of a mail address.
    pub fn mail(&mut self, mail: &str) {
        let start = self.text.len();
        fold_into(mail, &mut self.text);
        let whole = start..self.text.len();
        let mail = self.text.get(whole.clone()).unwrap_or_default();
        let at = mail.find('@').unwrap_or(mail.len());
        let domains: Vec<usize> = domains(mail).collect();
        self.split(start..start + at);
        for from in domains {
            let length = looked_up(self.text.get(start + from..whole.end).unwrap_or_default()).len();
            self.spans.push(start + from..start + from + length);
        }
        self.spans.push(whole);
    }

    /// Adds the digits of a phone number.
    pub fn phone(&mut self, phone: &str) {
        let start = self.text.len();
        self.text.push_str(&digits(phone));
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

    /// Whether one of them, or a domain in one of them, begins so.
    pub fn has(&self, beginning: &str) -> bool {
        let domain = |word: &str| {
            beginning.len() > LOOKED_UP
                && domains(word).any(|from| word.get(from..).is_some_and(|domain| domain.starts_with(beginning)))
        };
        self.iter().any(|word| word.starts_with(beginning) || domain(word))
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

/// One word of a question, or what may be meant by several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// Everything that is meant has a word that begins so.
    lead: String,
    /// Each a list of words that are all there.
    any: Vec<Vec<String>>,
}

impl Wanted {
    fn word(word: &str) -> Self {
        Self { lead: looked_up(word).to_owned(), any: vec![vec![word.to_owned()]] }
    }

    /// Either the whole as one word, or its parts.
    fn whole_or_parts(whole: String, parts: Vec<String>) -> Option<Self> {
        let first = parts.first()?;
        let lead = looked_up(if whole.starts_with(first.as_str()) { first } else { &whole }).to_owned();
        let any = if parts.len() > 1 { vec![vec![whole], parts] } else { vec![parts] };
        Some(Self { lead, any })
    }

    /// The beginning that is looked up first, and that what is found is sorted by.
    pub fn lead(&self) -> &str {
        &self.lead
    }

    /// The beginnings to look up: all of any of these lists.
    pub fn lists(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        self.any.iter().map(|words| words.iter().map(|word| looked_up(word)))
    }

    /// Whether it is one word that is looked up whole: then whoever has its beginning is meant.
    pub fn is_plain(&self) -> bool {
        self.single().is_some_and(|word| word.len() <= LOOKED_UP)
    }

    /// Whether these words are meant.
    pub fn is_met_by(&self, words: &Words) -> bool {
        self.any.iter().any(|all| all.iter().all(|word| words.has(word)))
    }

    fn single(&self) -> Option<&str> {
        match &self.any[..] {
            [words] => match &words[..] {
                [word] => Some(word),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The words of a question; all of them must be found. Digits with the marks between them are one number, a word with an
/// @ is the beginning of one address, or of a domain where it begins with it; a word with a dot or hyphen in it is a
/// domain or several words.
pub(crate) fn question(text: &str) -> Vec<Wanted> {
    if is_number(text) {
        return vec![Wanted::word(&digits(text))];
    }
    let text = fold(text);
    let mut wanted = Vec::new();
    let mut parts = text.split_whitespace().peekable();
    while let Some(part) = parts.next() {
        if is_number(part) {
            let mut number = part.to_owned();
            while let Some(more) = parts.next_if(|part| is_number(part)) {
                number.push(' ');
                number.push_str(more);
            }
            let pieces = number.split_whitespace().map(digits).collect();
            wanted.extend(Wanted::whole_or_parts(digits(&number), pieces));
        } else if let Some(domain) = part.strip_prefix('@') {
            let domain = domain.trim_start_matches(|c: char| !c.is_alphanumeric());
            wanted.extend((!domain.is_empty()).then(|| Wanted::word(domain)));
        } else if part.contains('@') {
            wanted.push(Wanted::word(part));
        } else {
            let whole = part.trim_matches(|c: char| !c.is_alphanumeric()).replace(APOSTROPHES, "");
            let pieces: Vec<String> = split(&whole).map(str::to_owned).collect();
            if whole.contains(['.', '-']) {
                wanted.extend(Wanted::whole_or_parts(whole, pieces));
            } else {
                wanted.extend(pieces.iter().map(|piece| Wanted::word(piece)));
            }
        }
    }
    without_shorter(wanted)
}

/// Whoever is found by a longer word is found by the shorter one it begins with.
fn without_shorter(wanted: Vec<Wanted>) -> Vec<Wanted> {
    let whole = wanted.clone();
    let is_needed = |(at, wanted): &(usize, Wanted)| {
        let Some(word) = wanted.single() else { return true };
        let longer = whole.iter().enumerate().filter_map(|(other, longer)| Some((other, longer.single()?)));
        !longer
            .into_iter()
            .any(|(other, longer)| longer.starts_with(word) && (longer.len() > word.len() || other < *at))
    };
    wanted.into_iter().enumerate().filter(is_needed).map(|(_, wanted)| wanted).collect()
}

/// What people write within a name and leave out as often.
const APOSTROPHES: [char; 5] = ['\'', '\u{2019}', '\u{2018}', '\u{2bc}', '`'];

fn is_number(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-/().".contains(c))
}

/// The digits of a phone number as it is written abroad: without the 00 before a country, and without the 0 that falls away
/// behind it.
fn digits(number: &str) -> String {
    let number = number.trim_start();
    let is_abroad = number.starts_with('+') || number.starts_with("00");
    let number = if is_abroad { number.replacen("(0)", "", 1) } else { number.to_owned() };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("00").filter(|rest| !rest.is_empty()) {
        Some(rest) => rest.to_owned(),
        None => digits,
    }
}

/// Where the domain of a mail address begins, from each of its words on but the last.
fn domains(mail: &str) -> impl Iterator<Item = usize> {
    let at = mail.find('@').unwrap_or(mail.len());
    let last = mail.rfind('.').filter(|dot| *dot > at).unwrap_or(mail.len());
    let mut within = false;
    mail.char_indices().filter_map(move |(place, letter)| {
        let begins = letter.is_alphanumeric() && !within;
        within = letter.is_alphanumeric();
        (begins && place > at && place < last).then_some(place)
    })
}

fn looked_up(word: &str) -> &str {
    let mut length = word.len().min(LOOKED_UP);
    while !word.is_char_boundary(length) {
        length -= 1;
    }
    word.get(..length).unwrap_or_default()
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(add: impl FnOnce(&mut Words)) -> Vec<String> {
        let mut words = Words::default();
        add(&mut words);
        words.sorted().iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_row_has_the_words_people_look_for() {
        let found = words(|words| {
            words.name("Dr. Anna-Lena");
            words.name("Müller");
            words.mail("Anna.Mueller@Crafts.example.org");
            words.phone("+49 30 1234");
            words.phone("030 1234");
        });
        let expected = [
            "0301234",
            "49301234",
            "anna.mueller@crafts.example.org",
            "crafts.example.",
            "dr",
            "example.org",
            "lena",
            "mueller",
            "muller",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_is_found_with_its_apostrophe_and_without() {
        assert_eq!(words(|words| words.name("Ann O\u{2019}Brien-D'Arcy")), ["ann", "arcy", "brien", "darcy", "obrien"]);
        assert_eq!(question("O'Brien"), question("OBrien"));
        assert_eq!(words(|words| words.name("' Ann '")), ["ann"]);
    }

    #[test]
    fn a_number_has_the_same_words_from_abroad_however_it_is_written() {
        for number in ["+49 30 1234", "0049 30 1234", "+49 (0)30 1234", "0049(0)301234"] {
            assert_eq!(words(|words| words.phone(number)), ["49301234"], "{number}");
        }
        assert_eq!(words(|words| words.phone("(0)30 1234")), ["0301234"]);
        assert_eq!(question("00"), question(" 00 "));
    }

    fn plain(text: &str) -> Vec<String> {
        question(text).iter().map(|wanted| wanted.single().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_question_has_its_words() {
        assert_eq!(plain("  ma SCH "), ["ma", "sch"]);
        assert_eq!(plain("Ma Maria"), ["maria"], "whoever is found by the long one is found by the short one");
        assert_eq!(plain("ma ma"), ["ma"]);
        assert_eq!(plain("+49 (30) 12-34"), ["49301234"]);
        assert_eq!(plain("0049 (30) 12-34"), ["49301234"]);
        assert_eq!(plain("anna.m@craf"), ["anna.m@craf"]);
        assert_eq!(plain("@crafts.example.org"), ["crafts.example.org"]);
        assert_eq!(plain("Studio 54"), ["studio", "54"]);
        assert_eq!(question(" . @ ").len(), 0);
    }

    #[test]
    fn a_question_may_mean_a_whole_or_its_parts() {
        let lists = |text: &str| question(text).pop().unwrap().any;
        assert_eq!(lists("anna.mueller"), [vec!["anna.mueller"], vec!["anna", "mueller"]]);
        assert_eq!(lists("anna +49 30 1234"), [vec!["49301234"], vec!["49", "30", "1234"]]);
        assert_eq!(question("crafts.example.org")[0].lead(), "crafts");
    }
}
