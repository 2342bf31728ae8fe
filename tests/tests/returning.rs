//! Deleted, and came back: somebody is erased, keeps the slip, is registered again, and shows the code.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use events::claim::ClaimCode;
use events::evidence::Evidence;
use replay::certificate::CertificateFile;
use serde_json::{Value, json};
use tests::client::{Client, text};
use tests::desk::{self, Registered};
use tests::files::Search;
use tests::programs::lethe_audit;
use tests::server::{Server, size, unchanged};

const MAIL: &str = "zenobia@quastenflosser.example";
const REASON: &str = "She is a customer again and wants to see what became of her file.";
const ENTRY: &str = "query($number: ID!) { erasureByCertificate(certificate: $number) { certificate ground how askedOn
    destroyedOn form finalOn level words compartments survives { compartment basis until } links hasClaimCode
    residues { number kind until end endedOn } } }";
const CLAIM: &str = "query($code: ClaimCode!) { erasureByClaim(code: $code) { errors { code path message } proof {
    case records erasure { certificate destroyedOn } trail { position kind hash sealed gone } evidence { file } } } }";

/// A server, and who is at its desks.
struct House {
    server: Server,
    dir: tempfile::TempDir,
    agent: Client,
    dpo: Client,
    portal: Client,
}

impl House {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::at(&dir.path().join("data"), &["--cooling-off", "0"]);
        let [agent, dpo, portal] = ["agent", "dpo", "integration"].map(|role| server.client(role));
        Self { server, dir, agent, dpo, portal }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn register(&self) -> Registered {
        desk::register(&self.agent, "Zenobia", "Quastenflosser", MAIL)
    }

    /// Asks for the erasure; what is said of the slip.
    fn request(&self, of: &Registered, more: &Value) -> Value {
        let mut input = desk::erasure_request(of, "please forget me");
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let select = "erasure { id case hasClaimCode claimWords claimSlip { certificate code text german: text(language: DE) } }";
        self.agent.change("requestErasure", &input, select)
    }

    fn approve(&self, erasure: &str) {
        let approved = self.dpo.change("approveErasure", &json!({ "erasureId": erasure }), "erasure { stage }");
        assert_eq!(approved["erasure"]["stage"], "CERTIFIED");
        desk::until_swept(&self.dpo, erasure);
    }

    /// Registered, erased, certified: the old contact, the erasure, its case, and the code on the slip.
    fn erased(&self) -> (Registered, Value, String) {
        let old = self.register();
        let asked = self.request(&old, &json!({}))["erasure"].clone();
        self.approve(&text(&asked["id"]));
        let code = text(&asked["claimSlip"]["code"]);
        (old, asked, code)
    }

    fn show(&self, code: &str) -> Value {
        self.portal.ask(CLAIM, json!({ "code": code }))["erasureByClaim"].clone()
    }

    fn link(&self, who: &Registered, code: &str) -> Value {
        json!({ "contactId": who.id, "code": code, "reason": REASON })
    }

    fn returns(&self, who: &Registered) -> Value {
        let query = "query($id: ID!) { subject(contactId: $id) { id returns { certificate reason } } }";
        self.dpo.ask(query, json!({ "id": who.id }))["subject"].clone()
    }

    fn policy(&self) -> String {
        let key = self.dpo.ask("{ log { key } }", json!({}))["log"]["key"].clone();
        let file = self.path("policy");
        std::fs::write(&file, format!("log {}\nquorum none\n", text(&key))).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

#[test]
fn deleted_and_came_back() {
    let house = House::open();
    let old = house.register();
    let subject = text(&house.returns(&old)["id"]);
    let asked = house.request(&old, &json!({}))["erasure"].clone();
    let (number, slip) = (text(&asked["id"]), &asked["claimSlip"]);
    let code = text(&slip["code"]);
    assert!(text(&slip["text"]).contains(&code) && text(&slip["german"]).contains(&number), "{slip}");
    assert_eq!(house.show(&code)["errors"][0]["code"], "CONFLICT", "it is not certified yet");
    house.approve(&number);

    // Who kept the letter and lost the code sees the erasure, and nothing that links.
    let entry = house.portal.ask(ENTRY, json!({ "number": number }))["erasureByCertificate"].clone();
    assert_eq!((&entry["certificate"], &entry["hasClaimCode"]), (&json!(number), &json!(true)));
    assert_eq!((&entry["destroyedOn"], &entry["level"]), (&json!(desk::today()), &json!("A0")));
    let links = entry["links"].to_string();
    let claims = entry["survives"].as_array().unwrap().iter().find(|it| it["compartment"] == "claims").unwrap();
    for say in ["case file", "Other systems", "close in time", "Keys that are kept", claims["until"].as_str().unwrap()]
    {
        assert!(links.contains(say) && !links.contains("DAY"), "{say}: {links}");
    }
    for id in [&old.id, &old.point, &subject, &text(&asked["case"]), &code] {
        let bare = id.rsplit('_').next().unwrap();
        assert!(!entry.to_string().contains(bare), "{id}: {entry}");
    }
    let nobody = json!({ "number": desk::nobody("erasure") });
    assert_eq!(house.portal.ask(ENTRY, nobody)["erasureByCertificate"], json!(null));

    // Neither the person's letter nor the authority's has the code or its hash; the case in the log has the hash.
    let query = "query($id: ID!) { erasure(id: $id) { certificateFile } }";
    let letter = text(&house.dpo.ask(query, json!({ "id": number }))["erasure"]["certificateFile"]);
    let mark = ClaimCode::parse(&code).unwrap().mark().0;
    let evidence = CertificateFile::parse(letter.as_bytes()).unwrap().evidence;
    let holds = |record: &[u8]| record.windows(32).any(|window| window == mark);
    assert!(!letter.contains(&code) && evidence.others.len() > 2);
    assert!(!evidence.others.iter().any(|other| holds(&other.record)) && !letter.contains(&hex(&mark)));

    // The code shows the structure of the old trail and its end, and the file holds offline.
    let shown = house.show(&code.to_lowercase().replace('-', " "));
    assert_eq!(shown["errors"], json!([]), "{shown}");
    let proof = &shown["proof"];
    let trail = proof["trail"].as_array().unwrap();
    let of =
        |kind: &str| trail.iter().find(|record| record["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {trail:?}"));
    assert_eq!((&of("contact.registered")["sealed"], &of("contact.registered")["gone"]), (&json!(1), &json!(1)));
    assert_eq!(of("case.certified")["sealed"], json!(0));
    let file = house.path("old.evidence");
    let bytes = BASE64.decode(text(&proof["evidence"]["file"])).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let shown = Evidence::parse(&bytes).unwrap();
    let trails = || shown.trails.iter();
    assert!(trails().flat_map(|trail| &trail.records).any(|audited| holds(&audited.record)), "so it would be found");
    assert!(trails().all(|trail| trail.openings.is_empty()), "no value is in it");
    let told = lethe_audit(&["check", file.to_str().unwrap(), "--policy", &house.policy()]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert!(told.out.contains(&format!("sealed for ever by {number}")), "{}", told.out);

    // Registered again with the same address: nothing links.
    let new = house.register();
    assert_eq!(house.returns(&new)["returns"], json!([]));
    let linked = house.dpo.change("linkReturn", &house.link(&new, &code), "returned { certificate reason }");
    assert_eq!(linked["returned"], json!({ "certificate": number, "reason": REASON }));
    assert_eq!(house.returns(&new)["returns"], json!([linked["returned"]]));
    assert_eq!(house.dpo.refused_with("linkReturn", &house.link(&new, &code)), "CONFLICT", "once");

    // Erased again: the link is kept with the claims as long as these are, and the old code proves the old trail still.
    let again = house.request(&new, &json!({}))["erasure"].clone();
    house.approve(&text(&again["id"]));
    assert_eq!(house.returns(&new), json!(null));
    assert_eq!(house.show(&code)["errors"], json!([]));

    let codes = [code.clone(), code.replace('-', ""), text(&again["claimSlip"]["code"])];
    nowhere(house, &codes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Neither in a file nor in anything that the server said.
fn nowhere(house: House, codes: &[String]) {
    let data = house.path("data");
    let House { server, dir, .. } = house;
    let ended = server.stop();
    assert!(ended.status.success());
    let planted = Search::for_texts(codes.to_vec());
    assert_eq!(planted.find_in(&data), [""; 0]);
    assert_eq!((planted.find(ended.out.as_bytes()), planted.find(ended.err.as_bytes())), (vec![], vec![]));
    drop(dir);
}

#[test]
fn nobody_is_linked_without_the_code() {
    let house = House::open();
    let (_, asked, code) = house.erased();
    let new = house.register();
    let other = {
        let ada = desk::register(&house.agent, "Ada", "Anders", "ada@quastenflosser.example");
        text(&house.request(&ada, &json!({}))["erasure"]["claimSlip"]["code"])
    };
    let swapped = code.replacen(&code[..1], if code.starts_with('7') { "8" } else { "7" }, 1);
    let unknown = "0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000";
    for (typed, why) in
        [("", "VALIDATION"), (swapped.as_str(), "VALIDATION"), (unknown, "VALIDATION"), (other.as_str(), "CONFLICT")]
    {
        unchanged(&house.dpo, || {
            let errors = house.dpo.refused("linkReturn", &house.link(&new, typed));
            assert_eq!((&errors[0]["code"], &errors[0]["path"]), (&json!(why), &json!(["code"])), "{typed}");
            let said = errors[0]["message"].as_str().unwrap();
            assert!(typed.is_empty() || !said.contains(typed), "{said}");
            assert_eq!(house.show(typed)["errors"][0]["code"], why, "{typed}");
        });
    }
    // A code that nobody was given.
    let nobodys = ClaimCode::draw().unwrap();
    assert_eq!(house.dpo.refused_with("linkReturn", &house.link(&new, &nobodys.write())), "NOT_FOUND");
    // The number on the certificate is no code, and no role but people's links.
    assert_eq!(house.dpo.refused_with("linkReturn", &house.link(&new, &text(&asked["id"]))), "VALIDATION");
    assert_eq!(house.portal.refused_with("linkReturn", &house.link(&new, &code)), "PERMISSION");
    assert_eq!(
        house.dpo.refused("linkReturn", &json!({ "contactId": new.id, "code": code, "reason": "" }))[0]["path"],
        json!(["reason"])
    );
    // An address is written down everywhere, so no code goes into one.
    let query = format!("query={{erasureByClaim(code:%22{code}%22){{errors{{code}}}}}}");
    let by_get = house.portal.get(&query);
    assert_eq!(by_get.code(), "BAD_USER_INPUT", "{by_get:?}");
    assert!(!by_get.body.to_string().contains(&code));
    nowhere(house, &[code, other, nobodys.write().to_string()]);
}

#[test]
fn a_code_is_shown_once_and_one_that_was_lost_is_replaced() {
    let house = House::open();
    let old = house.register();
    let id = json!({ "commandId": desk::command_id() });
    let first = house.request(&old, &id);
    let before = size(&house.dpo);
    let again = house.request(&old, &id);
    assert_eq!((&again["repeated"], &again["erasure"]["claimSlip"]), (&json!(true), &json!(null)));
    assert_eq!((&again["erasure"]["hasClaimCode"], size(&house.dpo)), (&json!(true), before));
    assert!(text(&first["erasure"]["claimWords"]).contains("in this answer"), "{first}");
    assert!(text(&again["erasure"]["claimWords"]).contains("replaceClaimCode"), "{again}");
    let number = text(&first["erasure"]["id"]);
    let lost = text(&first["erasure"]["claimSlip"]["code"]);
    let read = house.dpo.ask("query($id: ID!) { erasure(id: $id) { claimSlip { code } } }", json!({ "id": number }));
    assert_eq!(read["erasure"]["claimSlip"], json!(null), "it is kept nowhere");

    let replace = json!({ "erasureId": number, "commandId": desk::command_id() });
    let select = "erasure { claimSlip { code } }";
    let replaced = house.agent.change("replaceClaimCode", &replace, select);
    let repeated = house.agent.change("replaceClaimCode", &replace, select);
    assert_eq!((&repeated["repeated"], &repeated["erasure"]["claimSlip"]), (&json!(true), &json!(null)));
    let code = text(&replaced["erasure"]["claimSlip"]["code"]);
    house.approve(&number);
    assert_eq!(house.show(&lost)["errors"][0]["code"], "NOT_FOUND", "only the last one counts");
    assert_eq!(house.show(&code)["errors"], json!([]));
    let late = house.agent.refused_with("replaceClaimCode", &json!({ "erasureId": number }));
    assert_eq!(late, "CONFLICT", "behind the certificate nobody gets another");
    nowhere(house, &[lost, code]);
}

#[test]
fn a_browser_that_draws_the_code_keeps_it() {
    let house = House::open();
    let (old, other) = (house.register(), desk::register(&house.agent, "Ada", "Anders", "ada@quastenflosser.example"));
    let code = ClaimCode::draw().unwrap();
    let hash = hex(&code.mark().0);
    let mut bad = desk::erasure_request(&old, "please");
    bad["claimHash"] = json!("no hash");
    let wrong = house.agent.send(
        "mutation($input: RequestErasureInput!) { requestErasure(input: $input) { repeated } }",
        json!({ "input": bad }),
    );
    assert!(wrong.body.to_string().contains("64 hexadecimal digits"), "{wrong:?}");
    let with_hash = json!({ "claimHash": hash, "commandId": desk::command_id() });
    let asked = house.request(&old, &with_hash)["erasure"].clone();
    assert_eq!((&asked["claimSlip"], &asked["hasClaimCode"]), (&json!(null), &json!(true)));
    assert_eq!(house.request(&old, &with_hash)["repeated"], json!(true));
    // Whoever reads a hash in the log gets nobody's erasure by it.
    let mut copied = desk::erasure_request(&other, "please");
    copied["claimHash"] = json!(hash);
    unchanged(&house.dpo, || {
        let errors = house.agent.refused("requestErasure", &copied);
        assert_eq!((&errors[0]["path"], errors.len()), (&json!(["claimHash"]), 1), "{errors:?}");
    });
    house.approve(&text(&asked["id"]));
    let shown = house.show(&code.write());
    assert_eq!(shown["proof"]["erasure"]["certificate"], asked["id"], "{shown}");
}
