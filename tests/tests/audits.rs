//! GraphQL over HTTP: the 61 audits of the npm package `graphql-http`, on the real server and its real schema.

use std::path::Path;
use std::process::Command;

use tests::programs::run;
use tests::server::Server;

#[test]
#[ignore = "needs node and the npm package graphql-http"]
fn the_server_passes_all_audits_of_graphql_http() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("audits/graphql-http/run.mjs");
    let server = Server::start(&[]);
    let token = server.token("agent", "Nancy");
    let audits = run(Command::new("node").arg(script).arg(server.url()).arg(token));
    assert!(audits.code == Some(0) && audits.out.trim() == "61 of 61 audits pass", "{audits:?}");
}
