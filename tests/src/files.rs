//! Directories: copied, compared, and searched for values that must not be there.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Every file below a directory, by its path in it.
pub fn read_files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut waiting) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.is_file() {
                files.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Writes files into a directory that has none of them.
pub fn write_files(root: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, bytes) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Removes files and directories of a home.
///
/// # Panics
/// When one of them is not there.
pub fn lose(home: &Path, parts: &[&str]) {
    for part in parts {
        let path = home.join(part);
        if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
    }
}

/// Searches bytes for many values at once, in every form they might have leaked in.
pub struct Search {
    /// Patterns and the value each stands for, by their first bytes.
    patterns: HashMap<[u8; KEY], Vec<(Vec<u8>, String)>>,
}

const KEY: usize = 8;

impl Search {
    /// For texts: as UTF-8, in lower and upper case, UTF-16 in both orders, hexadecimal, base64.
    pub fn for_texts(texts: impl IntoIterator<Item = String>) -> Self {
        let mut search = Self { patterns: HashMap::new() };
        for text in texts {
            for form in [text.clone(), text.to_lowercase(), text.to_uppercase()] {
                let little: Vec<u8> = form.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let big: Vec<u8> = form.encode_utf16().flat_map(u16::to_be_bytes).collect();
                search.add_bytes(form.as_bytes(), &text);
                search.add(little, &text);
                search.add(big, &text);
            }
        }
        search
    }

    /// For ids: their bytes, hexadecimal, base64.
    pub fn for_ids(ids: impl IntoIterator<Item = [u8; 16]>) -> Self {
        let mut search = Self { patterns: HashMap::new() };
        for id in ids {
            search.add_bytes(&id, &format!("{id:02x?}"));
        }
        search
    }

    /// The values that are found, with where.
    pub fn find(&self, bytes: &[u8]) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, window) in bytes.windows(KEY).enumerate() {
            let Some(patterns) = self.patterns.get(window) else { continue };
            let here = patterns.iter().filter(|(pattern, _)| bytes[at..].starts_with(pattern));
            found.extend(here.map(|(_, value)| (at, value.clone())));
        }
        found
    }

    /// The values that are found in the files of a directory and in their names, each with its file.
    pub fn find_in(&self, root: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for (path, bytes) in read_files(root) {
            let name = path.to_string_lossy().into_owned();
            for (at, value) in self.find(&bytes).into_iter().chain(self.find(name.as_bytes())) {
                found.push(format!("{value} in {name} at {at}"));
            }
        }
        found
    }

    fn add_bytes(&mut self, bytes: &[u8], value: &str) {
        self.add(bytes.to_vec(), value);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(hex.to_uppercase().into_bytes(), value);
        self.add(hex.into_bytes(), value);
        for alphabet in [BASE64, BASE64_URL] {
            (0..3).for_each(|before| self.add(base64(bytes, before, alphabet), value));
        }
    }

    fn add(&mut self, pattern: Vec<u8>, value: &str) {
        let Some(key) = pattern.first_chunk::<KEY>() else { panic!("{value} is too short to be searched for") };
        let patterns = self.patterns.entry(*key).or_default();
        if patterns.iter().all(|(known, _)| *known != pattern) {
            patterns.push((pattern, value.to_owned()));
        }
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The letters of base64 that these bytes alone decide, behind this many others (RFC 4648).
fn base64(bytes: &[u8], before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let all = [&vec![0; before], bytes].concat();
    let bit = |at: usize| usize::from(all[at / 8] >> (7 - at % 8) & 1);
    let (from, to) = ((before * 8).div_ceil(6), all.len() * 8 / 6);
    (from..to).map(|letter| alphabet[(0..6).fold(0, |six, at| six << 1 | bit(letter * 6 + at))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_every_form() {
        let search = Search::for_texts(["Quittenbrot".to_owned()]);
        let utf16: Vec<u8> = "Quittenbrot".encode_utf16().flat_map(u16::to_be_bytes).collect();
        // "Quittenbrot", "xQuittenbrot", "xxQuittenbrot" as base64.
        for text in ["51756974", "UXVpdHRlbmJyb3Q=", "eFF1aXR0ZW5icm90", "eHhRdWl0dGVuYnJvdA=="] {
            let found = match text {
                "51756974" => search.find(b"..517569747465 6e"),
                _ => search.find(text.as_bytes()),
            };
            assert_eq!(found.len(), usize::from(text != "51756974"), "{text}");
        }
        for bytes in [&b"..Quittenbrot"[..], b"QUITTENBROT", b"5175697474656e62726f74", &utf16] {
            assert_eq!(search.find(bytes).len(), 1, "{bytes:?}");
        }
        assert_eq!(search.find(b"Quittenbro"), []);
    }
}
