//! From settings to the members of an anchor, of which some may be away.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::anchor::{Away, Who};
use super::{Anchor, AnchorError, AnchorSettings, Anchors, Identity, KeyringError, copies};

type Tried<'a> = Result<Box<dyn Anchor>, (AnchorError, &'a AnchorSettings)>;

impl Anchors {
    /// The anchors that these settings name. Tokens are logged in to. One that cannot be reached is no error where another
    /// one is there that the header of the keyring in these copies names: it is taken for a member that nobody else is, and
    /// is asked again with each call. The second answer is whether there is such a one.
    ///
    /// # Errors
    /// What somebody must set right first, as a PIN that is wrong; or why none of the members can be reached.
    pub fn reach(
        keyring: &[PathBuf],
        members: &[AnchorSettings],
        moving: &[AnchorSettings],
    ) -> Result<(Self, bool), KeyringError> {
        let (members, moving) = (attempts(members)?, attempts(moving)?);
        let is_away = members.iter().chain(&moving).any(Result::is_err);
        let named = if is_away { copies::named(keyring)? } else { Vec::new() };
        let here: Vec<Identity> = members.iter().chain(&moving).flatten().map(|anchor| anchor.identity()).collect();
        let mut missing: VecDeque<Identity> = named.iter().filter(|named| !here.contains(named)).cloned().collect();
        let (one_is_here, moves) = (named.iter().any(|named| here.contains(named)), !moving.is_empty());
        let mut stand_in = |tried: Tried<'_>| -> Result<Box<dyn Anchor>, KeyringError> {
            let (error, settings) = match tried {
                Ok(anchor) => return Ok(anchor),
                Err(away) => away,
            };
            let who = match missing.pop_front() {
                Some(identity) if one_is_here => Who::Member(identity),
                None if one_is_here && moves => Who::NoneOf(named.clone()),
                _ => return Err(error.into()),
            };
            tracing::warn!(%error, "a member of the anchor is away: no key can be destroyed before it is back");
            Ok(Box::new(Away::new(who, settings.clone())))
        };
        let members = members.into_iter().map(&mut stand_in).collect::<Result<_, _>>()?;
        let moving = moving.into_iter().map(stand_in).collect::<Result<_, _>>()?;
        Ok((Self { members, moving }, is_away))
    }
}

fn attempts(settings: &[AnchorSettings]) -> Result<Vec<Tried<'_>>, KeyringError> {
    let mut tried = Vec::with_capacity(settings.len());
    for settings in settings {
        tried.push(match settings.anchor() {
            Ok(anchor) => Ok(anchor),
            Err(error) if error.is_away() => Err((error, settings)),
            Err(error) => return Err(error.into()),
        });
    }
    Ok(tried)
}
