//! Text as it is compared: without case, without accents, compatible forms as one.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Appends the folded form: compatibility decomposition without marks (Unicode Standard Annex #15), lower case, and the
/// few letters that have no decomposition as people type them without (`ø` as `o`, `ß` as `ss`).
pub(crate) fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        return out.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
    }
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    for letter in letters.filter(|c| !is_combining_mark(*c)) {
        match letter {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            'þ' => out.push_str("th"),
            'ς' => out.push('σ'),
            other => out.push(other),
        }
    }
}

/// The folded form.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// A number that sorts as the first sixteen bytes do.
pub(crate) fn first_sixteen(text: &str) -> u128 {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(text.bytes()).for_each(|(into, byte)| *into = byte);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_forms_fold_away() {
        for (written, folded) in [
            ("Müller", "muller"),
            ("Mu\u{308}ller", "muller"),
            ("ÅNGSTRÖM", "angstrom"),
            ("Łukasz Żółć", "lukasz zolc"),
            ("Straße", "strasse"),
            ("Søren Ærø", "soren aero"),
            ("İstanbul Işık", "istanbul isik"),
            ("ΟΔΥΣΣΕΎΣ", "οδυσσευσ"),
            ("Ｆｕｌｌ ﬁt", "full fit"),
            ("Йордан", "иордан"),
            ("王小明", "王小明"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }

    #[test]
    fn numbers_sort_as_the_text_they_begin_with() {
        assert!(first_sixteen("ab") < first_sixteen("abc"));
        assert_eq!(first_sixteen("abcdefghabcdefghx"), first_sixteen("abcdefghabcdefghy"));
        assert!(first_sixteen("schmidt anna") < first_sixteen("schmidt bert"));
    }
}
