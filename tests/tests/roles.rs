//! Roles × operations: the table of the documentation, written down by hand, against every root field of the real schema.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::client::{Client, text};
use tests::server::{Server, unchanged};

/// In the order of the columns below.
const ROLES: [&str; 5] = ["agent", "integration", "dpo", "auditor", "admin"];

/// Who may use a root field: a letter a role where they may, a dot where not.
const TABLE: &[(&str, &str)] = &[
    // Read, find by name, change contacts, organizations, tickets, quotes: agents all of it, integrations register only,
    // DPOs read.
    ("node", "a.d.."),
    ("contact", "a.d.."),
    ("contacts", "a.d.."),
    ("organization", "a.d.."),
    ("organizations", "a.d.."),
    ("ticket", "a.d.."),
    ("tickets", "a.d.."),
    ("quote", "a.d.."),
    ("quotes", "a.d.."),
    ("registerContact", "ai..."),
    ("changeContact", "a...."),
    ("addContactPoint", "a...."),
    ("retireContactPoint", "a...."),
    ("registerOrganization", "ai..."),
    ("changeOrganization", "a...."),
    ("openTicket", "a...."),
    ("replyToTicket", "a...."),
    ("addInternalNote", "a...."),
    ("assignTicket", "a...."),
    ("setTicketPriority", "a...."),
    ("solveTicket", "a...."),
    ("reopenTicket", "a...."),
    ("closeTicket", "a...."),
    ("draftQuote", "a...."),
    ("reviseQuote", "a...."),
    ("markQuoteSent", "a...."),
    ("acceptQuote", "a...."),
    ("rejectQuote", "a...."),
    // Consents: agents and integrations, of whom only integrations handle codes; DPOs read, auditors without names.
    ("giveConsent", "ai..."),
    ("refuseConsent", "ai..."),
    ("withdrawConsent", "ai..."),
    ("objectToProcessing", "ai..."),
    ("requestConsent", ".i..."),
    ("confirmConsent", ".i..."),
    ("mayContact", "aid.."),
    ("consents", "aidu."),
    // All that is held about somebody: the DPO alone.
    ("subject", "..d.."),
    ("erasurePreview", "..d.."),
    // The log: the DPO and the auditor; a history is for the agent, too.
    ("log", "..du."),
    ("inclusionProof", "..du."),
    ("consistencyProof", "..du."),
    ("evidence", "..du."),
    ("receipt", "ai..."),
    ("discloseEvidence", "..d.."),
    ("history", "a.du."),
    // Erasures: who sees people may ask for one, integrations too; a DPO decides, if another actor asked.
    ("erasure", "a.d.."),
    ("erasures", "a.d.."),
    ("requestErasure", "aid.."),
    ("withdrawErasureRequest", "aid.."),
    ("approveErasure", "..d.."),
    ("refuseErasure", "..d.."),
    ("orderDestruction", "..d.."),
    // What is over: DPOs, and another one than who had it fenced.
    ("retention", "..d.."),
    ("confirmRetention", "..d.."),
    // What an erasure does not reach: a DPO names and closes it; everybody reads for how long copies are kept.
    ("nameResidues", "..d.."),
    ("closeResidue", "..d.."),
    ("setResidueDays", "..d.."),
    ("residueDays", "aiduA"),
    // Where the certificate goes: who may ask may say, and a DPO delivers.
    ("giveDeliveryAddress", "aid.."),
    ("deliverCertificate", "..d.."),
    // Who was erased and comes back: the code is shown through a portal or at a desk; people link.
    ("replaceClaimCode", "a.d.."),
    ("linkReturn", "a.d.."),
    ("erasureByCertificate", "aid.."),
    ("erasureByClaim", "aid.."),
    // Legal holds: DPOs, two for each step that counts.
    ("hold", "..d.."),
    ("holds", "..d.."),
    ("placeHold", "..d.."),
    ("approveHold", "..d.."),
    ("liftHold", "..d.."),
    ("approveHoldLift", "..d.."),
    // The suppression list: the DPO alone, and even the DPO reads no address.
    ("suppressionList", "..d.."),
    ("suppress", "..d.."),
    ("unsuppress", "..d.."),
    // Redactions and the recycle bin: who sees people may ask for one; a DPO decides, if another actor asked.
    ("redactionPreview", "a.d.."),
    ("redaction", "a.d.."),
    ("redactions", "a.d.."),
    ("bin", "a.d.."),
    ("requestRedaction", "a.d.."),
    ("withdrawRedaction", "a.d.."),
    ("approveRedaction", "..d.."),
    ("moveToBin", "a.d.."),
    ("restoreFromBin", "a.d.."),
    ("document", "a.d.."),
    ("documents", "a.d.."),
    ("attachDocument", "a...."),
    ("redactDocument", "a.d.."),
    // Notices and purposes: everybody reads, the DPO changes.
    ("notices", "aiduA"),
    ("purposes", "aiduA"),
    ("retentions", "aiduA"),
    ("publishNotice", "..d.."),
    ("setPurpose", "..d.."),
    ("setRetention", "..d.."),
    // Actors and tokens: agents see names to assign tickets to, DPOs and auditors read, admins change.
    ("actors", "a.duA"),
    ("tokens", "..duA"),
    ("issueToken", "....A"),
    ("revokeToken", "....A"),
    // What holds the root: DPOs and admins, two of them for a declaration.
    ("keyring", "..duA"),
    ("declareAnchor", "..d.A"),
    ("confirmAnchor", "..d.A"),
    ("withdrawAnchor", "..d.A"),
    // Who am I?
    ("viewer", "aiduA"),
];

fn table() -> BTreeMap<&'static str, [bool; 5]> {
    let rows = TABLE.iter().map(|(operation, may)| {
        let may: Vec<bool> = may.chars().map(|letter| letter != '.').collect();
        (*operation, may.try_into().unwrap())
    });
    rows.collect()
}

#[test]
fn every_root_field_is_for_the_roles_of_the_table_and_for_no_other() {
    let server = Server::start(&[]);
    let people = ROLES.map(|role| server.client(role));
    let (dpo, table) = (&people[2], table());
    let schema = Schema::of(&people[0]);
    let fields = schema.root_fields();
    for (_, field) in &fields {
        assert!(table.contains_key(field.as_str()), "{field} has no row in the table");
    }
    for row in table.keys() {
        assert!(
            fields.iter().any(|(_, field)| field == row),
            "the table has a row for {row}, the schema has no such field"
        );
    }
    for (root, field) in &fields {
        let request = schema.request(root, field);
        for (person, role) in people.iter().zip(ROLES) {
            let may = table[field.as_str()][ROLES.iter().position(|known| *known == role).unwrap()];
            let ask = || is_refused(person, root, field, &request);
            let refused = if may { ask() } else { unchanged(dpo, ask) };
            assert_eq!(!refused, may, "{field} by the role {role}: {request}");
        }
    }
}

#[test]
fn a_viewer_is_told_what_the_table_says() {
    let server = Server::start(&[]);
    for (column, role) in ROLES.into_iter().enumerate() {
        let told = server.client(role).ask("{ viewer { roles may } }", json!({}))["viewer"].clone();
        assert_eq!(told["roles"], json!([role.to_uppercase()]));
        let mut may: Vec<String> = told["may"].as_array().unwrap().iter().map(text).collect();
        may.sort();
        let expected: Vec<&str> = table().into_iter().filter(|(_, may)| may[column]).map(|(field, _)| field).collect();
        assert_eq!(may, expected, "{role}");
    }
}

#[test]
fn the_log_below_its_paths_is_for_auditors_and_dpos() {
    let server = Server::start(&[]);
    for (role, may) in ROLES.into_iter().zip([false, false, true, true, false]) {
        let client = server.client(role);
        for path in ["/log/head", "/log/tile/entries/000.p/1", "/log/tile/inventory/000.p/1"] {
            let answer = client.get_path(path);
            let expected = if may { 200 } else { 403 };
            assert_eq!(answer.status().as_u16(), expected, "{path} for {role}: {:?}", answer.text());
        }
    }
    assert_eq!(server.get("/log/head").unwrap().0, 401);
}

/// A query that may not be asked has the code `FORBIDDEN`, a mutation that may not be made a `PERMISSION`.
fn is_refused(person: &Client, root: &str, field: &str, request: &str) -> bool {
    let answer = person.send(request, json!({}));
    if root == "mutation" {
        let errors = answer.body["data"][field]["errors"].as_array().cloned();
        let errors = errors.unwrap_or_else(|| panic!("{request}\n{answer:#?}"));
        return errors.iter().any(|error| error["code"] == "PERMISSION");
    }
    assert_eq!(answer.status, 200, "{request}\n{answer:#?}");
    let code = &answer.body["errors"][0]["extensions"]["code"];
    assert!(code.is_null() || code == "FORBIDDEN" || code == "BAD_USER_INPUT", "{request}\n{answer:#?}");
    code == "FORBIDDEN"
}

/// The schema as it tells of itself.
struct Schema(Value);

impl Schema {
    fn of(anybody: &Client) -> Self {
        let types =
            "name kind isOneOf fields { name args { ...v } type { ...t } } inputFields { ...v } enumValues { name }";
        let value = "fragment v on __InputValue { name defaultValue type { ...t } }";
        let nested = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
        let query = format!(
            "{{ __schema {{ queryType {{ name }} mutationType {{ name }} types {{ {types} }} }} }} {value}
             fragment t on __Type {{ {nested} }}"
        );
        Self(anybody.ask(&query, json!({}))["__schema"].clone())
    }

    fn find(&self, name: &Value) -> &Value {
        let types = self.0["types"].as_array().unwrap();
        types.iter().find(|known| known["name"] == *name).unwrap_or_else(|| panic!("no type {name}"))
    }

    fn fields(&self, root: &str) -> &Vec<Value> {
        let name = if root == "query" { &self.0["queryType"]["name"] } else { &self.0["mutationType"]["name"] };
        self.find(name)["fields"].as_array().unwrap()
    }

    fn root_fields(&self) -> Vec<(&'static str, String)> {
        let of = |root| self.fields(root).iter().map(move |field| (root, text(&field["name"])));
        of("query").chain(of("mutation")).collect()
    }

    /// A request that is valid and has nothing but what it must have.
    fn request(&self, root: &str, name: &str) -> String {
        let field = self.fields(root).iter().find(|field| field["name"] == name).unwrap();
        let arguments = self.required(&field["args"]);
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let select = match (root, text(&field["type"]["kind"]).as_str()) {
            ("mutation", _) => "{ errors { code } }",
            (_, "SCALAR") => "",
            _ => "{ __typename }",
        };
        format!("{root} {{ {name}{arguments} {select} }}")
    }

    fn required(&self, values: &Value) -> String {
        let values = values.as_array().unwrap().iter();
        let needed = values.filter(|value| value["type"]["kind"] == "NON_NULL" && value["defaultValue"].is_null());
        let written = needed.map(|value| format!("{}: {}", text(&value["name"]), self.value(&value["type"]["ofType"])));
        written.collect::<Vec<_>>().join(", ")
    }

    fn value(&self, of: &Value) -> String {
        match of["kind"].as_str().unwrap() {
            "LIST" => "[]".to_owned(),
            "NON_NULL" => self.value(&of["ofType"]),
            "ENUM" => text(&self.find(&of["name"])["enumValues"][0]["name"]),
            "INPUT_OBJECT" => self.object(self.find(&of["name"])),
            _ => match of["name"].as_str().unwrap() {
                "Int" | "Int64" | "Position" => "1".to_owned(),
                "Boolean" => "true".to_owned(),
                "Day" => "\"2026-01-31\"".to_owned(),
                "Time" => "\"2026-01-31T09:30:00Z\"".to_owned(),
                _ => "\"x\"".to_owned(),
            },
        }
    }

    /// An object with what it must have; of one that takes exactly one field, the first.
    fn object(&self, of: &Value) -> String {
        if of["isOneOf"] == true {
            let first = &of["inputFields"][0];
            return format!("{{ {}: {} }}", text(&first["name"]), self.value(&first["type"]));
        }
        format!("{{ {} }}", self.required(&of["inputFields"]))
    }
}
