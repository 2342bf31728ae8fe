//! Runs a program under the shim.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::image::Image;
use super::replay;
use super::trace::{Trace, entry};
use crate::shim;

/// What is recorded and how the disk behaves meanwhile.
#[derive(Clone, Debug)]
pub struct Recorder {
    root: PathBuf,
    trace: Option<PathBuf>,
    variables: Vec<(&'static str, String)>,
}

/// A finished run.
pub struct Recording {
    pub trace: Trace,
    pub output: Output,
}

/// A run that goes on: a server. [`Running::finish`] reads what was recorded.
pub struct Running {
    pub child: Child,
    recorder: Recorder,
    trace: PathBuf,
    _home: tempfile::TempDir,
}

impl Recorder {
    /// Records what is done to `root`, which is made if it is missing. What it holds now counts as on the disk.
    pub fn new(root: &Path) -> Self {
        std::fs::create_dir_all(root).unwrap();
        Self { root: root.canonicalize().unwrap(), trace: None, variables: Vec::new() }
    }

    /// Goes on with the trace of an earlier run on the same directory, so that cuts see both: what that run left unsynced is
    /// still unsynced.
    #[must_use]
    pub fn trace_to(mut self, file: &Path) -> Self {
        self.trace = Some(file.to_owned());
        self
    }

    /// Below this subdirectory `write` and `O_APPEND` are known too; elsewhere they end the program.
    #[must_use]
    pub fn loose(self, subdirectory: &str) -> Self {
        self.with("LETHE_RECORD_LOOSE", ",", subdirectory)
    }

    /// Writes to this descriptor of the program are acknowledgements (sends on sockets always are).
    #[must_use]
    pub fn acknowledged_on(self, descriptor: i32) -> Self {
        self.with("LETHE_RECORD_ACK_FD", "", &descriptor.to_string())
    }

    /// A control: syncs of what fits the pattern succeed and are not done.
    #[must_use]
    pub fn swallow_syncs(self, pattern: &str) -> Self {
        self.with("LETHE_RECORD_SWALLOW", ";", pattern)
    }

    /// A fault, as `kind,pattern,nth,error,mode`; `shim/record.c` lists the words.
    #[must_use]
    pub fn fault(self, fault: &str) -> Self {
        self.with("LETHE_RECORD_FAULTS", ";", fault)
    }

    /// Runs to the end and reads the trace.
    ///
    /// # Errors
    /// A call that the shim does not know, or one that it did not see: the directory is not what the trace says.
    pub fn run(&self, mut command: Command) -> Result<Recording, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (file, _home) = self.trace_file();
        let output = self.prepare(&mut command, &file).output().map_err(|e| format!("{command:?}: {e}"))?;
        let trace = self.read(&file).map_err(|e| format!("{e}\n{}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(Recording { trace, output })
    }

    /// Starts a program that is ended by the caller; its standard streams are as the command says.
    pub fn spawn(&self, mut command: Command) -> Running {
        let (trace, home) = self.trace_file();
        let child = self.prepare(&mut command, &trace).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Running { child, recorder: self.clone(), trace, _home: home }
    }

    /// Puts a command under the shim that the caller starts and ends. What it records is not read: for faults alone.
    pub fn arm(&self, command: &mut Command) -> tempfile::TempDir {
        let (trace, home) = self.trace_file();
        self.prepare(command, &trace);
        home
    }

    fn with(mut self, name: &'static str, between: &str, value: &str) -> Self {
        match self.variables.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = format!("{old}{between}{value}"),
            None => self.variables.push((name, value.to_owned())),
        }
        self
    }

    /// The file of the trace, begun with what the directory holds unless an earlier run has begun it.
    fn trace_file(&self) -> (PathBuf, tempfile::TempDir) {
        let home = super::check::scratch();
        let file = self.trace.clone().unwrap_or_else(|| home.path().join("trace"));
        if !file.exists() {
            let mut out = std::fs::File::create(&file).unwrap();
            out.write_all(&Image::read(&self.root).entries()).unwrap();
        }
        (file, home)
    }

    fn prepare<'a>(&self, command: &'a mut Command, trace: &Path) -> &'a mut Command {
        command
            .env("LD_PRELOAD", shim::library("record", include_str!("../../shim/record.c")))
            .env("LETHE_RECORD_ROOT", &self.root)
            .env("LETHE_RECORD_TRACE", trace);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    fn read(&self, file: &Path) -> Result<Trace, String> {
        let trace = Trace::read(file)?;
        if let Some(call) = trace.refused() {
            return Err(format!("the shim does not know what a power cut leaves of this: {call}"));
        }
        let started = trace.steps.iter().any(|step| matches!(step, super::trace::Step::Started { .. }));
        if !started {
            return Err("the shim was not loaded".into());
        }
        replay::last(&trace)?.compare(&self.root)?;
        Ok(trace)
    }
}

impl Running {
    /// Waits for the end, or brings it with `kill -9`, and reads the trace.
    ///
    /// # Errors
    /// As [`Recorder::run`].
    pub fn finish(mut self, kill: bool) -> Result<Trace, String> {
        if kill {
            let _already_over = self.child.kill();
        }
        self.child.wait().unwrap();
        self.recorder.read(&self.trace)
    }
}

/// A mark that everything so far is on the disk, for a trace that goes on: the machine was shut down in order.
pub fn settle(trace: &Path) {
    let mut file = std::fs::OpenOptions::new().append(true).open(trace).unwrap();
    file.write_all(&entry(16, 0, 0, 0, "", &[])).unwrap();
}
