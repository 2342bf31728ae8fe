use domain::actor::Role;
use serde_json::{Value, json};

use crate::graphql::testing::Desk;

const KEYRING: &str =
    "{ keyring { level members { serial holdsThisRootAlone } declarations { id counts declaredBy confirmedBy } } }";

fn change(operation: &str) -> String {
    let input = format!("{}{}Input", operation[..1].to_uppercase(), &operation[1..]);
    format!(
        "mutation m($input: {input}!) {{ {operation}(input: $input) {{ declaration {{ id counts }} revision \
         errors {{ code message path }} }} }}"
    )
}

fn tell(desk: &Desk, role: Role, operation: &str, input: &Value) -> Value {
    desk.get_with(role, &change(operation), json!({ "input": input }))[operation].clone()
}

#[test]
fn two_people_declare_a_device_and_one_takes_it_back() {
    let desk = Desk::open();
    let keyring = || desk.get(Role::Admin, KEYRING)["keyring"].clone();
    assert_eq!(keyring()["members"][0]["holdsThisRootAlone"], true);
    let serial = keyring()["members"][0]["serial"].clone();
    let input = json!({ "device": "the folder in the safe", "serial": serial, "noBackup": true });
    let declared = tell(&desk, Role::Dpo, "declareAnchor", &input);
    assert_eq!((&declared["errors"], &declared["declaration"]["counts"]), (&json!([]), &json!(false)));
    let id = json!({ "declarationId": declared["declaration"]["id"] });
    let own = tell(&desk, Role::Dpo, "confirmAnchor", &id);
    assert_eq!(own["errors"][0]["code"], "PERMISSION", "{own}");
    let confirmed = tell(&desk, Role::Admin, "confirmAnchor", &id);
    assert_eq!(confirmed["declaration"]["counts"], true, "{confirmed}");
    let seen = keyring();
    assert_eq!(seen["level"], "A0", "files stay what they are, whatever is declared");
    let declared = &seen["declarations"][0];
    assert!(declared["declaredBy"] != declared["confirmedBy"] && declared["confirmedBy"].is_string(), "{seen}");
    assert_eq!(tell(&desk, Role::Dpo, "withdrawAnchor", &id)["declaration"]["counts"], false);
    assert_eq!(tell(&desk, Role::Admin, "confirmAnchor", &id)["errors"][0]["code"], "CONFLICT");
}

#[test]
fn what_is_no_member_is_not_declared() {
    let desk = Desk::open();
    let input = json!({ "device": "another one", "serial": "0000", "noBackup": true });
    let refused = tell(&desk, Role::Dpo, "declareAnchor", &input);
    assert_eq!(refused["errors"][0]["path"], json!(["serial"]), "{refused}");
    let serial = desk.get(Role::Admin, KEYRING)["keyring"]["members"][0]["serial"].clone();
    let input = json!({ "device": "the folder", "serial": serial, "noBackup": false });
    assert_eq!(tell(&desk, Role::Dpo, "declareAnchor", &input)["errors"][0]["path"], json!(["noBackup"]));
    let unknown = json!({ "declarationId": format!("anchor_{}", "0".repeat(32)) });
    assert_eq!(tell(&desk, Role::Dpo, "confirmAnchor", &unknown)["errors"][0]["code"], "NOT_FOUND");
    assert_eq!(desk.get(Role::Admin, KEYRING)["keyring"]["declarations"], json!([]));
}
