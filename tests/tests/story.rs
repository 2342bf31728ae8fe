//! The product as one story, told through GraphQL and the documented commands against the real server: people come in from
//! a file, agree and disagree, ask and are offered something; one of them is forgotten, and an auditor looks at it all.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::client::{Client, text};
use tests::desk::{self, Registered};
use tests::files::Search;
use tests::programs::{Ended, lethe, lethe_audit};
use tests::server::{Server, size, unchanged};

/// Every personal value of the story. None of them may ever stand in clear on the disk or in a program log.
const PLANTED: [&str; 12] = [
    "Quittenbrot & Söhne",
    "Friederike Quittenbaum",
    "Quittenbaum",
    "Leiterin der Küche",
    "Nelkengasse 17",
    "fritzi@quittenbrot.example",
    "030-7654321",
    "Herbstzeitlose",
    "Rosalinde",
    "rosalinde@herbstzeitlose.example",
    "the jam was mouldy",
    "forget me, says Fritzi",
];

const CUSTOMERS: &str = "customer_id;company_name;contact_name;contact_title;address;city;postal_code;country;phone;email
Q1;Quittenbrot & Söhne;Friederike Quittenbaum;Leiterin der Küche;Nelkengasse 17;Berlin;12209;Germany;030-7654321;fritzi@quittenbrot.example
Q2;Herbstzeitlose;Rosalinde Herbstzeitlose;;Nelkengasse 18;Berlin;12209;Germany;030-7654322;rosalinde@herbstzeitlose.example
";

/// Whom the server knows, by their tokens.
struct People {
    nancy: Client,
    website: Client,
    officer: Client,
    /// The same officer with another token.
    officer_again: Client,
    second_officer: Client,
    auditor: Client,
    admin: Client,
}

impl People {
    fn of(server: &Server) -> Self {
        let known = |role, name| server.with_token(&server.token(role, name));
        Self {
            nancy: known("agent", "Nancy Herbstwind"),
            website: known("integration", "The web site"),
            officer: known("dpo", "The first officer"),
            officer_again: known("dpo", "The first officer"),
            second_officer: known("dpo", "The second officer"),
            auditor: known("auditor", "The auditor"),
            admin: known("admin", "The admin"),
        }
    }

    /// The same people at a server that was started again.
    fn at(self, server: &Server) -> Self {
        let again = |client: &Client| server.with_token(client.token());
        Self {
            nancy: again(&self.nancy),
            website: again(&self.website),
            officer: again(&self.officer),
            officer_again: again(&self.officer_again),
            second_officer: again(&self.second_officer),
            auditor: again(&self.auditor),
            admin: again(&self.admin),
        }
    }

    fn tokens(&self) -> Vec<String> {
        let all = [&self.nancy, &self.website, &self.officer, &self.officer_again, &self.second_officer, &self.auditor];
        all.into_iter().chain([&self.admin]).map(|client| client.token().to_owned()).collect()
    }
}

#[test]
fn people_come_in_agree_disagree_and_are_forgotten_and_an_auditor_can_tell() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("ledger");
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let people = People::of(&server);

    import_twice(&server, home.path(), &people);
    let fritzi = find(&people.nancy, "frie quitt");
    let rosalinde = find(&people.nancy, "ROSAL");
    let shown = desk::notice(&people.officer, "product-news");
    let newsletter = desk::notice(&people.officer, "newsletter");
    let consents = agree_and_withdraw(&people, &fritzi, &shown);
    opt_in_twice(&people, &rosalinde, &newsletter);
    let ticket = ask_and_answer(&people, &fritzi);
    let quote = offer(&people, &rosalinde);
    tell_history(&people, &fritzi);

    // In the middle of it the server is started again; who sends a command once more gets the same answer.
    let rename = json!({
        "contactId": rosalinde.id, "reason": "CORRECTION", "jobTitle": "Herbstzeitlose", "commandId": desk::command_id(),
    });
    let done = people.nancy.change("changeContact", &rename, "contact { id }");
    let mut logs = vec![server.stop()];
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let people = people.at(&server);
    unchanged(&people.auditor, || {
        let again = people.nancy.change("changeContact", &rename, "contact { id }");
        assert_eq!((&again["repeated"], &again["position"]), (&json!(true), &done["position"]));
        assert_eq!(again["recordHash"], done["recordHash"]);
    });
    let read = people.nancy.ask(
        "query($t: ID!, $q: ID!) { ticket(id: $t) { state } quote(id: $q) { state } }",
        json!({ "t": ticket, "q": quote }),
    );
    assert_eq!(read, json!({ "ticket": { "state": "CLOSED" }, "quote": { "state": "ACCEPTED" } }));
    assert_eq!(desk::may_contact(&people.nancy, &rosalinde, "newsletter")["why"], "CONFIRMED");

    let before = audit(&server, &people.auditor, &home.path().join("before"), None);
    let erasure = forget(&people, &fritzi);
    read_nothing(&people, &fritzi, &erasure);
    read_the_trail(&server, &people, &home.path().join("after"), &consents, &before);
    who_acts(&people);

    let tokens = people.tokens();
    logs.push(server.stop());
    let server = Server::at(&data, &["--cooling-off", "0"]);
    let people = people.at(&server);
    read_nothing(&people, &fritzi, &erasure);
    logs.push(server.stop());
    assert!(logs.iter().all(|log| log.status.success()));
    lethe(&["verify", "--data", data.to_str().unwrap()]).done();
    assert_eq!(lethe_audit(&["verify", data.to_str().unwrap()]).code, Some(0));

    // Nobody's data stands in clear: in the directory, in the audit copies, in what the programs said.
    let planted = Search::for_texts(PLANTED.into_iter().map(str::to_owned).chain(tokens));
    std::fs::remove_file(home.path().join("customers.csv")).unwrap();
    assert_eq!(planted.find_in(home.path()), Vec::<String>::new());
    for said in &logs {
        assert!(said.err.contains("the log is verified"), "the program log is empty");
        assert_eq!(planted.find(said.err.as_bytes()), [], "{}", said.err);
        assert_eq!(planted.find(said.out.as_bytes()), [], "{}", said.out);
        assert!(!said.err.contains("mutation") && !said.err.contains("panicked"), "{}", said.err);
    }
}

fn import(data: &Path, file: &Path) -> Ended {
    let [data, file] = [data, file].map(|path| path.to_str().unwrap());
    lethe(&["import", "contacts", file, "--data", data, "--reason", "contract", "--source", "northern office"])
}

/// Through the socket of the running server; the second time nothing is new.
fn import_twice(server: &Server, home: &Path, people: &People) {
    let file = home.join("customers.csv");
    std::fs::write(&file, CUSTOMERS).unwrap();
    let before = size(&people.auditor);
    let said = import(&server.data, &file).done();
    assert!(said.contains("2 rows: 2 new, 0 unchanged, 0 changed, 0 rejected; 2 organizations made"), "{said}");
    assert!(said.contains("contact_title"), "the mapping is printed: {said}");
    assert!(size(&people.auditor) > before);
    unchanged(&people.auditor, || {
        let said = import(&server.data, &file).done();
        assert!(said.contains("2 rows: 0 new, 2 unchanged, 0 changed, 0 rejected; 0 organizations made"), "{said}");
    });
}

/// By the beginnings of words, in any case.
fn find(agent: &Client, search: &str) -> Registered {
    let query = "query($search: String!) {
        contacts(search: $search) { nodes { id name email phone organization { name contacts { nodes { id } } } points { id kind } } }
    }";
    let found = agent.ask(query, json!({ "search": search }))["contacts"]["nodes"].clone();
    let [contact] = &found.as_array().unwrap()[..] else { panic!("{search}: {found}") };
    assert_eq!(contact["organization"]["contacts"]["nodes"], json!([{ "id": contact["id"] }]), "{contact}");
    let points = contact["points"].as_array().unwrap();
    let mail = points.iter().find(|point| point["kind"] == "EMAIL").unwrap();
    Registered { id: text(&contact["id"]), point: text(&mail["id"]), position: String::new() }
}

/// On an agent's word, and taken back. Returns the stream of her consents.
fn agree_and_withdraw(people: &People, fritzi: &Registered, shown: &Value) -> String {
    let nancy = &people.nancy;
    assert_eq!(desk::may_contact(nancy, fritzi, "product-news")["why"], "NEVER_ASKED");
    let given = nancy.change("giveConsent", &desk::consent(fritzi, "product-news", shown), "consents { id }");
    let answer = desk::may_contact(nancy, fritzi, "product-news");
    assert_eq!((&answer["allowed"], &answer["why"]), (&json!(true), &json!("GIVEN")));
    assert_eq!(answer["decidedBy"], given["position"]);
    let withdrawn = nancy.change("withdrawConsent", &desk::withdrawal(fritzi, "product-news"), "consents { id }");
    assert_eq!(withdrawn["consents"]["id"], given["consents"]["id"], "all consents of one person are one stream");
    let answer = desk::may_contact(nancy, fritzi, "product-news");
    assert_eq!((&answer["allowed"], &answer["why"]), (&json!(false), &json!("WITHDRAWN")));
    assert_eq!(answer["decidedBy"], withdrawn["position"]);
    // A contract needs no consent, and an objection does not end it.
    assert_eq!(desk::may_contact(nancy, fritzi, "contract")["allowed"], true);
    text(&given["consents"]["id"])
}

/// The newsletter needs a code. An agent's word is not enough; what the person brings back is.
fn opt_in_twice(people: &People, rosalinde: &Registered, shown: &Value) {
    let nancy = &people.nancy;
    nancy.change("giveConsent", &desk::consent(rosalinde, "newsletter", shown), "");
    assert_eq!(desk::may_contact(nancy, rosalinde, "newsletter")["why"], "NOT_CONFIRMED");
    assert_eq!(nancy.refused_with("requestConsent", &desk::asked(rosalinde, "newsletter", shown)), "PERMISSION");
    let mut asked = desk::asked(rosalinde, "newsletter", shown);
    asked["commandId"] = json!(desk::command_id());
    let request = people.website.change("requestConsent", &asked, "code");
    let again = people.website.change("requestConsent", &asked, "code");
    assert_eq!((&again["repeated"], &again["code"]), (&json!(true), &Value::Null), "a code is told once");
    let confirm = json!({ "code": request["code"], "source": "WEB_FORM" });
    people.website.change("confirmConsent", &confirm, "");
    assert_eq!(desk::may_contact(nancy, rosalinde, "newsletter")["why"], "CONFIRMED");
    // A new address is a new point and takes no consent along.
    let point = json!({
        "contactId": rosalinde.id, "point": { "kind": "EMAIL", "value": "rosalinde@herbstzeitlose.example", "label": "new" },
    });
    let added = nancy.change("addContactPoint", &point, "contact { points { id label } }");
    let points = added["contact"]["points"].as_array().unwrap();
    let new = points.iter().find(|point| point["label"] == "new").unwrap();
    let at_the_new = Registered { point: text(&new["id"]), ..rosalinde.clone() };
    assert_eq!(desk::may_contact(nancy, &at_the_new, "newsletter")["allowed"], false);
}

/// A ticket from its opening to its end.
fn ask_and_answer(people: &People, fritzi: &Registered) -> String {
    let nancy = &people.nancy;
    let opened = json!({
        "contactId": fritzi.id, "subjectLine": "Complaint", "body": "the jam was mouldy", "origin": "EMAIL", "priority": "HIGH",
    });
    let ticket = text(&nancy.change("openTicket", &opened, "ticket { id }")["ticket"]["id"]);
    let me = nancy.ask("{ actors { id name } }", json!({}))["actors"].clone();
    let me = me.as_array().unwrap().iter().find(|actor| actor["name"] == "Nancy Herbstwind").unwrap()["id"].clone();
    nancy.change("assignTicket", &json!({ "ticketId": ticket, "ownerId": me }), "");
    nancy.change("addInternalNote", &json!({ "ticketId": ticket, "body": "again the cellar" }), "");
    nancy.change("replyToTicket", &json!({ "ticketId": ticket, "body": "We are sorry." }), "");
    nancy.change("setTicketPriority", &json!({ "ticketId": ticket, "priority": "NORMAL" }), "");
    nancy.change("solveTicket", &json!({ "ticketId": ticket, "solution": "A new jar was sent." }), "");
    nancy.change("reopenTicket", &json!({ "ticketId": ticket }), "");
    nancy.change("solveTicket", &json!({ "ticketId": ticket, "solution": "Another one." }), "");
    let closed = nancy.change("closeTicket", &json!({ "ticketId": ticket }), "ticket { state }");
    assert_eq!(closed["ticket"]["state"], "CLOSED");
    let query = "query($id: ID!, $contact: ID!) {
        ticket(id: $id) { subjectLine priority solution owner { name } messages { nodes { internal direction body } } }
        contact(id: $contact) { tickets { nodes { id } } }
    }";
    let read = people.officer.ask(query, json!({ "id": ticket, "contact": fritzi.id }));
    let expected = json!([
        { "internal": false, "direction": "FROM_CUSTOMER", "body": "the jam was mouldy" },
        { "internal": true, "direction": "FROM_US", "body": "again the cellar" },
        { "internal": false, "direction": "FROM_US", "body": "We are sorry." },
    ]);
    assert_eq!(read["ticket"]["messages"]["nodes"], expected);
    assert_eq!((&read["ticket"]["priority"], &read["ticket"]["solution"]), (&json!("NORMAL"), &json!("Another one.")));
    assert_eq!(read["contact"]["tickets"]["nodes"], json!([{ "id": ticket }]));
    ticket
}

/// A quote with a second version, which is taken; nothing of it changes after that.
fn offer(people: &People, rosalinde: &Registered) -> String {
    let nancy = &people.nancy;
    let offer = |unit: i64| {
        let lines = json!([{ "description": "Quince jam", "quantityMilli": 3000, "unitPriceMinor": unit, "taxBasisPoints": 700 }]);
        json!({ "currency": "EUR", "validUntil": "2999-12-31", "title": "For the winter", "lines": lines })
    };
    let drafted =
        nancy.change("draftQuote", &json!({ "contactId": rosalinde.id, "offer": offer(499) }), "quote { id }");
    let quote = text(&drafted["quote"]["id"]);
    nancy.change("reviseQuote", &json!({ "quoteId": quote, "offer": offer(450) }), "");
    assert_eq!(nancy.refused("acceptQuote", &json!({ "quoteId": quote, "version": 2 })).len(), 1, "it was never sent");
    nancy.change("markQuoteSent", &json!({ "quoteId": quote, "version": 2 }), "");
    nancy.change("acceptQuote", &json!({ "quoteId": quote, "version": 2 }), "");
    let query = "query($id: ID!) { quote(id: $id) { state lastVersion { number total { netMinor taxMinor grossMinor currency } } } }";
    let read = nancy.ask(query, json!({ "id": quote }))["quote"].clone();
    let total = &read["lastVersion"]["total"];
    let minor = |name: &str| total[name].as_i64().or_else(|| total[name].as_str()?.parse().ok()).unwrap();
    assert_eq!((minor("netMinor"), minor("taxMinor"), minor("grossMinor")), (1350, 95, 1445), "{read}");
    unchanged(&people.auditor, || {
        assert_eq!(nancy.refused("reviseQuote", &json!({ "quoteId": quote, "offer": offer(1) })).len(), 1);
    });
    quote
}

/// What a value was before and is since, for those who may see values; an auditor sees that something happened.
fn tell_history(people: &People, fritzi: &Registered) {
    let change = json!({ "contactId": fritzi.id, "reason": "CHANGE", "honorific": "Dr. Herbstzeitlose" });
    let change = people.nancy.change("changeContact", &change, "");
    let query = "query($id: ID!) { history(id: $id) { nodes { position kind changes { field before after } } } }";
    let of = |who: &Client| who.ask(query, json!({ "id": fritzi.id }))["history"]["nodes"].as_array().unwrap().clone();
    for who in [&people.nancy, &people.officer] {
        let last = of(who).pop().unwrap();
        assert_eq!(last["position"], change["position"]);
        let changes = last["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 1, "{last}");
        assert_eq!((&changes[0]["before"], &changes[0]["after"]), (&Value::Null, &json!("Dr. Herbstzeitlose")));
    }
    let seen = of(&people.auditor);
    assert_eq!(seen.len(), of(&people.nancy).len());
    assert!(seen.iter().all(|record| record["changes"].is_null()), "{seen:?}");
}

/// Asked for by the agent, looked at and approved by officers, each as another person than who asked.
fn forget(people: &People, fritzi: &Registered) -> String {
    let preview = "query($id: ID!) {
        erasurePreview(contactId: $id) { dies { compartment } stays { compartment basis until } parts openTickets { id } }
        subject(contactId: $id) { compartments { compartment things { kind } } }
    }";
    let told = people.officer.ask(preview, json!({ "id": fritzi.id }));
    assert!(told["erasurePreview"]["dies"].as_array().is_some_and(|dies| !dies.is_empty()), "{told}");
    assert!(told["erasurePreview"]["parts"].as_u64().is_some_and(|parts| parts > 3), "{told}");
    assert!(told["subject"]["compartments"].as_array().is_some_and(|held| held.len() > 1), "{told}");

    let withdrawn = people.officer.change(
        "requestErasure",
        &desk::erasure_request(fritzi, "forget me, says Fritzi"),
        "erasure { id }",
    );
    let own = json!({ "erasureId": withdrawn["erasure"]["id"] });
    unchanged(&people.auditor, || {
        assert_eq!(people.officer.refused_with("approveErasure", &own), "PERMISSION");
        assert_eq!(people.officer_again.refused_with("approveErasure", &own), "PERMISSION");
        assert_eq!(
            people
                .officer_again
                .refused_with("refuseErasure", &json!({ "erasureId": own["erasureId"], "ground": "CLAIMS" })),
            "PERMISSION"
        );
        assert_eq!(people.nancy.refused_with("approveErasure", &own), "PERMISSION");
    });
    people.officer.change("withdrawErasureRequest", &own, "");

    let mut request = desk::erasure_request(fritzi, "forget me, says Fritzi");
    request["commandId"] = json!(desk::command_id());
    let asked = people.nancy.change("requestErasure", &request, "erasure { id due stage }");
    assert_eq!(asked["erasure"]["stage"], "REQUESTED");
    let again = people.nancy.change("requestErasure", &request, "erasure { id }");
    assert_eq!((&again["repeated"], &again["erasure"]["id"]), (&json!(true), &asked["erasure"]["id"]));
    let erasure = text(&asked["erasure"]["id"]);
    let approve = json!({ "erasureId": erasure, "commandId": desk::command_id() });
    let approved =
        people.second_officer.change("approveErasure", &approve, "erasure { stage certificate { level words } }");
    assert_eq!(approved["erasure"]["stage"], "CERTIFIED", "{approved}");
    assert_eq!(approved["erasure"]["certificate"]["level"], "A0");
    assert!(text(&approved["erasure"]["certificate"]["words"]).contains("logical"), "{approved}");
    desk::until_swept(&people.second_officer, &erasure);
    erasure
}

/// Null, and why; never an empty text. Her organization is nobody's and stays.
fn read_nothing(people: &People, fritzi: &Registered, erasure: &str) {
    let query = "query($id: ID!) {
        contact(id: $id) { name firstName email points { id } notes tags source organization { id } erasure { reason erasure } }
    }";
    let read = people.nancy.ask(query, json!({ "id": fritzi.id }));
    let contact = &read["contact"];
    for field in ["name", "firstName", "email", "points", "notes", "tags", "organization"] {
        assert_eq!(contact[field], Value::Null, "{field}: {contact}");
    }
    assert_eq!(contact["source"], "IMPORT", "facts stay");
    assert!(text(&contact["erasure"]["reason"]).contains("logical"), "{contact}");
    assert_eq!(contact["erasure"]["erasure"], json!(erasure));
    let found = people.nancy.ask("{ contacts(search: \"quittenbaum\") { nodes { id } } }", json!({}));
    assert_eq!(found["contacts"]["nodes"], json!([]));
    let history = "query($id: ID!) { history(id: $id) { nodes { changes { after } erasure { reason } } } }";
    let told = people.officer.ask(history, json!({ "id": fritzi.id }))["history"]["nodes"].clone();
    assert!(told.as_array().unwrap().iter().all(|record| record["changes"].is_null()), "{told}");
    let held = people.officer.ask("query($id: ID!) { subject(contactId: $id) { id } }", json!({ "id": fritzi.id }));
    assert_eq!(held["subject"], Value::Null);
    let register = people.officer.ask("{ erasures(stages: [CERTIFIED]) { nodes { id } } }", json!({}));
    assert_eq!(register["erasures"]["nodes"], json!([{ "id": erasure }]));
    assert_eq!(desk::may_contact(&people.nancy, fritzi, "contract")["allowed"], false);
}

/// An audit copy from the running server, verified. Returns its head as the one line to keep.
fn audit(server: &Server, auditor: &Client, out: &Path, expect: Option<&str>) -> String {
    let (server, out) = (server.at_path(""), out.to_str().unwrap());
    let copied = lethe_audit(&["copy", "--server", &server, "--token", auditor.token(), out]).done();
    let verified =
        lethe_audit(&[&["verify", out][..], &expect.map_or(vec![], |head| vec!["--expect", head])].concat()).done();
    let head = copied.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(verified.contains(&head), "{verified}");
    assert_eq!(verified.contains("nobody outside"), expect.is_none(), "{verified}");
    head
}

/// The trail of the person who is gone: all of it is there, from the running server, and names nobody.
fn read_the_trail(server: &Server, people: &People, out: &Path, consents: &str, before: &str) {
    audit(server, &people.auditor, out, Some(before));
    let out = out.to_str().unwrap();
    let trail = lethe_audit(&["trail", out, "--stream", consents]).done();
    let place = |word: &str| trail.to_lowercase().find(word).unwrap_or_else(|| panic!("no {word} in\n{trail}"));
    assert!(place("given") < place("withdrawn"), "{trail}");
    assert!(trail.contains("product-news"), "{trail}");
    let drawn = lethe_audit(&["trail", out, "--sample", "2", "--seed", "7"]).done();
    assert!(drawn.contains(consents), "{drawn}");

    let query = "query($id: ID!) {
        consents(id: $id) { entries { state pointValue contactId words decidedBy } records { state } erasure { reason } }
    }";
    let read = people.auditor.ask(query, json!({ "id": consents }))["consents"].clone();
    assert_eq!(read["records"], json!([{ "state": "GIVEN" }, { "state": "WITHDRAWN" }]));
    for entry in read["entries"].as_array().unwrap() {
        assert!(entry["pointValue"].is_null() && entry["contactId"].is_null() && entry["words"].is_null(), "{entry}");
    }
}

/// Tokens by the admin: one more, and none again with the very next request.
fn who_acts(people: &People) {
    let actors = people.admin.ask("{ actors { id name } }", json!({}))["actors"].clone();
    let nancy =
        actors.as_array().unwrap().iter().find(|actor| actor["name"] == "Nancy Herbstwind").unwrap()["id"].clone();
    let issue = json!({ "actorId": nancy, "days": 1, "label": "for a guest", "commandId": desk::command_id() });
    let issued = people.admin.change("issueToken", &issue, "secret token { id state }");
    let again = people.admin.change("issueToken", &issue, "secret token { id }");
    assert_eq!((&again["secret"], &again["token"]["id"]), (&Value::Null, &issued["token"]["id"]));
    let guest = people.nancy.with_token(&text(&issued["secret"]));
    let who = guest.ask("{ viewer { actor roles } }", json!({}))["viewer"].clone();
    assert_eq!(who, json!({ "actor": nancy, "roles": ["AGENT"] }));
    people.admin.change("revokeToken", &json!({ "tokenId": issued["token"]["id"] }), "");
    let refused = guest.send("{ viewer { actor } }", json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (401, "TOKEN_REVOKED"));
}
