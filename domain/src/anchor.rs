//! What people declare about the device that holds the keyring's root: that it is in one place only. Nobody can see that
//! from outside the device, so what is destroyed there is worth more only by the word of two people.

use crate::aggregate::{Aggregate, Circumstances};
use crate::event::StreamKind;
use crate::id::ActorId;
use crate::value::Line;

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Say of a device that no backup and no cluster holds the root that is in it.
    Declare {
        /// Which device it is, in the words of whoever declares it.
        device: Line,
        /// Its serial number, as its token says it.
        serial: Line,
    },
    /// Agree.
    Confirm,
    /// Say that it is so no more, or never was.
    Withdraw,
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Somebody says that no backup and no cluster holds the root that is in this device.
    Declared {
        /// Which device it is, in words.
        device: Line,
        /// Its serial number.
        serial: Line,
        /// Who says so.
        by: ActorId,
    },
    /// A second person says the same: from here on it counts.
    Confirmed,
    /// It counts no more.
    Withdrawn,
}

/// Why not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// There is no such declaration.
    #[error("nothing was declared of this anchor")]
    NotDeclared,
    /// A declaration is one device's, once.
    #[error("this is declared already; declare another device, or the same one anew, apart from it")]
    Declared,
    /// Four eyes.
    #[error("another person must confirm it than the one who declared it")]
    SamePerson,
    /// It counts no more.
    #[error("this declaration was withdrawn; declare the device anew")]
    Withdrawn,
}

/// A declaration as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Anchor {
    by: Option<ActorId>,
    confirmed: bool,
    withdrawn: bool,
}

impl Aggregate for Anchor {
    const KIND: StreamKind = StreamKind::Anchor;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        match (command, self.by) {
            (Command::Declare { device, serial }, None) => {
                let (device, serial) = (device.clone(), serial.clone());
                Ok(vec![Event::Declared { device, serial, by: when.actor }])
            }
            (Command::Declare { .. }, Some(_)) => Err(Rejection::Declared),
            (_, None) => Err(Rejection::NotDeclared),
            (Command::Withdraw, Some(_)) if self.withdrawn => Ok(Vec::new()),
            (Command::Withdraw, Some(_)) => Ok(vec![Event::Withdrawn]),
            (Command::Confirm, Some(_)) if self.withdrawn => Err(Rejection::Withdrawn),
            (Command::Confirm, Some(_)) if self.confirmed => Ok(Vec::new()),
            (Command::Confirm, Some(by)) if by == when.actor => Err(Rejection::SamePerson),
            (Command::Confirm, Some(_)) => Ok(vec![Event::Confirmed]),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Declared { by, .. } => self.by = Some(*by),
            Event::Confirmed => self.confirmed = true,
            Event::Withdrawn => self.withdrawn = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    const ONE: ActorId = ActorId([1; 16]);
    const OTHER: ActorId = ActorId([2; 16]);

    fn declare() -> Command {
        let line = |text: &str| Line::parse(text).unwrap();
        Command::Declare { device: line("the safe in Kiel"), serial: line("1a2b") }
    }

    fn tell(said: &[(ActorId, Command)]) -> (Anchor, Vec<Result<Vec<Event>, Rejection>>) {
        let mut anchor = Anchor::default();
        let mut answers = Vec::new();
        for (actor, command) in said {
            let when = Circumstances { actor: *actor, effective_at: Time(0), now: Time(0) };
            let answer = anchor.decide(command, &when);
            answer.iter().flatten().for_each(|event| anchor.evolve(event));
            answers.push(answer);
        }
        (anchor, answers)
    }

    fn last(said: &[(ActorId, Command)]) -> Result<Vec<Event>, Rejection> {
        tell(said).1.pop().unwrap()
    }

    #[test]
    fn a_declaration_counts_when_another_person_confirms_it() {
        let (anchor, answers) = tell(&[(ONE, declare()), (OTHER, Command::Confirm)]);
        assert!(anchor.confirmed && !anchor.withdrawn);
        assert!(matches!(&answers[0], Ok(events) if matches!(events[..], [Event::Declared { by: ONE, .. }])));
        assert_eq!(answers[1], Ok(vec![Event::Confirmed]));
        assert_eq!(last(&[(ONE, declare()), (ONE, Command::Confirm)]), Err(Rejection::SamePerson));
        assert_eq!(last(&[(ONE, Command::Confirm)]), Err(Rejection::NotDeclared));
        assert_eq!(last(&[(ONE, declare()), (OTHER, Command::Confirm), (OTHER, Command::Confirm)]), Ok(vec![]));
        assert_eq!(last(&[(ONE, declare()), (ONE, declare())]), Err(Rejection::Declared));
    }

    #[test]
    fn one_person_is_enough_to_take_it_back() {
        assert_eq!(last(&[(ONE, declare()), (ONE, Command::Withdraw)]), Ok(vec![Event::Withdrawn]));
        let said = [(ONE, declare()), (OTHER, Command::Confirm), (OTHER, Command::Withdraw)];
        assert_eq!(last(&said), Ok(vec![Event::Withdrawn]));
        let said = [(ONE, declare()), (ONE, Command::Withdraw), (OTHER, Command::Confirm)];
        assert_eq!(last(&said), Err(Rejection::Withdrawn));
    }
}
