//! Randomness from the system, drawn 4 KiB at a time for each thread, since a seal needs 88 bytes and a call costs more.
//!
//! Bytes are zeroed in the buffer as they are handed out. The program never forks, so no two processes share a buffer.

use std::cell::RefCell;

use zeroize::{Zeroize, Zeroizing};

const DRAWN: usize = 4096;

/// The system gave no randomness. Nothing can be sealed and no key drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness: {0}")]
pub struct NoRandomness(getrandom::Error);

struct Pool {
    bytes: Box<Zeroizing<[u8; DRAWN]>>,
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool { bytes: Box::new(Zeroizing::new([0; DRAWN])), used: DRAWN });
}

/// Fills the bytes with randomness that was never given to anybody else.
pub(crate) fn fill(out: &mut [u8]) -> Result<(), NoRandomness> {
    POOL.try_with(|pool| pool.borrow_mut().take(out)).unwrap_or_else(|_| draw(out))
}

/// So many random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

impl Pool {
    fn take(&mut self, out: &mut [u8]) -> Result<(), NoRandomness> {
        if out.len() > DRAWN {
            return draw(out);
        }
        if out.len() > DRAWN - self.used {
            draw(self.bytes.as_mut_slice())?;
            self.used = 0;
        }
        let end = self.used + out.len();
        if let Some(source) = self.bytes.get_mut(self.used..end) {
            out.copy_from_slice(source);
            source.zeroize();
        }
        self.used = end;
        Ok(())
    }
}

fn draw(out: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(out).map_err(NoRandomness)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_bytes_come_twice_whatever_their_number() {
        let mut seen = HashSet::new();
        for length in (16..300).chain([4095, 4096, 4097, 9000]) {
            let mut out = vec![0; length];
            fill(&mut out).unwrap();
            for piece in out.chunks_exact(16) {
                assert!(seen.insert(piece.to_vec()), "the same 16 bytes twice, at length {length}");
            }
        }
    }
}
