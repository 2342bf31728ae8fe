//! What a role may not read is behind no edge that it can reach: everything is asked for, down every path of the schema.

use std::collections::BTreeSet;

use domain::actor::{self, Actor, Role};
use domain::id::{CaseId, HoldId};
use domain::subject::{Case, Command, Holding};
use domain::time::Day;
use domain::value::{Line, Mail, Text};
use events::ledger::Fresh;
use serde_json::{Value, json};

use super::testing::{Desk, command_id};
use crate::access::TABLE;

/// A word in every personal field that somebody without a right to it could come upon.
const OF_PEOPLE: &[&str] = &[
    "Qfirst",
    "Qlast",
    "Qdisplayed",
    "Qsalutation",
    "Qjob",
    "Qstreet",
    "Qcity",
    "qsite",
    "Qnetwork",
    "Qnotes",
    "Qtag",
    "Qdate",
    "Qsource",
    "Qreason",
    "Qold",
    "qmail",
    "Qlabel",
    "Qconsent",
    "Qline",
    "Qbody",
    "Qoffer",
    "Qerasure",
    "Qrefusal",
    "Qadded",
    "Qcompany",
    "Qword",
    "Qmatter",
    "Qwhy",
];
/// What actors are not shown of each other.
const OF_ACTORS: &[&str] = &["qactor", "Qtoken"];

#[test]
fn what_a_role_may_not_read_is_behind_no_edge_it_can_reach() {
    for role in Role::ALL {
        let office = Office::open();
        let hidden: Vec<&str> = match role {
            Role::Agent => OF_ACTORS.to_vec(),
            Role::Integration => [OF_PEOPLE, OF_ACTORS].concat(),
            Role::Auditor | Role::Admin => OF_PEOPLE.to_vec(),
            Role::Dpo => vec![],
        };
        let mutations = office.mutations();
        for round in ["first", "again"] {
            for (operation, input) in mutations.iter().filter(|(operation, _)| office.may(*role, operation)) {
                let answer = office.change(*role, operation, input);
                let payload = &answer["data"][*operation];
                // The agent wrote these requests down, and a program says only of its own where the answer goes, or takes
                // it back; and this very
                // officer said how long things are kept, so another one confirms that it is over.
                let of_others = [
                    (Role::Integration, "giveDeliveryAddress"),
                    (Role::Integration, "withdrawErasureRequest"),
                    (Role::Dpo, "confirmRetention"),
                ];
                if of_others.contains(&(*role, *operation)) {
                    assert_eq!(payload["errors"][0]["code"], "PERMISSION", "{answer}");
                    look_through(*role, operation, &answer, &hidden);
                    continue;
                }
                // The log has grown by then, so a file that was handed out cannot be made again byte for byte.
                let other_file = *operation == "discloseEvidence" && payload["errors"][0]["code"] == "CONFLICT";
                let said = payload["errors"] == json!([]) || (round == "again" && other_file);
                let done = said && payload["position"].is_string();
                assert!(done, "{role:?} {operation} {round}: {answer}");
                assert_eq!(payload["repeated"], json!(round == "again"), "{role:?} {operation}: {answer}");
                look_through(*role, operation, &answer, &hidden);
                office.add_to(payload);
            }
        }
        for (operation, arguments) in office.queries().iter().filter(|(operation, _)| office.may(*role, operation)) {
            let answer = office.ask(*role, operation, arguments);
            look_through(*role, operation, &answer, &hidden);
        }
    }
}

/// A new operation must be added to the walk.
#[test]
fn every_operation_is_walked() {
    let office = Office::open();
    let mut walked: BTreeSet<&str> = office.mutations().into_iter().map(|(operation, _)| operation).collect();
    walked.extend(office.queries().into_iter().map(|(operation, _)| operation));
    let all: BTreeSet<&str> = TABLE.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(walked, all);
    let seen = office.queries().into_iter().filter(|(operation, _)| office.may(Role::Dpo, operation));
    let seen: String = seen.map(|(query, arguments)| office.ask(Role::Dpo, query, &arguments).to_string()).collect();
    for planted in ["Qfirst", "Qnotes", "qmail", "Qconsent", "Qbody", "Qoffer", "Qerasure", "Qmatter", "Qwhy", "qactor"]
    {
        assert!(seen.contains(planted), "{planted} was never planted");
    }
}

/// Nothing that is hidden stands in the answer, and only an edge that is forbidden is an error.
fn look_through(role: Role, operation: &str, answer: &Value, hidden: &[&str]) {
    for error in answer["errors"].as_array().into_iter().flatten() {
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{role:?} {operation}: {error}");
    }
    let text = answer.to_string();
    for value in hidden {
        let around = text.find(value).map(|at| text.get(at.saturating_sub(200)..at + 50));
        assert_eq!(around, None, "{role:?} finds {value} through {operation}");
    }
}

/// A desk with somebody of whom everything is known.
struct Office {
    desk: Desk,
    schema: Value,
    /// The person, their mail address, one more address, their company.
    contact: String,
    mail: String,
    phone: String,
    company: String,
    worker: String,
    consents: String,
    notice: Value,
    code: String,
    ticket: String,
    quotes: [String; 2],
    /// Asked for by the agent, each of another person.
    erasures: [String; 3],
    /// Fenced, with nothing to wait for.
    fenced: String,
    /// Asked for and not approved; certified, and its code.
    marked: String,
    claimed: String,
    claim: String,
    /// Somebody's support of long ago, fenced because its time is over.
    over: String,
    /// Of the person: placed by another DPO; in force; in force and asked to be lifted by another DPO.
    holds: [String; 3],
    /// Asked for by another DPO of one person: to be withdrawn, to be approved.
    redactions: [String; 2],
    /// Of another person: a node for the bin, and one in it.
    nodes: [String; 2],
    document: String,
    token: String,
    /// Declared by somebody else than whoever confirms one of them.
    declared: [String; 2],
}

impl Office {
    fn open() -> Self {
        let desk = Desk::open();
        let schema = desk.get(Role::Admin, SCHEMA)["__schema"].clone();
        let mut office = Self {
            desk,
            schema,
            contact: String::new(),
            mail: String::new(),
            phone: String::new(),
            company: String::new(),
            worker: String::new(),
            consents: String::new(),
            notice: Value::Null,
            code: String::new(),
            ticket: String::new(),
            quotes: [String::new(), String::new()],
            erasures: [String::new(), String::new(), String::new()],
            fenced: String::new(),
            marked: String::new(),
            claimed: String::new(),
            claim: String::new(),
            over: String::new(),
            holds: [String::new(), String::new(), String::new()],
            redactions: [String::new(), String::new()],
            nodes: [String::new(), String::new()],
            document: String::new(),
            token: String::new(),
            declared: [String::new(), String::new()],
        };
        office.furnish();
        office
    }

    fn furnish(&mut self) {
        let notice = self.done(Role::Dpo, "publishNotice", &notice(), "notice { id }");
        self.notice = json!({ "id": notice["notice"]["id"], "version": 1, "language": "en" });
        let company = self.done(Role::Agent, "registerOrganization", &company(), "organization { id }");
        self.company = text(&company["organization"]["id"]);
        let contact = self.done(Role::Agent, "registerContact", &self.person(), "contact { id points { id } }");
        self.contact = text(&contact["contact"]["id"]);
        self.mail = text(&contact["contact"]["points"][0]["id"]);
        self.phone = text(&contact["contact"]["points"][1]["id"]);
        let worker = self.done(Role::Agent, "registerContact", &self.person(), "contact { id points { id } }");
        self.worker = text(&worker["contact"]["id"]);
        let mut asked = self.asked("product-news");
        asked["contactId"] = json!(self.worker);
        asked["pointId"] = worker["contact"]["points"][0]["id"].clone();
        let asked = self.done(Role::Integration, "requestConsent", &asked, "code consentsId");
        self.code = text(&asked["code"]);
        self.consents = text(&asked["consentsId"]);
        let ticket = self.done(Role::Agent, "openTicket", &self.question(), "ticket { id }");
        self.ticket = text(&ticket["ticket"]["id"]);
        self.quotes = [(), ()].map(|()| {
            let quote = self.done(Role::Agent, "draftQuote", &self.draft(), "quote { id }");
            text(&quote["quote"]["id"])
        });
        let sent = json!({ "quoteId": self.quotes[1], "version": 1 });
        self.done(Role::Agent, "markQuoteSent", &sent, "quote { id }");
        self.erasures = [(), (), ()].map(|()| {
            let person = self.done(Role::Agent, "registerContact", &self.person(), "contact { id }");
            let request = erasure_of("contactId", &text(&person["contact"]["id"]));
            text(&self.done(Role::Agent, "requestErasure", &request, "erasure { id }")["erasure"]["id"])
        });
        let person = self.done(Role::Agent, "registerContact", &self.person(), "contact { id }");
        self.fenced = self.desk.fence(&text(&person["contact"]["id"])).1.to_string();
        self.claim();
        self.age();
        self.hold();
        self.redact();
        self.hire();
        let token = json!({ "actorId": self.agent(), "label": "Qtoken" });
        self.token = text(&self.done(Role::Admin, "issueToken", &token, "token { id }")["token"]["id"]);
        self.declare();
    }

    fn device(&self) -> Value {
        let asked = self.desk.get(Role::Admin, "{ keyring { members { serial } } }");
        json!({ "device": "A folder", "serial": asked["keyring"]["members"][0]["serial"], "noBackup": true })
    }

    /// By an actor who does nothing else here, so that everybody may confirm it.
    fn declare(&mut self) {
        let somebody = self.desk.hire(Role::Dpo, "Declarer");
        let serial = text(&self.device()["serial"]);
        self.declared = [[0xd1; 16], [0xd2; 16]].map(|id| {
            let line = |text: &str| domain::value::Line::parse(text).unwrap();
            let command = domain::anchor::Command::Declare { device: line("A folder"), serial: line(&serial) };
            self.desk.submit::<domain::anchor::Anchor>(id, somebody, command);
            domain::id::AnchorId(id).to_string()
        });
    }

    /// One erasure waits, another is over, and there is a code of it.
    fn claim(&mut self) {
        let [marked, claimed] = [(), ()].map(|()| {
            let person = self.done(Role::Agent, "registerContact", &self.person(), "contact { id }");
            let request = erasure_of("contactId", &text(&person["contact"]["id"]));
            self.done(Role::Agent, "requestErasure", &request, "erasure { id claimSlip { code } }")["erasure"].clone()
        });
        (self.marked, self.claimed) = (text(&marked["id"]), text(&claimed["id"]));
        self.claim = text(&claimed["claimSlip"]["code"]);
        self.done(Role::Dpo, "approveErasure", &json!({ "erasureId": self.claimed }), "erasure { stage }");
    }

    /// A ticket that came in long ago is over.
    fn age(&mut self) {
        let at_most = json!({ "basis": "answered", "months": 24, "countedFrom": "END_OF_YEAR" });
        let retention = json!({ "compartment": "SUPPORT", "rule": { "atMost": at_most } });
        self.done(Role::Dpo, "setRetention", &retention, "retention { compartment }");
        let person = self.done(Role::Agent, "registerContact", &self.person(), "contact { id }");
        let old = json!({ "contactId": person["contact"]["id"], "effectiveAt": "2020-02-03T10:00:00Z" });
        let old = with(json!({ "origin": "EMAIL", "subjectLine": "Qline", "body": "Qbody" }), old);
        self.done(Role::Agent, "openTicket", &old, "ticket { id }");
        self.desk.app.run_retention(None, &mut |_, _| ()).unwrap();
        self.over = self.desk.app.retention_waiting()[0].to_string();
    }

    fn hold(&mut self) {
        let first = self.done(Role::Dpo, "placeHold", &self.matter(), "hold { case }");
        let case: CaseId = text(&first["hold"]["case"]).parse().unwrap();
        let (dpo, other) = (self.desk.viewer(Role::Dpo).actor, self.desk.hire(Role::Dpo, "Other"));
        self.holds = [0, 1, 2].map(|steps| {
            let hold: HoldId = Fresh::new().id().unwrap();
            let matter = Text::parse("Qmatter").unwrap();
            let holding = Holding { compartments: vec![], review_on: "2999-01-01".parse::<Day>().unwrap(), matter };
            let place = (other, Command::PlaceHold { hold, holding });
            let way = [place, (dpo, Command::ApproveHold { hold }), (other, Command::LiftHold { hold })];
            way.into_iter().take(steps + 1).for_each(|(by, command)| self.desk.submit::<Case>(case.0, by, command));
            hold.to_string()
        });
    }

    fn redact(&mut self) {
        let person = self.done(Role::Agent, "registerContact", &self.person(), "contact { id }");
        let person = text(&person["contact"]["id"]);
        self.redactions = ["NOTES", "HONORIFIC"].map(|field| {
            let asked = json!({ "contactId": person, "fields": ["JOB_TITLE", field], "words": "Qwhy" });
            text(&self.done(Role::Agent, "requestRedaction", &asked, "redaction { id }")["redaction"]["id"])
        });
        self.nodes = [(), ()].map(|()| {
            let person = self.done(Role::Agent, "registerContact", &self.person(), "contact { id }");
            text(&person["contact"]["id"])
        });
        let attached = self.done(Role::Agent, "attachDocument", &self.file(), "document { id }");
        self.document = text(&attached["document"]["id"]);
        let bin = json!({ "nodeId": self.nodes[1], "words": "Qwhy" });
        self.done(Role::Agent, "moveToBin", &bin, "redaction { id }");
    }

    fn file(&self) -> Value {
        json!({ "contactId": self.contact, "name": "Qword.pdf", "mediaType": "application/pdf", "content": "UXdvcmQ=" })
    }

    fn matter(&self) -> Value {
        json!({ "contactId": self.contact, "matter": "Qmatter", "reviewOn": "2999-01-01" })
    }

    /// The agent has a mail address.
    fn hire(&self) {
        let mail = Some(Mail::parse("qactor@office.example").unwrap());
        let profile = actor::Profile { name: Line::parse("Nancy").unwrap(), mail };
        let agent = self.desk.viewer(Role::Agent).actor;
        self.desk.submit::<Actor>(agent.0, agent, actor::Command::Change { profile });
    }

    fn agent(&self) -> String {
        self.desk.viewer(Role::Agent).actor.to_string()
    }

    fn may(&self, role: Role, operation: &str) -> bool {
        self.desk.viewer(role).may(operation)
    }

    /// Adds to what somebody has just registered what they do not know.
    fn add_to(&self, payload: &Value) {
        if let Some(id) = payload["contact"]["id"].as_str() {
            let point = json!({ "kind": "EMAIL", "value": "Qadded@people.example" });
            self.done(Role::Agent, "addContactPoint", &json!({ "contactId": id, "point": point }), "contact { id }");
        }
        if let Some(id) = payload["organization"]["id"].as_str() {
            let change = json!({ "organizationId": id, "reason": "CHANGE", "notes": "Qadded" });
            self.done(Role::Agent, "changeOrganization", &change, "organization { id }");
        }
    }

    /// Every mutation, in an order in which each can be done by whoever may, with ids for their retries.
    fn mutations(&self) -> Vec<(&'static str, Value)> {
        let ticket = |more: Value| with(json!({ "ticketId": self.ticket }), more);
        let quote = |number: usize, more: Value| with(json!({ "quoteId": self.quotes[number] }), more);
        let offer = || self.draft()["offer"].clone();
        let erasure = |number: usize, more: Value| with(json!({ "erasureId": self.erasures[number] }), more);
        let news = || self.asked("product-news");
        let no = || json!({ "contactId": self.contact, "source": "PHONE", "method": "SPOKEN", "words": "Qconsent" });
        let mut company_goes = erasure_of("organizationId", &self.company);
        company_goes["people"] = json!([self.worker]);
        let mutations = vec![
            ("registerOrganization", company()),
            (
                "changeOrganization",
                json!({ "organizationId": self.company, "reason": "CHANGE", "name": "Qcompany & Co" }),
            ),
            ("registerContact", self.person()),
            ("changeContact", json!({ "contactId": self.contact, "reason": "CHANGE", "honorific": "Qword" })),
            (
                "addContactPoint",
                json!({ "contactId": self.contact, "point": { "kind": "OTHER", "value": "Qstreet 2" } }),
            ),
            ("retireContactPoint", json!({ "contactId": self.contact, "pointId": self.phone })),
            ("openTicket", self.question()),
            ("replyToTicket", ticket(json!({ "body": "Qbody" }))),
            ("addInternalNote", ticket(json!({ "body": "Qbody" }))),
            ("assignTicket", ticket(json!({ "ownerId": self.agent() }))),
            ("setTicketPriority", ticket(json!({ "priority": "HIGH" }))),
            ("solveTicket", ticket(json!({ "solution": "Qword" }))),
            ("reopenTicket", ticket(json!({}))),
            ("closeTicket", ticket(json!({}))),
            ("draftQuote", self.draft()),
            ("reviseQuote", quote(0, json!({ "offer": offer() }))),
            ("markQuoteSent", quote(0, json!({ "version": 2 }))),
            ("acceptQuote", quote(0, json!({ "version": 2 }))),
            ("rejectQuote", quote(1, json!({ "version": 1, "reason": "Qword" }))),
            ("requestConsent", news()),
            ("giveConsent", news()),
            ("confirmConsent", json!({ "code": self.code, "source": "WEB_FORM", "words": "Qconsent" })),
            (
                "refuseConsent",
                with(no(), json!({ "purpose": "product-news", "channel": "EMAIL", "pointId": self.mail })),
            ),
            ("withdrawConsent", no()),
            ("objectToProcessing", no()),
            ("withdrawErasureRequest", erasure(0, json!({}))),
            ("refuseErasure", erasure(1, json!({ "ground": "CLAIMS", "words": "Qrefusal" }))),
            ("giveDeliveryAddress", erasure(2, json!({ "address": "Qword 1" }))),
            ("approveErasure", erasure(2, json!({}))),
            ("deliverCertificate", erasure(2, json!({}))),
            ("replaceClaimCode", json!({ "erasureId": self.marked })),
            ("linkReturn", json!({ "contactId": self.worker, "code": self.claim, "reason": "Qwhy" })),
            ("requestErasure", erasure_of("contactId", &self.contact)),
            ("requestErasure", company_goes),
            ("orderDestruction", json!({ "erasureId": self.fenced })),
            ("confirmRetention", json!({ "erasureIds": [self.over] })),
            ("setResidueDays", json!({ "kind": "OLD_BACKUPS", "days": 30 })),
            ("nameResidues", json!({ "erasureId": self.fenced, "residues": [{ "kind": "MEMORY_IMAGES" }] })),
            ("closeResidue", json!({ "erasureId": self.fenced, "number": 1, "end": "DESTROYED", "on": "2026-09-21" })),
            ("placeHold", self.matter()),
            ("approveHold", json!({ "holdId": self.holds[0] })),
            ("liftHold", json!({ "holdId": self.holds[1] })),
            ("approveHoldLift", json!({ "holdId": self.holds[2] })),
            ("discloseEvidence", json!({ "contactId": self.contact, "recipient": "Qword", "words": "Qadded" })),
            ("suppress", json!({ "address": "qgone@people.example", "reason": "ASKED" })),
            ("unsuppress", json!({ "address": "qgone@people.example", "reason": "MISTAKE" })),
            ("requestRedaction", json!({ "contactId": self.worker, "fields": ["NOTES"], "words": "Qwhy" })),
            ("withdrawRedaction", json!({ "redactionId": self.redactions[0] })),
            ("approveRedaction", json!({ "redactionId": self.redactions[1] })),
            ("moveToBin", json!({ "nodeId": self.nodes[0], "words": "Qwhy" })),
            ("restoreFromBin", json!({ "nodeId": self.nodes[1] })),
            ("attachDocument", self.file()),
            ("redactDocument", json!({ "documentId": self.document, "words": "Qwhy" })),
            ("publishNotice", notice()),
            ("setPurpose", purpose()),
            (
                "setRetention",
                json!({ "compartment": "CLAIMS", "rule": { "kept": {
                "basis": "Art. 17(3)(e) GDPR", "months": 40, "countedFrom": "END_OF_YEAR" } } }),
            ),
            ("issueToken", json!({ "actorId": self.agent(), "label": "Qtoken" })),
            ("revokeToken", json!({ "tokenId": self.token })),
            ("declareAnchor", self.device()),
            ("confirmAnchor", json!({ "declarationId": self.declared[0] })),
            ("withdrawAnchor", json!({ "declarationId": self.declared[1] })),
        ];
        mutations
            .into_iter()
            .map(|(operation, input)| (operation, with(input, json!({ "commandId": command_id() }))))
            .collect()
    }

    /// Every query, with its arguments.
    fn queries(&self) -> Vec<(&'static str, String)> {
        let id = |id: &str| format!("(id: \"{id}\")");
        let may = format!(
            "(contactId: \"{}\", purpose: \"newsletter\", channel: EMAIL, pointId: \"{}\")",
            self.contact, self.mail
        );
        let mut queries = vec![
            ("contact", id(&self.contact)),
            ("organization", id(&self.company)),
            ("ticket", id(&self.ticket)),
            ("quote", id(&self.quotes[0])),
            ("erasure", id(&self.erasures[0])),
            ("erasureByCertificate", format!("(certificate: \"{}\")", self.claimed)),
            ("erasureByClaim", format!("(code: \"{}\")", self.claim)),
            ("hold", id(&self.holds[1])),
            ("redaction", id(&self.redactions[0])),
            ("document", id(&self.document)),
            ("documents", self.whose()),
            ("redactionPreview", format!(r#"(contactId: "{}", fields: ["NOTES"])"#, self.contact)),
            ("consents", id(&self.consents)),
            ("mayContact", may),
            ("subject", self.whose()),
            ("erasurePreview", self.whose()),
            ("evidence", format!(r#"(ids: ["{}", "{}"])"#, self.contact, self.consents)),
            ("receipt", r#"(position: "20")"#.to_owned()),
            ("inclusionProof", r#"(position: "1")"#.to_owned()),
            ("consistencyProof", r#"(old: "1")"#.to_owned()),
        ];
        let lists =
            ["contacts", "organizations", "tickets", "quotes", "erasures", "viewer", "log", "notices", "purposes"];
        queries.extend(
            lists
                .into_iter()
                .chain([
                    "retentions",
                    "retention",
                    "residueDays",
                    "actors",
                    "tokens",
                    "holds",
                    "keyring",
                    "suppressionList",
                    "redactions",
                    "bin",
                ])
                .map(|list| (list, String::new())),
        );
        for of in [&self.contact, &self.company, &self.ticket, &self.quotes[0], &self.consents, &self.erasures[0]] {
            queries.extend([("history", id(of)), ("node", id(of))]);
        }
        queries
    }

    fn whose(&self) -> String {
        format!("(contactId: \"{}\")", self.contact)
    }

    fn person(&self) -> Value {
        json!({
            "source": "PHONE", "sourceWords": "Qsource", "reason": "CONTRACT", "reasonWords": "Qreason",
            "salutation": "Qsalutation", "firstName": "Qfirst", "lastName": "Qlast", "displayedName": "Qdisplayed",
            "jobTitle": "Qjob", "organizationId": self.company, "workAddress": { "lines": ["Qstreet 1"], "city": "Qcity" },
            "website": "https://qsite.example", "notes": "Qnotes", "tags": ["Qtag"],
            "socialLinks": [{ "network": "Qnetwork", "page": "https://qsite.example/me" }],
            "dates": [{ "label": "Qdate", "day": "2020-02-02" }], "oldId": { "source": "Qold", "id": "Qold" },
            "points": [
                { "kind": "EMAIL", "value": "qmail@people.example", "label": "Qlabel" },
                { "kind": "MOBILE", "value": "+49 151 23456789", "label": "Qlabel" },
            ],
        })
    }

    fn asked(&self, purpose: &str) -> Value {
        json!({
            "contactId": self.contact, "purpose": purpose, "channel": "EMAIL", "pointId": self.mail, "notice": self.notice,
            "source": "PHONE", "method": "SPOKEN", "words": "Qconsent",
        })
    }

    fn question(&self) -> Value {
        json!({
            "contactId": self.contact, "organizationId": self.company, "subjectLine": "Qline", "body": "Qbody",
            "origin": "EMAIL",
        })
    }

    fn draft(&self) -> Value {
        let line = json!({ "description": "Qoffer", "quantityMilli": 1000, "unitPriceMinor": 1, "taxBasisPoints": 0 });
        let offer = json!({ "currency": "EUR", "validUntil": "2999-12-31", "title": "Qoffer", "lines": [line] });
        json!({ "contactId": self.contact, "organizationId": self.company, "offer": offer })
    }

    fn done(&self, role: Role, operation: &str, input: &Value, select: &str) -> Value {
        let query = mutation(operation, &format!("{select} errors {{ message path }}"));
        let payload = self.desk.get_with(role, &query, json!({ "input": input }))[operation].clone();
        assert_eq!(payload["errors"], json!([]), "{operation} {input}");
        payload
    }

    /// A mutation whose payload is read down every path.
    fn change(&self, role: Role, operation: &str, input: &Value) -> Value {
        let select = self.all_of(self.field("mutationType", operation));
        self.desk.ask_with(role, &mutation(operation, &select), json!({ "input": input }))
    }

    fn ask(&self, role: Role, operation: &str, arguments: &str) -> Value {
        let field = self.field("queryType", operation);
        let select = match core(&field["type"])["kind"] == "SCALAR" {
            true => String::new(),
            false => format!("{{ {} }}", self.all_of(field)),
        };
        self.desk.ask(role, &format!("{{ {operation}{arguments} {select} }}"))
    }

    fn field(&self, root: &str, name: &str) -> &Value {
        let fields = self.find(&self.schema[root]["name"])["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()
    }

    fn find(&self, name: &Value) -> &Value {
        self.schema["types"].as_array().unwrap().iter().find(|known| known["name"] == *name).unwrap()
    }

    fn all_of(&self, field: &Value) -> String {
        self.select(&core(&field["type"])["name"], &mut Vec::new())
    }

    /// All fields of a type, and of what they lead to; of what the path came through already, only what has no fields.
    fn select<'a>(&'a self, name: &'a Value, path: &mut Vec<&'a Value>) -> String {
        let found = self.find(name);
        let again = path.contains(&name);
        path.push(name);
        let mut select = String::from("__typename");
        for kind in found["possibleTypes"].as_array().into_iter().flatten() {
            select += &format!(" ... on {} {{ {} }}", text(&kind["name"]), self.select(&kind["name"], path));
        }
        for field in found["fields"].as_array().into_iter().flatten() {
            let (of, name) = (core(&field["type"]), text(&field["name"]));
            let nested = matches!(of["kind"].as_str(), Some("OBJECT" | "INTERFACE"));
            // A connection's nodes are those of its edges.
            if !nested {
                select += &format!(" {name}");
            } else if !again && name != "edges" {
                select += &format!(" {name} {{ {} }}", self.select(&of["name"], path));
            }
        }
        path.pop();
        select
    }
}

const SCHEMA: &str = "{ __schema { queryType { name } mutationType { name } types {
    name possibleTypes { name } fields { name type { ...t } } } } }
    fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// A type without its lists and marks.
fn core(of: &Value) -> &Value {
    if of["ofType"].is_null() { of } else { core(&of["ofType"]) }
}

fn mutation(operation: &str, select: &str) -> String {
    let input = operation[..1].to_uppercase() + &operation[1..];
    format!("mutation($input: {input}Input!) {{ {operation}(input: $input) {{ {select} }} }}")
}

fn with(mut all: Value, more: Value) -> Value {
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn erasure_of(field: &str, id: &str) -> Value {
    json!({
        field: id, "ground": "OBJECTED", "how": "EMAIL", "askedOn": "2026-09-20", "identityCheck": "KNOWN_POINT",
        "identityOn": "2026-09-20", "words": "Qerasure",
    })
}

fn company() -> Value {
    json!({
        "source": "PHONE", "sourceWords": "Qsource", "reason": "CONTRACT", "reasonWords": "Qreason", "name": "Qcompany",
        "invoiceAddress": { "lines": ["Qstreet 3"], "city": "Qcity" }, "notes": "Qnotes", "tags": ["Qtag"],
        "points": [{ "kind": "EMAIL", "value": "qmail@people.example" }],
    })
}

fn notice() -> Value {
    json!({ "purpose": "product-news", "language": "en", "text": "May we?" })
}

fn purpose() -> Value {
    json!({
        "slug": "fairs", "title": "Fairs", "basis": "CONSENT", "compartment": "RELATIONSHIP", "channels": ["EMAIL"],
        "waitsForConsent": true,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
