use domain::event::{Stream, StreamKind};
use domain::id::{KeyId, LogId};
use proptest::prelude::*;

use super::*;

const PLACE: Binding<'static> = Binding {
    format: 1,
    log: LogId([0x11; 16]),
    stream: Stream { kind: StreamKind::Contact, id: [0x22; 16] },
    revision: 3,
    kind: "contact.registered",
    schema: 1,
    part: 0,
    key: KeyId([0x33; 16]),
};

fn key() -> Key {
    Key::new([0x44; 32])
}

fn maria() -> Plain {
    Plain {
        subject: SubjectId([0x55; 16]),
        compartment: Compartment::Support(2026),
        fields: vec![b"Maria".to_vec(), Vec::new(), b"maria@example.org".to_vec()],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_is_sealed_opens_again() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let opened = open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    assert_eq!(opened.plain, maria());
    assert_eq!(sealed.bytes.len(), OVERHEAD + 3 * 2 + 5 + 17);
    assert!(!sealed.bytes.windows(5).any(|window| window == b"Maria"));
}

#[test]
fn every_sealing_has_a_nonce_and_a_salt_of_its_own() {
    let (one, two) = (seal(&maria(), &key(), &PLACE).unwrap(), seal(&maria(), &key(), &PLACE).unwrap());
    assert_ne!(one.bytes[1..25], two.bytes[1..25]);
    assert_ne!(one.commitment, two.commitment, "the salt hides that both say the same");
}

#[test]
fn the_bytes_are_pinned() {
    let sealed = seal_with(&maria(), &key(), &PLACE, &[0x66; 64], [0x77; 24]).unwrap();
    assert_eq!(
        hex(&sealed.bytes),
        "01777777777777777777777777777777777777777777777777bb9ba3fc6ca3fcc8d87295833808ae3b17ff411a982ffbe08624fd0eda\
         89f740e9bb1c39f4cc5c0817a44cef3bc0bdd283470a228fa69cb2a74855d31821d3a95803593c6c04a64ccbd9bcdbc1bb2d40435e72\
         c7ec49f10b8c29cc9367c2159e7f6343794a355ef226d9393cf3dab0be9acd451e0fcc15f64a230d0de6ac335cb65c"
    );
    assert_eq!(hex(&sealed.commitment), "2a6eeaf5cde3e642216c91ed8228d02af0135a40f07654274118d25ebfbfbade");
}

/// The format once more, from its description and with nothing of the code above.
#[test]
fn the_bytes_are_what_the_format_says() {
    let be = |index: u32| index.to_be_bytes();
    let mut place = vec![1];
    place.extend([0x11; 16]);
    place.push(7);
    place.extend(b"contact");
    place.extend([0x22; 16]);
    place.extend(3u64.to_be_bytes());
    place.push(18);
    place.extend(b"contact.registered");
    place.extend([0, 1, 0]);
    place.extend([0x33; 16]);
    let one_shot =
        blake3::derive_key("lethe 2026-11 seal: one-shot key", &[&[0x44; 32][..], &[0x77; 24], &place].concat());
    let values: [&[u8]; 5] = [&[0x55; 16], &[0, 2, 0, 0, 0x07, 0xea], b"Maria", b"", b"maria@example.org"];
    let clear = [&[0x66; 64], values[0], values[1], b"\0\x05Maria", b"\0\0", b"\0\x11maria@example.org"].concat();
    let mut expected = clear.clone();
    let tag = XChaCha20Poly1305::new(&one_shot.into())
        .encrypt_in_place_detached(&[0x77; 24].into(), &place, &mut expected)
        .unwrap();
    let mut list = be(5).to_vec();
    for (index, value) in (0..).zip(values) {
        let salt = blake3::derive_key("lethe 2026-11 seal: leaf salt", &[&[0x66; 64][..], &be(index)].concat());
        list.extend(blake3::derive_key("lethe 2026-11 seal: leaf", &[&salt[..], &be(index), value].concat()));
    }

    let sealed = seal_with(&maria(), &key(), &PLACE, &[0x66; 64], [0x77; 24]).unwrap();
    assert_eq!(sealed.bytes, [&[1][..], &[0x77; 24], &expected, &tag].concat());
    assert_eq!(sealed.commitment, blake3::derive_key("lethe 2026-11 seal: commitment", &list));
}

#[test]
fn a_part_opens_at_its_own_place_only() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let elsewhere = [
        Binding { format: 2, ..PLACE },
        Binding { log: LogId([0x12; 16]), ..PLACE },
        Binding { stream: Stream { kind: StreamKind::Ticket, ..PLACE.stream }, ..PLACE },
        Binding { stream: Stream { id: [0x23; 16], ..PLACE.stream }, ..PLACE },
        Binding { revision: 4, ..PLACE },
        Binding { kind: "contact.changed", ..PLACE },
        Binding { schema: 2, ..PLACE },
        Binding { part: 1, ..PLACE },
        Binding { key: KeyId([0x34; 16]), ..PLACE },
    ];
    for place in elsewhere {
        let answer = open(&sealed.bytes, &key(), &place, &sealed.commitment);
        assert_eq!(answer.unwrap_err(), OpenError::BadTag, "{place:?}");
    }
    let answer = open(&sealed.bytes, &Key::new([0x45; 32]), &PLACE, &sealed.commitment);
    assert_eq!(answer.unwrap_err(), OpenError::BadTag);
}

/// The tag alone is of the one-shot key, so it would fail as well if the associated data were not given to the cipher.
#[test]
fn the_place_is_in_the_associated_data_as_well_as_in_the_key() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let nonce: [u8; 24] = sealed.bytes[1..25].try_into().unwrap();
    let cipher = cipher(&key(), &nonce, &PLACE.bytes());
    let (body, tag) = sealed.bytes[25..].split_last_chunk::<16>().unwrap();
    let answer = cipher.decrypt_in_place_detached(&nonce.into(), b"", &mut body.to_vec(), tag.into());
    assert!(answer.is_err());
}

#[test]
fn a_part_that_opens_is_still_checked_against_its_record() {
    let (one, two) = (seal(&maria(), &key(), &PLACE).unwrap(), seal(&maria(), &key(), &PLACE).unwrap());
    let answer = open(&one.bytes, &key(), &PLACE, &two.commitment);
    assert_eq!(answer.unwrap_err(), OpenError::BadCommitment);
}

#[test]
fn no_bit_can_be_flipped_and_no_byte_cut_off() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    for bit in 0..sealed.bytes.len() * 8 {
        let mut bytes = sealed.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 8 { OpenError::UnknownSuite(bytes[0]) } else { OpenError::BadTag };
        assert_eq!(open(&bytes, &key(), &PLACE, &sealed.commitment).unwrap_err(), expected, "bit {bit}");
    }
    for length in 0..sealed.bytes.len() {
        let answer = open(&sealed.bytes[..length], &key(), &PLACE, &sealed.commitment).unwrap_err();
        assert!(matches!(answer, OpenError::BadTag | OpenError::Malformed), "{length} bytes: {answer}");
    }
}

#[test]
fn clear_text_of_another_form_is_malformed() {
    let clear_of = |plain: &Plain, edit: &dyn Fn(&mut Vec<u8>)| {
        let sealed = seal_with(plain, &key(), &PLACE, &[0x66; 64], [0x77; 24]).unwrap();
        let mut body = sealed.bytes[25..sealed.bytes.len() - 16].to_vec();
        let tag = Tag::clone_from_slice(&sealed.bytes[sealed.bytes.len() - 16..]);
        let cipher = cipher(&key(), &[0x77; 24], &PLACE.bytes());
        cipher.decrypt_in_place_detached(&[0x77; 24].into(), &PLACE.bytes(), &mut body, &tag).unwrap();
        edit(&mut body);
        let tag = cipher.encrypt_in_place_detached(&[0x77; 24].into(), &PLACE.bytes(), &mut body).unwrap();
        open(&[&[1][..], &[0x77; 24], &body, &tag].concat(), &key(), &PLACE, &sealed.commitment)
    };
    assert!(clear_of(&maria(), &|_| ()).is_ok());
    let strange_compartment = |body: &mut Vec<u8>| body[81] = 0xff;
    let cut_field = |body: &mut Vec<u8>| _ = body.pop();
    let half_a_length = |body: &mut Vec<u8>| body.push(0);
    assert_eq!(clear_of(&maria(), &strange_compartment).unwrap_err(), OpenError::Malformed);
    assert_eq!(clear_of(&maria(), &cut_field).unwrap_err(), OpenError::Malformed);
    assert_eq!(clear_of(&maria(), &half_a_length).unwrap_err(), OpenError::Malformed);
}

#[test]
fn sixty_thousand_bytes_of_clear_text_are_the_limit() {
    let mut plain = Plain { fields: vec![vec![7; MAX_PLAIN - 64 - 16 - 6 - 2]], ..maria() };
    let sealed = seal(&plain, &key(), &PLACE).unwrap();
    assert_eq!(open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap().plain, plain);
    plain.fields[0].push(7);
    assert_eq!(seal(&plain, &key(), &PLACE).unwrap_err(), SealError::TooLong(MAX_PLAIN + 1));
}

#[test]
fn some_leaves_are_shown_and_the_others_stay_hidden() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let opened = open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    let leaves = opened.disclose(|index| index == 4);
    assert!(verify_opening(&sealed.commitment, &leaves));
    let shown: Vec<_> = leaves
        .iter()
        .filter_map(|leaf| match leaf {
            Leaf::Shown { value, .. } => Some(value.as_slice()),
            Leaf::Bare(_) => None,
        })
        .collect();
    assert_eq!(shown, [b"maria@example.org"]);
    assert!(verify_opening(&sealed.commitment, &opened.disclose(|_| true)));
    assert!(verify_opening(&sealed.commitment, &opened.disclose(|_| false)));
}

#[test]
fn a_disclosure_cannot_be_edited_reordered_or_shortened() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let opened = open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    let honest = opened.disclose(|_| true);
    let mut edited = honest.clone();
    let Leaf::Shown { value, .. } = &mut edited[2] else { panic!("all were shown") };
    value[0] = b'm';
    let mut reordered = honest.clone();
    reordered.swap(2, 4);
    for forged in [&edited[..], &reordered, &honest[..4], &[]] {
        assert!(!verify_opening(&sealed.commitment, forged));
    }
}

/// Another place and another key: what a record of its own binds.
const ELSEWHERE: Binding<'static> = Binding { kind: "case.resealed", revision: 9, key: KeyId([0x35; 16]), ..PLACE };

fn other_key() -> Key {
    Key::new([0x46; 32])
}

#[test]
fn what_stays_of_a_resealed_part_is_what_it_was() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let opened = open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    let whole = reseal(&opened, |_| false, &other_key(), &ELSEWHERE).unwrap();
    assert_eq!((whole.commitment, whole.bytes.len()), (sealed.commitment, sealed.bytes.len()));
    assert!(open(&whole.bytes, &other_key(), &ELSEWHERE, &sealed.commitment).unwrap().plain == maria());

    let without = reseal(&opened, |leaf| leaf == 2, &other_key(), &ELSEWHERE).unwrap();
    assert_eq!(without.commitment, sealed.commitment, "an auditor sees that the rest is unchanged");
    let again = open(&without.bytes, &other_key(), &ELSEWHERE, &sealed.commitment).unwrap();
    assert_eq!(again.plain.fields, [vec![], vec![], b"maria@example.org".to_vec()]);
    assert!((again.plain.subject, again.plain.compartment) == (maria().subject, maria().compartment));
    assert!(!format!("{:?}", again.disclose(|_| true)).contains("Maria"));
    let leaves = again.disclose(|_| true);
    assert!(matches!(leaves[2], Leaf::Bare(_)) && matches!(leaves[4], Leaf::Shown { .. }));
    assert!(
        verify_opening(&sealed.commitment, &leaves) && verify_opening(&sealed.commitment, &again.disclose(|_| false))
    );

    let twice = reseal(&again, |leaf| leaf == 4, &key(), &PLACE).unwrap();
    let twice = open(&twice.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    assert_eq!(twice.plain.fields, [const { Vec::<u8>::new() }; 3], "what went once does not come back");
}

#[test]
fn subject_and_compartment_never_go_and_a_list_of_leaves_has_one_form() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let opened = open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    let all = reseal(&opened, |_| true, &other_key(), &ELSEWHERE).unwrap();
    let opened = open(&all.bytes, &other_key(), &ELSEWHERE, &sealed.commitment).unwrap();
    assert_eq!(opened.plain.subject, maria().subject);
    let leaves = opened.disclose(|_| true);
    let clear = leaves::write(&leaves);
    assert!(leaves::read(&clear).is_some());
    for cut in 1..clear.len() {
        let read = leaves::read(&clear[..cut]);
        assert!(read.is_none_or(|read| read.commitment() != sealed.commitment), "{cut} bytes");
    }
    let mut strange = clear.to_vec();
    strange[0] = 2;
    assert!(leaves::read(&strange).is_none());
    let bare = [&[0][..], &[7; 32], &clear[1 + 32 + 2 + 16..]].concat();
    assert!(leaves::read(&bare).is_none(), "nobody's");
    let otherwise = open(&all.bytes, &other_key(), &Binding { part: 1, ..ELSEWHERE }, &sealed.commitment);
    assert_eq!(otherwise.unwrap_err(), OpenError::BadTag);
}

#[test]
fn nothing_personal_is_printed() {
    let sealed = seal(&maria(), &key(), &PLACE).unwrap();
    let opened = open(&sealed.bytes, &key(), &PLACE, &sealed.commitment).unwrap();
    let printed = format!("{:?} {:?} {:?}", maria(), opened, opened.disclose(|_| true));
    assert!(!printed.contains("Maria") && !printed.contains("77") && !printed.contains("55"), "{printed}");
}

proptest! {
    #[test]
    fn any_fields_open_again_as_they_were(
        fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
        subject: [u8; 16],
        key: [u8; 32],
        revision: u64,
    ) {
        let plain = Plain { subject: SubjectId(subject), compartment: Compartment::Claims, fields };
        let place = Binding { revision, ..PLACE };
        let sealed = seal(&plain, &Key::new(key), &place).unwrap();
        let opened = open(&sealed.bytes, &Key::new(key), &place, &sealed.commitment).unwrap();
        prop_assert!(opened.plain == plain);
        prop_assert!(verify_opening(&sealed.commitment, &opened.disclose(|index| index % 2 == 0)));
    }
}
