//! A claim code: what somebody who asks to be forgotten keeps, so that they can come back. The log holds its hash and nobody
//! but them the code.
//!
//! 32 random bytes, written as 52 symbols of 5 bits (Crockford's base 32; the last 4 bits are 0) and 4 more that find a
//! mistake in writing: the first 20 bits of the code's hash. 56 symbols, in groups of 4. The hash is BLAKE3 `derive_key` of the
//! 32 bytes, so a browser needs the bytes, the context and any BLAKE3.

use blake3::hazmat::hash_derive_key_context;
use domain::subject::ClaimMark;
use zeroize::{Zeroize, Zeroizing};

use crate::derive::{Context, derive};
use crate::random::{self, NoRandomness};

static MARK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 claim code"));

/// Digits and capital letters without I, L, O and U: nothing that is taken for something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BYTES: usize = 32;
const CHECK: usize = 4;
const SYMBOLS: usize = 52 + CHECK;
const GROUP: usize = 4;

/// A claim code. It can be written down on purpose ([`ClaimCode::write`]) and in no other way, and is zeroed when it is dropped.
///
/// ```compile_fail
/// let code = events::claim::ClaimCode::draw().unwrap();
/// println!("{code:?}");
/// ```
///
/// ```
/// let code = events::claim::ClaimCode::draw().unwrap();
/// println!("{:?}", code.mark());
/// ```
pub struct ClaimCode(Box<[u8; BYTES]>);

/// What was typed is no claim code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoClaimCode {
    /// Too short or too long.
    #[error("a claim code has {SYMBOLS} letters and digits, and this has {0}")]
    Length(usize),
    /// One that no code has.
    #[error("letter {0} of this claim code is none: it has digits and letters without U")]
    Symbol(usize),
    /// Two were taken for each other, or changed places.
    #[error("this claim code was mistyped: its last four letters do not fit the others")]
    Check,
}

impl ClaimCode {
    /// A code that nobody ever had.
    pub fn draw() -> Result<Self, NoRandomness> {
        let mut code = Self(Box::new([0; BYTES]));
        random::fill(&mut *code.0)?;
        Ok(code)
    }

    /// The code that was typed. Small letters, spaces and hyphens are forgiven, and so are O for 0, and I and L for 1.
    ///
    /// # Errors
    /// When it was mistyped. The words say where, and never what.
    pub fn parse(typed: &str) -> Result<Self, NoClaimCode> {
        let mut digits = Zeroizing::new([0_u8; SYMBOLS]);
        let symbols = || typed.chars().filter(|symbol| !matches!(symbol, '-' | ' ' | '\t' | '\r' | '\n'));
        let found = symbols().take(2 * SYMBOLS).count();
        if found != SYMBOLS {
            return Err(NoClaimCode::Length(found));
        }
        for (number, (digit, symbol)) in (1..).zip(digits.iter_mut().zip(symbols())) {
            *digit = digit_of(symbol).ok_or(NoClaimCode::Symbol(number))?;
        }
        let mut code = Self(Box::new([0; BYTES]));
        let rest = unpack(&digits[..], &mut code.0);
        let check = check_of(&code.mark());
        if rest != 0 || digits.iter().rev().take(CHECK).rev().copied().ne(check) {
            return Err(NoClaimCode::Check);
        }
        Ok(code)
    }

    /// The code as it is written on a slip. Whoever calls this answers for where it goes.
    pub fn write(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(pack(&self.0));
        let check = check_of(&self.mark());
        // Never grown: what is left behind by a move would not be zeroed.
        let mut text = Zeroizing::new(String::with_capacity(SYMBOLS + SYMBOLS / GROUP));
        for (number, digit) in digits.iter().copied().chain(check).enumerate() {
            if number > 0 && number % GROUP == 0 {
                text.push('-');
            }
            text.push(ALPHABET.get(usize::from(digit)).map_or('0', |symbol| char::from(*symbol)));
        }
        text
    }

    /// What the log holds of it.
    pub fn mark(&self) -> ClaimMark {
        ClaimMark(derive(&MARK, &[&*self.0]))
    }
}

impl Drop for ClaimCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

fn digit_of(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|known| char::from(*known) == symbol)?;
    u8::try_from(at).ok()
}

/// The digits of 5 bits, the highest first; the last one is filled up with zeros.
fn pack(bytes: &[u8; BYTES]) -> [u8; SYMBOLS - CHECK] {
    let mut digits = [0; SYMBOLS - CHECK];
    let bit = |number: usize| bytes.get(number / 8).map_or(0, |byte| byte >> (7 - number % 8) & 1);
    for (number, digit) in digits.iter_mut().enumerate() {
        *digit = (0..5).fold(0, |sum, at| sum << 1 | bit(number * 5 + at));
    }
    digits
}

/// The bytes of these digits, and what stands in the bits behind them.
fn unpack(digits: &[u8], bytes: &mut [u8; BYTES]) -> u8 {
    let bit = |number: usize| digits.get(number / 5).map_or(0, |digit| digit >> (4 - number % 5) & 1);
    for (number, byte) in bytes.iter_mut().enumerate() {
        *byte = (0..8).fold(0, |sum, at| sum << 1 | bit(number * 8 + at));
    }
    (BYTES * 8..(SYMBOLS - CHECK) * 5).fold(0, |sum, at| sum | bit(at))
}

/// The first 20 bits of the mark, which the log tells everybody anyway.
fn check_of(mark: &ClaimMark) -> [u8; CHECK] {
    let digits = pack(&mark.0);
    std::array::from_fn(|at| digits.get(at).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(typed: &str) -> NoClaimCode {
        ClaimCode::parse(typed).err().unwrap()
    }

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        for _ in 0..200 {
            let code = ClaimCode::draw().unwrap();
            let written = code.write();
            assert_eq!((written.len(), written.matches('-').count()), (SYMBOLS + 13, 13));
            let typed = [
                written.to_string(),
                written.to_lowercase().replace('-', " "),
                written.replace('0', "o").replace('1', "l"),
                format!(" {}\n", written.replace('-', "")),
            ];
            for typed in typed {
                assert_eq!(ClaimCode::parse(&typed).unwrap().mark(), code.mark());
            }
            assert_ne!(ClaimCode::draw().unwrap().mark(), code.mark());
        }
    }

    #[test]
    fn what_was_mistyped_is_told_where() {
        let code = ClaimCode(Box::new([0xa5; BYTES]));
        let written = code.write();
        assert_eq!(wrong(""), NoClaimCode::Length(0));
        assert_eq!(wrong(&format!("{}0", *written)), NoClaimCode::Length(SYMBOLS + 1));
        assert_eq!(wrong(&"é".repeat(100_000)), NoClaimCode::Length(2 * SYMBOLS), "it is not read to its end");
        assert_eq!(wrong(&written.replacen('M', "U", 1)), NoClaimCode::Symbol(1 + symbols(&written, 'M')));
        let mut mistaken = 0;
        for (at, was) in written.char_indices().filter(|(_, symbol)| *symbol != '-') {
            for is in ALPHABET.iter().map(|symbol| char::from(*symbol)).filter(|is| *is != was) {
                let mut typed = written.to_string();
                typed.replace_range(at..=at, &is.to_string());
                assert_eq!(wrong(&typed), NoClaimCode::Check, "{at}");
                mistaken += 1;
            }
        }
        assert_eq!(mistaken, SYMBOLS * 31);
    }

    fn symbols(written: &str, of: char) -> usize {
        written.chars().filter(|symbol| *symbol != '-').position(|symbol| symbol == of).unwrap()
    }

    /// The bytes 00 to 1f, as `FORMAT.md` has them, so that a browser can be held against it.
    #[test]
    fn the_example_of_the_document_is_right() {
        let code = ClaimCode(Box::new(std::array::from_fn(|at| at as u8)));
        let mark: String = code.mark().0.iter().map(|byte| format!("{byte:02x}")).collect();
        let document = include_str!("../FORMAT.md");
        assert!(document.contains(&*code.write()) && document.contains(&mark), "{} {mark}", *code.write());
    }
}
