//! A time-stamping authority's word on the time, at the machine itself: its token for a checkpoint of this log.

use domain::subject::{OutsideSource, OutsideTime};
use domain::value::Line;
use events::checkpoint::Checkpoint;
use events::note::SignedNote;
use events::tree;
use replay::timestamp::certificate::Certificate;
use replay::timestamp::{Refused, verify};
use serde::{Deserialize, Serialize};

use crate::app::App;

/// How much of an authority's name is kept, in characters.
const NAME: usize = 100;

/// A token, what it stamps, and whom its bearer trusts.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Stamped {
    /// The note of a checkpoint of this log.
    pub checkpoint: Vec<u8>,
    /// The token, or the answer that holds it.
    pub token: Vec<u8>,
    /// The certificate of the authority, or of who issued it, where it is none of those that the server's settings name.
    pub certificate: Option<Vec<u8>>,
}

/// The time that the token says, when it is for a checkpoint that this log has signed and still goes on from; and whether the
/// authority is one that the server's settings name, so that nobody has to vouch for it.
pub(super) fn time(app: &App, stamped: &Stamped) -> Result<(OutsideTime, bool), String> {
    let published = app.ledger().published();
    let note = SignedNote::parse(&stamped.checkpoint).map_err(|bad| bad.to_string())?;
    let Checkpoint { size, root, .. } = Checkpoint::open(&note, published.key()).map_err(|bad| bad.to_string())?;
    let signed = published.latest().map_or(0, |latest| latest.checkpoint.size);
    let signed = published.before().ok().flatten().map_or(signed, |before| signed.max(before.checkpoint.size));
    let ours = size <= signed && tree::root(published.rows(), size).is_ok_and(|ours| ours == root);
    if !ours {
        return Err("this checkpoint is none that this log goes on from".into());
    }
    let words = |bad: Refused| bad.to_string();
    let by_settings = verify(&stamped.checkpoint, &stamped.token, &app.authorities);
    let is_named = by_settings.is_ok();
    let stamp = match (by_settings, &stamped.certificate) {
        (Err(_), Some(certificate)) => {
            verify(&stamped.checkpoint, &stamped.token, &Certificate::read(certificate).map_err(words)?)
        }
        (Err(_), None) if app.authorities.is_empty() => {
            return Err("no authority is named, neither in the server's settings nor with --certificate".into());
        }
        (by_settings, _) => by_settings,
    };
    let stamp = stamp.map_err(words)?;
    let name: String = stamp.authority.chars().take(NAME).collect();
    let by = Line::parse(&name).map_err(|bad| format!("the authority's name {bad}"))?;
    Ok((OutsideTime { source: OutsideSource::Authority, at: stamp.time, by, size }, is_named))
}
