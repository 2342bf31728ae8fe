//! The rules: what each command may do and what each fact means. Pure: no clock, no randomness, no I/O, no async.

pub mod actor;
pub mod aggregate;
pub mod anchor;
pub mod backup;
pub mod channel;
mod code;
pub mod compartment;
pub mod consent;
pub mod contact;
pub mod event;
pub mod holding;
pub mod id;
pub mod ledger;
pub mod limits;
pub mod notice;
pub mod organization;
pub mod owner;
pub mod personal;
pub mod point;
pub mod profile;
pub mod quote;
pub mod register;
pub mod subject;
pub mod suppression;
pub mod ticket;
pub mod time;
pub mod value;
