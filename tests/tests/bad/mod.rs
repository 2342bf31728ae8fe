//! Bad input: each gets a clear typed answer, and changes nothing.

mod clock;
mod commands;
mod directories;
mod disk;
mod requests;
mod values;
