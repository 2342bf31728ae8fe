//! What a program does first that has keys and personal data in clear: they are to leave its memory neither with a core dump nor
//! by swap.

use std::io;

#[cfg(target_os = "linux")]
use rustix::mm::{MlockAllFlags, mlockall};
#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, getrlimit, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, setrlimit};

/// A way out of the memory that could not be shut. It is no reason not to go on, and is to be told.
#[derive(Debug, thiserror::Error)]
pub enum Leak {
    /// A core dump.
    #[error("core dumps cannot be switched off: {0}")]
    Core(io::Error),
    /// Swap.
    #[error(
        "keys and personal data may be written to swap: the limit for locked memory (RLIMIT_MEMLOCK, `ulimit -l`, \
         LimitMEMLOCK= of systemd) must be unlimited, or the swap encrypted or off; {why}"
    )]
    Swap {
        /// What the system says.
        why: String,
    },
}

/// Shuts these ways, as far as the system lets it, for as long as the process lives, and says which ones stay open. Pages are
/// locked as they are used. To be called before anything is read.
pub fn keep() -> Vec<Leak> {
    [leave_no_core().map_err(Leak::Core), stay_out_of_swap()].into_iter().filter_map(Result::err).collect()
}

fn leave_no_core() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A limit of 0 does not hold for a handler that the kernel pipes the core to.
    #[cfg(target_os = "linux")]
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn stay_out_of_swap() -> Result<(), Leak> {
    let limit = getrlimit(Resource::Memlock).maximum;
    // Under a limit the locks would go well for a while, and then memory would run out.
    if let Some(limit) = limit.filter(|_| !may_lock_all()) {
        return Err(Leak::Swap { why: format!("it is {limit} bytes") });
    }
    // A lock on all that is reserved, and not only on what is used, would fill it.
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
        .map_err(|error| Leak::Swap { why: error.to_string() })
}

#[cfg(not(target_os = "linux"))]
fn stay_out_of_swap() -> Result<(), Leak> {
    Ok(())
}

/// Whether the process has CAP_IPC_LOCK, for which no limit counts (capabilities(7): number 14).
#[cfg(target_os = "linux")]
fn may_lock_all() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    effective.is_some_and(|capabilities| capabilities >> 14 & 1 == 1)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// The files of a process that leaves no core belong to root (proc(5)); where the tests are root's, it is asked of itself.
    #[test]
    fn a_process_that_keeps_its_memory_leaves_no_core_and_is_locked() {
        let leaks = keep();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(std::fs::metadata("/proc/self/environ").unwrap().uid(), 0);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        let is_locked = locked.trim() != "0 kB";
        assert_eq!(is_locked, leaks.is_empty(), "{locked}: {leaks:?}");
        assert!(leaks.iter().all(|leak| leak.to_string().contains("RLIMIT_MEMLOCK")), "{leaks:?}");
    }
}
