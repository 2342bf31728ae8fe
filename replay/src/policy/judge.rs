//! What a signed note is worth under a policy.

use events::checkpoint::Checkpoint;
use events::note::{NoteError, SignedNote, VerifierKey};

use super::{Log, Member, Policy, Quorum, Witness};

/// A checkpoint, and who stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged<'a> {
    /// What it says. Not to be believed without a log.
    pub checkpoint: Checkpoint,
    /// The log of this origin that signed it, when the policy has it.
    pub log: Option<&'a Log>,
    /// The witnesses that cosigned it, in the order of the policy.
    pub cosigned: Vec<Cosigned<'a>>,
    /// Whether these are enough.
    pub quorum: bool,
    /// Whether they are enough without those that the operator runs.
    pub quorum_of_others: bool,
}

/// A cosignature that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosigned<'a> {
    /// By whom.
    pub witness: &'a Witness,
    /// When, in seconds since 1970: the witness's claim.
    pub at: u64,
}

impl Judged<'_> {
    /// Whether the policy accepts the checkpoint: a log of it has signed, and witnesses enough have cosigned.
    pub fn accepted(&self) -> bool {
        self.log.is_some() && self.quorum
    }
}

impl Policy {
    /// Judges a checkpoint.
    ///
    /// # Errors
    /// When the note is no checkpoint, or a signature by a key of the policy is wrong: then nothing in it counts.
    pub fn judge(&self, note: &SignedNote) -> Result<Judged<'_>, NoteError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let mut log = None;
        for candidate in self.logs.iter().filter(|log| log.key.name() == checkpoint.origin) {
            if signed(note, &candidate.key)?.is_some() {
                log = log.or(Some(candidate));
            }
        }
        let mut cosigned = Vec::new();
        for witness in &self.witnesses {
            if let Some(at) = signed(note, &witness.key)?.flatten() {
                cosigned.push(Cosigned { witness, at });
            }
        }
        let quorum = self.is_met(|witness| cosigned.iter().any(|one| one.witness == witness));
        let quorum_of_others =
            self.is_met(|witness| !witness.by_operator && cosigned.iter().any(|one| one.witness == witness));
        Ok(Judged { checkpoint, log, cosigned, quorum, quorum_of_others })
    }

    /// Whether the quorum is met when these witnesses have cosigned.
    pub fn is_met(&self, has_cosigned: impl Fn(&Witness) -> bool) -> bool {
        let witnesses: Vec<bool> = self.witnesses.iter().map(has_cosigned).collect();
        // Members are defined before their group, so one pass in the order of the lines knows them all.
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let met = group.members.iter().filter(|member| holds(&witnesses, &groups, **member)).count();
            groups.push(met >= group.least);
        }
        match self.quorum {
            Quorum::None => true,
            Quorum::Of(member) => holds(&witnesses, &groups, member),
        }
    }
}

fn holds(witnesses: &[bool], groups: &[bool], member: Member) -> bool {
    let held = match member {
        Member::Witness(index) => witnesses.get(index),
        Member::Group(index) => groups.get(index),
    };
    held.copied().unwrap_or(false)
}

/// When this key has signed: nothing when it has not.
fn signed(note: &SignedNote, key: &VerifierKey) -> Result<Option<Option<u64>>, NoteError> {
    match note.verify(std::slice::from_ref(key)) {
        Ok(signed) => Ok(signed.first().map(|signed| signed.at)),
        Err(NoteError::Unsigned) => Ok(None),
        Err(wrong) => Err(wrong),
    }
}
