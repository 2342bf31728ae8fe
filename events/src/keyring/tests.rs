use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::header::HEADER;
use super::slot::SLOT;
use super::*;

const LOG: LogId = LogId([7; 16]);
const SLOTS: usize = 2 * HEADER;

/// A keyring in one directory and its anchor in another.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        // In memory where there is such a place: files are cut by hand here, and thousands of syncs would only wait.
        let memory = PathBuf::from("/dev/shm");
        Self(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap())
    }

    fn keys(&self) -> PathBuf {
        self.0.path().join("keyring")
    }

    fn anchor(&self) -> Box<FileAnchor> {
        Box::new(FileAnchor::at(self.0.path().join("anchor")).unwrap())
    }

    fn create(&self) -> Keyring {
        Keyring::create(&self.keys(), self.anchor(), LOG).unwrap()
    }

    fn open(&self) -> Keyring {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Keyring, KeyringError> {
        Keyring::open(&self.keys(), self.anchor(), LOG)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.keys().join(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.keys().join(name), bytes).unwrap();
    }

    /// Every byte of every file, keyring and anchor.
    fn everything(&self) -> Vec<u8> {
        let dirs = [self.keys(), self.0.path().join("anchor")];
        let files = dirs.iter().flat_map(|dir| fs::read_dir(dir).unwrap());
        files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

fn mint(ring: &Keyring, count: usize) -> Vec<(KeyId, Key)> {
    (0..count).map(|_| ring.mint().unwrap()).collect()
}

fn ids(keys: &[(KeyId, Key)]) -> Vec<KeyId> {
    keys.iter().map(|(id, _)| *id).collect()
}

fn all_used(_: &KeyId) -> bool {
    true
}

/// Waits until the thread behind the ring has drawn so many slots.
fn drawn(ring: &Keyring, count: usize) {
    while ring.fingerprints().len() < count {
        std::thread::yield_now();
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn every_answer_is_another_one() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 4);
    let [live, fenced, unused, dead] = [0, 1, 2, 3].map(|at: usize| keys[at].0);
    drop(ring);

    let ring = home.open();
    ring.fence(&[fenced]);
    ring.settle(|key| *key != unused, true).unwrap();
    let retired = ring.state(&unused);
    ring.destroy(&[dead]).unwrap();
    assert_eq!(ring.state(&live), KeyState::Live(keys[0].1.clone()));
    assert_eq!(ring.state(&fenced), KeyState::Fenced);
    assert_eq!(retired, KeyState::Retired);
    assert_eq!(ring.state(&dead), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.state(&KeyId([9; 16])), KeyState::NeverHad);
}

#[test]
fn a_key_handed_out_is_there_after_a_restart() {
    let home = Home::new();
    let keys = mint(&home.create(), 1000);
    let ring = home.open();
    for (id, key) in keys {
        assert_eq!(key.fingerprint(), id);
        assert_eq!(ring.state(&id), KeyState::Live(key));
    }
}

#[test]
fn no_key_is_handed_out_before_the_log_was_read() {
    let home = Home::new();
    drop(home.create());
    let ring = home.open();
    assert!(matches!(ring.mint(), Err(KeyringError::NotSettled)));
    ring.settle(all_used, true).unwrap();
    ring.mint().unwrap();
}

#[test]
fn what_may_have_been_handed_out_is_never_handed_out_again() {
    let home = Home::new();
    let ring = home.create();
    let (named, _) = ring.mint().unwrap();
    drawn(&ring, 256);
    let before: HashSet<KeyId> = ring.fingerprints().into_iter().map(|(id, _)| id).collect();
    drop(ring);

    let ring = home.open();
    let settled = ring.settle(|key| *key == named, true).unwrap();
    assert_eq!(settled, Settled { retired: 255, awaiting: 0, revived: 0 });
    for (id, _) in mint(&ring, 2000) {
        assert!(!before.contains(&id), "{id} comes twice");
    }
    ring.destroy(&[named]).unwrap();
    for id in before {
        assert_eq!(ring.state(&id), KeyState::Erased { epoch: 1 });
    }
}

#[test]
fn a_second_settling_retires_nothing() {
    let ring = Home::new().create();
    let (id, key) = ring.mint().unwrap();
    assert_eq!(ring.settle(|_| false, true).unwrap(), Settled::default());
    assert_eq!(ring.state(&id), KeyState::Live(key));
}

#[test]
fn after_a_restore_unused_keys_wait_until_somebody_confirms() {
    let home = Home::new();
    let ring = home.create();
    let [(named, _), (unnamed, _), (dead, _)] = [(); 3].map(|()| ring.mint().unwrap());
    drop(ring);
    let used = |key: &KeyId| [named, dead].contains(key);

    let ring = home.open();
    assert_eq!(ring.settle(used, false).unwrap().awaiting, 254);
    ring.destroy(&[dead]).unwrap();
    drop(ring);

    // At the next start the log has a head mark of its own again, which confirms nothing.
    let ring = home.open();
    ring.settle(used, true).unwrap();
    assert_eq!(ring.state(&unnamed), KeyState::Retired);
    assert_eq!(ring.counts().awaiting, 254);
    assert_eq!(ring.confirm_retired().unwrap(), 254);
    drop(ring);

    let ring = home.open();
    ring.settle(used, true).unwrap();
    ring.destroy(&[named]).unwrap();
    assert_eq!(ring.state(&unnamed), KeyState::Erased { epoch: 2 });
    assert_eq!(ring.state(&dead), KeyState::Erased { epoch: 1 });
}

#[test]
fn a_newer_log_that_comes_back_finds_its_keys() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 2);
    drop(ring);
    let ring = home.open();
    ring.settle(|_| false, false).unwrap();
    assert_eq!(ring.state(&keys[1].0), KeyState::Retired);
    drop(ring);

    let ring = home.open();
    ring.fence(&[keys[0].0]);
    let settled = ring.settle(|key| ids(&keys).contains(key), true).unwrap();
    assert_eq!(settled.revived, 2);
    assert_eq!(ring.state(&keys[0].0), KeyState::Fenced);
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
}

#[test]
fn a_fence_can_be_looked_behind_and_lifted() {
    let ring = Home::new().create();
    let (id, key) = ring.mint().unwrap();
    assert_eq!(ring.open_fenced(&id).unwrap(), None, "there is no fence");
    ring.fence(&[id, KeyId([9; 16])]);
    assert_eq!(ring.state(&id), KeyState::Fenced);
    assert_eq!(ring.open_fenced(&id).unwrap(), Some(key.clone()));
    ring.unfence(&[id, KeyId([9; 16])]).unwrap();
    assert_eq!(ring.state(&id), KeyState::Live(key));
    ring.fence(&[id]);
    ring.destroy(&[id]).unwrap();
    assert_eq!(ring.state(&id), KeyState::Erased { epoch: 1 });
    ring.unfence(&[id]).unwrap();
    assert_eq!(ring.state(&id), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.open_fenced(&id).unwrap(), None);
}

#[test]
fn a_key_that_may_not_be_used_is_not_in_memory() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 3);
    let held = |ring: &Keyring| [0, 1, 2].map(|at: usize| ring.ring.holds(&keys[at].1));
    assert_eq!(held(&ring), [true, true, true]);
    ring.fence(&[keys[0].0]);
    ring.destroy(&[keys[1].0]).unwrap();
    assert_eq!(held(&ring), [false, false, true]);
    drop(ring);
    let ring = home.open();
    ring.settle(|_| false, true).unwrap();
    assert_eq!(held(&ring), [false, false, false]);
}

#[test]
fn destroyed_stays_destroyed() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 3);
    let asked = [keys[0].0, keys[2].0, keys[0].0];
    let done = Destroyed { epoch_before: 0, epoch_after: 1 };
    assert_eq!(ring.destroy(&asked).unwrap(), done);
    assert_eq!(ring.destroy(&asked).unwrap(), done, "asked again");
    assert_eq!(ring.epoch(), 1);
    drop(ring);

    let ring = home.open();
    ring.settle(all_used, true).unwrap();
    assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
    assert_eq!(ring.destroy(&asked).unwrap(), done, "asked after a restart");
    assert!(mint(&ring, 600).iter().all(|(id, _)| !asked.contains(id)));
    assert_eq!(ring.destroy(&[keys[0].0, keys[1].0]).unwrap(), Destroyed { epoch_before: 1, epoch_after: 2 });
    assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 }, "it died in its own epoch");
}

#[test]
fn a_key_that_was_never_there_stops_a_destruction_before_it_begins() {
    let home = Home::new();
    let ring = home.create();
    let (id, key) = ring.mint().unwrap();
    let stranger = KeyId([9; 16]);
    assert!(matches!(ring.destroy(&[id, stranger]), Err(KeyringError::NeverHad(named)) if named == stranger));
    assert_eq!(ring.state(&id), KeyState::Live(key));
    assert_eq!(ring.epoch(), 0);
    ring.mint().unwrap();
}

#[test]
fn nothing_of_a_destroyed_key_is_on_the_disk() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 20);
    drawn(&ring, 256);
    let before = home.read("keys");
    assert_eq!(
        ring.fingerprints()[..20].iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        ids(&keys),
        "slots are in order"
    );
    ring.destroy(&ids(&keys)).unwrap();
    drop(ring);
    let after = home.everything();
    for ((id, key), slot) in keys.iter().zip(before[SLOTS..].chunks(SLOT)) {
        assert!(contains(slot, &id.0) && contains(&after, &id.0), "the fingerprint stays");
        assert!(!contains(&after, key.expose()), "the key");
        for secret in slot[26..98].chunks(8) {
            assert!(!contains(&after, secret), "a piece of the sealed key");
        }
    }
}

#[test]
fn keys_are_never_in_clear_on_the_disk() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 300);
    let disk = home.everything();
    let pieces: HashSet<&[u8]> = disk.windows(8).collect();
    for (_, key) in keys {
        assert!(key.expose().chunks(8).all(|piece| !pieces.contains(piece)));
    }
}

#[test]
fn a_destruction_touches_its_own_slots_and_the_header_only() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 2000);
    let quiet = |ring: &Keyring| {
        let slots = ring.fingerprints().len();
        std::thread::sleep(std::time::Duration::from_millis(50));
        slots == ring.fingerprints().len()
    };
    while !quiet(&ring) {}
    let before = home.read("keys");
    ring.destroy(&[keys[3].0, keys[1500].0]).unwrap();
    let after = home.read("keys");
    let slots = before[SLOTS..].chunks(SLOT).zip(after[SLOTS..].chunks(SLOT)).enumerate();
    let changed: Vec<usize> = slots.filter(|(_, (old, new))| old != new).map(|(slot, _)| slot).collect();
    assert_eq!(changed, [3, 1500]);
}

/// Two keys of three slots in a row are destroyed; the files before and after it.
struct Cut {
    home: Home,
    keys: Vec<(KeyId, Key)>,
    before: Vec<u8>,
    after: Vec<u8>,
    order: Vec<u8>,
}

impl Cut {
    fn new() -> Self {
        let home = Home::new();
        let ring = home.create();
        let keys = mint(&ring, 3);
        drawn(&ring, 256);
        drop(ring);
        let ring = home.open();
        let before = home.read("keys");
        ring.destroy(&[keys[0].0, keys[2].0]).unwrap();
        drop(ring);
        Self { before, after: home.read("keys"), order: home.read("order"), keys, home }
    }

    /// Opens what a crash left, and asks for the same destruction again as the ledger does.
    fn reopen(&self, keys: &[u8], order: &[u8], finished: bool) {
        self.home.write("keys", keys);
        self.home.write("order", order);
        let ring = self.home.open();
        let wanted = |ring: &Keyring, (id, key): &(KeyId, Key), erased: bool| match erased {
            true => assert_eq!(ring.state(id), KeyState::Erased { epoch: 1 }),
            false => assert_eq!(ring.state(id), KeyState::Live(key.clone())),
        };
        wanted(&ring, &self.keys[0], finished);
        wanted(&ring, &self.keys[1], false);
        wanted(&ring, &self.keys[2], finished);
        assert_eq!(ring.epoch(), u64::from(finished));
        ring.settle(all_used, true).unwrap();
        let done = ring.destroy(&[self.keys[0].0, self.keys[2].0]).unwrap();
        assert_eq!(done, Destroyed { epoch_before: 0, epoch_after: 1 });
        drop(ring);
        let ring = self.home.open();
        wanted(&ring, &self.keys[0], true);
        wanted(&ring, &self.keys[1], false);
        wanted(&ring, &self.keys[2], true);
    }
}

#[test]
fn a_destruction_cut_while_it_was_written_down_has_not_begun() {
    let cut = Cut::new();
    for length in (0..cut.order.len()).step_by(5) {
        cut.reopen(&cut.before, &cut.order[..length], false);
    }
}

#[test]
fn a_destruction_cut_while_slots_were_overwritten_is_finished_at_open() {
    let cut = Cut::new();
    for at in (SLOTS..SLOTS + 3 * SLOT).step_by(5) {
        let torn = [&cut.before[..SLOTS], &cut.after[SLOTS..at], &cut.before[at..]].concat();
        cut.reopen(&torn, &cut.order, true);
    }
    // The disk may also have kept the later write and dropped the one before it.
    let later = [&cut.before[..SLOTS + SLOT], &cut.after[SLOTS + SLOT..]].concat();
    cut.reopen(&later, &cut.order, true);
}

#[test]
fn a_destruction_cut_while_the_header_was_written_is_finished_at_open() {
    let cut = Cut::new();
    for at in (0..80).step_by(5).chain([HEADER - 33, HEADER - 32, HEADER - 1, HEADER, HEADER + 60, SLOTS - 1]) {
        let torn = [&cut.after[..at], &cut.before[at..SLOTS], &cut.after[SLOTS..]].concat();
        cut.reopen(&torn, &cut.order, true);
    }
}

#[test]
fn a_lost_copy_of_the_header_is_written_again_and_the_whole_one_is_not_touched() {
    let cut = Cut::new();
    let (old, new) = (&cut.before[..HEADER], &cut.after[..HEADER]);
    let garbage = [0xee; HEADER];
    for pair in [[new, &garbage], [&garbage, new], [new, old], [old, new]] {
        cut.home.write("keys", &[&pair.concat(), &cut.after[SLOTS..]].concat());
        assert_eq!(cut.home.open().epoch(), 1);
        assert_eq!(cut.home.read("keys")[..SLOTS], [new, new].concat());
    }
}

#[test]
fn a_header_older_than_what_was_done_under_it_is_refused() {
    let cut = Cut::new();
    cut.home.write("keys", &[&cut.before[..SLOTS], &cut.after[SLOTS..]].concat());
    cut.home.write("order", &[]);
    assert!(matches!(cut.home.try_open(), Err(KeyringError::DamagedSlot(0))));

    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 2);
    drop(ring);
    let ring = home.open();
    let before = home.read("keys");
    ring.destroy(&[keys[0].0]).unwrap();
    ring.destroy(&[keys[1].0]).unwrap();
    drop(ring);
    home.write("keys", &before);
    assert!(matches!(home.try_open(), Err(KeyringError::DamagedHeader)));
}

#[test]
fn a_cut_in_the_marks_of_a_settling_leaves_a_keyring_that_opens() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 10);
    drawn(&ring, 256);
    drop(ring);
    let before = home.read("keys");
    let used = |key: &KeyId| *key == keys[4].0;
    let ring = home.open();
    ring.settle(used, true).unwrap();
    while ring.counts().spare == 0 {
        std::thread::yield_now();
    }
    drop(ring);
    let after = home.read("keys");
    for at in (SLOTS..before.len()).step_by(1021) {
        home.write("keys", &[&before[..SLOTS], &after[SLOTS..at], &before[at..]].concat());
        let ring = home.open();
        ring.settle(used, true).unwrap();
        assert_eq!(ring.counts().retired, 255, "cut at {at}");
        assert_eq!(ring.state(&keys[4].0), KeyState::Live(keys[4].1.clone()));
    }
}

#[test]
fn a_block_cut_while_it_was_appended_was_never_drawn() {
    let home = Home::new();
    let ring = home.create();
    let early = mint(&ring, 10);
    drawn(&ring, 256);
    drop(ring);
    let old = home.read("keys");
    let ring = home.open();
    ring.settle(all_used, true).unwrap();
    drawn(&ring, 512);
    drop(ring);
    let new = home.read("keys");

    let end = old.len();
    for at in (end..end + 2 * SLOT).step_by(9).chain((end..new.len()).step_by(1021)).chain([new.len() - 1]) {
        home.write("keys", &[&old[..SLOTS], &new[SLOTS..at]].concat());
        let ring = home.open();
        for (id, key) in &early {
            assert_eq!(ring.state(id), KeyState::Live(key.clone()), "cut at {at}");
        }
        ring.settle(all_used, true).unwrap();
        let (id, key) = ring.mint().unwrap();
        drop(ring);
        assert_eq!(home.open().state(&id), KeyState::Live(key), "cut at {at}");
    }
}

#[test]
fn a_block_that_was_never_begun_is_used_later() {
    let home = Home::new();
    let ring = home.create();
    let early = mint(&ring, 10);
    drawn(&ring, 256);
    drop(ring);
    let old = home.read("keys");
    let ring = home.open();
    ring.settle(all_used, true).unwrap();
    drawn(&ring, 512);
    let drawn_then: Vec<KeyId> = ring.fingerprints()[256..].iter().map(|(id, _)| *id).collect();
    drop(ring);

    home.write("keys", &[&old[..SLOTS], &home.read("keys")[SLOTS..]].concat());
    let ring = home.open();
    let settled = ring.settle(|key| ids(&early).contains(key), true).unwrap();
    assert_eq!(settled.retired, 246, "of the first block only");
    assert_eq!(ids(&mint(&ring, 256)), drawn_then);
}

#[test]
fn begun_slots_that_are_cut_off_are_damage() {
    let home = Home::new();
    let ring = home.create();
    mint(&ring, 10);
    drawn(&ring, 256);
    drop(ring);
    let whole = home.read("keys");
    for at in (SLOTS..whole.len()).step_by(509) {
        home.write("keys", &whole[..at]);
        let slot = ((at - SLOTS) / SLOT) as u64;
        assert!(matches!(home.try_open(), Err(KeyringError::DamagedSlot(found)) if found == slot), "cut at {at}");
    }
    for at in [0, 1, 15, 16, 100, HEADER - 1] {
        home.write("keys", &whole[..at]);
        assert!(matches!(home.try_open(), Err(KeyringError::NotAKeyring | KeyringError::DamagedHeader)), "cut at {at}");
    }
}

/// Every slot in every standing, then a bit flipped at hundreds of places of each file.
#[test]
fn a_flipped_bit_is_an_error_or_changes_nothing() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 60);
    drawn(&ring, 256);
    drop(ring);
    let ring = home.open();
    ring.destroy(&ids(&keys[..20])).unwrap();
    ring.settle(|key| ids(&keys[..40]).contains(key), false).unwrap();
    while ring.counts().spare == 0 {
        std::thread::yield_now();
    }
    drop(ring);
    let ring = home.open();
    let right: Vec<_> = ring.fingerprints().iter().map(|(id, standing)| (*id, *standing, ring.state(id))).collect();
    let epoch = ring.epoch();
    drop(ring);

    let files = [home.keys().join("keys"), home.keys().join("order"), home.0.path().join(format!("anchor/{LOG}.0"))];
    let (mut opened, mut refused) = (0, 0);
    for file in files {
        let whole = fs::read(&file).unwrap();
        let bits = whole.len() * 8;
        let step = (bits / 250).max(1) | 1;
        for bit in (0..bits).step_by(step) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&file, &bytes).unwrap();
            match home.try_open() {
                Err(_) => refused += 1,
                Ok(ring) => {
                    opened += 1;
                    assert_eq!(ring.epoch(), epoch);
                    for (id, standing, state) in &right {
                        assert_eq!(ring.state(id), *state, "bit {bit} of {file:?}, {standing:?}");
                    }
                }
            }
            fs::write(&file, &whole).unwrap();
        }
    }
    assert!(opened > 250 && refused > 250, "{opened} opened, {refused} were refused");
}

#[test]
fn a_keyring_of_another_log_is_refused() {
    let home = Home::new();
    drop(home.create());
    let other = LogId([8; 16]);
    home.anchor().create_root(other, 0).unwrap();
    let answer = Keyring::open(&home.keys(), home.anchor(), other);
    assert!(matches!(answer, Err(KeyringError::AnotherLog { found: LOG })));
}

#[test]
fn a_foreign_anchor_is_refused() {
    let home = Home::new();
    drop(home.create());
    let elsewhere = Home::new();
    let foreign = || elsewhere.anchor();
    let answer = Keyring::open(&home.keys(), foreign(), LOG);
    assert!(matches!(answer, Err(KeyringError::Anchor(AnchorError::NoRoot { log: LOG, root: 0 }))));
    foreign().create_root(LOG, 0).unwrap();
    let answer = Keyring::open(&home.keys(), foreign(), LOG);
    assert!(matches!(answer, Err(KeyringError::Anchor(AnchorError::DoesNotOpen))));
}

#[test]
fn a_destroyed_root_opens_nothing_and_is_gone() {
    let home = Home::new();
    drop(home.create());
    let file = home.0.path().join(format!("anchor/{LOG}.0"));
    let root = fs::read(&file).unwrap()[40..72].to_vec();
    home.anchor().destroy_root(LOG, 0).unwrap();
    home.anchor().destroy_root(LOG, 0).unwrap();
    assert!(!contains(&home.everything(), &root));
    assert_eq!(home.anchor().roots(LOG).unwrap(), []);
    assert!(matches!(home.try_open(), Err(KeyringError::Anchor(AnchorError::NoRoot { .. }))));
}

#[test]
fn what_is_no_keyring_is_refused_and_one_is_never_made_over_another() {
    let home = Home::new();
    assert!(matches!(home.try_open(), Err(KeyringError::NotAKeyring)));
    let ring = home.create();
    assert!(matches!(home.try_open(), Err(KeyringError::InUse)));
    drop(ring);
    assert!(matches!(Keyring::create(&home.keys(), home.anchor(), LOG), Err(KeyringError::Exists)));
    home.write("keys", &[b'x'; 9000]);
    assert!(matches!(home.try_open(), Err(KeyringError::NotAKeyring)));
}

#[test]
fn an_attempt_that_was_cut_short_leaves_room_for_the_next() {
    let home = Home::new();
    home.anchor().create_root(LOG, 0).unwrap();
    fs::create_dir(home.keys()).unwrap();
    home.write("keys.new", &[1; 5000]);
    let (id, key) = home.create().mint().unwrap();
    assert_eq!(home.anchor().roots(LOG).unwrap(), [1]);
    assert_eq!(home.open().state(&id), KeyState::Live(key));
}

#[test]
fn nobody_else_may_read_the_files() {
    let home = Home::new();
    drop(home.create());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in [home.keys(), home.0.path().join("anchor")] {
        assert_eq!(mode(dir.clone()), 0o700);
        for file in fs::read_dir(dir).unwrap() {
            assert_eq!(mode(file.unwrap().path()), 0o600);
        }
    }
}

#[test]
fn many_at_once_never_get_the_same_key() {
    let home = Home::new();
    let ring = home.create();
    let keys: Vec<(KeyId, Key)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| mint(&ring, 2000))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids(&keys).into_iter().collect::<HashSet<_>>().len(), 16_000);
    drop(ring);
    let ring = home.open();
    assert!(keys.into_iter().all(|(id, key)| ring.state(&id) == KeyState::Live(key)));
}

#[test]
fn a_failed_write_stops_the_keyring_and_the_next_open_finishes_what_was_ordered() {
    let home = Home::new();
    let ring = home.create();
    let keys = mint(&ring, 2);
    drawn(&ring, 256);
    ring.ring.break_writes(&home.keys());
    assert!(matches!(ring.destroy(&[keys[0].0]), Err(KeyringError::Io(_))));
    assert!(matches!(ring.mint(), Err(KeyringError::Stopped)));
    assert!(matches!(ring.destroy(&[keys[0].0]), Err(KeyringError::Stopped)));
    assert!(matches!(ring.confirm_retired(), Err(KeyringError::Stopped)));
    drop(ring);
    let ring = home.open();
    assert_eq!(ring.state(&keys[0].0), KeyState::Erased { epoch: 1 });
    assert_eq!(ring.state(&keys[1].0), KeyState::Live(keys[1].1.clone()));
}

#[test]
fn level_a0_says_so() {
    let ring = Home::new().create();
    assert_eq!(ring.level(), Level::A0);
    assert_eq!(ring.level().to_string(), "A0");
}
