//! Texts from outside, safe to print: a log, a file or a server may say what it likes, and none of it steers the terminal of who
//! reads it, or passes for a line of ours.

use domain::value::is_unseen;

/// The text on one line: what would end the line, would steer a terminal or shows nothing is replaced.
pub fn plain(text: &str) -> String {
    let replaced = |c: char| c.is_control() || is_unseen(c) || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if replaced(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_replaced() {
        assert_eq!(plain("CN=\u{1b}[2JGood\u{202e}"), "CN=\u{fffd}[2JGood\u{fffd}");
        assert_eq!(plain("a\nb\r\u{9b}8m\u{2028}"), "a\u{fffd}b\u{fffd}\u{fffd}8m\u{fffd}");
    }
}
