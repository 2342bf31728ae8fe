//! The files of an export: written beside, for their owner alone, and named when they are whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Lines of JSON on their way into a file.
pub(super) struct Lines {
    file: String,
    out: BufWriter<File>,
    hash: blake3::Hasher,
    count: u64,
}

/// A file that is whole.
pub(super) struct Written {
    pub file: String,
    pub count: u64,
    /// BLAKE3 of its bytes.
    pub hash: String,
}

impl Lines {
    pub fn begin(dir: &Path, name: &str) -> io::Result<Self> {
        let file = format!("{name}.jsonl");
        let out = BufWriter::new(new(&dir.join(&file))?);
        Ok(Self { file, out, hash: blake3::Hasher::new(), count: 0 })
    }

    pub fn put(&mut self, line: &Value) -> io::Result<()> {
        let line = format!("{line}\n");
        self.hash.update(line.as_bytes());
        self.count += 1;
        self.out.write_all(line.as_bytes())
    }

    /// Durable when it returns.
    pub fn end(self) -> io::Result<Written> {
        let Self { file, out, hash, count } = self;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(Written { file, count, hash: hash.finalize().to_hex().to_string() })
    }
}

/// Writes `export.json` and what explains the files, and says the digest that the log is to hold. That is no hash of
/// personal data: a salt that stands nowhere else goes into it.
pub(super) fn write_manifest(
    dir: &Path,
    readme: &str,
    manifest: impl FnOnce(&str) -> Value,
) -> Result<[u8; 32], String> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|none| none.to_string())?;
    let salt: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = format!("{:#}\n", manifest(&salt));
    let put = |name: &str, text: &str| {
        let mut file = new(&dir.join(name))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())
    };
    put("README.txt", readme).and_then(|()| put("export.json", &manifest)).map_err(|failed| failed.to_string())?;
    Ok(*blake3::hash(manifest.as_bytes()).as_bytes())
}

/// Where an export is written before it has its name. Neither may be there.
pub(super) fn beside(dir: &Path) -> Result<PathBuf, String> {
    let name = dir.file_name().ok_or("an export needs a directory of its own")?;
    let beside = dir.with_file_name(format!("{}.unfinished", name.to_string_lossy()));
    if beside.exists() {
        return Err(format!("{} is left over from an export that was cut off: remove it", beside.display()));
    }
    if dir.exists() { Err(format!("{} is there already", dir.display())) } else { Ok(beside) }
}

/// All files are their owner's alone, and durable, when it returns.
pub(super) fn close(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::set_permissions(&path, Permissions::from_mode(0o700))?;
            close(&path)?;
        } else {
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            File::open(&path)?.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()
}

/// Gives the directory its name. Durable when it returns.
pub(super) fn name(beside: &Path, dir: &Path) -> io::Result<()> {
    fs::rename(beside, dir)?;
    match dir.parent().filter(|above| !above.as_os_str().is_empty()) {
        Some(above) => File::open(above)?.sync_all(),
        None => Ok(()),
    }
}

/// Whether a directory that may have to be made lies in another one, however it is named.
pub(super) fn lies_in(dir: &Path, data: &Path) -> bool {
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let there = dir.ancestors().find_map(|above| above.canonicalize().ok());
    there.unwrap_or_else(|| dir.to_owned()).starts_with(data)
}

fn new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
