//! One-time codes: what a person gets in a mail and gives back. Only the hash is kept.

use super::super::outcome::No;
use crate::error::Failure;

/// Digits and capital letters without I, L, O and U: nothing that is taken for something else (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// So many symbols of 5 bits: 140 bits.
const SYMBOLS: usize = 28;
/// Written in groups of so many.
const GROUP: usize = 4;

/// A new code, as it is written, and its hash.
pub fn draw() -> Result<(String, [u8; 32]), No> {
    let mut drawn = zeroize::Zeroizing::new([0; SYMBOLS]);
    getrandom::fill(drawn.as_mut_slice()).map_err(|failed| Failure::internal(failed.to_string()))?;
    let symbols: Vec<char> = drawn.iter().map(|byte| symbol(byte & 31)).collect();
    let groups: Vec<String> = symbols.chunks(GROUP).map(|group| group.iter().collect()).collect();
    let code = groups.join("-");
    let hash = hash(&code).ok_or_else(|| Failure::internal("a code that does not read back"))?;
    Ok((code, hash))
}

/// The hash of a presented code: BLAKE3 `derive_key` of its symbols, with a context of its own. Small letters, spaces and
/// hyphens are forgiven, and so are O for 0, and I and L for 1. Nothing when it cannot be a code.
pub fn hash(presented: &str) -> Option<[u8; 32]> {
    let symbols = presented.chars().filter(|c| !matches!(c, '-' | ' '));
    let symbols = symbols.take(SYMBOLS + 1).map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    let symbols = zeroize::Zeroizing::new(symbols.collect::<String>());
    let known = symbols.len() == SYMBOLS && symbols.bytes().all(|symbol| ALPHABET.contains(&symbol));
    known.then(|| events::secret::code_hash(&symbols))
}

fn symbol(number: u8) -> char {
    ALPHABET.get(usize::from(number)).map_or('0', |symbol| char::from(*symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let Ok((code, kept)) = draw() else { panic!("no code") };
        assert_eq!(code.len(), SYMBOLS + SYMBOLS / GROUP - 1);
        assert_eq!(hash(&code), Some(kept));
        assert_eq!(hash(&code.to_lowercase().replace('-', " ")), Some(kept));
        assert_eq!(hash(&code.replace('0', "o").replace('1', "l")), Some(kept));
        let Ok((other, _)) = draw() else { panic!("no code") };
        assert_ne!(hash(&other), Some(kept));
        for wrong in ["", "code", &format!("{code}0"), &code.replace(|c: char| c != '-', "U"), &"é".repeat(28)] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
    }
}
