//! The 61 audits of the npm package `graphql-http` (GraphQL over HTTP, as of 1.23.1).
#![allow(clippy::unwrap_used, reason = "a test")]

mod edge;

use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs node and the npm package graphql-http"]
fn all_audits_of_graphql_http_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/audits/graphql-http");
    let edge = edge::start(edge::Setup::default());
    let audits = Command::new("node").arg(folder.join("run.mjs")).arg(edge.url()).arg("secret").output().unwrap();
    let (said, failed) = (String::from_utf8_lossy(&audits.stdout), String::from_utf8_lossy(&audits.stderr));
    assert!(audits.status.success() && said.trim() == "61 of 61 audits pass", "{said}{failed}");
}
