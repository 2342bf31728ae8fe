//! Requests that are wrong before anybody looks at their values: form, size, method, origin, token.

use serde_json::{Value, json};
use tests::client::{Answer, Client, http};
use tests::desk;
use tests::programs::{issue_token, lethe};
use tests::server::{Server, unchanged};

fn server() -> (Server, Client, Client) {
    let server = Server::start(&[]);
    let (agent, auditor) = (server.client("agent"), server.client("auditor"));
    (server, agent, auditor)
}

/// The mutation that must never happen, as a body.
fn mutation() -> Value {
    let query = "mutation($input: RegisterContactInput!) { registerContact(input: $input) { position } }";
    json!({ "query": query, "variables": { "input": desk::person("Eve", "Unwanted", "eve@unwanted.example") } })
}

fn assert_code(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:#?}");
    assert!(answer.body["data"].is_null(), "{answer:#?}");
}

#[test]
fn what_is_no_request_is_refused() {
    let (_server, agent, auditor) = server();
    let json_body = |body: &str| {
        Answer::of(agent.post().header("content-type", "application/json").body(body.to_owned()).send().unwrap())
    };
    unchanged(&auditor, || {
        for body in [
            "",
            "{",
            "{\"query\":",
            "[]",
            "null",
            "\"{ viewer { actor } }\"",
            "{\"query\": 7}",
            "{\"query\": null}",
            "{}",
        ] {
            assert_code(&json_body(body), 400, "BAD_REQUEST");
        }
        let twice = mutation();
        assert_code(&json_body(&json!([twice, twice]).to_string()), 400, "BAD_REQUEST");
        assert_code(&agent.send("mutation {", json!({})), 200, "GRAPHQL_SYNTAX");
    });
}

#[test]
fn what_is_not_in_the_schema_is_refused_as_a_whole() {
    let (_server, agent, auditor) = server();
    let with = |more: Value| {
        let mut input = desk::person("Eve", "Unwanted", "eve@unwanted.example");
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    unchanged(&auditor, || {
        for input in [
            with(json!({ "shoeSize": 44 })),
            with(json!({ "source": "TELEPATHY" })),
            with(json!({ "firstName": 7 })),
            with(json!({ "source": null })),
            json!({ "firstName": "Eve" }),
            json!("Eve"),
        ] {
            let answer = agent.mutate("registerContact", &input, "");
            assert_code(&answer, 200, "GRAPHQL_VALIDATION");
            assert!(!answer.body.to_string().contains("unwanted.example"), "{answer:#?}");
        }
        assert_code(&agent.send("mutation { eraseEverybody { position } }", json!({})), 200, "GRAPHQL_VALIDATION");
        // One unknown field beside a good one: neither happens.
        let query = "mutation($input: RegisterContactInput!) {
            registerContact(input: $input) { position }
            other: registerContact(input: $input) { shoeSize }
        }";
        let input = desk::person("Eve", "Unwanted", "eve@unwanted.example");
        assert_code(&agent.send(query, json!({ "input": input })), 200, "GRAPHQL_VALIDATION");
    });
}

#[test]
fn who_asks_for_too_much_is_told_what_was_exceeded() {
    let (_server, agent, auditor) = server();
    let deep = |levels: usize| {
        let (open, close) = ("organization { contacts { nodes { ".repeat(levels), "} } }".repeat(levels));
        format!("{{ contacts {{ nodes {{ {open} id {close} }} }} }}")
    };
    let aliases = (0..2_000).map(|n| format!("a{n}: viewer {{ actor }} ")).collect::<String>();
    // Each fragment spreads the next twice: two to the thirtieth selections in a kilobyte.
    let bomb =
        (0..30).map(|n| format!("fragment f{n} on Query {{ ...f{} ...f{} }} ", n + 1, n + 1)).collect::<String>();
    let bomb = format!("{{ ...f0 }} {bomb} fragment f30 on Query {{ viewer {{ actor }} }}");
    let wide = "{ contacts(first: 100) { nodes { organization { contacts(first: 100) { nodes { organization { contacts(first: 100)
        { nodes { id } } } } } } } } }";
    let mutations =
        (0..500).map(|n| format!("m{n}: registerContact(input: $input) {{ position }} ")).collect::<String>();
    let mutations = format!("mutation($input: RegisterContactInput!) {{ {mutations} }}");
    let circle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
    unchanged(&auditor, || {
        for (query, allowed) in [
            (deep(8), &["LIMIT_DEPTH"][..]),
            (format!("{{ {aliases} }}"), &["LIMIT_ALIASES", "LIMIT_ROOT_FIELDS", "LIMIT_TOKENS"]),
            (bomb, &["LIMIT_SELECTIONS", "LIMIT_FRAGMENTS", "LIMIT_DEPTH"]),
            (wide.to_owned(), &["LIMIT_COST"]),
            (mutations, &["LIMIT_ALIASES", "LIMIT_ROOT_FIELDS", "LIMIT_TOKENS"]),
            (circle.to_owned(), &["GRAPHQL_VALIDATION"]),
            (format!("{{ contacts(filter: {} {{ id }} }}", "[".repeat(5_000)), &["LIMIT_NESTING"]),
        ] {
            let input = desk::person("Eve", "Unwanted", "eve@unwanted.example");
            let variables = if query.contains("$input") { json!({ "input": input }) } else { json!({}) };
            let answer = agent.send(&query, variables);
            assert_eq!(answer.status, 200, "{answer:#?}");
            assert!(allowed.contains(&answer.code().as_str()), "{:.80}: {answer:#?}", query);
            assert!(answer.body.get("data").is_none(), "{answer:#?}");
        }
        let large = json!({ "query": mutation()["query"], "variables": { "input": { "notes": "x".repeat(2 << 20) } } });
        assert_code(&Answer::of(agent.post().json(&large).send().unwrap()), 413, "LIMIT_BODY");
        let page = agent.send("{ contacts(first: 101) { nodes { id } } }", json!({}));
        assert_eq!(page.code(), "BAD_USER_INPUT", "{page:#?}");
    });
}

#[test]
fn nothing_is_changed_by_what_a_foreign_page_can_send() {
    let (server, agent, auditor) = server();
    let body = mutation().to_string();
    unchanged(&auditor, || {
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let sent = agent.post().header("content-type", kind).body(body.clone()).send().unwrap();
            assert_code(&Answer::of(sent), 415, "NOT_JSON");
        }
        let bare = http().post(server.url()).bearer_auth(agent.token()).body(body.clone()).send().unwrap();
        assert_code(&Answer::of(bare), 415, "NOT_JSON");
        let by_get =
            "query=mutation%20%7B%20closeTicket(input:%20%7BticketId:%20%22x%22%7D)%20%7B%20position%20%7D%20%7D";
        assert_code(&agent.get(by_get), 405, "MUTATION_BY_GET");
        let foreign = agent.post().header("origin", "https://evil.example").json(&mutation()).send().unwrap();
        assert_eq!(foreign.headers().get("access-control-allow-origin"), None);
        assert_code(&Answer::of(foreign), 403, "FOREIGN_ORIGIN");
        // A name of somebody else's that leads to this machine is not this machine.
        let led = agent.post().header("origin", "http://evil.example").header("host", "evil.example");
        assert_code(&Answer::of(led.json(&mutation()).send().unwrap()), 403, "FOREIGN_ORIGIN");
        let null = agent.post().header("origin", "null").json(&mutation()).send().unwrap();
        assert_code(&Answer::of(null), 403, "FOREIGN_ORIGIN");
    });
}

#[test]
fn only_a_valid_token_lets_in() {
    let (server, _, auditor) = server();
    let revoked = issue_token(&server.data, "agent", "Nancy", &[]);
    let data = server.data.to_str().unwrap();
    let of_nancy = lethe(&["token", "list", "--data", data]).done();
    let id = of_nancy.lines().last().unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(server.with_token(&revoked).send("{ viewer { actor } }", json!({})).status, 200);
    lethe(&["token", "revoke", "--data", data, &id]).done();
    let cut = &auditor.token()[..auditor.token().len() - 1];
    unchanged(&auditor, || {
        for (header, code) in [
            (None, "TOKEN_MISSING"),
            (Some("Bearer".to_owned()), "TOKEN_MALFORMED"),
            (Some("Basic bGV0aGU6bGV0aGU=".to_owned()), "TOKEN_MALFORMED"),
            (Some("Bearer lethe_0000".to_owned()), "TOKEN_UNKNOWN"),
            (Some(format!("Bearer {cut}")), "TOKEN_UNKNOWN"),
            (Some(format!("Bearer {revoked}")), "TOKEN_REVOKED"),
        ] {
            for path in ["/graphql", "/log/head"] {
                let url = server.at_path(path);
                let request = if path == "/graphql" { http().post(url).json(&mutation()) } else { http().get(url) };
                let request = match &header {
                    Some(header) => request.header("authorization", header),
                    None => request,
                };
                assert_code(&Answer::of(request.send().unwrap()), 401, code);
            }
        }
        // In the address a token would end up in logs: it counts nowhere but in its header.
        let query = format!("/graphql?query=%7Bviewer%7Bactor%7D%7D&access_token={}", auditor.token());
        assert_eq!(server.get(&query).unwrap().0, 401);
    });
}
