//! Reads policy files, line by line, and says which line is wrong.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use events::note::{Kind, NoKey, VerifierKey};

use super::{Group, Log, MOST_BYTES, Member, Policy, Quorum, Replay, Witness};

/// The name that stands for no witness at all.
const NONE: &[u8] = b"none";

/// A file that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is larger than any policy.
    #[error("the policy is larger than {MOST_BYTES} bytes")]
    Large,
    /// It does not say which witnesses suffice.
    #[error("the policy has no quorum line")]
    NoQuorum,
    /// A line is wrong.
    #[error("line {line} of the policy: {fault}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// Why.
        fault: Fault,
    },
}

/// What is wrong with a line. Names are shown as UTF-8 where they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A byte that no policy has.
    #[error("the control character 0x{0:02x}; a line holds none but tabs")]
    Control(u8),
    /// A line of another kind.
    #[error("{0:?} is no kind of line")]
    Keyword(String),
    /// Too many items, or too few.
    #[error("it must read `{0}`")]
    Form(&'static str),
    /// A text that is no key.
    #[error("{0}")]
    NoKey(#[from] NoKey),
    /// A key that is no UTF-8; names and URLs need not be.
    #[error("its key is no UTF-8")]
    Encoding,
    /// A key of another kind.
    #[error("a {0} has a key of kind {1}, not of another")]
    Kind(&'static str, &'static str),
    /// A key that stands there already.
    #[error("line {1} has the public key of this {0} already")]
    SameKey(&'static str, usize),
    /// A name that is taken.
    #[error("the name {0:?} is taken")]
    Taken(String),
    /// The name `none`.
    #[error("the name \"none\" is taken: it stands for no witness, and only a quorum can be that")]
    None,
    /// A name that no line before defines.
    #[error("no line before this one defines {0:?}")]
    Unknown(String),
    /// A name that is no witness's.
    #[error("{0:?} is a group, not a witness")]
    NoWitness(String),
    /// A member that is one elsewhere.
    #[error("{0:?} is a member already: each can count in one way only")]
    Twice(String),
    /// A number that the group cannot reach.
    #[error("of {1} members, {0:?} cannot be asked: say any, all, or a number from 1 to {1}")]
    Threshold(String, usize),
    /// A second quorum.
    #[error("line {0} has a quorum already")]
    SecondQuorum(usize),
    /// A second line that says the same.
    #[error("{0:?} is named the operator's already")]
    OperatorTwice(String),
}

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, PolicyError> {
    if bytes.len() > MOST_BYTES {
        return Err(PolicyError::Large);
    }
    let mut draft = Draft::default();
    for (line, text) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        draft.line(line, text).map_err(|fault| PolicyError::Line { line, fault })?;
    }
    let (_, quorum) = draft.quorum.ok_or(PolicyError::NoQuorum)?;
    let Draft { logs, witnesses, groups, replays, .. } = draft;
    Ok(Policy { logs, witnesses, groups, quorum, replays })
}

/// What was read so far.
#[derive(Default)]
struct Draft<'a> {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    replays: Vec<Replay>,
    quorum: Option<(usize, Quorum)>,
    names: BTreeMap<&'a [u8], Member>,
    members: BTreeSet<&'a [u8]>,
    log_keys: BTreeMap<[u8; 32], usize>,
    witness_keys: BTreeMap<[u8; 32], usize>,
    replay_keys: BTreeMap<[u8; 32], usize>,
}

impl<'a> Draft<'a> {
    fn line(&mut self, line: usize, text: &'a [u8]) -> Result<(), Fault> {
        if let Some(byte) = text.iter().find(|b| matches!(b, 0..=8 | 0x0B..=0x1F | 0x7F)) {
            return Err(Fault::Control(*byte));
        }
        let mut items = text.split(|b| matches!(b, b' ' | b'\t')).filter(|item| !item.is_empty());
        let Some(keyword) = items.next().filter(|item| !item.starts_with(b"#")) else { return Ok(()) };
        let items: Vec<&'a [u8]> = items.collect();
        match (keyword, items.as_slice()) {
            (b"log", [key]) => self.log(line, key, None),
            (b"log", [key, url]) => self.log(line, key, Some(url)),
            (b"log", _) => Err(Fault::Form("log <vkey> [<url>]")),
            (b"witness", [name, key]) => self.witness(line, name, key, None),
            (b"witness", [name, key, url]) => self.witness(line, name, key, Some(url)),
            (b"witness", _) => Err(Fault::Form("witness <name> <vkey> [<url>]")),
            (b"group", [name, least, members @ ..]) if !members.is_empty() => self.group(name, least, members),
            (b"group", _) => Err(Fault::Form("group <name> all|any|<k> <name>...")),
            (b"quorum", [name]) => self.quorum(line, name),
            (b"quorum", _) => Err(Fault::Form("quorum <name>")),
            (b"operator", [name]) => self.operator(name),
            (b"operator", _) => Err(Fault::Form("operator <witness>")),
            (b"replay", [name, key]) => self.replay(line, name, key),
            (b"replay", _) => Err(Fault::Form("replay <name> <vkey>")),
            _ => Err(Fault::Keyword(shown(keyword))),
        }
    }

    fn log(&mut self, line: usize, key: &[u8], url: Option<&[u8]>) -> Result<(), Fault> {
        let key = vkey(key)?;
        if key.kind() != Kind::Note {
            return Err(Fault::Kind("log", "0x01 (Ed25519)"));
        }
        once(&mut self.log_keys, line, &key, "log")?;
        self.logs.push(Log { key, url: url.map(<[u8]>::to_vec) });
        Ok(())
    }

    fn witness(&mut self, line: usize, name: &'a [u8], key: &[u8], url: Option<&[u8]>) -> Result<(), Fault> {
        let key = vkey(key)?;
        if key.kind() != Kind::Cosignature {
            return Err(Fault::Kind("witness", "0x04 (a cosignature)"));
        }
        once(&mut self.witness_keys, line, &key, "witness")?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        let url = url.map(<[u8]>::to_vec);
        self.witnesses.push(Witness { name: name.to_vec(), key, url, by_operator: false });
        Ok(())
    }

    fn group(&mut self, name: &'a [u8], least: &[u8], names: &[&'a [u8]]) -> Result<(), Fault> {
        let count = names.len();
        let least = match least {
            b"any" => 1,
            b"all" => count,
            number => decimal(number)
                .filter(|least| (1..=count).contains(least))
                .ok_or_else(|| Fault::Threshold(shown(number), count))?,
        };
        let mut members = Vec::with_capacity(count);
        for member in names {
            if *member == NONE {
                return Err(Fault::None);
            }
            members.push(self.defined(member)?);
            if !self.members.insert(member) {
                return Err(Fault::Twice(shown(member)));
            }
        }
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { least, members });
        Ok(())
    }

    fn quorum(&mut self, line: usize, name: &[u8]) -> Result<(), Fault> {
        if let Some((first, _)) = self.quorum {
            return Err(Fault::SecondQuorum(first));
        }
        let quorum = if name == NONE { Quorum::None } else { Quorum::Of(self.defined(name)?) };
        self.quorum = Some((line, quorum));
        Ok(())
    }

    fn operator(&mut self, name: &[u8]) -> Result<(), Fault> {
        let Member::Witness(index) = self.defined(name)? else { return Err(Fault::NoWitness(shown(name))) };
        let witness = self.witnesses.get_mut(index).filter(|witness| !witness.by_operator);
        witness.ok_or_else(|| Fault::OperatorTwice(shown(name)))?.by_operator = true;
        Ok(())
    }

    /// A name of its own: such a key is no member of a group.
    fn replay(&mut self, line: usize, name: &[u8], key: &[u8]) -> Result<(), Fault> {
        let key = vkey(key)?;
        if key.kind() != Kind::Note {
            return Err(Fault::Kind("replay", "0x01 (a signed note)"));
        }
        once(&mut self.replay_keys, line, &key, "replay")?;
        if self.replays.iter().any(|replay| replay.name == name) {
            return Err(Fault::Taken(shown(name)));
        }
        self.replays.push(Replay { name: name.to_vec(), key });
        Ok(())
    }

    fn define(&mut self, name: &'a [u8], member: Member) -> Result<(), Fault> {
        match self.names.entry(name) {
            _ if name == NONE => Err(Fault::None),
            Entry::Occupied(_) => Err(Fault::Taken(shown(name))),
            Entry::Vacant(free) => {
                free.insert(member);
                Ok(())
            }
        }
    }

    fn defined(&self, name: &[u8]) -> Result<Member, Fault> {
        self.names.get(name).copied().ok_or_else(|| Fault::Unknown(shown(name)))
    }
}

/// Keys are the same when the public key is, under whatever name.
fn once(keys: &mut BTreeMap<[u8; 32], usize>, line: usize, key: &VerifierKey, what: &'static str) -> Result<(), Fault> {
    match keys.insert(key.public(), line) {
        None => Ok(()),
        Some(before) => Err(Fault::SameKey(what, before)),
    }
}

fn vkey(text: &[u8]) -> Result<VerifierKey, Fault> {
    Ok(std::str::from_utf8(text).map_err(|_| Fault::Encoding)?.parse()?)
}

fn decimal(text: &[u8]) -> Option<usize> {
    let plain = text.iter().all(u8::is_ascii_digit) && !text.starts_with(b"0");
    std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
