//! A controller leaves: what can be read is handed back, and then every key dies (Art. 28(3)(g) GDPR). One person asks for it
//! and another approves; from then on the ledger takes no changes, and behind the last of these records nothing follows.

use crate::code::codes;
use crate::id::{ActorId, ErasureId, HoldId};
use crate::ledger;
use crate::subject::AnchorLevel;
use crate::time::Time;

codes! {
    /// Why a controller leaves.
    pub enum LeaveReason {
        /// The service is over.
        ContractOver = 1 "CONTRACT_OVER",
        /// Another system has the data from now on.
        OtherSystem = 2 "OTHER_SYSTEM",
        /// The controller is no more.
        Dissolved = 3 "DISSOLVED",
        /// It was a trial.
        TrialOver = 4 "TRIAL_OVER",
    }
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Leaving {
    /// Somebody asks that every key be destroyed.
    Requested {
        /// Why.
        reason: LeaveReason,
        /// The record of the last export; none where whoever asks says that the data was returned otherwise.
        export: Option<u64>,
    },
    /// Another person agrees. From here on the ledger takes no changes.
    Approved {
        /// From when on the destruction may be ordered.
        from: Time,
    },
    /// It is not to be: everything is as before.
    Withdrawn,
    /// Every key is to die. There is no way back.
    Ordered(LeaveOrder),
    /// No member of the anchor holds a root any more, and no copy of the keyring is left. The last record of a log.
    Certified {
        /// How many destructions the keyring had counted before this one.
        epoch: u64,
        /// What it is worth.
        level: AnchorLevel,
    },
}

/// What is to be destroyed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveOrder {
    /// How many keys live.
    pub keys: u64,
    /// How many destructions the keyring counts.
    pub epoch: u64,
    /// What this one will be worth.
    pub level: AnchorLevel,
    /// Who holds the roots: all of them are to show that theirs is gone.
    pub members: Vec<String>,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Ask for it.
    Request {
        /// Why.
        reason: LeaveReason,
        /// That the data was returned otherwise than by an export.
        returned_otherwise: bool,
    },
    /// Agree.
    Approve {
        /// How long it waits, in milliseconds.
        wait_ms: i64,
    },
    /// Take it back.
    Withdraw,
    /// Have it done.
    Order(LeaveOrder),
}

/// Why not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The data was not handed back.
    #[error("nothing was exported: `lethe export` first, or say that the data was returned otherwise")]
    NotExported,
    /// Nobody asked, or it was withdrawn.
    #[error("nobody has asked that this controller leave")]
    NotRequested,
    /// Somebody asked.
    #[error("it was asked for before: another data protection officer approves it, or it is withdrawn")]
    Requested,
    /// It waits for its approval.
    #[error("another data protection officer must approve it first")]
    NotApproved,
    /// Four eyes.
    #[error("another person must approve it than the one who asked for it")]
    SamePerson,
    /// It is approved.
    #[error("it was approved before")]
    Approved,
    /// There is no way back.
    #[error("every key was ordered to be destroyed: there is no way back")]
    Ordered,
    /// Something is to be kept.
    #[error("{0} is in force: nothing is destroyed before every hold is lifted")]
    OnHold(HoldId),
    /// An erasure is to be over first.
    #[error("the destruction of keys was ordered by {0} and is not certified yet")]
    Unfinished(ErasureId),
    /// It is too early.
    #[error("nothing is destroyed before {0}, so that a mistake is found")]
    CoolingOff(Time),
    /// The wall clock alone says that it is late enough.
    #[error(
        "only the machine's clock says how long the ledger was closed since the approval, and that destroys nothing alone: let it \
         wait while the ledger is open, or say with `lethe clock confirm` that the clock is right"
    )]
    Unseen,
}

/// A record that does not follow from those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OutOfTurn {
    /// There is an end.
    #[error("it stands behind the record that certifies that every key of this log was destroyed")]
    BehindTheEnd,
    /// The ledger took no changes.
    #[error("its controller was leaving, and no other change is recorded then")]
    Change,
    /// Four eyes.
    #[error("every key was to be destroyed by the word of one person")]
    OnePerson,
    /// A step is missing.
    #[error("it is no step that its controller could take then to leave")]
    Step,
}

/// What is so when somebody commands.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Who.
    pub by: ActorId,
    /// The ledger's time.
    pub now: Time,
    /// The same without the time in which nobody saw it pass.
    pub waited: Time,
    /// A legal hold in force.
    pub hold: Option<HoldId>,
    /// An erasure whose destruction was ordered and not certified.
    pub unfinished: Option<ErasureId>,
}

/// How far a controller that leaves has come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Leave {
    /// The record of the last export.
    pub export: Option<u64>,
    /// The last step.
    pub stage: LeaveStage,
}

/// The last step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum LeaveStage {
    /// Nobody asked.
    #[default]
    Stays,
    /// Somebody did.
    Requested {
        /// Who.
        by: ActorId,
        /// Why.
        reason: LeaveReason,
    },
    /// And somebody else agreed.
    Approved {
        /// When.
        at: Time,
        /// From when on it may be ordered.
        from: Time,
    },
    /// Every key is to die.
    Ordered(LeaveOrder),
    /// It is over.
    Left {
        /// The last record.
        position: u64,
        /// What the destruction is worth.
        level: AnchorLevel,
    },
}

impl Leave {
    /// Whether the ledger takes no changes any more, or for now.
    pub fn is_closed(&self) -> bool {
        !matches!(self.stage, LeaveStage::Stays | LeaveStage::Requested { .. })
    }

    /// When it was approved, while it can be ordered or withdrawn.
    pub fn approved_at(&self) -> Option<Time> {
        match &self.stage {
            LeaveStage::Approved { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// What was ordered to be destroyed and is not certified.
    pub fn ordered(&self) -> Option<&LeaveOrder> {
        match &self.stage {
            LeaveStage::Ordered(order) => Some(order),
            _ => None,
        }
    }

    /// What a command leads to.
    pub fn decide(&self, command: &Command, when: &Circumstances) -> Result<Leaving, Rejection> {
        match (&self.stage, command) {
            (LeaveStage::Ordered(_) | LeaveStage::Left { .. }, _) => Err(Rejection::Ordered),
            (LeaveStage::Stays, Command::Request { reason, returned_otherwise }) => {
                when.nothing_is_kept()?;
                let export = if *returned_otherwise { None } else { Some(self.export.ok_or(Rejection::NotExported)?) };
                Ok(Leaving::Requested { reason: *reason, export })
            }
            (LeaveStage::Stays, _) => Err(Rejection::NotRequested),
            (_, Command::Withdraw) => Ok(Leaving::Withdrawn),
            (LeaveStage::Requested { by, .. }, Command::Approve { wait_ms }) => {
                if *by == when.by {
                    return Err(Rejection::SamePerson);
                }
                when.nothing_is_kept()?;
                Ok(Leaving::Approved { from: when.now.plus_ms(*wait_ms) })
            }
            (LeaveStage::Requested { .. }, Command::Order(_)) => Err(Rejection::NotApproved),
            (LeaveStage::Approved { .. }, Command::Approve { .. }) => Err(Rejection::Approved),
            (LeaveStage::Approved { from, .. }, Command::Order(order)) => {
                when.nothing_is_kept()?;
                match from {
                    from if *from > when.now => Err(Rejection::CoolingOff(*from)),
                    from if *from > when.waited => Err(Rejection::Unseen),
                    _ => Ok(Leaving::Ordered(order.clone())),
                }
            }
            (_, Command::Request { .. }) => Err(Rejection::Requested),
        }
    }

    /// Whether a step may be the next one, whoever wrote it.
    pub fn allows(&self, by: ActorId, step: &Leaving) -> Result<(), OutOfTurn> {
        match (&self.stage, step) {
            (LeaveStage::Requested { by: other, .. }, Leaving::Approved { .. }) if *other == by => {
                Err(OutOfTurn::OnePerson)
            }
            (LeaveStage::Stays, Leaving::Ordered(_)) | (LeaveStage::Requested { .. }, Leaving::Ordered(_)) => {
                Err(OutOfTurn::OnePerson)
            }
            (LeaveStage::Stays, Leaving::Requested { export, .. }) if export.is_some() && *export != self.export => {
                Err(OutOfTurn::Step)
            }
            (LeaveStage::Stays, Leaving::Requested { .. })
            | (LeaveStage::Requested { .. }, Leaving::Approved { .. } | Leaving::Withdrawn)
            | (LeaveStage::Approved { .. }, Leaving::Ordered(_) | Leaving::Withdrawn)
            | (LeaveStage::Ordered(_), Leaving::Certified { .. }) => Ok(()),
            (LeaveStage::Left { .. }, _) => Err(OutOfTurn::BehindTheEnd),
            _ => Err(OutOfTurn::Step),
        }
    }

    /// Takes a record: its position, its time and who wrote it.
    pub fn evolve(&mut self, (position, at, by): (u64, Time, ActorId), event: &ledger::Event) {
        match event {
            ledger::Event::Exported(_) => self.export = Some(position),
            // What was decided behind the backup is gone, be it that they stay, or a hold: two people decide anew.
            ledger::Event::Continued(_) => self.stage = LeaveStage::Stays,
            ledger::Event::Leaving(step) => {
                self.stage = match step {
                    Leaving::Requested { reason, .. } => LeaveStage::Requested { by, reason: *reason },
                    Leaving::Approved { from } => LeaveStage::Approved { at, from: *from },
                    Leaving::Withdrawn => LeaveStage::Stays,
                    Leaving::Ordered(order) => LeaveStage::Ordered(order.clone()),
                    Leaving::Certified { level, .. } => LeaveStage::Left { position, level: *level },
                }
            }
            _ => {}
        }
    }
}

impl Circumstances {
    fn nothing_is_kept(&self) -> Result<(), Rejection> {
        self.hold.map_or(Ok(()), |hold| Err(Rejection::OnHold(hold)))?;
        self.unfinished.map_or(Ok(()), |erasure| Err(Rejection::Unfinished(erasure)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Exported;

    const ANNA: ActorId = ActorId([1; 16]);
    const BERT: ActorId = ActorId([2; 16]);
    const REQUEST: Command = Command::Request { reason: LeaveReason::ContractOver, returned_otherwise: false };

    fn order() -> LeaveOrder {
        LeaveOrder { keys: 3, epoch: 1, level: AnchorLevel::A0, members: vec!["file one".into()] }
    }

    fn when(by: ActorId, now: i64) -> Circumstances {
        Circumstances { by, now: Time(now), waited: Time(now), hold: None, unfinished: None }
    }

    fn exported() -> Leave {
        let mut leave = Leave::default();
        leave.evolve((7, Time(0), ANNA), &ledger::Event::Exported(Exported::default()));
        leave
    }

    fn after(mut leave: Leave, by: ActorId, command: &Command) -> Leave {
        let step = leave.decide(command, &when(by, 100)).unwrap();
        leave.allows(by, &step).unwrap();
        leave.evolve((8, Time(100), by), &ledger::Event::Leaving(step));
        leave
    }

    #[test]
    fn two_people_and_a_wait_lead_to_the_end() {
        let asked = after(exported(), ANNA, &REQUEST);
        assert!(!asked.is_closed());
        assert_eq!(asked.decide(&REQUEST, &when(BERT, 100)), Err(Rejection::Requested));
        assert_eq!(asked.decide(&Command::Order(order()), &when(BERT, 100)), Err(Rejection::NotApproved));
        let approve = Command::Approve { wait_ms: 50 };
        assert_eq!(asked.decide(&approve, &when(ANNA, 100)), Err(Rejection::SamePerson));
        let approved = after(asked, BERT, &approve);
        assert!(approved.is_closed());
        let order = Command::Order(order());
        assert_eq!(approved.decide(&order, &when(ANNA, 149)), Err(Rejection::CoolingOff(Time(150))));
        let unseen = Circumstances { waited: Time(149), ..when(ANNA, 150) };
        assert_eq!(approved.decide(&order, &unseen), Err(Rejection::Unseen));
        assert!(approved.decide(&order, &when(ANNA, 150)).is_ok());
        let back = after(approved, ANNA, &Command::Withdraw);
        assert_eq!((back.stage.clone(), back.export), (LeaveStage::Stays, Some(7)));
        assert_eq!(back.decide(&Command::Withdraw, &when(ANNA, 150)), Err(Rejection::NotRequested));
    }

    #[test]
    fn nothing_is_destroyed_that_was_not_returned_or_is_to_be_kept() {
        let otherwise = Command::Request { reason: LeaveReason::Dissolved, returned_otherwise: true };
        let fresh = Leave::default();
        assert_eq!(fresh.decide(&REQUEST, &when(ANNA, 0)), Err(Rejection::NotExported));
        let asked = Ok(Leaving::Requested { reason: LeaveReason::Dissolved, export: None });
        assert_eq!(fresh.decide(&otherwise, &when(ANNA, 0)), asked);
        let (hold, erasure) = (HoldId([3; 16]), ErasureId([4; 16]));
        let held = Circumstances { hold: Some(hold), ..when(ANNA, 0) };
        let open = Circumstances { unfinished: Some(erasure), ..when(ANNA, 0) };
        assert_eq!(exported().decide(&REQUEST, &held), Err(Rejection::OnHold(hold)));
        assert_eq!(exported().decide(&REQUEST, &open), Err(Rejection::Unfinished(erasure)));
    }

    #[test]
    fn a_step_out_of_turn_is_found_by_whoever_reads() {
        let asked = after(exported(), ANNA, &REQUEST);
        let approved = Leaving::Approved { from: Time(0) };
        assert_eq!(asked.allows(ANNA, &approved), Err(OutOfTurn::OnePerson));
        assert_eq!(asked.allows(BERT, &Leaving::Ordered(order())), Err(OutOfTurn::OnePerson));
        assert_eq!(exported().allows(BERT, &approved), Err(OutOfTurn::Step));
        let certified = Leaving::Certified { epoch: 1, level: AnchorLevel::A0 };
        assert_eq!(asked.allows(BERT, &certified), Err(OutOfTurn::Step));
        let ordered = after(after(asked, BERT, &Command::Approve { wait_ms: 0 }), ANNA, &Command::Order(order()));
        assert_eq!(ordered.allows(ANNA, &Leaving::Withdrawn), Err(OutOfTurn::Step));
        let mut left = ordered;
        left.evolve((9, Time(100), ANNA), &ledger::Event::Leaving(certified.clone()));
        assert_eq!(left.allows(ANNA, &certified), Err(OutOfTurn::BehindTheEnd));
        assert_eq!(left.decide(&REQUEST, &when(ANNA, 200)), Err(Rejection::Ordered));
    }
}
