//! The format of the small program `driver`, and what must hold of its directory after a cut.

use std::path::Path;

const SUM: usize = 16;

/// Entry `number`: its length, its number, a text that follows from it, and a checksum.
pub fn entry(number: u32) -> Vec<u8> {
    let text = vec![(number % 251) as u8; 100 + (number as usize * 37) % 1_500];
    let mut out = ((8 + text.len() + SUM) as u32).to_be_bytes().to_vec();
    out.extend(number.to_be_bytes());
    out.extend(text);
    let sum = *blake3::hash(&out).as_bytes();
    out.extend(&sum[..SUM]);
    out
}

/// How many whole entries stand at the beginning, and where they end.
pub fn read(bytes: &[u8]) -> (u32, u64) {
    let (mut number, mut end) = (0, 0);
    while let Some(rest) = bytes.get(end..) {
        let expected = entry(number);
        if !rest.starts_with(&expected) {
            break;
        }
        end += expected.len();
        number += 1;
    }
    (number, end as u64)
}

/// Nothing acknowledged is missing, and a mark is whole.
///
/// # Errors
/// What is missing.
pub fn look(directory: &Path, acknowledged: &[String]) -> Result<(), String> {
    let highest = |word: &str| {
        let numbers = acknowledged.iter().filter_map(|line| line.strip_prefix(word)).map(|n| n.parse::<u32>().unwrap());
        numbers.max()
    };
    let (count, _) = read(&std::fs::read(directory.join("log")).unwrap_or_default());
    if let Some(entry) = highest("entry ").filter(|entry| *entry >= count) {
        return Err(format!("entry {entry} was acknowledged, {count} are there"));
    }
    let mark = std::fs::read(directory.join("mark")).ok();
    let number = mark.as_ref().map(|bytes| bytes.get(4..8).map(|n| u32::from_be_bytes(n.try_into().unwrap())));
    match (number, highest("mark ")) {
        (None, None) => Ok(()),
        (None, Some(said)) => Err(format!("mark {said} was acknowledged, there is none")),
        (Some(there), said) if there.is_none() || mark != there.map(entry) => {
            Err(format!("the mark is not whole: {said:?}"))
        }
        (Some(there), said) if there < said => Err(format!("mark {said:?} was acknowledged, {there:?} is there")),
        _ => Ok(()),
    }
}
