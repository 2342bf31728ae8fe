//! Counts the tokens of a document before anything parses it: the parser recurses once for each open bracket.

use super::{Exceeded, Limits};

/// What the count found out beside the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Whether the text holds nothing but names, punctuation and small numbers: no string, no comment, no number of
    /// more than four digits. Only such a text may be kept in memory after its request.
    pub plain: bool,
}

/// Why a document is not even parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Exceeded(Exceeded),
    /// A string that does not end. The parser must not see it: it would read on behind the quote where this count
    /// stopped, and could meet brackets that were never counted.
    OpenString,
}

/// Counts tokens and open brackets as GraphQL's lexical grammar defines them (October 2021, 2.1).
pub fn scan(query: &str, limits: &Limits) -> Result<Scan, Unreadable> {
    let mut rest = query.as_bytes();
    let (mut tokens, mut open, mut plain) = (0_usize, 0_usize, true);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = tail;
                continue;
            }
            b'#' => {
                plain = false;
                rest = after(tail, |b| !matches!(b, b'\n' | b'\r'));
                continue;
            }
            b'"' => {
                plain = false;
                string(rest).ok_or(Unreadable::OpenString)?
            }
            b'0'..=b'9' => {
                let end = after(tail, |b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
                plain &= rest.len().saturating_sub(end.len()) <= 4;
                end
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => after(tail, |b| b.is_ascii_alphanumeric() || b == b'_'),
            _ => tail,
        };
        match byte {
            b'{' | b'[' | b'(' => open = open.saturating_add(1),
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        tokens = tokens.saturating_add(1);
        if tokens > limits.tokens {
            return Err(Unreadable::Exceeded(Exceeded::Tokens(limits.tokens)));
        }
        if open > limits.nesting {
            return Err(Unreadable::Exceeded(Exceeded::Nesting(limits.nesting)));
        }
    }
    Ok(Scan { plain })
}

fn after(bytes: &[u8], inside: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|b| !inside(*b)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// What stands behind the string or block string that `bytes` begins with.
fn string(bytes: &[u8]) -> Option<&[u8]> {
    if let Some(block) = bytes.strip_prefix(b"\"\"\"") {
        return block_string(block);
    }
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        let (byte, tail) = rest.split_first()?;
        rest = match byte {
            b'"' => return Some(tail),
            b'\n' | b'\r' => return None,
            b'\\' => tail.split_first()?.1,
            _ => tail,
        };
    }
}

fn block_string(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        if let Some(tail) = rest.strip_prefix(b"\"\"\"") {
            return Some(tail);
        }
        rest = rest.strip_prefix(b"\\\"\"\"").or_else(|| rest.split_first().map(|(_, tail)| tail))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(tokens: usize) -> Limits {
        Limits { tokens, nesting: 3, ..Limits::default() }
    }

    #[test]
    fn names_numbers_strings_and_marks_are_one_token_each_and_space_is_none() {
        assert_eq!(scan("{ a1(b: -12.5e3, c: $d) } # not counted", &limits(10)), too_many());
        assert_eq!(scan("{a(b:\"{ { { {\",c:7)}", &limits(11)), Ok(Scan { plain: false }));
        assert_eq!(scan("{a(b:\"\"\" \" \\\"\"\" {{{{ \"\"\",)}", &limits(10)), Ok(Scan { plain: false }));
        assert_eq!(scan("\u{feff}{ a }", &limits(6)), Ok(Scan { plain: true }));
    }

    #[test]
    fn brackets_that_are_open_at_once_are_counted() {
        assert_eq!(scan("{([])}{([])}", &limits(99)), Ok(Scan { plain: true }));
        assert_eq!(scan("{([{", &limits(10)), Err(Unreadable::Exceeded(Exceeded::Nesting(3))));
    }

    #[test]
    fn a_string_that_never_ends_is_not_handed_to_the_parser() {
        for text in ["{a(b:\"", "{a(b:\"x\n)}", "[ \"\"\" [[[[ \" [[[[", "\"\\"] {
            assert_eq!(scan(text, &limits(10)), Err(Unreadable::OpenString), "{text}");
        }
    }

    #[test]
    fn only_texts_without_values_of_people_are_plain() {
        let many = limits(99);
        assert_eq!(scan("query($a: ID!) { b(first: 100, id: $a) { c } }", &many), Ok(Scan { plain: true }));
        for text in ["{a(b:\"c\")}", "{a} # Anna", "{a(b: 19700101)}", "{a(b:\"\"\"c\"\"\")}"] {
            assert_eq!(scan(text, &many), Ok(Scan { plain: false }), "{text}");
        }
    }

    fn too_many() -> Result<Scan, Unreadable> {
        Err(Unreadable::Exceeded(Exceeded::Tokens(10)))
    }
}
