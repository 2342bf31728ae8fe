//! Notes as others write them, and notes that are bent.

use super::*;

const EXAMPLE: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
\u{2014} quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3Ze\
kRwNtIc=\n";

fn signer() -> FileSigner {
    FileSigner::at(&tempfile::tempdir().unwrap().path().join("key")).unwrap()
}

fn key(name: &str, kind: Kind, signer: &FileSigner) -> VerifierKey {
    VerifierKey::new(name, kind, signer.public()).unwrap()
}

#[test]
fn a_note_of_the_specification_is_read_as_it_stands() {
    let note = SignedNote::parse(EXAMPLE.as_bytes()).unwrap();
    assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"), "the last empty line divides it");
    assert_eq!(note.signatures()[0].name, "quasimodo.example/salvatore");
    assert_eq!(note.to_string(), EXAMPLE);
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
}

#[test]
fn signatures_of_trusted_keys_count_and_others_do_not() {
    let (log, witness, stranger) = (signer(), signer(), signer());
    let mut note = SignedNote::new("muster.example\n1\n".to_owned()).unwrap();
    note.sign("muster.example", Kind::Note, 0, &log).unwrap();
    note.sign("witness.example", Kind::Cosignature, 1_790_000_000, &witness).unwrap();
    note.sign("stranger.example", Kind::Note, 0, &stranger).unwrap();
    let note = SignedNote::parse(note.to_string().as_bytes()).unwrap();
    let keys =
        [key("muster.example", Kind::Note, &log), key("witness.example", Kind::Cosignature, &witness)].map(|key| {
            let again: VerifierKey = key.to_string().parse().unwrap();
            assert_eq!(again, key);
            again
        });
    let signed: Vec<_> = note.verify(&keys).unwrap().into_iter().map(|signed| (signed.by.name(), signed.at)).collect();
    assert_eq!(signed, [("muster.example", None), ("witness.example", Some(1_790_000_000))]);
    assert_eq!(note.verify(&[key("muster.example", Kind::Cosignature, &log)]), Err(NoteError::Unsigned));
    assert_eq!(note.verify(&[key("muster.example", Kind::Note, &witness)]), Err(NoteError::Unsigned));

    for (of, with) in [("example\n1\n", "example\n2\n"), ("example\n1", "Example\n1")] {
        let bent = SignedNote::parse(note.to_string().replace(of, with).as_bytes()).unwrap();
        assert_eq!(bent.verify(&keys), Err(NoteError::Wrong("muster.example".to_owned())));
    }
    let mut later = note.clone();
    let signature = later.signatures.iter_mut().find(|signature| signature.name.starts_with("witness")).unwrap();
    signature.bytes[7] ^= 1;
    assert_eq!(later.verify(&keys), Err(NoteError::Wrong("witness.example".to_owned())), "the time is signed too");
    signature_past_the_year_292_billion(&mut later);
    assert!(later.verify(&keys).is_err());
}

fn signature_past_the_year_292_billion(note: &mut SignedNote) {
    note.signatures.iter_mut().filter(|signature| signature.bytes.len() == 72).for_each(|long| long.bytes[0] |= 0x80);
}

#[test]
fn what_is_no_note_is_refused() {
    let line = EXAMPLE.lines().last().unwrap();
    let many = |count: usize| format!("text\n\n{}", format!("{line}\n").repeat(count));
    assert!(SignedNote::parse(many(MOST_SIGNATURES).as_bytes()).is_ok());
    let texts = [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n{line}\n"),
        format!("text\n\n{line}"),
        format!("text\r\n\n{line}\n"),
        format!("te\u{1}xt\n\n{line}\n"),
        format!("text\n\n{line}\n{line}x\n"),
        format!("text\n\n{line} \n"),
        format!("text\n\n{line}\n\n"),
        "text\n\n- name AAAAAAA=\n".to_owned(),
        "text\n\n\u{2014} na+me AAAAAAA=\n".to_owned(),
        "text\n\n\u{2014} na\u{2003}me AAAAAAA=\n".to_owned(),
        "text\n\n\u{2014}  AAAAAAA=\n".to_owned(),
        "text\n\n\u{2014} name AAAAAA==\n".to_owned(),
        "text\n\n\u{2014} name AAAAAAA\n".to_owned(),
        "text\n\n\u{2014} name AAAAAAB=\n".to_owned(),
        many(MOST_SIGNATURES + 1),
        format!("{}\n\n{line}\n", "x".repeat(MOST_BYTES)),
    ];
    for text in texts {
        assert!(SignedNote::parse(text.as_bytes()).is_err(), "{text:.60}");
    }
    assert!(SignedNote::parse(b"te\xffxt\n\n").is_err());
    assert!(SignedNote::new("no end".to_owned()).is_err());
}

#[test]
fn keys_are_read_strictly() {
    let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(known.parse::<VerifierKey>().unwrap().to_string(), known);
    for bent in [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AxpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
        "PeterNeumann+74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann",
        "",
    ] {
        assert!(bent.parse::<VerifierKey>().is_err(), "{bent}");
    }
}

#[test]
fn a_signer_is_one_for_as_long_as_its_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer/key");
    let first = FileSigner::at(&path).unwrap().public();
    assert_eq!(FileSigner::at(&path).unwrap().public(), first);
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777, 0o600);
    std::fs::write(&path, "no key").unwrap();
    assert!(matches!(FileSigner::at(&path), Err(SignerError::NoKey(_))), "a damaged key is never drawn anew");
    std::fs::remove_file(&path).unwrap();
    assert_ne!(FileSigner::at(&path).unwrap().public(), first);
}
