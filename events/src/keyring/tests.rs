//! The keyring, tried through its interface. `home` makes one, and `image` is what somebody sees who has the disk.

mod answers;
mod bytes;
mod copies;
mod crash;
mod damage;
mod home;
mod image;
mod members;
mod memory;
mod model;
mod moved;
mod relocated;
mod shred;
mod suppressed;

use super::*;
use home::{Home, LOG, all_used, contains, drawn, ids, mint};
