//! Who am I, and what may I?

use async_graphql::{Context, ID, Object, SimpleObject};

use super::outcome::Ask;
use crate::access::TABLE;

/// Whoever asks.
#[derive(SimpleObject)]
pub struct Viewer {
    /// The actor's id.
    actor: ID,
    /// The token's id; not the token.
    token: ID,
    /// What the actor is.
    roles: Vec<&'static str>,
    /// The queries and mutations that these roles may use.
    may: Vec<&'static str>,
    /// Whether this is a demo ledger.
    demo: bool,
}

/// The field `viewer`.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who asks, and what they may do.
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Viewer> {
        let (app, viewer) = ctx.may_read("viewer")?;
        Ok(Viewer {
            actor: ID(viewer.actor.to_string()),
            token: ID(viewer.token.to_string()),
            roles: viewer.roles.iter().map(|role| role.name()).collect(),
            may: TABLE.iter().map(|(operation, _)| *operation).filter(|operation| viewer.may(operation)).collect(),
            demo: app.demo,
        })
    }
}
