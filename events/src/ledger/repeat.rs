//! A retry is the same command: same operation, node and values, by the same actor. What was recorded is compared with what
//! the command would have made of the state it met then; what a caller draws at random for each attempt does not count.

use domain::aggregate::{Aggregate, Circumstances};
use domain::event::{Event, Follow, Recorded, Stream};

use super::command::{Accepted, Failure, Intent, Refused};
use super::read::{Fault, Unreadable};
use super::{Fresh, Ledger};
use crate::keyring::KeyState;
use crate::log::{Log as _, PartPlace};
use crate::record::Record;
use crate::wire::{self, Written};

/// What an earlier command with this id came to, where there was one.
pub(super) fn repeat<A: Aggregate, V: Follow>(
    ledger: &Ledger<V>,
    intent: &Intent<A>,
) -> Result<Option<Accepted>, Refused<A::Rejection>> {
    let Some(placed) = ledger.shared.log.command(&intent.command_id) else { return Ok(None) };
    let recorded = (placed.first..placed.first + u64::from(placed.count))
        .map(|position| read(ledger, position))
        .collect::<Result<Vec<_>, _>>()?;
    let (Some(first), Some(last)) = (recorded.first(), recorded.last()) else { return Ok(None) };
    let place = first.place;
    let node = intent.fresh.same(&intent.id, &place.stream.id);
    let when = intent.effective_at.is_none_or(|at| at == place.effective_at);
    if place.stream.kind != A::KIND || !node || !when || place.actor != intent.actor {
        return Err(Refused::CommandReused);
    }
    if !same(ledger, intent, place.stream, &recorded)? {
        return Err(incomparable(ledger, &recorded)?.unwrap_or(Refused::CommandReused));
    }
    Ok(Some(Accepted {
        stream: place.stream,
        revision: last.place.revision,
        position: last.place.position,
        hash: last.place.hash,
        recorded_at: last.place.recorded_at,
        repeated: true,
    }))
}

fn read<V: Follow>(ledger: &Ledger<V>, position: u64) -> Result<Recorded, Failure> {
    let shared = &ledger.shared;
    let unreadable = |fault| Unreadable { position, fault };
    let entry = shared.log.record(position).map_err(|failed| unreadable(failed.into()))?;
    let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
    Ok(shared.open(&entry)?.recorded)
}

/// What was written and can be read no more is not compared: another command would be told the same, and learns nothing by it.
fn incomparable<R: std::error::Error, V: Follow>(
    ledger: &Ledger<V>,
    recorded: &[Recorded],
) -> Result<Option<Refused<R>>, Failure> {
    let shared = &ledger.shared;
    let size = shared.log.head().size;
    let mut found = None;
    for place in recorded.iter().map(|recorded| recorded.place) {
        let unreadable = |fault| Unreadable { position: place.position, fault };
        let entry = shared.log.record(place.position).map_err(|failed| unreadable(failed.into()))?;
        let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
        let record = Record::parse(&entry.record).map_err(|bad| unreadable(bad.into()))?;
        for key in shared.owners.read().keys_now(&record, size) {
            match key.map(|key| shared.keyring.state(&key)) {
                None | Some(KeyState::Erased { .. }) => return Ok(Some(Refused::Erased)),
                Some(KeyState::Fenced) => found = Some(Refused::Fenced),
                Some(_) => {}
            }
        }
    }
    Ok(found)
}

fn same<A: Aggregate, V: Follow>(
    ledger: &Ledger<V>,
    intent: &Intent<A>,
    stream: Stream,
    recorded: &[Recorded],
) -> Result<bool, Failure> {
    let Some(place) = recorded.first().map(|recorded| recorded.place) else { return Ok(false) };
    let (_, state) = ledger.fold::<A>(&stream.id, place.revision)?;
    // A command that does not say when it became true was decided at that very moment, a little before it was written:
    // what counts from now (the end of a code's time) must come out the same.
    let now = if intent.effective_at.is_none() { place.effective_at } else { place.recorded_at };
    let when = Circumstances { actor: place.actor, effective_at: place.effective_at, now };
    let Ok(events) = state.decide(&intent.command, &when) else { return Ok(false) };
    if events.len() != recorded.len() {
        return Ok(false);
    }
    for (event, recorded) in events.into_iter().zip(recorded) {
        let new = wire::write(&event.into())?;
        let position = recorded.place.position;
        let owners = ledger.shared.owners.read();
        let gone = |part: u16, leaf: u32| owners.leaves_gone(&PartPlace { position, part }).contains(&leaf);
        if !matches(&new, &recorded.event, &intent.fresh, &gone)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Parts whose key is gone cannot be compared; who is erased has no more values to be mistaken for. A field that went with a
/// redaction says nothing any more, whatever is given for it: it is not taken up again.
fn matches(new: &Written, recorded: &Event, fresh: &Fresh, gone: &dyn Fn(u16, u32) -> bool) -> Result<bool, Failure> {
    let Ok(old) = wire::write(recorded) else { return Ok(false) };
    let heads = new.kind == old.kind && new.version == old.version && fresh.same(&new.facts, &old.facts);
    if !heads || new.parts.len() != old.parts.len() {
        return Ok(false);
    }
    Ok((0..).zip(new.parts.iter().zip(&old.parts)).all(|(part, (new, old))| {
        fresh.same(&new.subject.0, &old.subject.0)
            && new.compartment == old.compartment
            && new.fields.len() == old.fields.len()
            && (2..)
                .zip(new.fields.iter().zip(&old.fields))
                .all(|(leaf, (new, old))| gone(part, leaf) || fresh.same(new, old))
    }))
}
