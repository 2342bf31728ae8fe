//! The map against the form of ten lines that `FORMAT.md` describes, and proofs against everything that is not one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The root by the document: no order, no rows, nothing kept.
fn naive(heads: &[StreamHead]) -> Hash {
    match heads {
        [] => blake3::derive_key("lethe 2026 map empty v1", b""),
        [StreamHead { stream, count, hash }] => {
            let name = stream.kind.name();
            let mut leaf = [&stream.id[..], &[name.len() as u8], name.as_bytes()].concat();
            leaf.extend([&count.to_be_bytes()[..], hash].concat());
            blake3::derive_key("lethe 2026 map leaf v1", &leaf)
        }
        [first, ..] => {
            let of = |head: &StreamHead, at: usize| head.stream.id[at / 8] & (0x80 >> (at % 8)) != 0;
            let differ = |at: &usize| heads.iter().any(|head| of(head, *at) != of(first, *at));
            let at = (0..128).find(differ).unwrap();
            let (right, left): (Vec<StreamHead>, Vec<StreamHead>) = heads.iter().partition(|head| of(head, at));
            let node = [&[at as u8][..], &naive(&left), &naive(&right)].concat();
            blake3::derive_key("lethe 2026 map node v1", &node)
        }
    }
}

fn head(id: [u8; 16], count: u64, hash: u8) -> StreamHead {
    let kind = StreamKind::ALL[usize::from(hash) % StreamKind::ALL.len()];
    StreamHead { stream: Stream { kind, id }, count, hash: [hash; 32] }
}

/// Random ids of this many streams, the same every time.
fn many(count: u64) -> impl Iterator<Item = StreamHead> {
    (0..count).map(|number| {
        let seed = blake3::hash(&number.to_be_bytes());
        head(*seed.as_bytes().first_chunk().unwrap(), number + 1, seed.as_bytes()[20])
    })
}

fn map_of(heads: impl IntoIterator<Item = StreamHead>) -> StreamMap {
    let mut map = StreamMap::new();
    heads.into_iter().for_each(|head| map.put(&head));
    map
}

/// Ids far apart, ids that differ in their last byte only, and ids one bit away from another.
fn ids() -> impl Strategy<Value = [u8; 16]> {
    let ending = |byte| std::array::from_fn(|at| if at == 15 { byte } else { 0xab });
    let one_bit = move |at: u32| (u128::from_be_bytes(ending(7)) ^ (1 << at)).to_be_bytes();
    prop_oneof![3 => any::<[u8; 16]>(), 4 => any::<u8>().prop_map(ending), 2 => (0..128u32).prop_map(one_bit)]
}

fn heads() -> impl Strategy<Value = Vec<StreamHead>> {
    prop::collection::vec((ids(), 1..9u64, any::<u8>()).prop_map(|(id, count, hash)| head(id, count, hash)), 0..300)
}

fn by_id(heads: &[StreamHead]) -> BTreeMap<[u8; 16], StreamHead> {
    heads.iter().map(|head| (head.stream.id, *head)).collect()
}

/// This id, and ids close to it: most of them are no stream's.
fn around(id: [u8; 16]) -> impl Iterator<Item = [u8; 16]> {
    (0..128).map(move |at| (u128::from_be_bytes(id) ^ (1 << at)).to_be_bytes()).chain([id, [0; 16], [0xff; 16]])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_root_is_that_of_a_naive_rebuild_after_any_updates(heads in heads(), every in 1..40usize) {
        let (mut map, mut kept) = (StreamMap::new(), BTreeMap::new());
        for some in heads.chunks(every) {
            some.iter().for_each(|head| map.put(head));
            kept.extend(some.iter().map(|head| (head.stream.id, *head)));
            let all: Vec<StreamHead> = kept.values().copied().collect();
            prop_assert_eq!((map.root(), map.len()), (naive(&all), kept.len() as u64));
        }
    }

    #[test]
    fn every_stream_is_proved_and_every_neighbour_is_proved_absent(heads in heads()) {
        let (mut map, kept) = (map_of(heads.iter().copied()), by_id(&heads));
        let root = map.root();
        let asked = heads.iter().take(6).map(|head| head.stream.id).chain([[0x5a; 16]]);
        for id in asked.flat_map(around) {
            let proof = map.prove(&id);
            let expected = kept.get(&id).map_or(Standing::Absent, |head| Standing::Present(*head));
            prop_assert_eq!(proof.verify(&root, &id), Ok(expected));
            prop_assert_eq!(MapProof::parse(&proof.to_bytes()), Ok(proof));
        }
    }

    #[test]
    fn a_proof_shown_for_another_id_never_says_what_is_not_so(heads in heads()) {
        let (mut map, kept) = (map_of(heads.iter().copied()), by_id(&heads));
        let root = map.root();
        let ids: Vec<[u8; 16]> = kept.keys().copied().take(12).chain([[0x5a; 16]]).collect();
        for (shown, asked) in ids.iter().flat_map(|shown| ids.iter().map(move |asked| (shown, asked))) {
            if let Ok(standing) = map.prove(shown).verify(&root, asked) {
                prop_assert_eq!(standing, kept.get(asked).map_or(Standing::Absent, |head| Standing::Present(*head)));
            }
        }
    }

    #[test]
    fn no_changed_proof_is_taken(heads in heads(), absent in ids(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut map = map_of(heads.iter().copied());
        let root = map.root();
        for id in heads.iter().take(3).map(|head| head.stream.id).chain([absent]) {
            let mut bytes = map.prove(&id).to_bytes();
            *at.get_mut(&mut bytes) ^= 1 << bit;
            prop_assert!(!taken(&bytes, &root, &id));
        }
    }
}

fn taken(bytes: &[u8], root: &Hash, id: &[u8; 16]) -> bool {
    MapProof::parse(bytes).is_ok_and(|proof| proof.verify(root, id).is_ok())
}

#[test]
fn every_flipped_bit_cut_and_addition_is_refused() {
    let mut map = map_of(many(2_000));
    let root = map.root();
    let present = many(1).next().unwrap().stream.id;
    for id in [present, [0x5a; 16]] {
        let bytes = map.prove(&id).to_bytes();
        assert!(taken(&bytes, &root, &id));
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(!taken(&flipped, &root, &id), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(!taken(&bytes[..length], &root, &id), "cut to {length}");
        }
        assert_eq!(MapProof::parse(&[&bytes[..], &[0]].concat()), Err(crate::bytes::Malformed::Trailing(1)));
    }
}

#[test]
fn nodes_left_out_doubled_or_in_another_order_are_refused() {
    let mut map = map_of(many(2_000));
    let (root, id) = (map.root(), many(1).next().unwrap().stream.id);
    let whole = map.prove(&id);
    for at in 0..whole.path.len() {
        let mut less = whole.clone();
        less.path.remove(at);
        let mut twice = whole.clone();
        twice.path.insert(at, whole.path[at]);
        let mut turned = whole.clone();
        turned.path.swap(at, (at + 1) % whole.path.len());
        assert_eq!(less.verify(&root, &id), Err(Refused::Root), "without node {at}");
        for proof in [twice, turned] {
            assert_eq!(MapProof::parse(&proof.to_bytes()), Err(crate::bytes::Malformed::Value("bit")), "node {at}");
        }
    }
}

#[test]
fn a_path_longer_than_an_id_is_refused_before_it_is_read() {
    let mut bytes = map_of(many(1)).prove(&[0; 16]).to_bytes();
    *bytes.last_mut().unwrap() = 129;
    bytes.resize(bytes.len() + 129 * 33, 0);
    assert_eq!(MapProof::parse(&bytes), Err(crate::bytes::Malformed::Value("number of nodes")));
}

#[test]
fn the_empty_map_has_a_root_of_its_own_and_proves_absence() {
    let mut map = StreamMap::new();
    let (root, proof) = (map.root(), map.prove(&[1; 16]));
    assert_eq!((root, map.is_empty()), (naive(&[]), true));
    assert_eq!(proof.verify(&root, &[1; 16]), Ok(Standing::Absent));
    assert_eq!(
        proof.verify(&map_of(many(3)).root(), &[1; 16]),
        Err(Refused::Root),
        "absence in a map that is not empty"
    );
}

#[test]
fn a_proof_under_an_older_root_is_refused() {
    let mut map = map_of(many(100));
    let (before, id) = (map.root(), many(1).next().unwrap().stream.id);
    let proof = map.prove(&id);
    map.put(&head(id, 99, 3));
    assert_eq!(proof.verify(&map.root(), &id), Err(Refused::Root));
    assert!(proof.verify(&before, &id).is_ok());
}

/// Ten times the streams are log2(10) more nodes on a way, four at most: so what holds here with room for them holds at a
/// million.
#[test]
fn a_proof_at_a_million_streams_is_below_a_kilobyte() {
    let mut map = map_of(many(100_000));
    let root = map.root();
    let longest = many(3_000).map(|head| {
        let proof = map.prove(&head.stream.id);
        assert_eq!(proof.verify(&root, &head.stream.id), Ok(Standing::Present(head)));
        proof.to_bytes().len()
    });
    let longest = longest.max().unwrap();
    assert!(longest + 4 * 33 < 1_024, "{longest} bytes at a hundred thousand streams");
}

#[test]
fn the_lagging_map_has_the_root_of_every_size_that_a_record_may_name() {
    let (log, mut lagging) = (many(40).chain(many(25)).collect::<Vec<_>>(), Lagging::new());
    log.iter().for_each(|head| lagging.push(*head));
    for size in [0, 1, 40, 41, 65] {
        let then = by_id(&log[..size]).into_values().collect::<Vec<_>>();
        assert_eq!(lagging.advance_to(size as u64), Ok(naive(&then)), "after {size} records");
        assert_eq!((lagging.size(), lagging.map().len()), (size as u64, then.len() as u64));
    }
    assert_eq!(lagging.advance_to(64), Err(OutOfReach { size: 64, reach: (65, 65) }), "it cannot go back");
    assert_eq!(lagging.advance_to(66), Err(OutOfReach { size: 66, reach: (65, 65) }), "it cannot run ahead");
}

#[test]
fn steps_older_than_the_lag_go_into_the_map() {
    let mut lagging = Lagging::new();
    (0..MAP_LAG).for_each(|count| {
        assert!(!lagging.is_full());
        lagging.push(head([1; 16], count + 1, 1));
    });
    assert_eq!((lagging.size(), lagging.pushed(), lagging.is_full()), (0, MAP_LAG, true));
    many(7).for_each(|head| lagging.push(head));
    assert_eq!((lagging.size(), lagging.pushed()), (7, MAP_LAG + 7));
    assert_eq!(lagging.advance_to(6), Err(OutOfReach { size: 6, reach: (7, MAP_LAG + 7) }));
}
