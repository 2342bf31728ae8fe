//! Given the files of the tour, when a browser or a reader takes them, then nothing leads elsewhere and they fit together.

use std::net::SocketAddr;

use reqwest::blocking::Response;
use tokio::runtime::Runtime;

use super::steps::{Carried, Step, steps};
use super::*;

/// Serves the routes for as long as it lives.
struct Site {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Site {
    fn open(demo: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, routes(demo)).await });
        Self { address, _runtime: runtime }
    }

    fn get(&self, path: &str) -> Response {
        let client = replay::https::builder(None).unwrap().build().unwrap();
        client.get(format!("http://{}{path}", self.address)).send().unwrap()
    }
}

/// The values of an attribute in the page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_page_is_short_and_refers_to_nothing_elsewhere() {
    let lines: usize = [PAGE, STYLE, SCRIPT].iter().map(|file| file.lines().count()).sum();
    assert!(lines < 300, "{lines} lines");
    for file in [PAGE, STYLE, SCRIPT, &steps::json()] {
        for elsewhere in ["http:", "https:", "src=\"//", "@import", "url(", "data:", "import("] {
            assert!(!file.contains(elsewhere), "{elsewhere}");
        }
    }
    for kept in ["localStorage", "sessionStorage", "cookie =", "indexedDB", "location.hash", "history."] {
        assert!(!SCRIPT.contains(kept), "a token must stay in the page: {kept}");
    }
}

#[test]
fn the_page_works_under_its_policy() {
    let site = Site::open(true);
    let page = site.get("/");
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"] {
        assert!(policy.split("; ").any(|part| part == rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    let page = page.text().unwrap();
    assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/tour/tour.js\" defer></script>").count());
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"), "nothing inline");
    for needed in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", ".style"]
    {
        assert!(!SCRIPT.contains(needed), "{needed}");
    }
    for (paths, kind) in [(attributes(&page, "src"), "text/javascript"), (attributes(&page, "href"), "text/css")] {
        assert_eq!(paths.len(), 1);
        let file = site.get(paths[0]);
        assert_eq!(file.headers()["content-type"], format!("{kind}; charset=utf-8"));
        assert_eq!(file.headers()["content-security-policy"], policy.as_str());
    }
    assert!(SCRIPT.contains("fetch(\"/tour/steps.json\")"));
    let listed: Vec<Step> = serde_json::from_str(&site.get("/tour/steps.json").text().unwrap()).unwrap();
    assert_eq!(listed.len(), 8);
}

#[test]
fn without_demo_there_is_no_tour_and_the_endpoints_are_named() {
    let site = Site::open(false);
    let text = site.get("/");
    assert_eq!(text.headers()["content-type"], "text/plain; charset=utf-8");
    let text = text.text().unwrap();
    for endpoint in ["/graphql", "/log/tile", "/health", "/ready", "/metrics"] {
        assert!(text.lines().any(|line| line.starts_with(endpoint)), "{endpoint}");
    }
    assert_eq!(site.get("/tour/steps.json").status(), 404);
}

#[test]
fn every_step_asks_for_what_is_known_by_then() {
    let mut known: Carried = ["today", "then", "origin"].map(|name| (name.to_owned(), "known".to_owned())).into();
    for (number, step) in (1..).zip(steps()) {
        assert!(step.file.starts_with(&format!("{number}-")), "{}", step.file);
        assert!(["agent", "dpo"].contains(&step.role.as_str()));
        assert!(PAGE.contains(&format!("<input id=\"{}\"", step.role)), "a field for the token");
        let document = async_graphql::parser::parse_query(&step.document).unwrap();
        let mut named: Vec<&str> = document.operations.iter().filter_map(|(name, _)| Some(name?.as_str())).collect();
        let mut operations = step.operations();
        operations.sort_unstable();
        named.sort_unstable();
        assert_eq!((operations, named.is_empty()), (named, false), "the page makes a button of each");
        let line = step.line(&known).unwrap_or_default();
        for text in [step.fill(&known).to_string(), line] {
            assert!(!text.contains("{{"), "{} asks for what nobody has said: {text}", step.file);
        }
        known.extend(step.carry.keys().map(|name| (name.clone(), "known".to_owned())));
    }
}

#[test]
fn what_is_carried_on_is_where_the_step_says() {
    let find = &steps()[0];
    let mut carried = Carried::new();
    let node = serde_json::json!({ "id": "contact_1", "points": [{ "id": "point_1" }, { "id": "point_2" }] });
    find.take(&serde_json::json!({ "contacts": { "edges": [{ "node": node }] } }), &mut carried);
    assert_eq!((carried["contact"].as_str(), carried["email"].as_str()), ("contact_1", "point_1"));
    find.take(&serde_json::json!({ "contacts": { "edges": [] } }), &mut carried);
    assert_eq!(carried["contact"], "contact_1", "nothing found is nothing learnt");
}
