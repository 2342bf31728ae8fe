use std::net::SocketAddr;

use axum_server::Handle;
use domain::actor::Role;
use replay::copy::{CopyError, from_server};
use replay::source::Source;
use replay::verify::verify;
use reqwest::blocking::{Client, Response};
use tokio::runtime::Runtime;

use super::*;
use crate::graphql::schema;
use crate::graphql::testing::Desk;
use crate::http::metrics::Metrics;
use crate::http::serve;
use crate::limits::Limits;
use crate::tokens;

/// A server in front of a desk's ledger, and a token of each role.
struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    fn start(desk: &Desk, demo: bool) -> Self {
        let mut app = desk.app.clone();
        app.demo = demo;
        let limits = Limits::default();
        let metrics = Metrics::new().unwrap();
        let edge = Edge::new(schema(app.clone()), app.clone(), Vec::new(), limits, &metrics);
        let router = routes(&edge, &app);
        let runtime = Runtime::new().unwrap();
        let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { serve::serve(listener, router, None, Handle::new(), &limits).await.unwrap() });
        Self { address, _runtime: runtime }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn get(&self, path: &str, token: &str) -> Response {
        Client::new().get(format!("{}{path}", self.url())).bearer_auth(token).send().unwrap()
    }
}

fn token(desk: &Desk, role: Role) -> String {
    let actor = desk.viewer(role).actor;
    tokens::issue(&desk.app, actor, actor, None).unwrap().text
}

fn busy() -> Desk {
    let desk = Desk::open();
    for number in 0..300 {
        desk.contact(&format!("Person {number}"));
    }
    desk
}

#[test]
fn an_audit_copy_of_a_running_server_verifies() {
    let desk = busy();
    let maria = desk.contact("Maria");
    desk.erase(&maria);
    let server = Server::start(&desk, false);
    for role in [Role::Auditor, Role::Dpo] {
        let token = token(&desk, role);
        let out = tempfile::tempdir().unwrap();
        let head = from_server(&server.url(), &token, out.path()).unwrap();
        assert_eq!(head.size, desk.size());
        let source = Source::open(out.path()).unwrap();
        let consistent = verify(&source, Some(head), &mut |_, _| {}, &|_, _| {}).unwrap();
        assert_eq!((consistent.head, consistent.certified, consistent.expected), (head, 1, true));
    }
}

#[test]
fn the_log_is_for_auditors_and_the_dpo_and_in_a_demo_for_all() {
    let desk = Desk::open();
    let server = Server::start(&desk, false);
    for role in [Role::Agent, Role::Integration, Role::Admin] {
        let refused = server.get("/log/head", &token(&desk, role));
        assert_eq!(refused.status(), 403, "{role:?}");
        let out = tempfile::tempdir().unwrap();
        let copied = from_server(&server.url(), &token(&desk, role), out.path());
        assert!(matches!(copied, Err(CopyError::Status(403))));
    }
    let nobody = Client::new().get(format!("{}/log/head", server.url())).send().unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(nobody.headers()["x-content-type-options"], "nosniff");
    let open = Server::start(&desk, true);
    let anybody = Client::new().get(format!("{}/log/head", open.url())).send().unwrap();
    assert_eq!(anybody.status(), 200);
    let head = desk.app.ledger().log().head();
    assert_eq!(anybody.text().unwrap().trim(), Head { size: head.size, hash: head.hash }.to_string());
    let led = Client::new().get(format!("{}/log/head", open.url())).header("host", "evil.example").send().unwrap();
    assert_eq!(led.status(), 401, "a page that leads its own name here is not of this machine");
}

#[test]
fn bundles_are_there_up_to_the_durable_size_and_nothing_else_is() {
    let desk = busy();
    let auditor = token(&desk, Role::Auditor);
    let server = Server::start(&desk, false);
    let size = desk.size();
    let get = |path: &str| server.get(path, &auditor);
    let full = get("/log/tile/entries/000");
    assert_eq!(
        (full.status().as_u16(), full.headers()["cache-control"].to_str().unwrap()),
        (200, "private, max-age=31536000, immutable")
    );
    assert_eq!(bundle::records(&full.bytes().unwrap()).unwrap().len(), 256);
    let partial = get("/log/tile/entries/000.p/7");
    assert_eq!((partial.status().as_u16(), partial.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
    assert_eq!(bundle::records(&partial.bytes().unwrap()).unwrap().len(), 7, "as of a smaller size");
    let inventory = get("/log/tile/inventory/000");
    assert_eq!(inventory.headers()["cache-control"], "no-store", "parts are swept later");
    assert_eq!(bundle::inventory(&inventory.bytes().unwrap()).unwrap().len(), 256);
    let last = size - 256;
    assert_eq!(get(&format!("/log/tile/entries/001.p/{last}")).status(), 200);
    for beyond in [
        format!("001.p/{}", last + 1),
        "001".into(),
        "002.p/1".into(),
        "x999/999".into(),
        "0".into(),
        "000.p/0".into(),
        "..%2Fhead".into(),
    ] {
        assert_eq!(get(&format!("/log/tile/entries/{beyond}")).status(), 404, "{beyond}");
        assert_eq!(get(&format!("/log/tile/inventory/{beyond}")).status(), 404, "{beyond}");
    }
}
