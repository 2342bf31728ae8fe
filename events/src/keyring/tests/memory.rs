//! The memory of this very process, as a core dump would hold it: a key that was destroyed is nowhere in it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::*;

/// A key under a mask, so that whoever looks for it does not find the looking.
struct Sought([u8; 32]);

const MASK: u8 = 0xa5;

impl Sought {
    fn of(key: &Key) -> Self {
        let mut masked = [0; 32];
        masked.iter_mut().zip(key.expose()).for_each(|(to, from)| *to = from ^ MASK);
        Self(masked)
    }

    fn is_at(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(found, sought)| found ^ MASK == *sought)
    }
}

/// How often each of them lies in memory that can be written.
fn count(sought: &[&Sought]) -> Vec<usize> {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut counts = vec![0; sought.len()];
    let mut piece = vec![0; 1 << 16];
    let own = piece.as_ptr_range();
    let own = own.start as u64..own.end as u64;
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut words = line.split_whitespace();
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|digits| u64::from_str_radix(digits, 16).unwrap());
        if !mode.starts_with("rw") || to - from > 1 << 30 {
            continue;
        }
        let mut at = from;
        while at + 32 <= to {
            let wanted = piece.len().min((to - at) as usize);
            let Ok(read) = memory.read_at(&mut piece[..wanted], at) else { break };
            for (offset, window) in piece[..read].windows(32).enumerate() {
                if own.contains(&(at + offset as u64)) {
                    continue;
                }
                for (count, sought) in counts.iter_mut().zip(sought) {
                    *count += usize::from(sought.is_at(window));
                }
            }
            if read < 32 {
                break;
            }
            // What lies across two pieces is found with the second.
            at += read as u64 - 31;
        }
    }
    counts
}

#[cfg(target_os = "linux")]
#[test]
fn no_destroyed_key_is_left_in_memory() {
    let home = Home::new();
    let ring = home.create();
    let (dies, lives) = (mint(&ring, 3), mint(&ring, 1));
    let victims: Vec<Sought> = dies.iter().map(|(_, key)| Sought::of(key)).collect();
    let (survivor, ids) = (Sought::of(&lives[0].1), ids(&dies));
    drop((dies, lives));
    let top = Sought::of(&ring.ring.tree().top_key);
    // Everything that is done with a key before it dies.
    ring.fence(&ids[..2]);
    ring.unfence(&ids[..1]).unwrap();
    assert!(ring.open_fenced(&ids[1]).unwrap().is_some());
    drop(ring);
    let ring = home.open();
    ring.settle(all_used, true).unwrap();
    assert!(matches!(ring.state(&ids[2]), KeyState::Live(_)));
    let all: Vec<&Sought> = victims.iter().chain([&survivor, &top]).collect();
    let before = count(&all);
    assert!(before.iter().all(|count| *count > 0), "the reader is blind: {before:?}");
    ring.destroy(&ids).unwrap();
    let after = count(&all);
    assert!(after[3] > 0, "the reader went blind: {after:?}");
    assert_eq!((&after[..3], after[4]), (&[0, 0, 0][..], 0), "destroyed keys, and the top key of before: {after:?}");
}
