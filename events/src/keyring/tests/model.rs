//! The keyring against a model of who is alive: mints, fences, destructions, restarts and lost tokens, drawn at random.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::home::{STEADY, Shaky};
use super::*;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Live,
    Fenced,
    Erased(u64),
}

#[derive(Clone, Debug)]
enum Act {
    Mint(usize),
    Fence(Vec<usize>),
    Unfence(Vec<usize>),
    LookBehind(usize),
    Destroy(Vec<usize>),
    /// A destruction in which the anchor fails at this call.
    DestroyWithout(Vec<usize>, i64),
    Restart,
    Draw,
}

fn some() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 1..4)
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..40_usize).prop_map(Act::Mint),
        2 => some().prop_map(Act::Fence),
        1 => some().prop_map(Act::Unfence),
        1 => any::<usize>().prop_map(Act::LookBehind),
        3 => some().prop_map(Act::Destroy),
        2 => (some(), 0..12_i64).prop_map(|(keys, calls)| Act::DestroyWithout(keys, calls)),
        1 => Just(Act::Restart),
        1 => Just(Act::Draw),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_dead_are_dead_and_the_living_live(acts in prop::collection::vec(act(), 1..40)) {
        let home = Home::new();
        let (anchor, mut left) = Shaky::new(home.file_anchor());
        let mut ring = Keyring::create(&home.copies(), vec![Box::new(anchor)], LOG).unwrap();
        let mut model: BTreeMap<KeyId, (Key, Fate)> = BTreeMap::new();
        let mut epoch = 0;
        for act in acts {
            let pick = |model: &BTreeMap<KeyId, (Key, Fate)>, numbers: &[usize]| -> Vec<KeyId> {
                let all: Vec<KeyId> = model.keys().copied().collect();
                if all.is_empty() { Vec::new() } else { numbers.iter().map(|number| all[number % all.len()]).collect() }
            };
            match act {
                Act::Mint(count) => model.extend(mint(&ring, count).into_iter().map(|(id, key)| (id, (key, Fate::Live)))),
                Act::Fence(numbers) => {
                    let keys = pick(&model, &numbers);
                    ring.fence(&keys);
                    for id in keys {
                        let fate = &mut model.get_mut(&id).unwrap().1;
                        if *fate == Fate::Live { *fate = Fate::Fenced }
                    }
                }
                Act::Unfence(numbers) => {
                    let keys = pick(&model, &numbers);
                    ring.unfence(&keys).unwrap();
                    for id in keys {
                        let fate = &mut model.get_mut(&id).unwrap().1;
                        if *fate == Fate::Fenced { *fate = Fate::Live }
                    }
                }
                Act::LookBehind(number) => for id in pick(&model, &[number]) {
                    let (key, fate) = &model[&id];
                    prop_assert_eq!(ring.open_fenced(&id).unwrap(), (*fate == Fate::Fenced).then(|| key.clone()));
                },
                Act::Destroy(numbers) => {
                    let keys = pick(&model, &numbers);
                    ring.destroy(&keys).unwrap();
                    kill(&mut model, &keys, &mut epoch);
                }
                Act::DestroyWithout(numbers, calls) => {
                    let keys = pick(&model, &numbers);
                    left.store(calls, std::sync::atomic::Ordering::Relaxed);
                    let done = ring.destroy(&keys);
                    left.store(STEADY, std::sync::atomic::Ordering::Relaxed);
                    if done.is_err() {
                        prop_assert!(keys.iter().all(|id| match model[id].1 {
                            Fate::Erased(epoch) => ring.state(id) == KeyState::Erased { epoch },
                            _ => ring.state(id) == KeyState::Fenced,
                        }), "{:?}", done);
                        ring.destroy(&keys).unwrap();
                    }
                    kill(&mut model, &keys, &mut epoch);
                }
                Act::Draw => ring.ring.fill(256).unwrap(),
                Act::Restart => {
                    drop(ring);
                    let (anchor, again) = Shaky::new(home.file_anchor());
                    left = again;
                    let anchor: Box<dyn Anchor> = Box::new(anchor);
                    ring = Keyring::open(&home.copies(), vec![anchor], LOG).unwrap();
                    // The log remembers fences, not the keyring.
                    let fenced = model.iter().filter(|(_, (_, fate))| *fate == Fate::Fenced);
                    ring.fence(&fenced.map(|(id, _)| *id).collect::<Vec<_>>());
                    ring.settle(|key| model.contains_key(key), true).unwrap();
                }
            }
            prop_assert_eq!(ring.epoch(), epoch);
            for (id, (key, fate)) in &model {
                let right = match fate {
                    Fate::Live => KeyState::Live(key.clone()),
                    Fate::Fenced => KeyState::Fenced,
                    Fate::Erased(epoch) => KeyState::Erased { epoch: *epoch },
                };
                prop_assert_eq!(ring.state(id), right);
            }
        }
    }
}

fn kill(model: &mut BTreeMap<KeyId, (Key, Fate)>, keys: &[KeyId], epoch: &mut u64) {
    let dies = |id: &&KeyId| !matches!(model[*id].1, Fate::Erased(_));
    let dying: Vec<KeyId> = keys.iter().filter(dies).copied().collect();
    if !dying.is_empty() {
        *epoch += 1;
        dying.iter().for_each(|id| model.get_mut(id).unwrap().1 = Fate::Erased(*epoch));
    }
}
