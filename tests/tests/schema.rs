//! The schema as a golden file: what clients were told does not change unseen.

use tests::programs::lethe;

#[test]
fn the_schema_is_the_one_that_is_written_down() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/schema.graphql");
    let printed = lethe(&["schema"]).done();
    if std::env::var_os("LETHE_BLESS").is_some() {
        std::fs::write(&golden, &printed).unwrap();
    }
    let written = std::fs::read_to_string(&golden).unwrap_or_default();
    let differing = written.lines().zip(printed.lines()).position(|(one, other)| one != other);
    let line = differing.unwrap_or_else(|| written.lines().count().min(printed.lines().count())) + 1;
    assert!(
        printed == written,
        "`lethe schema` and api/schema.graphql differ in line {line}; write it with LETHE_BLESS=1 and read the diff"
    );
}
