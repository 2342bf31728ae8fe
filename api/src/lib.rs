//! The server: GraphQL over HTTP. It knows the ledger and the views; it knows no rule of the domain by heart.

pub mod access;
pub mod app;
pub mod backup;
pub mod cli;
pub mod config;
pub mod demo;
pub mod error;
mod evidence;
pub mod export;
pub mod graphql;
pub mod http;
pub mod import;
pub mod kept;
pub mod keys;
pub mod limits;
pub mod local;
pub mod log_routes;
pub mod open;
pub mod publish;
pub mod replays;
pub mod restore;
pub mod server;
pub mod tokens;
pub mod tour;
pub mod welcome;
