//! What an operator is told of the keys, and may do to them. No line holds a key.

use domain::id::{ActorId, KeyId};
use events::keyring::{KeyringError, MemberStatus, Status};
use events::ledger::{Failure, Waited};

use crate::app::App;

/// The keys that wait since a restore.
pub fn waiting(app: &App) -> Vec<String> {
    let keys = app.ledger().waiting_keys();
    if keys.is_empty() {
        return vec![NONE.into()];
    }
    let said = format!("{} keys wait; no record in this log names them, and a newer log might:", keys.len());
    let advice = "If no newer log exists anywhere, --destroy says so, and destroys them when a second person has said so too. \
        What was sealed under them is then gone for good.";
    [said].into_iter().chain(listed(&keys)).chain([advice.to_owned()]).collect()
}

/// Somebody says that no newer log exists: two of them destroy the keys that wait since a restore.
pub fn destroy_waiting(app: &App, by: ActorId) -> Result<Vec<String>, Failure> {
    Ok(match app.ledger().destroy_waiting(by)? {
        Waited::None => vec![NONE.into()],
        Waited::Alone(keys) => {
            let count = keys.len();
            vec![format!("{count} keys wait for a second person, who says the same with a token of their own.")]
        }
        Waited::Destroyed(keys) => {
            [format!("{} keys are destroyed:", keys.len())].into_iter().chain(listed(&keys)).collect()
        }
    })
}

const NONE: &str = "No key waits.";

fn listed(keys: &[KeyId]) -> impl Iterator<Item = String> {
    keys.iter().map(|key| format!("  {key}"))
}

/// What holds the root, what destroying it is worth, and how many keys stand how.
pub fn status(app: &App) -> Vec<String> {
    let status = app.ledger().keyring().status();
    let Status { counts, copies, .. } = &status;
    let mut lines = vec![format!("level {}: {}", status.level, status.level.words())];
    lines.extend(status.members.iter().flat_map(|member| of_member(member, status.root)));
    lines.extend(declared(app));
    lines.push(format!("epoch {}; the root is number {}", status.epoch, status.root));
    if status.unfinished {
        lines.push("the last destruction is not over: an older root may be left, and what died in it is fenced".into());
    }
    lines.push(format!(
        "keys: {} live ({} of them not yet handed out), {} fenced, {} awaiting a confirmation, {} retired, {} destroyed",
        counts.live, counts.spare, counts.fenced, counts.awaiting, counts.retired, counts.erased
    ));
    lines.extend(copies.iter().map(|copy| format!("copy {} at header {}", copy.display(), status.counter)));
    lines
}

/// Destroys the retired keys and no other.
pub fn rotate(app: &App) -> Result<String, KeyringError> {
    let before = app.ledger().keyring().counts().erased;
    let destroyed = app.rotate_keyring()?;
    let gone = app.ledger().keyring().counts().erased.saturating_sub(before);
    Ok(format!("epoch {} begins; {gone} retired keys are destroyed, and the root of before", destroyed.epoch_after))
}

/// Who says of a device that it holds the root alone.
fn declared(app: &App) -> Vec<String> {
    let owners = app.ledger().owners();
    let said = owners.declarations().all().into_iter().map(|declared| {
        let stands = match (&declared.confirmed, &declared.withdrawn) {
            (_, Some((who, at))) => format!("withdrawn by {who} at {at}"),
            (Some((who, at)), None) => format!("confirmed by {who} at {at}"),
            (None, None) => "not confirmed yet".to_owned(),
        };
        let (device, serial, by) = (&declared.device, &declared.serial, declared.by);
        format!("declared: no backup or cluster holds the root in {device:?}, serial {serial:?}; by {by}, {stands}")
    });
    said.collect()
}

fn of_member(member: &MemberStatus, root: u64) -> Vec<String> {
    let roots = match &member.roots {
        Ok(roots) if roots.as_slice() == [root] => "holds this root and no other".to_owned(),
        Ok(roots) if roots.is_empty() => "holds no root".to_owned(),
        Ok(roots) => {
            let numbers: Vec<String> = roots.iter().map(ToString::to_string).collect();
            format!("holds the roots {}", numbers.join(", "))
        }
        Err(error) => format!("does not say which roots it holds: {error}"),
    };
    vec![format!("member {}: {roots}", member.identity), format!("  {}", member.description.words)]
}
