//! The page over constants: the same types behind the same HTTP edge, and resolvers that know their answers by heart. What
//! it takes is what async-graphql and HTTP take; the rest of a real page is ours.

use std::net::SocketAddr;

use api::config::Config;
use api::http::auth::{AuthError, Authenticate};
use api::http::metrics::Metrics;
use api::http::{Edge, serve};
use async_graphql::connection::{Connection, Edge as Row, EmptyFields};
use async_graphql::{EmptyMutation, EmptySubscription, Enum, ID, InputObject, Object, Schema};
use axum_server::Handle;

use crate::Done;

/// The one token that it takes.
pub const TOKEN: &str = "constant";
const ID_TEXT: &str = "contact_0123456789abcdef0123456789abcdef";
const CURSOR: &str = "0123456789abcdef0123456789abcdef000000000000000000000123456789ab";

/// Serves until the process ends.
pub fn serve() -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (config, metrics) = (Config::default(), Metrics::new()?);
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
        let edge = Edge::new(schema, Anybody, Vec::new(), config.limits, &metrics);
        let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        println!("constants listens on http://{}", listener.local_addr()?);
        Ok(serve::serve(listener, edge.route(), None, Handle::new(), &config.limits).await?)
    })
}

struct Anybody;

impl Authenticate for Anybody {
    type Viewer = ();

    fn viewer(&self, bearer: &str) -> Result<(), AuthError> {
        if bearer == TOKEN { Ok(()) } else { Err(AuthError::Unknown) }
    }
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Name,
    Created,
    Changed,
}

#[derive(InputObject, Default)]
#[allow(dead_code, reason = "constants ask for no filter")]
struct ContactFilter {
    organization_id: Option<String>,
    #[graphql(default)]
    tags: Vec<String>,
    source: Option<String>,
    reason: Option<String>,
    created_from: Option<String>,
    created_before: Option<String>,
}

struct Organization;

#[Object]
impl Organization {
    async fn id(&self) -> ID {
        ID(ID_TEXT.to_owned())
    }
    async fn name(&self) -> Option<&str> {
        Some("Friedberlin GmbH")
    }
}

struct Contact;

#[Object]
impl Contact {
    async fn id(&self) -> ID {
        ID(ID_TEXT.to_owned())
    }
    async fn first_name(&self) -> Option<&str> {
        Some("Friedlin")
    }
    async fn last_name(&self) -> Option<&str> {
        Some("Hilgerot")
    }
    async fn email(&self) -> Option<&str> {
        Some("friedlin.hilgerot12345678@firm.example")
    }
    async fn phone(&self) -> Option<&str> {
        Some("+49 171 12345678")
    }
    async fn created_at(&self) -> &str {
        "2026-01-31T09:30:00.000Z"
    }
    async fn organization(&self) -> Option<async_graphql::Result<Organization>> {
        Some(Ok(Organization))
    }
}

struct Query;

#[Object]
impl Query {
    #[allow(clippy::too_many_arguments, reason = "arguments of a field")]
    async fn contacts(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(default)] filter: ContactFilter,
        sort_by: Option<Sort>,
        #[graphql(default)] descending: bool,
    ) -> Connection<String, Contact, EmptyFields, EmptyFields> {
        let _ = (after, before, filter, sort_by, descending);
        let count = first.or(last).and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        let mut connection = Connection::new(true, true);
        connection.edges.extend((0..count).map(|_| Row::new(CURSOR.to_owned(), Contact)));
        connection
    }
}
