//! lethe
fn main() {}
