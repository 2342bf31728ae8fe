//! The HTTP edge in front of a schema of a few fields: `cargo run --release -p api --example trivial [ADDR [CERT KEY]]`.
//!
//! For the audits and for measuring what the edge itself costs. The token is `secret`.

use std::sync::Arc;

use api::config::{Config, Tls};
use api::http::auth::{AuthError, Authenticate};
use api::http::metrics::Metrics;
use api::http::{Edge, serve, vitals};
use async_graphql::{EmptySubscription, Object, Schema, SimpleObject};
use axum_server::Handle;

struct Query;

#[Object]
impl Query {
    async fn greeting(&self) -> &str {
        "hello"
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn register(&self, name: String, tags: Option<Vec<String>>) -> Registered {
        Registered {
            id: "contact_0a0a".into(),
            letters: name.len(),
            tags: tags.map_or(0, |tags| tags.len()),
            position: "7".into(),
        }
    }
}

#[derive(SimpleObject)]
struct Registered {
    id: String,
    letters: usize,
    tags: usize,
    position: String,
}

struct OneToken;

impl Authenticate for OneToken {
    type Viewer = &'static str;

    fn viewer(&self, bearer: &str) -> Result<&'static str, AuthError> {
        if bearer == "secret" { Ok("anna") } else { Err(AuthError::Unknown) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    if let Some(address) = std::env::args().nth(1) {
        config.listen = address.parse()?;
    }
    if let (Some(cert), Some(key)) = (std::env::args_os().nth(2), std::env::args_os().nth(3)) {
        config.tls = Some(Tls { cert: cert.into(), key: key.into() });
    }
    let metrics = Metrics::new()?;
    let schema = Schema::new(Query, Mutation, EmptySubscription);
    let edge = Edge::new(schema, OneToken, config.allow_origin, config.limits, &metrics);
    let router = edge.route().merge(vitals(Arc::new(|| Ok(())), metrics.clone()));
    let handle = Handle::new();
    let stopped = handle.clone();
    tokio::spawn(async move {
        let _ = serve::told_to_stop().await;
        serve::stop(&stopped, &config.limits);
    });
    serve::every_five_seconds(&Arc::new(metrics), Metrics::fold);
    serve::serve(serve::bind(config.listen)?, router, config.tls.as_ref(), handle, &config.limits).await?;
    Ok(())
}
