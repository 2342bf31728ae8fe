//! Actors: whoever acts, under a pseudonym and, where that can be read, a name.

use async_graphql::{ID, SimpleObject};
use domain::id::ActorId;

use crate::app::App;

/// An employee or a program.
#[derive(SimpleObject)]
pub struct Actor {
    /// `actor_…`
    pub id: ID,
    /// Null once it is erased.
    pub name: Option<String>,
    /// Whether they act no more.
    pub left: bool,
}

impl Actor {
    /// The actor with this id.
    pub fn find(app: &App, id: ActorId) -> Option<Self> {
        app.ledger().views().actor(id).map(Self::from)
    }
}

impl From<projections::Actor<'_>> for Actor {
    fn from(actor: projections::Actor<'_>) -> Self {
        Self {
            id: ID(actor.id.to_string()),
            name: actor.profile.map(|profile| profile.name.as_str().to_owned()),
            left: actor.facts.left,
        }
    }
}
