//! What was declared about the devices that hold the root, and by whom: what a destruction is worth rests on it.

use std::collections::BTreeMap;

use domain::anchor;
use domain::event::{Event, Place};
use domain::id::{ActorId, AnchorId};
use domain::time::Time;

use crate::keyring::Declared;

/// That no backup and no cluster holds the root in a device, by somebody's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// Its stream.
    pub id: AnchorId,
    /// Which device it is, in words.
    pub device: String,
    /// Its serial number.
    pub serial: String,
    /// Who says so.
    pub by: ActorId,
    /// When it was recorded.
    pub at: Time,
    /// Who else says so, and since when it counts.
    pub confirmed: Option<(ActorId, Time)>,
    /// Who took it back, and since when it counts no more.
    pub withdrawn: Option<(ActorId, Time)>,
    /// The revision of its last record.
    pub revision: u64,
}

/// All that was ever declared, folded from the records.
#[derive(Default)]
pub struct Declarations(BTreeMap<AnchorId, Declaration>);

impl Declaration {
    /// Whether it counts.
    pub fn holds(&self) -> bool {
        self.confirmed.is_some() && self.withdrawn.is_none()
    }
}

impl Declarations {
    /// Takes a record's event. What it says about a device from here on is the answer, where it says anything.
    pub(super) fn take(&mut self, place: &Place, event: &Event) {
        let Event::Anchor(event) = event else { return };
        let (id, who) = (AnchorId(place.stream.id), (place.actor, place.recorded_at));
        if let anchor::Event::Declared { device, serial, by } = event {
            let (device, serial) = (device.as_str().to_owned(), serial.as_str().to_owned());
            let (at, revision) = (place.recorded_at, place.revision);
            let declared = Declaration { id, device, serial, by: *by, at, confirmed: None, withdrawn: None, revision };
            self.0.insert(id, declared);
        }
        let Some(known) = self.0.get_mut(&id) else { return };
        known.revision = place.revision;
        match event {
            anchor::Event::Declared { .. } => {}
            anchor::Event::Confirmed => known.confirmed = Some(who),
            anchor::Event::Withdrawn => known.withdrawn = Some(who),
        }
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> Vec<&Declaration> {
        let mut all: Vec<&Declaration> = self.0.values().collect();
        all.sort_by_key(|declared| (declared.at, declared.id));
        all
    }

    /// The one with this id.
    pub fn get(&self, id: AnchorId) -> Option<&Declaration> {
        self.0.get(&id)
    }

    /// The one that counts for a device; the oldest where there are several.
    pub fn holding(&self, serial: &str) -> Option<&Declaration> {
        self.all().into_iter().find(|declared| declared.holds() && declared.serial == serial)
    }

    /// What the keyring is told of each device that anything was ever declared of.
    pub(super) fn said(&self) -> Vec<Declared> {
        let mut said: BTreeMap<&str, Declared> = BTreeMap::new();
        for declared in self.all() {
            let Declaration { device, serial, .. } = declared;
            let held = said.get(serial.as_str()).is_some_and(|said| said.no_backup);
            if declared.holds() || !held {
                let no_backup = declared.holds();
                said.insert(serial, Declared { device: device.clone(), serial: serial.clone(), no_backup });
            }
        }
        said.into_values().collect()
    }
}
