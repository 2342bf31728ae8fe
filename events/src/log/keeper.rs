//! Syncs the head mark every now and then, at the end, and when told to.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::LogError;
use super::headmark::{self, HeadMark};

/// The thread that syncs the head mark.
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    mark: Arc<Mutex<HeadMark>>,
    /// A handle of its own, so that a sync does not stand in the way of the next write. Held while one goes on.
    file: Mutex<File>,
    stop: Mutex<bool>,
    wake: Condvar,
}

impl Keeper {
    /// Starts it. When a sync fails, `stopped` becomes true.
    pub fn start(mark: Arc<Mutex<HeadMark>>, every: Duration, stopped: Arc<AtomicBool>) -> Result<Self, LogError> {
        let file = Mutex::new(mark.lock().handle()?);
        let shared = Arc::new(Shared { mark, file, stop: Mutex::new(false), wake: Condvar::new() });
        let runner = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("head mark".to_owned()).spawn(move || runner.run(every, &stopped));
        let thread = thread.map_err(LogError::io("start a thread for", Path::new(headmark::NAME)))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Syncs now.
    pub fn sync(&self) -> Result<(), LogError> {
        self.shared.sync()
    }
}

impl Shared {
    fn sync(&self) -> Result<(), LogError> {
        let file = self.file.lock();
        self.mark.lock().syncing();
        headmark::sync(&file)?;
        self.mark.lock().synced();
        Ok(())
    }

    fn run(&self, every: Duration, stopped: &AtomicBool) {
        let mut stop = self.stop.lock();
        loop {
            if !*stop {
                self.wake.wait_for(&mut stop, every);
            }
            if let Err(error) = self.sync() {
                tracing::error!(%error, "the log stops: its head mark cannot be synced");
                stopped.store(true, Ordering::Release);
                return;
            }
            if *stop {
                return;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        *self.shared.stop.lock() = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
