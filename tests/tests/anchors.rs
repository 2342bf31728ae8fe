//! What holds the root: one suite over every kind of anchor, and what goes wrong with a token.

use std::fs;
use std::path::PathBuf;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::types::AuthPin;
use domain::event::Event;
use domain::id::LogId;
use domain::subject::{self, AnchorLevel};
use events::keyring::{
    Anchor, AnchorError, AnchorSettings, Declared, FileAnchor, Key, KeyState, Keyring, KeyringError, Level, PinError,
    PinPlace, TokenAnchor, TokenError, TokenName, TokenSettings,
};
use tests::acts::{Act, REGISTER, destroy, perform_all};
use tests::anchors::{LOG, conforms};
use tests::book;
use tests::cast::Someone;
use tests::files::{read_files, write_files};
use tests::token::{Home, LABEL, PIN, with_token};

#[test]
fn an_anchor_of_files_keeps_what_an_anchor_keeps() {
    let dir = tempfile::tempdir().unwrap();
    conforms(&|| Box::new(FileAnchor::at(dir.path()).unwrap()));
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_keeps_what_an_anchor_keeps() {
    with_token(|home| conforms(&|| Box::new(home.anchor())));
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_that_draws_its_own_nonces_keeps_it_too() {
    with_token(|home| {
        home.misbehave("nonce");
        conforms(&|| Box::new(TokenAnchor::open(&home.device()).unwrap()));
        home.misbehave("mute");
        let anchor = TokenAnchor::open(&home.device()).unwrap();
        let answer = anchor.seal(LOG, 10, &Key::random().unwrap());
        assert!(matches!(answer, Err(AnchorError::Token(TokenError::NoNonce))), "it is not said under which");
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_keyring_lives_under_a_token_and_ends_with_its_root() {
    with_token(|home| {
        let copies = ["keyring", "keyring.copy"].map(|name| home.path().join(name));
        let anchor = || vec![AnchorSettings::Pkcs11(home.settings()).anchor().unwrap()];
        let keyring = Keyring::create(&copies, anchor(), LOG).unwrap();
        let (id, key) = keyring.mint().unwrap();
        assert_eq!(keyring.level(), Level::A0);
        drop(keyring);
        assert_eq!(Keyring::open(&copies, anchor(), LOG).unwrap().state(&id), KeyState::Live(key));
        for root in home.anchor().roots(LOG).unwrap() {
            home.anchor().destroy_root(LOG, root).unwrap();
        }
        let answer = Keyring::open(&copies, anchor(), LOG).err().unwrap();
        assert!(matches!(answer, KeyringError::Anchor(AnchorError::NoRoot { log: LOG, .. })), "{answer}");
    });
}

/// A whole ledger by its `keyring.conf`. The device says that it is hardware.
#[test]
#[ignore = "needs SoftHSM2"]
fn whom_a_ledger_erased_no_backup_of_its_files_brings_back() {
    with_token(|home| {
        home.misbehave("hardware");
        let path = home.path().join("ledger");
        let token = format!("library = {:?}, token = {{ label = {LABEL:?} }}", home.device().library);
        let keys =
            format!("copy keyring\ncopy keyring.copy\nanchor pkcs11 = {{ {token}, pin = {{ file = \"../pin\" }} }}\n");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("keyring.conf"), keys).unwrap();
        let (erased, stays) = (Someone(1), Someone(2));
        let ledger = book::open_or_create(&path).unwrap();
        [erased, stays].iter().for_each(|who| perform_all(&ledger, *who, &[Act::Contact]));
        perform_all(&ledger, erased, &Act::TO_THE_FENCE);
        let (log, root) = (ledger.log_id(), home.anchor().roots(ledger.log_id()).unwrap());
        drop(ledger);
        let backup = read_files(&path);

        let ledger = book::open(&path).unwrap();
        destroy(&ledger, erased).unwrap();
        let certified = book::read_all(&ledger).unwrap().into_iter().find_map(|recorded| match recorded.event {
            Event::Case(subject::Event::Certified { certificate, .. }) => Some(certificate.level),
            _ => None,
        });
        assert_eq!(certified, Some(AnchorLevel::A1), "as the device says of itself, and no record more");
        let roots = home.anchor().roots(log).unwrap();
        assert!(root.len() == 1 && roots.len() == 1 && roots > root, "{root:?} {roots:?}");
        drop(ledger);
        assert!(!path.join("anchor").exists());
        drop(book::open(&path).unwrap());

        fs::remove_dir_all(&path).unwrap();
        write_files(&path, &backup);
        let refused = book::open(&path).err().unwrap();
        assert!(refused.contains("holds no root"), "{refused}");
    });
}

/// A token that says yes and keeps the old root: the keys stay fenced and nothing is certified, over a restart too, until
/// it is seen to be gone.
#[test]
#[ignore = "needs SoftHSM2"]
fn what_a_token_does_not_destroy_is_waited_for() {
    with_token(|home| {
        home.misbehave("hardware");
        let path = home.path().join("ledger");
        let token = AnchorSettings::Pkcs11(home.device()).line().unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("keyring.conf"), format!("copy keyring\ncopy keyring.copy\nanchor {token}\n")).unwrap();
        let erased = Someone(1);
        let ledger = book::open_or_create(&path).unwrap();
        perform_all(&ledger, erased, &[Act::Contact]);
        perform_all(&ledger, erased, &Act::TO_THE_FENCE);
        let certified = |ledger: &_| {
            let is_certificate = |event: &Event| matches!(event, Event::Case(subject::Event::Certified { .. }));
            book::read_all(ledger).unwrap().iter().filter(|recorded| is_certificate(&recorded.event)).count()
        };
        home.misbehave("hardware deaf");
        let refused = destroy(&ledger, erased).unwrap_err();
        assert!(refused.contains("did not show that its older roots are gone"), "{refused}");
        assert!(ledger.resume(Some(REGISTER)).is_err() && ledger.keyring().is_unfinished());
        drop(ledger);
        let ledger = book::open(&path).unwrap();
        assert!(ledger.keyring().is_unfinished() && certified(&ledger) == 0);
        assert_eq!(home.anchor().roots(ledger.log_id()).unwrap().len(), 2);
        home.misbehave("hardware");
        assert_eq!(ledger.resume(Some(REGISTER)).unwrap().certified, 1);
        assert_eq!((certified(&ledger), ledger.keyring().is_unfinished()), (1, false));
        assert_eq!(home.anchor().roots(ledger.log_id()).unwrap().len(), 1);
        assert_eq!(ledger.resume(Some(REGISTER)).unwrap().certified, 0, "and only once");
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn the_token_gives_its_root_to_nobody() {
    with_token(|home| {
        home.anchor().create_root(LOG, 1).unwrap();
        let somebody = home.somebody();
        let root = the_root(home, 1);
        assert!(somebody.get_attributes(root, &[AttributeType::Value]).unwrap().is_empty());
        assert!(somebody.copy_object(root, &[Attribute::Extractable(true)]).is_err());
        assert!(somebody.copy_object(root, &[]).is_err());
        assert!(somebody.update_attributes(root, &[Attribute::Label(b"another".into())]).is_err());
        let wrapping = somebody.generate_key(
            &Mechanism::AesKeyGen,
            &[Attribute::ValueLen(32.into()), Attribute::Wrap(true), Attribute::Encrypt(true)],
        );
        assert!(somebody.wrap_key(&Mechanism::AesKeyWrap, wrapping.unwrap(), root).is_err());
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn what_is_sealed_lies_there_as_the_format_says() {
    with_token(|home| {
        let anchor = home.anchor();
        anchor.create_root(LOG, 1).unwrap();
        let sealed = anchor.seal(LOG, 1, &Key::random().unwrap()).unwrap();
        assert_eq!(sealed.len(), 12 + 32 + 16);
        let opened = |about: &[u8]| {
            let mut nonce: [u8; 12] = sealed[..12].try_into().unwrap();
            let gcm = Mechanism::AesGcm(GcmParams::new(&mut nonce, about, 128.into()).unwrap());
            home.somebody().decrypt(&gcm, the_root(home, 1), &sealed[12..])
        };
        assert_eq!(opened(&id(1)).unwrap().len(), 32);
        assert!(opened(&id(2)).is_err(), "it is bound to log and number");
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_root_that_may_have_left_is_not_used() {
    with_token(|home| {
        let anchor = home.anchor();
        let (top, secret) = (Key::random().unwrap(), Attribute::Value(vec![7; 32]));
        for (root, change, attribute) in [
            (1, Attribute::Extractable(true), "CKA_EXTRACTABLE"),
            (2, Attribute::Copyable(true), "CKA_COPYABLE"),
            (3, Attribute::Modifiable(true), "CKA_MODIFIABLE"),
            (4, Attribute::Sensitive(false), "CKA_SENSITIVE"),
            (5, Attribute::Derive(true), "CKA_DERIVE"),
            (6, secret, "CKA_LOCAL"),
        ] {
            plant(home, root, change);
            assert_eq!(not_honoured(anchor.seal(LOG, root, &top)), attribute);
            assert_eq!(not_honoured(anchor.open(LOG, root, &[0; 60])), attribute);
        }
        assert_eq!(anchor.roots(LOG).unwrap(), [1, 2, 3, 4, 5, 6], "and still it counts");
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn two_roots_of_one_number_are_refused_and_go_together() {
    with_token(|home| {
        let anchor = home.anchor();
        anchor.create_root(LOG, 3).unwrap();
        let sealed = anchor.seal(LOG, 3, &Key::random().unwrap()).unwrap();
        plant(home, 3, Attribute::Private(true));
        let is_twice = |answer| matches!(answer, Err(AnchorError::Twice { log: LOG, root: 3 }));
        assert!(is_twice(anchor.roots(LOG).map(|_| ())));
        assert!(is_twice(anchor.open(LOG, 3, &sealed).map(|_| ())));
        assert!(is_twice(anchor.seal(LOG, 3, &Key::random().unwrap()).map(|_| ())));
        anchor.destroy_root(LOG, 3).unwrap();
        assert!(anchor.roots(LOG).unwrap().is_empty());
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn an_object_that_only_looks_like_a_root_is_seen() {
    with_token(|home| {
        plant(home, 1, Attribute::Id(b"7".into()));
        assert_eq!(not_honoured(home.anchor().roots(LOG)), "CKA_ID");
        assert!(home.anchor().roots(LogId([9; 16])).unwrap().is_empty());
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_that_does_not_honour_what_was_asked_is_refused() {
    with_token(|home| {
        let anchor = TokenAnchor::open(&home.device()).unwrap();
        home.misbehave("copyable");
        assert_eq!(not_honoured(anchor.create_root(LOG, 1)), "CKA_COPYABLE");
        home.misbehave("");
        assert!(anchor.roots(LOG).unwrap().is_empty(), "its root did not stay");
        anchor.create_root(LOG, 1).unwrap();
        home.misbehave("deaf");
        let answer = anchor.destroy_root(LOG, 1);
        assert!(matches!(answer, Err(AnchorError::Remains { log: LOG, root: 1 })), "{answer:?}");
        home.misbehave("");
        anchor.destroy_root(LOG, 1).unwrap();
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn the_level_is_what_device_and_declaration_give() {
    with_token(|home| {
        let declared = |serial: &str, no_backup| Declared { device: "a box".into(), serial: serial.into(), no_backup };
        let soft = home.anchor();
        let serial = soft.describe().serial.unwrap();
        assert_eq!(soft.level(), Level::A0);
        assert_eq!(soft.declare(&declared(&serial, true)).unwrap(), Level::A0, "software stays software");
        assert!(soft.describe().words.contains("in software"), "{}", soft.describe().words);
        home.misbehave("hardware");
        let hard = TokenAnchor::open(&home.device()).unwrap();
        assert_eq!(hard.level(), Level::A1);
        let answer = hard.declare(&declared("0000", true));
        assert!(matches!(&answer, Err(AnchorError::OtherDevice { found, .. }) if *found == serial), "{answer:?}");
        assert_eq!(hard.level(), Level::A1);
        assert_eq!(hard.declare(&declared(&serial, false)).unwrap(), Level::A1, "a backup may hold it");
        assert_eq!(hard.declare(&declared(&serial, true)).unwrap(), Level::A3);
        let said = hard.describe();
        assert_eq!((said.kind, said.level), ("pkcs11", Level::A3));
        assert!(said.words.contains(&serial) && said.words.contains("a box"), "{}", said.words);
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn what_is_wrong_with_a_token_is_said_by_its_name() {
    with_token(|home| {
        let right = home.settings();
        let refused = |settings: TokenSettings| match TokenAnchor::open(&settings) {
            Err(AnchorError::Token(why)) => why,
            other => panic!("{:?}", other.err()),
        };
        let library = |library: PathBuf| refused(TokenSettings { library, ..right.clone() });
        let named = |token| refused(TokenSettings { token, ..right.clone() });
        let pin = |pin| refused(TokenSettings { pin, ..right.clone() });
        let text = home.path().join("text.so");
        fs::write(&text, "no library").unwrap();
        assert!(matches!(library(home.path().join("none.so")), TokenError::Library { .. }));
        assert!(matches!(library(text), TokenError::Library { .. }));
        assert!(matches!(library("libc.so.6".into()), TokenError::Library { .. }), "no PKCS#11 in it");
        assert!(matches!(named(TokenName::Label("our".into())), TokenError::NoToken(_)));
        assert!(matches!(named(TokenName::Serial("1".into())), TokenError::NoToken(_)));
        let file = |name: &str, bytes: &[u8]| {
            let path = home.path().join(name);
            fs::write(&path, bytes).unwrap();
            PinPlace::File(path)
        };
        let no_pin = |place| matches!(pin(place), TokenError::Pin(PinError::NoPin(_)));
        assert!(matches!(pin(PinPlace::File("none".into())), TokenError::Pin(PinError::Unread { .. })));
        assert!(matches!(pin(PinPlace::Env("LETHE_UNSET".into())), TokenError::Pin(PinError::Unset(_))));
        assert!(no_pin(file("empty", b"\n")) && no_pin(file("bytes", b"\xff\xfe")));
        let wrong = pin(file("wrong", b"9182-7364\n"));
        assert!(matches!(wrong, TokenError::WrongPin));
        assert!(!format!("{wrong} {wrong:?}").contains("9182"));
        home.misbehave("locked");
        assert!(matches!(refused(home.device()), TokenError::LockedPin));
        home.add_token(LABEL);
        home.reset();
        assert!(matches!(named(TokenName::Label(LABEL.into())), TokenError::SeveralTokens(_)));
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_is_found_by_its_serial_number_and_its_pin_in_the_environment() {
    with_token(|home| {
        let serial = home.anchor().describe().serial.unwrap();
        home.add_token(LABEL);
        home.reset();
        let (token, pin) = (TokenName::Serial(serial.clone()), PinPlace::Env("LETHE_TOKEN_PIN".into()));
        let settings = AnchorSettings::Pkcs11(TokenSettings { token, pin, ..home.settings() });
        let anchor = settings.anchor().unwrap();
        assert_eq!(anchor.describe().serial, Some(serial));
        anchor.create_root(LOG, 1).unwrap();
        assert!(!format!("{settings:?} {:?}", anchor.describe()).contains(PIN));
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_lost_session_is_opened_again() {
    with_token(|home| {
        let (anchor, top) = (home.anchor(), Key::random().unwrap());
        anchor.create_root(LOG, 1).unwrap();
        let sealed = anchor.seal(LOG, 1, &top).unwrap();
        home.reset();
        assert_eq!(anchor.open(LOG, 1, &sealed).unwrap(), top, "the library was shut down");
        home.somebody().logout().unwrap();
        assert_eq!(anchor.roots(LOG).unwrap(), [1], "somebody logged the process out, and no root is taken for gone");
        home.somebody().logout().unwrap();
        anchor.destroy_root(LOG, 1).unwrap();
        assert!(home.anchor().roots(LOG).unwrap().is_empty());
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_token_that_goes_away_is_an_error_until_it_is_back() {
    with_token(|home| {
        let (anchor, top) = (home.anchor(), Key::random().unwrap());
        anchor.create_root(LOG, 1).unwrap();
        anchor.create_root(LOG, 2).unwrap();
        let sealed = anchor.seal(LOG, 1, &top).unwrap();
        home.pull_out();
        // It still lists what it remembers, and says of the root that it went.
        let answers = [
            anchor.destroy_root(LOG, 1),
            anchor.roots(LOG).map(|_| ()),
            anchor.roots_anew(LOG).map(|_| ()),
            anchor.create_root(LOG, 3),
            anchor.open(LOG, 1, &sealed).map(|_| ()),
            anchor.seal(LOG, 1, &top).map(|_| ()),
        ];
        for answer in answers {
            let is_away = matches!(&answer, Err(AnchorError::Token(TokenError::Gone | TokenError::Answered { .. })));
            assert!(is_away, "{answer:?}");
        }
        home.add_token(LABEL);
        let answer = anchor.destroy_root(LOG, 1);
        assert!(matches!(answer, Err(AnchorError::Token(TokenError::AnotherToken { .. }))), "{answer:?}");
        home.put_back();
        assert_eq!(anchor.roots(LOG).unwrap(), [1, 2]);
        assert_eq!(anchor.open(LOG, 1, &sealed).unwrap(), top);
        anchor.destroy_root(LOG, 1).unwrap();
        assert_eq!(anchor.roots(LOG).unwrap(), [2]);
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_root_that_was_made_while_the_session_was_lost_is_the_root() {
    with_token(|home| {
        let anchor = TokenAnchor::open(&home.device()).unwrap();
        home.misbehave("forgetful");
        anchor.create_root(LOG, 1).unwrap();
        home.misbehave("");
        assert_eq!(anchor.roots(LOG).unwrap(), [1]);
        assert!(matches!(anchor.create_root(LOG, 1), Err(AnchorError::Exists { .. })));
    });
}

#[test]
#[ignore = "needs SoftHSM2"]
fn a_pin_that_was_refused_is_not_tried_again() {
    with_token(|home| {
        let anchor = TokenAnchor::open(&home.device()).unwrap();
        anchor.create_root(LOG, 1).unwrap();
        let somebody = home.somebody();
        somebody.set_pin(&AuthPin::from(PIN), &AuthPin::from("1111-2222")).unwrap();
        drop(somebody);
        home.reset();
        let before = home.logins();
        for _ in 0..3 {
            let answer = anchor.roots(LOG);
            assert!(matches!(answer, Err(AnchorError::Token(TokenError::WrongPin))), "{answer:?}");
        }
        assert_eq!(home.logins(), before + 1, "a token locks itself after a few");
        fs::write(home.path().join("pin"), "1111-2222").unwrap();
        assert_eq!(TokenAnchor::open(&home.device()).unwrap().roots(LOG).unwrap(), [1]);
    });
}

/// Somebody puts a secret key into the token that goes by a root's names, with one attribute that no root has.
fn plant(home: &Home, root: u64, change: Attribute) {
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(format!("lethe root of {LOG}").into()),
        Attribute::Id(id(root)),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Copyable(false),
        Attribute::Modifiable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
    ];
    template.retain(|attribute| attribute.attribute_type() != change.attribute_type());
    let is_brought = matches!(change, Attribute::Value(_));
    template.push(change);
    let somebody = home.somebody();
    if is_brought {
        somebody.create_object(&template).unwrap();
    } else {
        template.push(Attribute::ValueLen(32.into()));
        somebody.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
    }
}

fn the_root(home: &Home, root: u64) -> ObjectHandle {
    let found = home.somebody().find_objects(&[Attribute::Id(id(root))]).unwrap();
    assert_eq!(found.len(), 1);
    found[0]
}

fn id(root: u64) -> Vec<u8> {
    [&LOG.0[..], &root.to_be_bytes()].concat()
}

fn not_honoured<T>(answer: Result<T, AnchorError>) -> String {
    match answer {
        Err(AnchorError::Token(TokenError::NotHonoured { attribute })) => attribute,
        other => panic!("{:?}", other.err()),
    }
}
