//! Bytes inside a text: base64 in lines of 76 characters between two marks. One form, and nothing else is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

const BEGIN: &str = "-----BEGIN LETHE EVIDENCE-----\n";
const END: &str = "-----END LETHE EVIDENCE-----\n";
const WIDTH: usize = 76;

/// The bytes between their marks.
pub fn armor(bytes: &[u8]) -> String {
    let coded = BASE64.encode(bytes);
    let mut out = BEGIN.to_owned();
    let mut rest = coded.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(WIDTH));
        out.push_str(line);
        out.push('\n');
        rest = behind;
    }
    out + END
}

/// A text that ends with bytes between marks: what stands before them, and the bytes; nothing for any other text.
pub fn split(text: &str) -> Option<(&str, Vec<u8>)> {
    let (before, coded) = text.split_once(BEGIN)?;
    let coded = coded.strip_suffix(END)?;
    let bytes = BASE64.decode(coded.replace('\n', "")).ok()?;
    (armor(&bytes) == text.get(before.len()..)?).then_some((before, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_armored_reads_back_and_in_one_form_only() {
        for length in [0, 1, 56, 57, 58, 500] {
            let bytes: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let text = format!("A text.\n\n{}", armor(&bytes));
            assert!(text.lines().all(|line| line.len() <= WIDTH));
            assert_eq!(split(&text), Some(("A text.\n\n", bytes)));
        }
        let text = armor(&[7; 100]);
        for other in
            [text.replacen('\n', "\n\n", 1), text.replace('B', "b"), format!("{text}\n"), text.replace('=', "")]
        {
            assert_eq!(split(&other), None, "{other}");
        }
    }
}
