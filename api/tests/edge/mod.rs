//! A server with a schema of a few fields, for the tests of the edge.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::error::{Code, Failure};
use api::http::auth::{AuthError, Authenticate};
use api::http::metrics::Metrics;
use api::http::origin::Origin;
use api::http::{Edge, serve, vitals};
use api::limits::Limits;
use async_graphql::{
    Context, EmptySubscription, Enum, InputObject, InputValueError, Object, Scalar, ScalarType, Schema, Value,
};
use axum_server::Handle;
use tokio::runtime::Runtime;

/// What may differ between servers.
#[derive(Default)]
pub struct Setup {
    pub limits: Limits,
    pub allowed: Vec<Origin>,
}

pub struct Server {
    pub address: SocketAddr,
    pub ready: Arc<AtomicBool>,
    /// Whether `sleeps` has been called.
    pub asleep: Arc<AtomicBool>,
    pub handle: Handle<SocketAddr>,
    pub runtime: Runtime,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Starts one on a free port; it ends when it is dropped.
pub fn start(setup: Setup) -> Server {
    let runtime = Runtime::new().unwrap();
    let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::new().unwrap();
    let ready = Arc::new(AtomicBool::new(true));
    let is_ready = Arc::clone(&ready);
    let asleep = Arc::new(AtomicBool::new(false));
    let edge = Edge::new(schema(&asleep), Tokens, setup.allowed, setup.limits, &metrics);
    let vitals = vitals(
        Arc::new(move || if is_ready.load(Ordering::SeqCst) { Ok(()) } else { Err("the writer has stopped") }),
        metrics,
    );
    let handle = Handle::new();
    let (router, stopped, limits) = (edge.route().merge(vitals), handle.clone(), setup.limits);
    runtime.spawn(async move { serve::serve(listener, router, None, stopped, &limits).await.unwrap() });
    Server { address, ready, asleep, handle, runtime }
}

pub struct Tokens;

impl Authenticate for Tokens {
    type Viewer = Who;

    fn viewer(&self, bearer: &str) -> Result<Who, AuthError> {
        match bearer {
            "secret" => Ok(Who("anna")),
            "old" => Err(AuthError::Expired),
            "taken-back" => Err(AuthError::Revoked),
            _ => Err(AuthError::Unknown),
        }
    }
}

#[derive(Clone)]
pub struct Who(&'static str);

fn schema(asleep: &Arc<AtomicBool>) -> Schema<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription).data(Arc::clone(asleep)).finish()
}

struct Query;

#[Object]
impl Query {
    async fn greeting(&self) -> &str {
        "hello"
    }

    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<&'static str> {
        Ok(ctx.data::<Who>()?.0)
    }

    async fn itself(&self) -> Query {
        Query
    }

    async fn echo(&self, text: String, count: Option<i32>, day: Option<Day>, color: Option<Color>) -> String {
        let _ = (count, day, color);
        text
    }

    async fn find(&self, by: Filter) -> String {
        format!("{:?}", (by.name, by.count, by.color))
    }

    async fn broken(&self) -> Result<String, Failure> {
        Err(Failure::new(Code::Damaged, "position 7"))
    }

    async fn half(&self) -> Option<Result<String, Failure>> {
        Some(Err(Failure::internal("position 8")))
    }

    async fn leaks(&self) -> async_graphql::Result<String> {
        Err(async_graphql::Error::new_with_source("the cause with /var/lib/names"))
    }

    async fn panics(&self, ctx: &Context<'_>) -> String {
        assert!(ctx.data_opt::<Who>().is_none(), "of Anna Planted");
        String::new()
    }

    async fn sleeps(&self, ctx: &Context<'_>, ms: u64) -> async_graphql::Result<&str> {
        ctx.data::<Arc<AtomicBool>>()?.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok("awake")
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn register(&self, name: String) -> usize {
        name.len()
    }
}

#[derive(InputObject)]
struct Filter {
    name: String,
    count: Option<i32>,
    color: Option<Color>,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
enum Color {
    Red,
}

struct Day;

#[Scalar]
impl ScalarType for Day {
    fn parse(value: Value) -> Result<Self, InputValueError<Self>> {
        match value {
            Value::String(text) if text == "1970-01-01" => Ok(Self),
            Value::String(text) => Err(InputValueError::custom(format!("{text} is not a day"))),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        "1970-01-01".into()
    }
}
