//! The file that rejected rows are written to: the one place outside the seals that their content may go, and only where
//! the caller asks for it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

/// Why there is no file for rejects.
#[derive(Debug, thiserror::Error)]
pub enum RejectsError {
    /// It would hold personal data in clear below the data directory.
    #[error("the file for rejected rows must not lie in the data directory")]
    InDataDirectory,
    /// Whoever made it may have given others access to it.
    #[error("the file for rejected rows exists already; name one that does not")]
    Exists,
    /// The disk said no.
    #[error("the file for rejected rows cannot be made: {0}")]
    Io(#[from] io::Error),
}

/// Takes the rejected rows as they stand in the file (in UTF-8), below its header, so that they can be mended and imported.
/// They have no name until all of them are there: a run that is killed leaves nothing of them behind.
pub struct Rejects {
    file: BufWriter<File>,
    path: PathBuf,
    has_name: bool,
}

impl Rejects {
    /// Makes the file, readable by its owner only. It must not exist and not lie in the data directory, by whatever links.
    pub fn create(path: &Path, data_directory: &Path, header: &str) -> Result<Self, RejectsError> {
        let named = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = named.canonicalize()?;
        if lies_in(&directory, data_directory)? {
            return Err(RejectsError::InDataDirectory);
        }
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        let path = directory.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(RejectsError::Exists);
        }
        let (file, has_name) = match unnamed(&directory) {
            Ok(file) => (file, false),
            // Some file systems know no files without a name.
            Err(Errno::OPNOTSUPP | Errno::ISDIR) => (named_at_once(&path)?, true),
            Err(error) => return Err(RejectsError::Io(error.into())),
        };
        let mut rejects = Self { file: BufWriter::new(file), path, has_name };
        rejects.write(header)?;
        Ok(rejects)
    }

    /// Adds a row.
    pub fn write(&mut self, raw: &str) -> io::Result<()> {
        self.file.write_all(raw.as_bytes())?;
        self.file.write_all(b"\n")
    }

    /// Writes what is left and gives it its name, over no other file; all rows are durable when it returns.
    pub fn finish(self) -> Result<(), RejectsError> {
        let Self { file, path, has_name } = self;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        if !has_name {
            let open = format!("/proc/self/fd/{}", file.as_raw_fd());
            let linked = rustix::fs::linkat(CWD, open, CWD, &path, AtFlags::SYMLINK_FOLLOW);
            linked.map_err(|error| match error {
                Errno::EXIST => RejectsError::Exists,
                error => RejectsError::Io(error.into()),
            })?;
        }
        let directory = path.parent().unwrap_or(Path::new("/"));
        Ok(File::open(directory)?.sync_all()?)
    }
}

fn unnamed(directory: &Path) -> rustix::io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

fn named_at_once(path: &Path) -> Result<File, RejectsError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => RejectsError::Exists,
        _ => RejectsError::Io(error),
    })
}

/// Whether a directory is the other, or below it. Paths are compared after all links, and directories by device and
/// number, so that a second name (a bind mount) does not hide one.
fn lies_in(directory: &Path, data_directory: &Path) -> io::Result<bool> {
    let data_directory = resolve(data_directory)?;
    if directory.starts_with(&data_directory) {
        return Ok(true);
    }
    let Ok(data) = data_directory.metadata() else { return Ok(false) };
    let same = |path: &Path| path.metadata().is_ok_and(|it| (it.dev(), it.ino()) == (data.dev(), data.ino()));
    Ok(directory.ancestors().any(same))
}

/// The path after all links, for as much of it as exists; a data directory may still have to be made.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    for ancestor in absolute.ancestors() {
        if let Ok(resolved) = ancestor.canonicalize() {
            let rest = absolute.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return Ok(walk(resolved, rest));
        }
    }
    Ok(absolute)
}

fn walk(mut from: PathBuf, rest: &Path) -> PathBuf {
    for component in rest.components() {
        match component {
            Component::ParentDir => {
                from.pop();
            }
            Component::Normal(name) => from.push(name),
            _ => {}
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn rows_go_below_the_header_into_a_file_for_its_owner() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("rejects.csv");
        let mut rejects = Rejects::create(&path, &home.path().join("data"), "id;name").unwrap();
        rejects.write("7;\"open").unwrap();
        rejects.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "id;name\n7;\"open\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Rejects::create(&path, &home.path().join("data"), "id;name");
        assert!(matches!(again, Err(RejectsError::Exists)));
    }

    #[test]
    fn a_killed_run_leaves_no_file_in_the_way_of_the_next() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("rejects.csv");
        let mut killed = Rejects::create(&path, &home.path().join("data"), "id").unwrap();
        killed.write("7").unwrap();
        // Whoever is killed writes no more; what is open is closed.
        drop(killed);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        let mut again = Rejects::create(&path, &home.path().join("data"), "id").unwrap();
        again.write("8").unwrap();
        again.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "id\n8\n");
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("rejects.csv");
        let rejects = Rejects::create(&path, &home.path().join("data"), "id").unwrap();
        fs::write(&path, "another's").unwrap();
        assert!(matches!(rejects.finish(), Err(RejectsError::Exists)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "another's");
    }

    #[test]
    fn no_name_leads_into_the_data_directory() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        fs::create_dir_all(data.join("journal")).unwrap();
        symlink(&data, home.path().join("link")).unwrap();
        symlink(data.join("journal"), home.path().join("deep")).unwrap();
        let refused = |path: PathBuf, data: &Path| {
            let made = Rejects::create(&path, data, "id");
            assert!(matches!(made, Err(RejectsError::InDataDirectory)), "{}", path.display());
            assert!(!path.exists());
        };
        refused(data.join("r.csv"), &data);
        refused(data.join("journal/r.csv"), &data);
        refused(home.path().join("link/r.csv"), &data);
        refused(home.path().join("deep/r.csv"), &data);
        refused(home.path().join("deep/../r.csv"), &data);
        refused(data.join("r.csv"), &home.path().join("link"));
        refused(home.path().join("r.csv"), &home.path().join("missing/.."));
        // A link to a file that is not there yet is not followed.
        symlink(data.join("r.csv"), home.path().join("r.csv")).unwrap();
        assert!(matches!(Rejects::create(&home.path().join("r.csv"), &data, "id"), Err(RejectsError::Exists)));
        assert!(!data.join("r.csv").exists());
    }
}
