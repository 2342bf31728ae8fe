//! What the edge refuses, and how it says so, over real sockets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod edge;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::http::serve;
use api::limits::Limits;
use edge::{Server, Setup, start};
use replay::https;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

const GRAPHQL: &str = "application/graphql-response+json";

/// Reqwest itself has no TLS to begin with.
fn http() -> Client {
    https::builder(None).unwrap().build().unwrap()
}

#[test]
fn a_request_without_a_valid_token_gets_nothing() {
    let server = start(Setup::default());
    for (token, code) in [
        (None, "TOKEN_MISSING"),
        (Some("Basic secret"), "TOKEN_MALFORMED"),
        (Some("Bearer guess"), "TOKEN_UNKNOWN"),
        (Some("Bearer old"), "TOKEN_EXPIRED"),
        (Some("Bearer taken-back"), "TOKEN_REVOKED"),
    ] {
        for query in ["{ greeting }", "{ __schema { queryType { name } } }", "{"] {
            let mut request = http().post(server.url()).json(&json!({ "query": query }));
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            let response = request.send().unwrap();
            assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
            assert_eq!(refused(response), (401, code.into()));
        }
    }
}

#[test]
fn a_viewer_is_known_to_resolvers() {
    let server = start(Setup::default());
    assert_eq!(body(ask(&server, "{ viewer }"))["data"]["viewer"], "anna");
}

#[test]
fn only_a_json_post_changes_anything() {
    let server = start(Setup::default());
    let mutation = r#"{"query":"mutation { register(name: \"x\") }"}"#;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let request = to(&server).header("content-type", content_type).body(mutation);
        assert_eq!(refused(request.send().unwrap()), (415, "NOT_JSON".into()), "{content_type}");
    }
    let by_get = server.url() + "?query=mutation%20%7B%20register(name:%22x%22)%20%7D";
    let response = http().get(by_get).bearer_auth("secret").send().unwrap();
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(refused(response), (405, "MUTATION_BY_GET".into()));
    let response = http().put(server.url()).bearer_auth("secret").send().unwrap();
    assert_eq!(refused(response), (405, "METHOD".into()));
    let batch = json!([{ "query": "{ greeting }" }]);
    assert_eq!(refused(to(&server).json(&batch).send().unwrap()), (400, "BAD_REQUEST".into()));
    let posted = to(&server).header("content-type", "application/json").body(mutation).send().unwrap();
    assert_eq!(body(posted)["data"]["register"], 1);
}

#[test]
fn pages_of_foreign_sites_are_refused_before_their_token_is_looked_at() {
    let server = start(Setup { allowed: vec!["https://crm.example.org".parse().unwrap()], ..Setup::default() });
    let from = |origin: &str| to(&server).header("origin", origin).json(&json!({ "query": "{ greeting }" })).send();
    assert_eq!(refused(from("https://evil.example").unwrap()), (403, "FOREIGN_ORIGIN".into()));
    let allowed = from("https://crm.example.org").unwrap();
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://crm.example.org");
    assert_eq!(body(allowed)["data"]["greeting"], "hello");
    assert!(from(&server.at("")).unwrap().status().is_success());

    let preflight =
        |origin: &str| http().request(reqwest::Method::OPTIONS, server.url()).header("origin", origin).send().unwrap();
    assert_eq!(preflight("https://crm.example.org").headers()["access-control-allow-methods"], "GET, POST");
    assert_eq!(preflight("https://evil.example").status(), 403);
}

#[test]
fn a_request_that_asks_for_too_much_is_refused_with_what_it_exceeded() {
    let few =
        Limits { tokens: 40, depth: 5, aliases: 2, root_fields: 3, fragments: 2, selections: 9, ..Limits::default() };
    let few = Limits { cost: 50, values: 9, body_bytes: 2_000, nesting: 9, ..few };
    let server = start(Setup { limits: few, ..Setup::default() });
    for (query, code) in [
        ("{ a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a }", "LIMIT_TOKENS"),
        ("{ a(b: [[[[[[[[[[]]]]]]]]]]) }", "LIMIT_NESTING"),
        ("{ itself { itself { itself { itself { itself { greeting } } } } } }", "LIMIT_DEPTH"),
        ("{ a: greeting b: greeting c: greeting }", "LIMIT_ALIASES"),
        ("{ greeting greeting greeting greeting }", "LIMIT_ROOT_FIELDS"),
        ("fragment a on Q { a } fragment b on Q { b } fragment c on Q { c } { d }", "LIMIT_FRAGMENTS"),
        ("{ itself { ...f ...f ...f } } fragment f on Query { greeting viewer }", "LIMIT_SELECTIONS"),
        ("{ contacts(first: 100) { name } }", "LIMIT_COST"),
        ("{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }", "GRAPHQL_VALIDATION"),
    ] {
        let request = |accept| to(&server).header("accept", accept).json(&json!({ "query": query })).send().unwrap();
        assert_eq!(refused(request(GRAPHQL)), (400, code.into()), "{query}");
        assert_eq!(refused(request("application/json")), (200, code.into()), "{query}");
    }
    let large = json!({ "query": "{ greeting }", "variables": { "a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 0] } });
    assert_eq!(refused(to(&server).json(&large).send().unwrap()), (200, "LIMIT_VALUES".into()));
    let long = json!({ "query": "{ greeting }", "other": "x".repeat(2_000) });
    assert_eq!(refused(to(&server).json(&long).send().unwrap()), (413, "LIMIT_BODY".into()));
}

#[test]
fn what_does_not_fit_the_schema_has_no_data_and_the_status_that_its_format_asks_for() {
    let server = start(Setup::default());
    for query in
        ["{ nothing }", "{ echo }", "query($v: Int!) { greeting }", "{ greeting @defer }", "{ greeting @stream }"]
    {
        let request = |accept| to(&server).header("accept", accept).json(&json!({ "query": query })).send().unwrap();
        assert_eq!(refused(request(GRAPHQL)), (400, "GRAPHQL_VALIDATION".into()), "{query}");
        assert_eq!(refused(request("application/json")), (200, "GRAPHQL_VALIDATION".into()), "{query}");
        assert_eq!(refused(request("text/html")), (406, "NOT_ACCEPTABLE".into()), "{query}");
    }
}

#[test]
fn where_everything_is_skipped_the_answer_is_an_empty_object() {
    let server = start(Setup::default());
    assert_eq!(body(ask(&server, "{ greeting @skip(if: true) }")), json!({ "data": {} }));
}

#[test]
fn a_body_without_a_length_is_counted_while_it_comes() {
    let server = start(Setup { limits: Limits { body_bytes: 1_000, ..Limits::default() }, ..Setup::default() });
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1_000));
    let mut stream = by_hand(&server, "transfer-encoding: chunked", &format!("{chunk}{chunk}"));
    assert!(answer_of(&mut stream).starts_with("HTTP/1.1 413"));
}

#[test]
fn who_sends_slowly_is_cut_off() {
    let limits = Limits { body_ms: 50, head_ms: 50, ..Limits::default() };
    let server = start(Setup { limits, ..Setup::default() });
    let mut slow_body = by_hand(&server, "content-length: 100", "{");
    assert!(answer_of(&mut slow_body).starts_with("HTTP/1.1 408"));
    let mut slow_head = TcpStream::connect(server.address).unwrap();
    slow_head.write_all(b"POST /graphql HTTP/1.1\r\nhost: x\r\n").unwrap();
    let said = answer_of(&mut slow_head);
    assert!(!said.contains("HTTP/1.1 200"), "{said}");
}

#[test]
fn an_execution_that_takes_too_long_is_given_up() {
    let server = start(Setup { limits: Limits { time_ms: 50, ..Limits::default() }, ..Setup::default() });
    assert_eq!(refused(ask(&server, "{ sleeps(ms: 60000) }")), (503, "LIMIT_TIME".into()));
}

#[test]
fn more_requests_than_there_is_room_for_are_told_to_come_back() {
    let server = start(Setup { limits: Limits { concurrent: 1, ..Limits::default() }, ..Setup::default() });
    let body = r#"{"query":"{ sleeps(ms: 9000) }"}"#;
    let _busy = by_hand(&server, &format!("content-length: {}", body.len()), body);
    until(|| server.asleep.load(Ordering::SeqCst));
    let response = ask(&server, "{ greeting }");
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(refused(response), (503, "LIMIT_CONCURRENT".into()));
}

#[test]
fn a_failure_shows_a_code_and_never_its_cause() {
    let server = start(Setup::default());
    for (query, status, code) in
        [("{ broken }", 200, "DAMAGED"), ("{ leaks }", 200, "INTERNAL"), ("{ panics }", 500, "INTERNAL")]
    {
        let response = to(&server).header("accept", GRAPHQL).json(&json!({ "query": query })).send().unwrap();
        let (got, said) = (response.status().as_u16(), response.text().unwrap());
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((got, &said["errors"][0]["extensions"]["code"]), (status, &json!(code)), "{said}");
        let text = said.to_string();
        assert!(!text.contains("position") && !text.contains("/var") && !text.contains("Planted"), "{text}");
    }
    let half = body(ask(&server, "{ greeting half }"));
    assert_eq!((&half["data"]["greeting"], &half["data"]["half"]), (&json!("hello"), &Value::Null));
    assert_eq!(half["errors"][0]["path"], json!(["half"]));
}

#[test]
fn no_value_that_was_sent_is_in_an_answer_or_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();
    api::error::hush_panics();
    let server = start(Setup::default());
    let planted = "Anna Planted";
    let mut said = String::new();
    for (query, variables) in [
        ("query($v: Int) { echo(text: \"x\", count: $v) }", json!({ "v": planted })),
        ("query($v: Color) { echo(text: \"x\", color: $v) }", json!({ "v": planted })),
        ("query($v: Day) { echo(text: \"x\", day: $v) }", json!({ "v": planted })),
        ("query($v: Filter!) { find(by: $v) }", json!({ "v": { "name": "x", "count": planted } })),
        ("query($v: Filter!) { find(by: $v) }", json!({ "v": { "name": "x", "color": planted } })),
        ("query($v: Filter!) { find(by: $v) }", json!({ "v": { "name": "x", "Anna Planted": 1 } })),
        ("query($v: Filter!) { find(by: $v) }", json!({ "v": planted })),
        ("query($v: [String!]!) { echo(text: $v) }", json!({ "v": [planted] })),
        ("{ echo(text: \"Anna Planted\", count: \"Anna Planted\") }", json!({})),
        ("{ echo(text: \"Anna Planted\", day: \"Anna Planted\") }", json!({})),
        ("{ echo(text: \"Anna Planted\", nothing: \"Anna Planted\") }", json!({})),
        ("{ echo(text: \"Anna Planted\" }", json!({})),
        ("{ echo(text: \"Anna Planted }", json!({})),
        ("{ panics }", json!({ "v": planted })),
        ("{ leaks }", json!({ "v": planted })),
        ("{ greeting }", json!(planted)),
    ] {
        let request = json!({ "query": query, "variables": variables });
        let text = to(&server).json(&request).send().unwrap().text().unwrap();
        assert!(text.contains("\"errors\""), "{query}: {text}");
        said.push_str(&text);
    }
    let named = json!({ "query": "query A { greeting } query B { greeting }", "operationName": planted });
    said.push_str(&to(&server).json(&named).send().unwrap().text().unwrap());
    said.push_str(
        &http()
            .get(server.url() + "?query=Planted&query=Planted")
            .bearer_auth("secret")
            .send()
            .unwrap()
            .text()
            .unwrap(),
    );
    said.push_str(&http().get(server.url()).bearer_auth("Planted").send().unwrap().text().unwrap());
    said.push_str(&String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    assert!(said.contains("a resolver panicked"), "the log is empty");
    assert!(!said.contains("Planted"), "{said}");
}

#[test]
fn the_vitals_need_no_token_and_every_answer_is_hardened() {
    let server = start(Setup::default());
    let get = |path: &str| http().get(server.at(path)).send().unwrap();
    assert_eq!(get("/health").status(), 200);
    assert_eq!(get("/ready").text().unwrap(), "ready\n");
    server.ready.store(false, Ordering::SeqCst);
    assert_eq!(get("/ready").status(), 503);
    assert_eq!(get("/health").status(), 200);
    ask(&server, "{ greeting }");
    ask(&server, "{ broken }");
    get("/graphql");
    let counted = get("/metrics").text().unwrap();
    for line in [
        "lethe_requests{operation=\"query\",outcome=\"answered\"} 1",
        "lethe_requests{operation=\"query\",outcome=\"errors\"} 1",
        "lethe_requests{operation=\"mutation\",outcome=\"answered\"} 0",
        "lethe_requests{operation=\"none\",outcome=\"refused\"} 1",
        "lethe_request_seconds_count{operation=\"query\"} 2",
    ] {
        assert!(counted.contains(line), "{line} is not in\n{counted}");
    }
    for path in ["/health", "/ready", "/metrics", "/graphql"] {
        let response = get(path);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    }
}

#[test]
fn a_server_that_is_told_to_stop_answers_what_it_has_accepted() {
    let server = start(Setup::default());
    let body = r#"{"query":"{ sleeps(ms: 300) }"}"#;
    let mut accepted = by_hand(&server, &format!("content-length: {}", body.len()), body);
    until(|| server.asleep.load(Ordering::SeqCst));
    serve::stop(&server.handle, &Limits::default());
    assert!(answer_of(&mut accepted).contains("awake"));
    until(|| TcpStream::connect(server.address).is_err());
}

/// Waits for what happens in another thread; gives up where it never would.
fn until(happened: impl Fn() -> bool) {
    let gives_up = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < gives_up, "it never happened");
        std::thread::yield_now();
    }
}

fn to(server: &Server) -> RequestBuilder {
    http().post(server.url()).bearer_auth("secret")
}

fn ask(server: &Server, query: &str) -> Response {
    to(server).json(&json!({ "query": query })).send().unwrap()
}

fn body(response: Response) -> Value {
    response.json().unwrap()
}

fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body = body(response);
    assert!(body.get("data").is_none(), "{body}");
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
}

/// Sends the head of a POST with a token, and what of the body there is.
fn by_hand(server: &Server, length: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head =
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\ncontent-type: application/json\r\n";
    write!(stream, "{head}connection: close\r\n{length}\r\n\r\n{body}").unwrap();
    stream
}

fn answer_of(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A connection that is reset behind its answer has answered all the same.
    let _ = stream.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
