//! The form of the file.

use domain::event::StreamKind;

use super::*;
use crate::bundle::Presence;
use crate::chain::StreamHead;
use crate::map::StreamMap;

fn evidence() -> Evidence {
    let stream = Stream { kind: StreamKind::Consents, id: [4; 16] };
    let mut map = StreamMap::new();
    map.put(&StreamHead { stream, count: 2, hash: [5; 32] });
    map.put(&StreamHead { stream: Stream { kind: StreamKind::Contact, id: [6; 16] }, count: 1, hash: [7; 32] });
    let note =
        |text: &str| SignedNote::parse(format!("{text}\n\n\u{2014} muster.example AAAAAAA=\n").as_bytes()).unwrap();
    let parts = vec![Inventoried { presence: Presence::Swept, length: 300 }];
    Evidence {
        receipt: Some(note("receipt")),
        checkpoint: Some(note("checkpoint")),
        replays: vec![Replay { note: note("replayed"), path: vec![[8; 32]] }],
        map: Some(Placed { record: vec![1, 2, 3], path: Some(vec![[1; 32], [2; 32]]) }),
        trails: vec![Trail {
            stream,
            map: Some(map.prove(&stream.id)),
            records: vec![Audited { record: vec![9; 300], parts }, Audited { record: vec![8], parts: Vec::new() }],
            path: Some(Vec::new()),
            openings: vec![Opening {
                record: 1,
                part: 0,
                leaves: vec![Leaf::Bare([3; 32]), Leaf::Shown { salt: [4; 32], value: b"anna".to_vec() }],
            }],
        }],
        others: vec![Placed { record: vec![7; 10], path: None }],
    }
}

#[test]
fn what_is_written_reads_back_and_nothing_else_does() {
    for whole in [evidence(), Evidence::default()] {
        let bytes = whole.to_bytes().unwrap();
        assert_eq!(Evidence::parse(&bytes), Ok(whole));
        assert!(Evidence::parse(&[&bytes[..], &[0]].concat()).is_err(), "nothing may follow");
        for end in 0..bytes.len() {
            assert!(Evidence::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
    let bytes = evidence().to_bytes().unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bent = bytes.clone();
            bent[at] ^= 1 << bit;
            if let Ok(other) = Evidence::parse(&bent) {
                assert_eq!(other.to_bytes().unwrap(), bent, "one evidence has one form: {at}");
            }
        }
    }
}

#[test]
fn a_count_is_not_believed() {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0, 0, 0xff, 0xff, 0xff, 0xff]);
    assert!(Evidence::parse(&bytes).is_err());
}
