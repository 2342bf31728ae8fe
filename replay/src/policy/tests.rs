//! Policies as <https://c2sp.org/tlog-policy> has them, and everything that is none.

use events::checkpoint::Checkpoint;
use events::note::{FileSigner, Kind, NoteError, SignedNote, Signer, VerifierKey};

use super::{Fault, Policy, PolicyError};

/// A key that signs, by its number.
struct Keys {
    dir: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn signer(&self, name: &str) -> FileSigner {
        FileSigner::at(&self.dir.path().join(name)).unwrap()
    }

    fn vkey(&self, name: &str, kind: Kind) -> VerifierKey {
        VerifierKey::new(&format!("{}.example", name.to_lowercase()), kind, self.signer(name).public()).unwrap()
    }

    /// Fills a policy: `log(A)` and `witness(A)` stand for the keys of these kinds.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        for item in text.split_inclusive([' ', '\n']) {
            let (word, end) = item.split_at(item.trim_end().len());
            let (kind, name) = word.trim_end_matches(')').split_once('(').unwrap_or(("", ""));
            filled += &match kind {
                "log" => self.vkey(name, Kind::Note).to_string(),
                "witness" => self.vkey(name, Kind::Cosignature).to_string(),
                _ => word.to_owned(),
            };
            filled += end;
        }
        filled
    }

    fn policy(&self, text: &str) -> Policy {
        Policy::parse(self.fill(text).as_bytes()).unwrap()
    }

    fn fault(&self, text: &str) -> (usize, Fault) {
        match Policy::parse(self.fill(text).as_bytes()) {
            Err(PolicyError::Line { line, fault }) => (line, fault),
            other => panic!("{text}: {other:?}"),
        }
    }

    /// A checkpoint of `log.example`, signed by the log, cosigned by these.
    fn note(&self, witnesses: &[&str]) -> SignedNote {
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 7, root: [7; 32] };
        let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
        note.sign("log.example", Kind::Note, 0, &self.signer("log")).unwrap();
        for (at, name) in (1_700_000_000..).zip(witnesses) {
            note.sign(&format!("{}.example", name.to_lowercase()), Kind::Cosignature, at, &self.signer(name)).unwrap();
        }
        note
    }
}

/// The example of the specification.
const EXAMPLE: &str = "\
log log(log)

witness X1 witness(X1)
witness X2 witness(X2)
witness X3 witness(X3)
group X-witnesses 2 X1 X2 X3

witness Y1 witness(Y1)
witness Y2 witness(Y2)
witness Y3 witness(Y3)
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
";

#[test]
fn the_example_wants_two_of_one_house_and_one_of_another() {
    let keys = Keys::new();
    let policy = keys.policy(EXAMPLE);
    for (cosigned, enough) in [
        (vec!["X1", "X3", "Y2"], true),
        (vec!["X1", "X2", "X3", "Y1", "Y2", "Y3"], true),
        (vec!["X1", "X2", "X3"], false),
        (vec!["X1", "Y1", "Y2", "Y3"], false),
        (vec![], false),
    ] {
        let note = keys.note(&cosigned);
        let judged = policy.judge(&note).unwrap();
        assert_eq!((judged.quorum, judged.accepted()), (enough, enough), "{cosigned:?}");
        assert_eq!(judged.log.unwrap().key.name(), "log.example");
        let names: Vec<_> = judged.cosigned.iter().map(|one| one.witness.name.as_slice()).collect();
        assert_eq!(names, cosigned.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
    }
}

#[test]
fn a_quorum_is_met_by_exactly_k_of_n_at_every_depth() {
    let keys = Keys::new();
    for k in 1..=3 {
        let policy = keys.policy(&format!(
            "witness A witness(A)\nwitness B witness(B)\nwitness C witness(C)\nwitness D witness(D)\n\
             group CD all C D\ngroup top {k} A B CD\nquorum top\n"
        ));
        for chosen in 0_u8..16 {
            let (a, b, cd) = (chosen & 1, chosen >> 1 & 1, u8::from(chosen >> 2 == 3));
            let has = |name: &[u8]| chosen >> (name[0] - b'A') & 1 == 1;
            assert_eq!(policy.is_met(|witness| has(&witness.name)), a + b + cd >= k, "{k} of {chosen:04b}");
        }
    }
    let one = keys.policy("witness A witness(A)\nwitness B witness(B)\nquorum B\n");
    assert!(!one.judge(&keys.note(&["A"])).unwrap().quorum);
    assert!(one.judge(&keys.note(&["B"])).unwrap().quorum);
    let none = keys.policy("log log(log)\nquorum none\n");
    assert!(none.judge(&keys.note(&[])).unwrap().accepted(), "the word of the log alone was asked for");
}

#[test]
fn who_stands_for_a_checkpoint_is_told_with_the_operators_own_apart() {
    let keys = Keys::new();
    let policy = keys.policy(
        "log log(log) https://log.example/\nwitness own witness(A)\nwitness customer witness(B) https://b.example/\n\
         operator own\ngroup g any own customer\nquorum g\nreplay auditor log(R)\n",
    );
    let note = keys.note(&["A"]);
    let judged = policy.judge(&note).unwrap();
    assert!(judged.accepted() && !judged.quorum_of_others, "only the operator's own witness has cosigned");
    let cosigned = judged.cosigned.first().unwrap();
    assert_eq!((cosigned.at, cosigned.witness.by_operator), (1_700_000_000, true));
    let note = keys.note(&["A", "B"]);
    assert!(policy.judge(&note).unwrap().quorum_of_others);
    assert_eq!(policy.witnesses()[1].url.as_deref(), Some(b"https://b.example/".as_slice()));
    assert_eq!(policy.logs()[0].url.as_deref(), Some(b"https://log.example/".as_slice()));
    assert_eq!((policy.replays().len(), policy.replays()[0].name.as_slice()), (1, b"auditor".as_slice()));
}

#[test]
fn only_a_log_of_the_policy_counts_and_under_its_own_origin() {
    let keys = Keys::new();
    let other = keys.policy("log log(other)\nquorum none\n");
    assert_eq!(other.judge(&keys.note(&[])).unwrap().log, None);
    // The log's key, but under the origin of somebody else.
    let checkpoint = Checkpoint { origin: "somebody.example".into(), size: 7, root: [7; 32] };
    let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
    note.sign("log.example", Kind::Note, 0, &keys.signer("log")).unwrap();
    assert_eq!(keys.policy("log log(log)\nquorum none\n").judge(&note).unwrap().log, None);
    // A cosignature under the name of the witness, made with another key: the name and id are not that witness's.
    let mut note = keys.note(&[]);
    note.sign("x1.example", Kind::Cosignature, 1, &keys.signer("Y1")).unwrap();
    assert_eq!(keys.policy(EXAMPLE).judge(&note).unwrap().cosigned, []);
}

#[test]
fn a_wrong_signature_of_a_known_key_spoils_the_note() {
    let keys = Keys::new();
    let policy = keys.policy(EXAMPLE);
    let note = keys.note(&["X1", "X2", "Y1"]);
    for bent in 0..4 {
        let mut signature = note.signatures()[bent].clone();
        *signature.bytes.last_mut().unwrap() ^= 1;
        let mut note = note.clone();
        note.add(signature.clone());
        assert_eq!(policy.judge(&note), Err(NoteError::Wrong(signature.name)));
    }
    let mut timed = note.signatures()[1].clone();
    timed.bytes[7] ^= 1;
    let mut note = note.clone();
    note.add(timed);
    assert!(policy.judge(&note).is_err(), "the time of a cosignature is signed too");
}

#[test]
fn the_order_of_lines_blanks_and_comments_are_free_where_the_text_says_so() {
    let keys = Keys::new();
    let policy = keys.policy(
        "# a policy\n\n \t \n\t# comments may be indented: \u{e4}\n  witness\t \u{212a} witness(A) \n\
         witness K witness(B) \nquorum \u{212a} \nlog log(log) \nlog log(second) # \n",
    );
    assert_eq!(policy.witnesses().len(), 2, "the Kelvin sign is no K");
    assert_eq!(policy.logs().len(), 2);
    assert!(policy.is_met(|witness| witness.name == "\u{212a}".as_bytes()));
    assert!(Policy::parse(b"quorum none").is_ok(), "a last line without a line feed");
    let mut bytes = keys.fill("witness N witness(A) U\nquorum N\n").into_bytes();
    let at: Vec<usize> = (0..bytes.len()).filter(|at| matches!(bytes[*at], b'N' | b'U')).collect();
    for at in at.iter().filter(|at| bytes[**at - 1] == b' ').copied().collect::<Vec<_>>() {
        bytes[at] = 0xFF;
    }
    assert_eq!(Policy::parse(&bytes).unwrap().witnesses()[0].name, [0xFF], "names are bytes");
}

#[test]
fn thirty_two_of_each_and_more_are_taken() {
    let keys = Keys::new();
    let mut text = String::new();
    for n in 0..40 {
        text += &format!("log log(l{n})\nwitness w{n} witness(w{n})\ngroup g{n} any w{n}\n");
    }
    text += "group all all ";
    text += &(0..40).map(|n| format!("g{n}")).collect::<Vec<_>>().join(" ");
    text += "\nquorum all\n";
    let policy = keys.policy(&text);
    assert!(policy.is_met(|_| true) && !policy.is_met(|witness| witness.name != b"w17"));
    let chain: String = (1..5_000).map(|n| format!("group g{n} any g{}\n", n - 1)).collect();
    let deep = keys.policy(&format!("witness g0 witness(w0)\n{chain}quorum g4999\n"));
    assert!(deep.is_met(|_| true), "a chain of groups takes no deep stack");
}

#[test]
fn what_is_no_policy_is_refused_with_its_line() {
    let keys = Keys::new();
    let w = "witness A witness(A)\nwitness B witness(B)\n";
    for (text, line, said) in [
        ("quorum none\nquorum none\n".into(), 2, "line 1 has a quorum already"),
        ("\nwitnesses A\n".into(), 2, "\"witnesses\" is no kind of line"),
        ("Quorum none\n".into(), 1, "no kind of line"),
        ("log\n".into(), 1, "`log <vkey> [<url>]`"),
        ("log log(log) url more\n".into(), 1, "`log <vkey> [<url>]`"),
        ("witness A\n".into(), 1, "`witness <name> <vkey> [<url>]`"),
        ("witness A witness(A) url more\n".into(), 1, "`witness"),
        ("log witness(log)\n".into(), 1, "a log has a key of kind 0x01"),
        ("witness A log(A)\n".into(), 1, "a witness has a key of kind 0x04"),
        ("log log(log)\nlog log(log)\n".into(), 2, "line 1 has the public key of this log already"),
        (format!("{w}witness C witness(A)\n"), 3, "line 1 has the public key of this witness"),
        (format!("{w}witness A witness(C)\n"), 3, "the name \"A\" is taken"),
        (format!("{w}group A any B\n"), 3, "the name \"A\" is taken"),
        ("witness none witness(A)\n".into(), 1, "\"none\" is taken"),
        (format!("{w}group none any A\n"), 3, "\"none\" is taken"),
        (format!("{w}group g any none\n"), 3, "\"none\" is taken"),
        (format!("{w}group g any\n"), 3, "`group <name> all|any|<k> <name>...`"),
        (format!("{w}group g any C\n"), 3, "no line before this one defines \"C\""),
        (format!("{w}group g any g\n"), 3, "defines \"g\""),
        (format!("{w}group g any A A\n"), 3, "\"A\" is a member already"),
        (format!("{w}group g any A\ngroup h any A\n"), 4, "\"A\" is a member already"),
        (format!("{w}group g 0 A\n"), 3, "of 1 members, \"0\" cannot be asked"),
        (format!("{w}group g 3 A B\n"), 3, "of 2 members, \"3\""),
        (format!("{w}group g -1 A B\n"), 3, "cannot be asked"),
        (format!("{w}group g +1 A B\n"), 3, "cannot be asked"),
        (format!("{w}group g 01 A B\n"), 3, "cannot be asked"),
        (format!("{w}group g some A B\n"), 3, "cannot be asked"),
        (format!("{w}group g 18446744073709551617 A B\n"), 3, "cannot be asked"),
        ("quorum\n".into(), 1, "`quorum <name>`"),
        ("quorum A\nwitness A witness(A)\n".into(), 1, "no line before this one defines \"A\""),
        (format!("{w}quorum A B\n"), 3, "`quorum <name>`"),
        (format!("{w}operator C\n"), 3, "defines \"C\""),
        (format!("{w}group g any A\noperator g\n"), 4, "\"g\" is a group"),
        (format!("{w}operator A\noperator A\n"), 4, "\"A\" is named the operator's already"),
        ("replay r log(R)\nreplay r log(S)\n".into(), 2, "\"r\" is taken"),
        ("replay r log(R)\nreplay s log(R)\n".into(), 2, "public key of this replay"),
        ("quorum none\r\n".into(), 1, "0x0d"),
        ("quorum\u{b}none\n".into(), 1, "0x0b"),
        ("# \0\n".into(), 1, "0x00"),
        ("# \u{7f}\n".into(), 1, "0x7f"),
        ("log nothing\n".into(), 1, "no public key"),
        ("quorum none # of them\n".into(), 1, "`quorum <name>`"),
        ("quorum\u{a0}none\n".into(), 1, "no kind of line"),
    ] {
        let (at, fault) = keys.fault(&text);
        assert!(at == line && fault.to_string().contains(said), "{text}: line {at}: {fault}");
    }
    assert_eq!(Policy::parse(b""), Err(PolicyError::NoQuorum));
    assert_eq!(Policy::parse(&[b'\n'; super::MOST_BYTES + 1]), Err(PolicyError::Large));
}

#[test]
fn a_key_text_that_is_bent_is_no_key() {
    let keys = Keys::new();
    let good = keys.vkey("log", Kind::Note).to_string();
    for at in 0..good.len() {
        let mut bent = good.clone().into_bytes();
        bent[at] ^= 1;
        let line = [b"log ".as_slice(), &bent, b"\nquorum none\n"].concat();
        assert!(Policy::parse(&line).is_err(), "{}", String::from_utf8_lossy(&line));
    }
}
