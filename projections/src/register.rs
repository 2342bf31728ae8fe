//! What may data be used for, and how long is it kept: now, and on a day that has been?

use domain::aggregate::Aggregate as _;
use domain::consent::AsOf;
use domain::event::Place;
use domain::id::RegisterId;
use domain::register::{Event, Register};
use domain::time::Time;

use crate::digest::Digest;

/// The register with all its changes; there are few.
#[derive(Default)]
pub(crate) struct Registers {
    id: Option<RegisterId>,
    now: Register,
    changes: Vec<(Time, Time, Event)>,
}

impl Registers {
    /// As it is.
    pub fn now(&self) -> &Register {
        &self.now
    }

    /// As it was at the end of a day, as far as was known by then.
    pub fn as_of(&self, as_of: AsOf) -> Register {
        let mut register = Register::default();
        let known = |recorded: &Time| as_of.known_at.is_none_or(|known_at| *recorded <= known_at);
        let mut seen: Vec<_> = self.changes.iter().filter(|(_, recorded, _)| known(recorded)).collect();
        seen.sort_by_key(|(effective, _, _)| *effective);
        let so_far = seen.into_iter().take_while(|(effective, _, _)| *effective <= as_of.day.end());
        so_far.for_each(|(_, _, event)| register.evolve(event));
        register
    }

    /// Its id, once there is one, and how many records its stream has.
    pub fn stream(&self) -> Option<(RegisterId, u64)> {
        Some((self.id?, self.changes.len() as u64))
    }

    /// Takes a record.
    pub fn follow(&mut self, place: &Place, event: Event) {
        self.id = Some(RegisterId(place.stream.id));
        self.now.evolve(&event);
        self.changes.push((place.effective_at, place.recorded_at, event));
    }

    /// Every change; titles and laws are the controller's own words and no personal data, but print only their length.
    pub fn write_digest(&self, out: &mut Digest<'_>) {
        out.facts(&self.changes);
        self.now.purposes().for_each(|purpose| out.bytes(purpose.title.as_str().as_bytes()));
    }
}
