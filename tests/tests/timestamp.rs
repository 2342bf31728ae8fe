//! Time stamps of an authority that we did not write: OpenSSL.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use replay::timestamp::certificate::{Certificate, Trust};
use replay::timestamp::request::Request;
use replay::timestamp::{Refused, Stamp, verify};
use tests::authority::{Authority, Key, OVER, VALID};
use tests::programs::{Ended, lethe_audit};

const NOTE: &[u8] = b"lethe.example/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

/// An authority with a certificate for stamps, and a note with a request for a stamp of it.
fn authority(key: Key) -> Authority {
    let authority = Authority::new(key);
    authority.issue("stamper", "stamps", "root", VALID);
    authority.write("note", NOTE);
    authority.write("request", &Request::of(NOTE, Some([7; 8])).unwrap().bytes().unwrap());
    authority
}

/// An answer to that request.
fn answer(authority: &Authority, section: &str, signer: &str, more: &[&str]) -> Vec<u8> {
    authority.answer(&authority.path("request"), section, signer, "answer", more);
    authority.bytes("answer")
}

fn certificate(authority: &Authority, name: &str) -> Vec<Certificate> {
    Certificate::read(&authority.bytes(&format!("{name}.pem"))).unwrap()
}

fn checked(authority: &Authority, answer: &[u8], given: &str) -> Result<Stamp, Refused> {
    verify(NOTE, answer, &certificate(authority, given))
}

#[test]
#[ignore = "needs openssl"]
fn a_stamp_holds_for_each_kind_of_key_under_its_certificate_and_its_issuer() {
    for key in [Key::Rsa, Key::P256, Key::P384] {
        let authority = authority(key);
        let request = Request::parse(&authority.bytes("request")).unwrap();
        for (section, policy) in [("tsa", "1.2.3.4.1"), ("tsa_sha1", "1.2.3.4.2")] {
            let answer = answer(&authority, section, "stamper", &[]);
            let stamp = checked(&authority, &answer, "root").unwrap();
            assert_eq!((stamp.authority.as_str(), stamp.policy.as_str()), ("CN=Test stamper", policy));
            assert_eq!(stamp.trust, Trust::IssuedUnder("CN=Test root".into()));
            assert_eq!(stamp.accuracy_ms, (section == "tsa").then_some(1_500));
            assert_eq!(request.check_answer(NOTE, &stamp), Ok(()));
            let stamp = Stamp { trust: Trust::Given, ..stamp };
            assert_eq!(checked(&authority, &answer, "stamper").unwrap(), stamp);
            let bare = self::answer(&authority, section, "stamper", &["-token_out"]);
            assert_eq!(checked(&authority, &bare, "root").unwrap().authority, stamp.authority);
        }
    }
}

#[test]
#[ignore = "needs openssl"]
fn a_stamp_without_its_certificate_holds_when_that_is_given() {
    let authority = authority(Key::P256);
    authority.openssl(&["ts", "-query", "-data", "note", "-sha256", "-out", "request"]);
    let answer = answer(&authority, "tsa", "stamper", &[]);
    assert_eq!(checked(&authority, &answer, "stamper").unwrap().trust, Trust::Given);
    assert_eq!(checked(&authority, &answer, "root"), Err(Refused::NoSigner));
    let stamp = checked(&authority, &answer, "stamper").unwrap();
    let request = Request::parse(&authority.bytes("request")).unwrap();
    assert_eq!(request.check_answer(NOTE, &stamp), Ok(()));
}

#[test]
#[ignore = "needs openssl"]
fn a_stamp_holds_under_a_root_only_with_every_certificate_between() {
    let authority = authority(Key::Rsa);
    authority.issue("issuer", "root", "root", VALID);
    authority.issue("below", "stamps", "issuer", VALID);
    let whole = answer(&authority, "tsa", "below", &["-chain", "issuer.pem"]);
    assert_eq!(checked(&authority, &whole, "root").unwrap().trust, Trust::IssuedUnder("CN=Test root".into()));
    assert_eq!(checked(&authority, &whole, "issuer").unwrap().trust, Trust::IssuedUnder("CN=Test issuer".into()));
    let alone = answer(&authority, "tsa", "below", &[]);
    assert_eq!(checked(&authority, &alone, "root"), Err(Refused::NotIssued));
    // Whoever holds a certificate that issues none, issues none.
    authority.issue("nobody", "no_issuer", "root", VALID);
    authority.issue("stray", "stamps", "nobody", VALID);
    let stray = answer(&authority, "tsa", "stray", &["-chain", "nobody.pem"]);
    assert_eq!(checked(&authority, &stray, "root"), Err(Refused::NotIssued));
    assert_eq!(checked(&authority, &stray, "nobody"), Err(Refused::AnotherCertificate));
}

#[test]
#[ignore = "needs openssl"]
fn a_signer_named_by_its_key_id_holds_too() {
    let authority = authority(Key::P256);
    answer(&authority, "tsa", "stamper", &["-token_out"]);
    authority.sign_again("answer", "stamper", "again", &["-keyid"]);
    assert_eq!(checked(&authority, &authority.bytes("again"), "root").unwrap().authority, "CN=Test stamper");
}

#[test]
#[ignore = "needs openssl"]
fn a_stamp_is_good_for_its_bytes_its_authority_and_its_request_only() {
    let (authority, other) = (authority(Key::P256), authority(Key::P256));
    let answer = answer(&authority, "tsa", "stamper", &[]);
    assert_eq!(verify(b"another note", &answer, &certificate(&authority, "root")), Err(Refused::OtherBytes));
    // The other root has the same name, and another key.
    assert_eq!(checked(&other, &answer, "root"), Err(Refused::NotIssued));
    assert_eq!(checked(&other, &answer, "stamper"), Err(Refused::AnotherCertificate));
    let stamp = checked(&authority, &answer, "root").unwrap();
    let asked = |file, nonce| Request::of(file, Some([nonce; 8])).unwrap();
    assert_eq!(asked(NOTE, 8).check_answer(NOTE, &stamp), Err(Refused::NotTheAnswer("the nonce")));
    assert_eq!(asked(b"another note", 7).check_answer(NOTE, &stamp), Err(Refused::OtherRequest));
    let stamp = Stamp { nonce: None, ..stamp };
    assert_eq!(asked(NOTE, 7).check_answer(NOTE, &stamp), Err(Refused::NotTheAnswer("the nonce")));
}

#[test]
#[ignore = "needs openssl"]
fn only_a_certificate_for_stamps_that_was_valid_then_may_sign_one() {
    let authority = authority(Key::P256);
    answer(&authority, "tsa", "stamper", &["-token_out"]);
    std::fs::copy(authority.path("answer"), authority.path("good")).unwrap();
    for section in ["no_purpose", "not_critical", "two_purposes"] {
        authority.issue(section, section, "root", VALID);
        authority.sign_again("good", section, "again", &[]);
        let token = authority.bytes("again");
        // That name is in the token and not in the certificate, which would be refused too, but later.
        assert_eq!(checked(&authority, &token, "root"), Err(Refused::Purpose), "{section}");
        assert_eq!(checked(&authority, &token, section), Err(Refused::Purpose), "{section}");
    }
    authority.issue("former", "stamps", "root", OVER);
    let late = answer(&authority, "tsa", "former", &[]);
    let not_then = |name: &str| Err(Refused::NotValidThen { name: name.into() });
    assert_eq!(checked(&authority, &late, "root"), not_then("CN=Test former"));
    assert_eq!(checked(&authority, &late, "former"), not_then("CN=Test former"));
    authority.issue("past", "root", "root", OVER);
    authority.issue("orphan", "stamps", "past", VALID);
    let orphan = answer(&authority, "tsa", "orphan", &["-chain", "past.pem"]);
    assert_eq!(checked(&authority, &orphan, "past"), not_then("CN=Test past"));
    assert_eq!(checked(&authority, &orphan, "root"), Err(Refused::NotIssued));
}

#[test]
#[ignore = "needs openssl"]
fn a_token_signed_by_another_than_it_names_is_refused() {
    let authority = authority(Key::P256);
    authority.issue("second", "stamps", "root", VALID);
    answer(&authority, "tsa", "stamper", &["-token_out"]);
    authority.sign_again("answer", "second", "again", &[]);
    assert_eq!(checked(&authority, &authority.bytes("again"), "root"), Err(Refused::AnotherAuthority));
    // Signed, but the attributes do not say under which certificate.
    let how = ["cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-md", "sha256", "-outform", "DER"];
    let what = ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "content", "-out", "unnamed"];
    authority.openssl(&[&how, &what[..], &["-signer", "stamper.pem", "-inkey", "stamper.key"]].concat());
    assert_eq!(checked(&authority, &authority.bytes("unnamed"), "root"), Err(Refused::Unnamed));
    // Signed, but as something else than a time stamp.
    authority.openssl(
        &[&how, &["-in", "content", "-out", "data", "-signer", "stamper.pem", "-inkey", "stamper.key"][..]].concat(),
    );
    assert_eq!(checked(&authority, &authority.bytes("data"), "root"), Err(Refused::NotAStamp));
}

#[test]
#[ignore = "needs openssl"]
fn a_token_is_not_passed_off_as_signed_under_another_certificate_of_the_same_key() {
    let (authority, other) = (authority(Key::P256), Authority::new(Key::P256));
    other.write("stamper.csr", &authority.bytes("stamper.csr"));
    other.certify("stamper", "stamps", "root", VALID);
    authority.openssl(&["ts", "-query", "-data", "note", "-sha256", "-out", "request"]);
    for section in ["tsa", "tsa_sha1"] {
        // The same key, name, issuer's name and serial number: only the signed hash of the certificate tells them apart.
        let answer = answer(&authority, section, "stamper", &[]);
        assert!(checked(&authority, &answer, "stamper").is_ok());
        assert_eq!(checked(&other, &answer, "stamper"), Err(Refused::Unnamed));
    }
}

#[test]
#[ignore = "needs openssl"]
fn a_rejection_is_told_with_its_reason() {
    let authority = authority(Key::P256);
    authority.openssl(&["ts", "-query", "-data", "note", "-sha512", "-out", "request"]);
    let rejection = answer(&authority, "tsa", "stamper", &[]);
    let Err(Refused::Rejected { status: 2, words }) = checked(&authority, &rejection, "root") else {
        panic!("a rejection was not told")
    };
    assert!(words.ends_with("unknown algorithm"), "{words}");
}

#[test]
#[ignore = "needs openssl"]
fn no_bent_answer_is_taken_for_another_one() {
    for key in [Key::Rsa, Key::P256] {
        let authority = authority(key);
        let answer = answer(&authority, "tsa", "stamper", &[]);
        let given = certificate(&authority, "root");
        let good = verify(NOTE, &answer, &given).unwrap();
        // Nothing but the status is outside of what is signed, or of what must fit it: an answer begins with the
        // sequences of the answer (30 82 …) and of its status (30 03), and the status itself (02 01 00). "Granted" (0) and
        // "granted with modifications" (1) both hold: what was modified is in the token, and is checked there.
        assert_eq!(answer[4..9], [0x30, 0x03, 0x02, 0x01, 0x00]);
        let status = 8;
        for at in 0..answer.len() {
            for bit in 0..8 {
                let mut bent = answer.clone();
                bent[at] ^= 1 << bit;
                let outcome = verify(NOTE, &bent, &given);
                assert_eq!(outcome.is_ok(), (at, bit) == (status, 0), "byte {at}, bit {bit}: {outcome:?}");
                assert!(outcome.is_err() || outcome == Ok(good.clone()));
            }
            assert!(verify(NOTE, &answer[..at], &given).is_err(), "cut at {at}");
        }
        let longer = [answer.as_slice(), &[0]].concat();
        assert_eq!(verify(NOTE, &longer, &given), Err(Refused::Unreadable("token")));
        let mut dice = StdRng::seed_from_u64(3161);
        for _ in 0..20_000 {
            let mut bent = answer.clone();
            for _ in 0..dice.random_range(1..6) {
                let at = dice.random_range(0..bent.len());
                bent[at] = [0x00, 0x30, 0x80, 0xff, dice.random(), dice.random()][dice.random_range(0..6)];
            }
            if let Ok(stamp) = verify(NOTE, &bent, &given) {
                assert_eq!(stamp, good);
            }
        }
    }
}

#[test]
#[ignore = "needs openssl"]
fn bent_certificates_and_requests_are_refused_or_the_same() {
    let authority = authority(Key::P256);
    let answer = answer(&authority, "tsa", "stamper", &[]);
    authority.openssl(&["x509", "-in", "root.pem", "-outform", "DER", "-out", "root.der"]);
    let root = authority.bytes("root.der");
    let good = verify(NOTE, &answer, &Certificate::read(&root).unwrap()).unwrap();
    for at in 0..root.len() {
        for bit in 0..8 {
            let mut bent = root.clone();
            bent[at] ^= 1 << bit;
            // Who gives a certificate vouches for it: its own signature, serial number and the like are not looked at.
            let Ok(given) = Certificate::read(&bent) else { continue };
            if let Ok(stamp) = verify(NOTE, &answer, &given) {
                assert_eq!(Stamp { trust: good.trust.clone(), ..stamp }, good);
            }
        }
    }
    let mut request = authority.bytes("request");
    let meant = Request::parse(&request).unwrap();
    for at in 0..request.len() {
        for bit in 0..8 {
            let mut bent = request.clone();
            bent[at] ^= 1 << bit;
            assert_ne!(Request::parse(&bent), Ok(meant.clone()));
        }
    }
    // "No certificate wanted" is said by saying nothing, and in no second form.
    authority.openssl(&["ts", "-query", "-data", "note", "-sha256", "-out", "request"]);
    request = authority.bytes("request");
    assert!(Request::parse(&request).is_ok());
    request.extend([0x01, 0x01, 0x00]);
    request[1] += 3;
    assert_eq!(Request::parse(&request), Err(Refused::Unreadable("request")));
}

fn audit(authority: &Authority, more: &[&str]) -> Ended {
    let path = |file: &str| authority.path(file).to_str().unwrap().to_owned();
    let words = more.iter().map(|word| word.strip_prefix('@').map_or((*word).to_owned(), path));
    lethe_audit(&[vec!["timestamp".to_owned()], words.collect()].concat())
}

#[test]
#[ignore = "needs openssl"]
fn an_auditor_asks_for_a_stamp_and_checks_it() {
    let authority = authority(Key::Rsa);
    audit(&authority, &["request", "@note", "--out", "@asked"]).done();
    assert_eq!(audit(&authority, &["request", "@note", "--out", "@asked"]).code, Some(2), "a request was overwritten");
    let shown = authority.openssl(&["ts", "-query", "-in", "asked", "-text"]);
    assert!(shown.contains("Certificate required: yes") && !shown.contains("Nonce: unspecified"), "{shown}");
    authority.answer(&authority.path("asked"), "tsa", "stamper", "answer", &[]);
    let verify = ["verify", "@note", "--token", "@answer", "--certificate", "@root.pem"];
    let said = audit(&authority, &[&verify[..], &["--request", "@asked"]].concat()).done();
    assert!(said.starts_with("HOLDS: these bytes existed at "), "{said}");
    assert!(said.contains("authority CN=Test stamper\n") && said.contains("It answers the given request."), "{said}");
    let json = audit(&authority, &[&verify[..], &["--json"]].concat()).done();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["verdict"], &json["stamp"]["policy"]), (&"holds".into(), &"1.2.3.4.1".into()));
    assert_eq!(json["stamp"]["answers_the_request"], false);

    audit(&authority, &["request", "@note", "--out", "@other", "--nonce"]).done();
    let refused = audit(&authority, &[&verify[..], &["--request", "@other"]].concat());
    assert_eq!(refused.code, Some(1));
    assert!(refused.out.starts_with("BROKEN: the token answers another request"), "{refused:?}");
    audit(&authority, &["request", "@note", "--out", "@plain", "--nonce=false"]).done();
    audit(&authority, &[&verify[..], &["--request", "@plain"]].concat()).done();
    authority.write("note", b"another note");
    let refused = audit(&authority, &[&verify[..], &["--json"]].concat());
    assert_eq!(refused.code, Some(1));
    assert!(refused.out.contains("the token is for other bytes than these"), "{refused:?}");
    let swapped = ["verify", "@answer", "--token", "@note", "--certificate", "@root.pem"];
    assert_eq!(audit(&authority, &swapped).code, Some(2));
    assert_eq!(
        audit(&authority, &["verify", "@none", "--token", "@answer", "--certificate", "@root.pem"]).code,
        Some(2)
    );
    assert_eq!(audit(&authority, &["verify", "@note", "--token", "@answer", "--certificate", "@note"]).code, Some(2));
}
