//! `lethe backup`: the log in a directory of its own, read back before it counts.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use domain::backup::{NotARegion, Region};
use domain::time::Time;
use events::backup::BackingUp;
use events::ledger::Made;
use events::place;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::local::Reply;

/// What an operator says of a backup.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "kebab-case")]
pub struct Order {
    dir: PathBuf,
    region: Option<String>,
    keep_days: u16,
}

/// An order that nobody can carry out.
#[derive(Debug, thiserror::Error)]
pub enum NotAnOrder {
    /// Beside the keys.
    #[error("a backup belongs outside the data directory, where the keys are")]
    Inside,
    /// The region.
    #[error(transparent)]
    Region(#[from] NotARegion),
}

impl Order {
    /// An order for a directory; both paths are whole.
    ///
    /// # Errors
    /// When the directory is in the data directory, however it is named, and when the region is none.
    pub fn new(dir: PathBuf, data: &Path, region: Option<String>, keep_days: u16) -> Result<Self, NotAnOrder> {
        region.as_deref().map(str::parse::<Region>).transpose()?;
        let dir = place::of(&dir);
        if dir.starts_with(place::of(data)) {
            return Err(NotAnOrder::Inside);
        }
        Ok(Self { dir, region, keep_days })
    }
}

/// Makes a backup and says what it is.
pub fn run(app: &App, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let region = order.region.as_deref().map(str::parse).transpose();
    let region = region.map_err(|none: NotARegion| none.to_string())?;
    let until = app.now().plus_ms(i64::from(order.keep_days) * Time::DAY_MS).day();
    let backing_up = BackingUp { dir: order.dir.clone(), region, until };
    let told = RefCell::new(told);
    let progress = |done, of| (*told.borrow_mut())(Reply::Progress { done, of });
    let made = app.ledger().back_up(&backing_up, &progress).map_err(|failed| failed.to_string())?;
    lines(&order.dir, &made).into_iter().for_each(|line| (*told.borrow_mut())(Reply::Say(line)));
    Ok(())
}

fn lines(dir: &Path, made: &Made) -> Vec<String> {
    let Made { manifest, replaces, checkpoint, recorded } = made;
    let place = manifest.region.as_ref().map_or_else(String::new, |region| format!(" ({region})"));
    let mut lines = vec![
        format!("{} lies in {}{place}: {} records, read back.", manifest.backup, dir.display(), manifest.head.size),
        format!("head {}", manifest.head),
        match checkpoint {
            0 => "There is no checkpoint in it.".to_owned(),
            size => format!("The checkpoint in it is of {size} records."),
        },
        format!(
            "It is kept until {}, as record {} and every certificate of an erasure say: remove it by then.",
            manifest.until, recorded.position
        ),
    ];
    if *replaces > 0 {
        lines.push(format!("It takes the place of the one that had {replaces} records."));
    }
    lines.push("No key is in it: copy keyring and anchor apart from it.".to_owned());
    lines
}
