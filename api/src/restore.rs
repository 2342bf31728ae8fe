//! `lethe restore`: a log that is shorter than it was goes on, and what was lost is said in words.

use std::path::Path;

use clap::Args;
use domain::ledger::TreeHead;
use events::ledger::{Clock, RestoreError, Restored, Restoring, restore, restore_from};
use events::log::engine::Options;

use crate::open::Progress;

/// What an operator lets go.
#[derive(Args, Clone, Copy, Debug)]
pub struct Losses {
    /// Declares the keys lost that the log names and the keyring never held; where there is no keyring at all, a backup is
    /// put back with a new one
    #[arg(long)]
    declare_lost: bool,
    /// With --declare-lost: also where the anchor holds a root of this log. The root is destroyed, and no copy of the keyring
    /// opens again, also none that is only not mounted
    #[arg(long, requires = "declare_lost")]
    all: bool,
    /// Puts a journal aside that is whole and has records that the backup has not
    #[arg(long)]
    over: bool,
}

/// Restores the log of a directory at rest, from a backup or from what was put back by hand. The lines are for its operator to
/// keep.
///
/// # Errors
/// As [`restore`] and [`restore_from`] have them.
pub fn run(data: &Path, backup: Option<&Path>, origin: String, losses: Losses) -> Result<Vec<String>, RestoreError> {
    let Losses { declare_lost: declares_lost, all: declares_all_lost, over } = losses;
    let order = Restoring { declares_lost, declares_all_lost, over, ..Restoring::new(origin, Clock::system().now()) };
    let reading = Progress::new("reading the log");
    let told = |done, of| reading.tell(done, of);
    let restored = match backup {
        Some(backup) => restore_from(backup, data, &order, Options::default(), &told)?,
        None => restore(data, &order, Options::default(), &told)?,
    };
    drop(reading);
    Ok(lines(&restored))
}

fn lines(restored: &Restored) -> Vec<String> {
    let Restored { generation, old, key, .. } = restored;
    let mut lines = vec![
        format!(
            "The log goes on from record {} as {}, with checkpoints for {}.",
            generation.from,
            generation.log,
            key.name()
        ),
        format!("Before it was {}, with checkpoints for {}.", old.log, old.origin),
        format!("Auditors and witnesses need the new key: {key}"),
    ];
    lines.extend(old_key(restored));
    lines.push(lost(restored));
    lines.push(checkpoint(restored.checkpoint, generation.from));
    if let Some(torn) = &restored.torn {
        lines.push(format!(
            "A frame that was being written at record {} when the backup was taken was cut.",
            torn.position
        ));
    }
    if let Some(aside) = &restored.aside {
        lines.push(format!(
            "The journal that was here lies in {}. It holds what is sealed, so remove it when nothing is to be read from it.",
            aside.display()
        ));
    }
    if !restored.lost.is_empty() {
        let count = restored.lost.len();
        lines.push(format!("{count} keys are declared lost: what they sealed is gone, and that is no erasure."));
    }
    lines.extend(erased(restored));
    if restored.awaiting > 0 {
        lines.push(format!(
            "{} keys that no record in this log names wait until somebody confirms that no newer log exists: `lethe keyring \
             confirm` lists them.",
            restored.awaiting
        ));
    }
    lines
}

fn old_key(restored: &Restored) -> Option<String> {
    let aside = restored.old_key.as_ref()?;
    Some(format!("The key that signed before lies in {} and signs nothing more here.", aside.display()))
}

fn lost(restored: &Restored) -> String {
    let from = restored.generation.from;
    match restored.marked {
        Some(_) if restored.other_mark => {
            "The head mark was of another generation: a restore that came after this backup is gone, with all behind it.".into()
        }
        Some(marked) => {
            let gone = marked.saturating_sub(from);
            format!("Gone are {gone} records: the log had {marked}, and {from} were put back.")
        }
        None => format!("There was no head mark, so nobody can say how many records came behind the {from} put back."),
    }
}

fn checkpoint(known: Option<TreeHead>, from: u64) -> String {
    match known {
        Some(known) if known.size > from => format!(
            "The last checkpoint known is of {} records: whoever kept it can prove that {} of them are gone.",
            known.size,
            known.size - from
        ),
        Some(known) => format!("The last checkpoint known is of {} records, and all of them are here.", known.size),
        None => "No checkpoint of the records before is known.".into(),
    }
}

fn erased(restored: &Restored) -> Vec<String> {
    if restored.erased.is_empty() {
        return vec!["No key that this log shows as alive was destroyed.".into()];
    }
    let count = restored.erased.len();
    let said =
        format!("{count} keys that this log shows as alive were destroyed. They stay destroyed, and a record says so:");
    let keys = restored.erased.iter().map(|key| format!("  {key}"));
    let parts = format!(
        "{} sealed parts stay closed with them: of who was erased since, and of who lives where a value was redacted since, for \
         what was only resealed then is in newer backups alone.",
        restored.erased_parts
    );
    [said].into_iter().chain(keys).chain([parts]).collect()
}
