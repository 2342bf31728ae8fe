//! What the views are made of: small numbers for ids, sets of them, and orders over them.

mod groups;
mod ids;
mod order;
mod rows;

pub(crate) use groups::Groups;
pub(crate) use ids::Ids;
pub(crate) use order::{Gap, Order};
pub(crate) use rows::{Bits, Rows};
