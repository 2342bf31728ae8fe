use std::net::SocketAddr;

use axum_server::Handle;
use domain::actor::Role;
use events::checkpoint::Checkpoint;
use events::note::{SignedNote, VerifierKey};
use events::tree::{Node, Rows};
use replay::copy::{CopyError, from_server};
use replay::https;
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
        http().get(format!("{}{path}", self.url())).bearer_auth(token).send().unwrap()
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

/// Reqwest itself has no TLS to begin with.
fn http() -> Client {
    https::builder(None).unwrap().build().unwrap()
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
        let head = from_server(&server.url(), &token, None, out.path()).unwrap();
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
        let copied = from_server(&server.url(), &token(&desk, role), None, out.path());
        assert!(matches!(copied, Err(CopyError::Status(403))));
    }
    let nobody = http().get(format!("{}/log/head", server.url())).send().unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(nobody.headers()["x-content-type-options"], "nosniff");
    let open = Server::start(&desk, true);
    let anybody = http().get(format!("{}/log/head", open.url())).send().unwrap();
    assert_eq!(anybody.status(), 200);
    let head = desk.app.ledger().log().head();
    assert_eq!(anybody.text().unwrap().trim(), Head { size: head.size, hash: head.hash }.to_string());
    let led = http().get(format!("{}/log/head", open.url())).header("host", "evil.example").send().unwrap();
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

/// The rows of the tree as a client takes them: the tiles of one size, each read once.
struct Tiles<'a> {
    server: &'a Server,
    token: &'a str,
    size: u64,
}

impl Rows for Tiles<'_> {
    type Error = String;

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, String> {
        let (tile, from) = (first / WIDTH, (first % WIDTH) as usize);
        let width = bundle::width(tile, tree::files::width(row, self.size)).ok_or("beyond the tree")?;
        let path = format!("/log/{}", bundle::path(&row.to_string(), tile, width));
        let answer = self.server.get(&path, self.token);
        assert_eq!(answer.status(), 200, "{path}");
        let bytes = answer.bytes().unwrap();
        let (nodes, []) = bytes.as_chunks::<32>() else { return Err("a tile is not hashes".into()) };
        assert_eq!(nodes.len() as u64, width);
        Ok(nodes[from..][..count].to_vec())
    }
}

#[test]
fn checkpoint_tiles_and_bundles_are_one_log() {
    let desk = busy();
    let ledger = desk.app.ledger();
    let server = Server::start(&desk, false);
    let auditor = token(&desk, Role::Auditor);
    let signed = ledger.publish_now().unwrap();
    let served = server.get("/log/checkpoint", &auditor);
    assert_eq!((served.status().as_u16(), served.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
    assert_eq!(served.headers()["content-type"], "text/plain; charset=utf-8");
    let note = SignedNote::parse(&served.bytes().unwrap()).unwrap();
    let key: VerifierKey = ledger.published().key().to_string().parse().unwrap();
    let checkpoint = Checkpoint::open(&note, &key).unwrap();
    assert_eq!(checkpoint, signed.checkpoint);
    assert_eq!(checkpoint.size, desk.size());
    let tiles = Tiles { server: &server, token: &auditor, size: checkpoint.size };
    assert_eq!(tree::root(&tiles, checkpoint.size).unwrap(), checkpoint.root);
    for index in [0, 255, 256, checkpoint.size - 1] {
        let record = ledger.log().record(index).unwrap().unwrap().record;
        let path = tree::inclusion(&tiles, index, checkpoint.size).unwrap();
        tree::included(tree::leaf(&record), index, checkpoint.size, &checkpoint.root, &path).unwrap();
    }
    let path = tree::consistency(&tiles, 256, checkpoint.size).unwrap();
    tree::consistent((256, &tree::root(&tiles, 256).unwrap()), (checkpoint.size, &checkpoint.root), &path).unwrap();

    assert_eq!(
        server.get("/log/tile/0/000", &auditor).headers()["cache-control"],
        "private, max-age=31536000, immutable"
    );
    let beyond = format!("/log/tile/0/001.p/{}", checkpoint.size - 255);
    for nothing in
        [&beyond, "/log/tile/1/000", "/log/tile/00/000", "/log/tile/64/000", "/log/tile/9/000.p/1", "/log/tile/0/1"]
    {
        assert_eq!(server.get(nothing, &auditor).status(), 404, "{nothing}");
    }
    for path in ["/log/checkpoint", "/log/tile/0/000"] {
        assert_eq!(server.get(path, &token(&desk, Role::Agent)).status(), 403);
        assert_eq!(http().get(format!("{}{path}", server.url())).send().unwrap().status(), 401);
    }
}

#[test]
fn a_log_signs_one_root_for_one_size() {
    let mut desk = busy();
    let mut roots = std::collections::BTreeMap::new();
    let mut keep = |desk: &Desk| {
        let signed = desk.app.ledger().publish_now().unwrap();
        let before = roots.insert(signed.checkpoint.size, signed.note.to_string());
        assert!(before.is_none_or(|before| before == signed.note.to_string()), "the same size is signed the same");
        signed.checkpoint.size
    };
    for round in 0..4 {
        let size = keep(&desk);
        assert_eq!(desk.app.ledger().log().mark().checkpoint.0, size, "it is in the head mark");
        desk = desk.restart();
        let again = desk.app.ledger().published().latest().unwrap();
        assert!(again.checkpoint.size >= size, "there is a checkpoint from the start");
        keep(&desk);
        desk.contact(&format!("Another {round}"));
    }
}
