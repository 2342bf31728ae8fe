//! The header of the tree: whose it is, how far it reaches, and its top key as each member of the anchor sealed it. What
//! a header says begins to hold when it is synced, and not before: it is the one commit point of everything here.
//!
//! ```text
//! magic (16) · version (u16) = 2 · sectors (u8) · log id (16) · counter (u64) · epoch (u64) · leaves (u64)
//! highest root (u64) · clearing (u8) · members (u8)
//! for each member: root (u64), length (u8), who it is, length (u16), sealed top key
//! only in version 3: the level (u8) of the anchors that it left, how many leaves there were then (u64)
//! nonce (24) · XChaCha20-Poly1305 over the entry of the top node (33) · tag (16)
//! zeros up to 512 × sectors - 32 · check (32)
//! ```
//!
//! The top node's entry is as in an inner node, zeros while there is none. It is sealed under the top key, and all before
//! its nonce is its associated data. A keyring that never moved to another anchor is written in version 2, one that did in 3. The file `header` has two of these, at 0 and at 8,192: a header goes to the place
//! that its counter names by being even or odd, so the one synced last is never written. The valid one with the higher
//! counter counts.

use blake3::hazmat::hash_derive_key_context;
use domain::id::LogId;
use zeroize::Zeroizing;

use super::cell::{self, ADDED, ENTRY};
use super::inner::Child;
use super::members::Member;
use super::{Identity, Key, KeyringError, Level, seal};
use crate::bytes::{Malformed, Reader};
use crate::derive::{Context, derive};
use crate::random::{self, NoRandomness};

/// The name of its file.
pub(super) const NAME: &str = "header";
/// How much room each of the two has.
pub(super) const ROOM: usize = 8192;
/// How many members an anchor may have.
pub(super) const MOST_MEMBERS: usize = 4;
/// How long one can be.
pub(super) const LONGEST: usize = 255 * SECTOR;

/// How many leaves there may be: slots are numbered with 32 bits in memory.
const MOST_LEAVES: u64 = 1 << 28;
/// The first bytes of a header.
pub(super) const MAGIC: [u8; 16] = *b"lethe keyring 2\n";
const VERSION: u16 = 2;
/// That of a keyring that moved.
const MOVED: u16 = 3;
const SECTOR: usize = 512;
const CHECK: usize = 32;
const LEFT: usize = 9;

static HEADER_CHECK: Context = Context::new(|| hash_derive_key_context("lethe 2026-11 key tree: header check"));

/// What a header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) log: LogId,
    /// Counts the headers.
    pub(super) counter: u64,
    /// Counts the destructions.
    pub(super) epoch: u64,
    /// How many leaves count; their slots may all have been handed out.
    pub(super) leaves: u64,
    /// No root with a higher number was ever made, as far as this header knows.
    pub(super) highest_root: u64,
    /// The last rotation may have left older roots, and nodes on the sides that are not valid.
    pub(super) clearing: bool,
    pub(super) members: Vec<Member>,
    /// The anchors that the keyring moved away from.
    pub(super) left: Option<Left>,
}

/// What is to be remembered of anchors that a keyring left: an image from then opens with their root, if anybody kept it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Left {
    /// The lowest level that one of them had, without what was declared of it.
    pub(super) level: Level,
    /// How many leaves there were at the last move: their keys lay under those anchors.
    pub(super) leaves: u64,
}

/// A header as it was read, and the top node in it still sealed.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) header: Header,
    top: [u8; ADDED],
    /// The other of the two is not what was written there: a crash came while it was written, or it is damaged.
    pub(super) torn: bool,
}

impl Header {
    /// The bytes, with the top node sealed under the top key.
    pub(super) fn bytes(&self, top_key: &Key, top: Option<&Child>) -> Result<Vec<u8>, NoRandomness> {
        Ok(self.bytes_with(top_key, top, random::bytes()?))
    }

    pub(super) fn bytes_with(&self, top_key: &Key, top: Option<&Child>, nonce: [u8; seal::NONCE]) -> Vec<u8> {
        let mut out = self.said();
        let associated = out.clone();
        let mut entry = top.map_or_else(|| Zeroizing::new([0; ENTRY]), Child::entry);
        seal::seal(top_key, nonce, &associated, entry.as_mut_slice(), &mut out);
        out.resize(self.sectors() * SECTOR - CHECK, 0);
        let check = derive(&HEADER_CHECK, &[&out]);
        out.extend_from_slice(&check);
        out
    }

    /// Where in the file it stands.
    pub(super) fn at(&self) -> u64 {
        (self.counter % 2) * ROOM as u64
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        self.sectors() * SECTOR
    }

    /// The level of the top node.
    pub(super) fn height(&self) -> u8 {
        cell::height(self.leaves)
    }

    fn sectors(&self) -> usize {
        let members: usize =
            self.members.iter().map(|member| 11 + member.identity.bytes().len() + member.top.len()).sum();
        let left = if self.left.is_some() { LEFT } else { 0 };
        (69 + members + left + ADDED + CHECK).div_ceil(SECTOR)
    }

    /// All before the nonce.
    fn said(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 * SECTOR);
        out.extend_from_slice(&MAGIC);
        let version = if self.left.is_some() { MOVED } else { VERSION };
        out.extend_from_slice(&version.to_be_bytes());
        out.push(self.sectors() as u8);
        out.extend_from_slice(&self.log.0);
        for number in [self.counter, self.epoch, self.leaves, self.highest_root] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&[u8::from(self.clearing), self.members.len() as u8]);
        for member in &self.members {
            out.extend_from_slice(&member.root.to_be_bytes());
            out.push(member.identity.bytes().len() as u8);
            out.extend_from_slice(member.identity.bytes());
            out.extend_from_slice(&(member.top.len() as u16).to_be_bytes());
            out.extend_from_slice(&member.top);
        }
        if let Some(Left { level, leaves }) = self.left {
            out.push(level.number());
            out.extend_from_slice(&leaves.to_be_bytes());
        }
        out
    }
}

impl Found {
    /// The header of a file with these bytes.
    pub(super) fn read(file: &[u8]) -> Result<Self, KeyringError> {
        let (first, second) = file.split_at_checked(ROOM).unwrap_or((file, &[]));
        let missing = match first.starts_with(&MAGIC) || second.starts_with(&MAGIC) {
            true => KeyringError::DamagedHeader,
            false => KeyringError::NotAKeyring,
        };
        let (first, second) = (Self::parse(first)?, Self::parse(second)?);
        let torn = first.is_none() || second.is_none();
        let found = first.into_iter().chain(second).max_by_key(|found| found.header.counter).ok_or(missing)?;
        // Behind the first header of all nothing stands yet.
        Ok(Self { torn: torn && found.header.counter > 0, ..found })
    }

    /// The header that bytes of any kind begin with, and its own bytes. `None` where it is not whole.
    pub(super) fn carve(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let found = Self::parse(bytes).ok().flatten()?;
        let whole = bytes.get(..found.header.length())?;
        Some((found, whole))
    }

    /// Whether two copies say the same.
    pub(super) fn says(&self, other: &Self) -> bool {
        (&self.header, self.top) == (&other.header, other.top)
    }

    /// The top node, `None` where there is none yet. An error where this is not the top key of this header.
    pub(super) fn top(&self, top_key: &Key) -> Result<Option<Child>, KeyringError> {
        let mut sealed = Zeroizing::new(self.top);
        let entry =
            seal::open(top_key, &self.header.said(), sealed.as_mut_slice()).ok_or(KeyringError::DamagedHeader)?;
        match Child::read(entry) {
            Some(child) if self.header.leaves > 0 => Ok(Some(child)),
            None if self.header.leaves == 0 && entry == [0; ENTRY] => Ok(None),
            _ => Err(KeyringError::DamagedHeader),
        }
    }

    /// `None` for a damaged one. A whole one of another version is an error: nobody may guess on.
    fn parse(room: &[u8]) -> Result<Option<Self>, KeyringError> {
        match Self::fields(room) {
            Ok((VERSION | MOVED, found)) => Ok(found),
            Ok((other, _)) => Err(KeyringError::UnknownVersion(other)),
            Err(_) => Ok(None),
        }
    }

    /// The version, and what this version says. Magic, length and check are the same in every version.
    fn fields(room: &[u8]) -> Result<(u16, Option<Self>), Malformed> {
        let mut reader = Reader::new(room);
        if reader.take(MAGIC.len(), "magic")? != MAGIC {
            return Err(Malformed::Value("magic"));
        }
        let version = reader.u16("version")?;
        let whole = Reader::new(room).take(usize::from(reader.u8("sectors")?) * SECTOR, "sectors")?;
        let (said, check) = whole.split_last_chunk::<CHECK>().ok_or(Malformed::Short("check"))?;
        if derive(&HEADER_CHECK, &[said]) != *check {
            return Err(Malformed::Value("check"));
        }
        if ![VERSION, MOVED].contains(&version) {
            return Ok((version, None));
        }
        let log = LogId(reader.array("log id")?);
        let (counter, epoch) = (reader.u64("counter")?, reader.u64("epoch")?);
        let (leaves, highest_root) = (reader.u64("leaves")?, reader.u64("highest root")?);
        let clearing = reader.u8("clearing")? == 1;
        let mut members = Vec::new();
        for _ in 0..reader.u8("members")? {
            let root = reader.u64("root")?;
            let length = reader.u8("length of the identity")?;
            let identity = Identity::read(reader.take(length.into(), "identity")?);
            let identity = identity.ok_or(Malformed::Value("identity"))?;
            let length = reader.u16("length of the top key")?;
            members.push(Member { root, identity, top: reader.take(length.into(), "top key")?.to_vec() });
        }
        if members.is_empty() || members.len() > MOST_MEMBERS || leaves > MOST_LEAVES {
            return Err(Malformed::Value("members"));
        }
        let mut left = None;
        if version == MOVED {
            let level = Level::of(reader.u8("level")?).ok_or(Malformed::Value("level"))?;
            left = Some(Left { level, leaves: reader.u64("leaves at the move")? });
        }
        let header = Header { log, counter, epoch, leaves, highest_root, clearing, members, left };
        Ok((version, Some(Self { header, top: reader.array("top node")?, torn: false })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::cell::Side;

    fn header() -> Header {
        let member = |mark, top| Member { root: 4, identity: Identity::new("file", &[mark]), top };
        let members = vec![member("one", vec![0xaa; 72]), member("two", vec![0xbb; 1024])];
        let log = LogId([7; 16]);
        Header { log, counter: 3, epoch: 2, leaves: 16, highest_root: 5, clearing: true, members, left: None }
    }

    #[test]
    fn what_was_left_is_remembered_in_a_version_of_its_own() {
        let key = Key::random().unwrap();
        let moved = Header { left: Some(Left { level: Level::A1, leaves: 7 }), ..header() };
        let bytes = moved.bytes(&key, None).unwrap();
        assert_eq!((bytes[17], header().bytes(&key, None).unwrap()[17]), (3, 2));
        assert_eq!(Found::read(&bytes).unwrap().header, moved);
        for length in [0, bytes.len() - 1] {
            assert!(Found::read(&bytes[..length]).is_err());
        }
    }

    /// Two headers at their places.
    fn file(one: &Header, other: &Header, key: &Key) -> Vec<u8> {
        let mut file = vec![0; 2 * ROOM];
        for header in [one, other] {
            let bytes = header.bytes(key, Some(&Child { key: Key::new([5; 32]), side: Side::B })).unwrap();
            file[header.at() as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
        file
    }

    #[test]
    fn the_newer_of_two_is_read_and_its_top_node_opens() {
        let key = Key::random().unwrap();
        let newer = Header { counter: 4, epoch: 3, ..header() };
        let found = Found::read(&file(&header(), &newer, &key)).unwrap();
        assert_eq!(found.header, newer);
        assert_eq!(found.top(&key).unwrap().unwrap(), Child { key: Key::new([5; 32]), side: Side::B });
        assert!(matches!(found.top(&Key::random().unwrap()), Err(KeyringError::DamagedHeader)));
    }

    #[test]
    fn a_header_says_nothing_that_its_top_key_did_not_seal() {
        let key = Key::random().unwrap();
        let mut found = Found::read(&file(&header(), &header(), &key)).unwrap();
        found.header.epoch += 1;
        assert!(matches!(found.top(&key), Err(KeyringError::DamagedHeader)));
    }

    #[test]
    fn no_flipped_bit_is_read() {
        let key = Key::random().unwrap();
        let whole = header().bytes(&key, None).unwrap();
        assert_eq!(whole.len() % SECTOR, 0);
        for bit in (0..whole.len() * 8).step_by(3) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Found::read(&bytes).is_err(), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert!(Found::read(&whole[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = header().bytes(&Key::random().unwrap(), None).unwrap();
        bytes[17] = 4;
        let end = bytes.len() - CHECK;
        let check = derive(&HEADER_CHECK, &[&bytes[..end]]);
        bytes[end..].copy_from_slice(&check);
        assert!(matches!(Found::read(&bytes), Err(KeyringError::UnknownVersion(4))));
    }
}
