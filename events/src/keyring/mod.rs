//! The keys, apart from everything they protect: in their own directory, in their own format, never in sled.

mod key;

pub use key::Key;
