//! Every tree up to 130 leaves against the definition, word by word.

use super::*;

/// The rows in memory.
#[derive(Default)]
struct Kept(Vec<Vec<Node>>);

impl Rows for Kept {
    type Error = ();

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, ()> {
        assert!(first / 256 == (first + count as u64 - 1) / 256, "across a tile");
        let row = self.0.get(row as usize).ok_or(())?;
        row.get(first as usize..).and_then(|from| from.get(..count)).map(<[Node]>::to_vec).ok_or(())
    }
}

fn entry(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(number as usize % 5)
}

fn grown(size: u64) -> (Frontier, Kept) {
    let (mut frontier, mut kept) = (Frontier::new(), Kept::default());
    for number in 0..size {
        frontier.push(leaf(&entry(number)), &mut |row, at, hash| {
            kept.0.resize((row as usize + 1).max(kept.0.len()), Vec::new());
            assert_eq!(kept.0[row as usize].len() as u64, at, "rows grow without a gap");
            kept.0[row as usize].push(hash);
        });
    }
    (frontier, kept)
}

/// `MTH` of RFC 6962.
fn mth(leaves: &[Node]) -> Node {
    match leaves {
        [] => empty(),
        [one] => *one,
        more => {
            let k = more.len().next_power_of_two() / 2;
            node(&mth(&more[..k]), &mth(&more[k..]))
        }
    }
}

/// `PATH` of RFC 6962.
fn path(m: usize, leaves: &[Node]) -> Vec<Node> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut path, beside) = if m < k {
        (self::path(m, &leaves[..k]), mth(&leaves[k..]))
    } else {
        (self::path(m - k, &leaves[k..]), mth(&leaves[..k]))
    };
    path.push(beside);
    path
}

/// `SUBPROOF` of RFC 6962.
fn subproof(m: usize, leaves: &[Node], known: bool) -> Vec<Node> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut proof, beside) = if m <= k {
        (subproof(m, &leaves[..k], known), mth(&leaves[k..]))
    } else {
        (subproof(m - k, &leaves[k..], false), mth(&leaves[..k]))
    };
    proof.push(beside);
    proof
}

#[test]
fn every_small_tree_is_the_one_of_the_definition() {
    let leaves: Vec<Node> = (0..130).map(|number| leaf(&entry(number))).collect();
    let (_, kept) = grown(130);
    for size in 0..=130_usize {
        let (naive, n) = (mth(&leaves[..size]), size as u64);
        assert_eq!(grown(n).0.root(), naive);
        assert_eq!(root(&kept, n).unwrap(), naive);
        for index in 0..size {
            let proof = inclusion(&kept, index as u64, n).unwrap();
            assert_eq!(proof, path(index, &leaves[..size]));
            assert_eq!(proof.len(), path_length(index as u64, n));
            included(leaves[index], index as u64, n, &naive, &proof).unwrap();
        }
        for old in 0..=size {
            let proof = consistency(&kept, old as u64, n).unwrap();
            let naive_proof = if old == 0 { Vec::new() } else { subproof(old, &leaves[..size], true) };
            assert_eq!(proof, naive_proof, "{old} to {size}");
            consistent((old as u64, &mth(&leaves[..old])), (n, &naive), &proof).unwrap();
        }
    }
}

#[test]
fn whatever_is_bent_is_no_proof() {
    let leaves: Vec<Node> = (0..40).map(|number| leaf(&entry(number))).collect();
    let (_, kept) = grown(40);
    for size in 1..=40_u64 {
        let whole = root(&kept, size).unwrap();
        for index in 0..size {
            let (proof, hash) = (inclusion(&kept, index, size).unwrap(), leaves[index as usize]);
            let check =
                |hash, index, size, root: &Node, proof: &[Node]| included(hash, index, size, root, proof).is_ok();
            assert!(!check(whole, index, size, &whole, &proof) || size == 1);
            assert!(!check(hash, index, size, &hash, &proof) || size == 1);
            for other in (0..=size).filter(|other| *other != index) {
                assert!(!check(hash, other, size, &whole, &proof), "{index} is not {other} of {size}");
            }
            for longer in bent(&proof) {
                assert!(!check(hash, index, size, &whole, &longer));
            }
        }
        for old in 1..size {
            let (proof, before) = (consistency(&kept, old, size).unwrap(), root(&kept, old).unwrap());
            for other in (0..=size).filter(|other| *other != old) {
                assert!(
                    consistent((other, &before), (size, &whole), &proof).is_err(),
                    "{other} is not {old} of {size}"
                );
            }
            assert!(consistent((old, &whole), (size, &whole), &proof).is_err());
            assert!(consistent((old, &before), (size, &before), &proof).is_err());
            for longer in bent(&proof) {
                assert!(consistent((old, &before), (size, &whole), &longer).is_err());
            }
        }
    }
    assert_eq!(consistent((3, &empty()), (2, &empty()), &[]), Err(Mismatch::Size));
    assert!(consistent((0, &[1; 32]), (2, &empty()), &[]).is_err(), "nothing has one root");
}

/// A hash more at either end, one less, each changed, two swapped.
fn bent(proof: &[Node]) -> Vec<Vec<Node>> {
    let mut all = vec![[proof, &[[7; 32]]].concat(), [&[[7; 32]], proof].concat()];
    for at in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[at][31] ^= 1;
        all.push(changed);
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.push(shorter);
        if at > 0 && proof[at] != proof[at - 1] {
            let mut swapped = proof.to_vec();
            swapped.swap(at, at - 1);
            all.push(swapped);
        }
    }
    all
}

#[test]
fn rows_above_the_first_are_those_of_tlog_tiles() {
    let (_, kept) = grown(70_000);
    assert_eq!(kept.0.iter().map(Vec::len).collect::<Vec<_>>(), [70_000, 273, 1]);
    let leaves: Vec<Node> = (0..70_000).map(|number| leaf(&entry(number))).collect();
    assert_eq!(kept.0[1][272], mth(&leaves[272 * 256..273 * 256]));
    assert_eq!(root(&kept, 70_000).unwrap(), mth(&leaves));
    let proof = inclusion(&kept, 69_999, 70_000).unwrap();
    included(leaves[69_999], 69_999, 70_000, &mth(&leaves), &proof).unwrap();
}

/// The roots of the test data of RFC 6962's reference implementation.
#[test]
fn known_roots() {
    let entries: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];
    let mut frontier = Frontier::new();
    let hex = |frontier: &Frontier| blake3::Hash::from_bytes(frontier.root()).to_hex().to_string();
    assert_eq!(hex(&frontier), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    frontier.push(leaf(entries[0]), &mut |_, _, _| {});
    assert_eq!(hex(&frontier), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    entries[1..].iter().for_each(|entry| frontier.push(leaf(entry), &mut |_, _, _| {}));
    assert_eq!(hex(&frontier), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}
