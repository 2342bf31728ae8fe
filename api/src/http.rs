//! The HTTP edge: GraphQL over HTTP by our own handler, health, metrics. It knows nothing of the domain: it is generic
//! over the schema and over who knows tokens.

pub mod accept;
pub mod auth;
pub mod document;
pub mod metrics;
pub mod origin;
pub mod params;
pub mod rate;
pub mod refusal;
pub mod scrub;
pub mod serve;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::futures_util::FutureExt;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, ServerError};
use async_graphql_value::ConstValue;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::middleware::map_response;
use axum::routing::{any, get};
use serde::Serialize;
use tokio::sync::Semaphore;

use self::accept::Format;
use self::auth::{Authenticate, Door};
use self::document::{Document, Documents};
use self::metrics::{Metrics, Requests};
use self::origin::Origin;
use self::params::{Params, Sent};
use self::refusal::Refusal;
use self::scrub::{Values, scrub};
use crate::error::{Code, Failure};
use crate::limits::{Exceeded, Limits, cost};

/// Whether the server takes requests, or why not, in words without names.
pub type Ready = Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

/// In the data of a request that came by GET: its values stood in an address, which proxies and browsers write down.
pub struct ByGet;

/// What the handler of `/graphql` works with.
pub struct Edge<S, A> {
    schema: S,
    door: Door<A>,
    allowed: Vec<Origin>,
    documents: Documents,
    requests: Requests,
    room: Semaphore,
    limits: Limits,
}

impl<S: Executor, A: Authenticate> Edge<S, A> {
    /// An edge in front of a schema. Its viewer is in the data of each request as `A::Viewer`.
    pub fn new(schema: S, authenticate: A, allowed: Vec<Origin>, limits: Limits, metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            schema,
            door: Door::new(authenticate, &limits),
            allowed,
            documents: Documents::new(limits),
            requests: Requests::new(metrics),
            room: Semaphore::new(limits.concurrent),
            limits,
        })
    }

    /// Lets in who has a valid token, for other routes than `/graphql`.
    pub fn door(&self) -> &Door<A> {
        &self.door
    }

    /// The route `/graphql`.
    pub fn route(self: &Arc<Self>) -> Router {
        Router::new().route("/graphql", any(answer::<S, A>)).with_state(Arc::clone(self))
    }
}

/// The routes `/health`, `/ready` and `/metrics`, which need no token and tell nothing of anybody.
pub fn vitals(ready: Ready, metrics: Metrics) -> Router {
    let is_ready = move || {
        let ready = ready();
        async move {
            match ready {
                Ok(()) => (StatusCode::OK, "ready\n"),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
            }
        }
    };
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Router::new()
        .route("/health", get(async || "alive\n"))
        .route("/ready", get(is_ready))
        .route("/metrics", get(async move || (text, metrics.render())))
        .layer(map_response(async |mut response: Response<Body>| {
            secure(response.headers_mut());
            response
        }))
}

/// Sets the headers that every answer has. A page that needs more than nothing sets its own `Content-Security-Policy`
/// before.
pub fn secure(headers: &mut HeaderMap) {
    const NOTHING: HeaderValue =
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

async fn answer<S: Executor, A: Authenticate>(
    State(edge): State<Arc<Edge<S, A>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let format = Format::negotiate(&head.headers);
    let origin = origin::check(&head.headers, &head.uri, &edge.allowed);
    let answered = match &origin {
        Ok(_) if head.method == Method::OPTIONS => Ok(origin::preflight()),
        Ok(_) => edge.take(&head.method, &head.uri, &head.headers, peer, body, format).await,
        Err(refusal) => Err(refusal.clone()),
    };
    let mut response = answered.unwrap_or_else(|refusal| {
        edge.requests.refused();
        refusal.answer(format.unwrap_or(Format::Json))
    });
    secure(response.headers_mut());
    if let Ok(Some(origin)) = origin {
        origin::name(origin, response.headers_mut());
    }
    response
}

impl<S: Executor, A: Authenticate> Edge<S, A> {
    async fn take(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        peer: SocketAddr,
        body: Body,
        format: Option<Format>,
    ) -> Result<Response<Body>, Refusal> {
        let started = Instant::now();
        let reads_only = match *method {
            Method::GET => true,
            Method::POST => false,
            _ => {
                return Err(Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "METHOD",
                    "Send a POST, or a GET for a query.",
                ));
            }
        };
        let viewer = self.door.admit(headers, peer.ip())?;
        let format = format.ok_or_else(not_acceptable)?;
        let _permit = self.room.try_acquire().map_err(|_| Exceeded::Concurrent)?;
        if reads_only {
            let sent = Sent::Query(uri.query().unwrap_or_default());
            return self.execute(&sent, viewer, format, started).await;
        }
        params::check_type(headers)?;
        let body = params::read(headers, body, &self.limits).await?;
        self.execute(&Sent::Body(&body), viewer, format, started).await
    }

    async fn execute(
        &self,
        sent: &Sent<'_>,
        viewer: A::Viewer,
        format: Format,
        started: Instant,
    ) -> Result<Response<Body>, Refusal> {
        let params = sent.params(&self.limits)?;
        let document = self.documents.get(&params.query)?;
        let kind = self.check(&document, &params, matches!(sent, Sent::Query(_)))?;
        let mut request = async_graphql::Request::new(String::new()).data(viewer).variables(params.variables);
        if matches!(sent, Sent::Query(_)) {
            request = request.data(ByGet);
        }
        request.operation_name = params.operation_name.map(Into::into);
        request.set_parsed_query(document.parsed.clone());
        let mut response = self.run(request).await?;
        // Only an error is searched for the values of its request, so only then are they read once more.
        scrub(&mut response.errors, self.limits.errors, || {
            let variables = sent.params(&self.limits).map(|params| params.variables).unwrap_or_default();
            Values::of(&variables, &document.parsed)
        });
        self.requests.answered(kind, response.errors.is_empty(), started.elapsed());
        Ok(write(&response, format))
    }

    /// What is left to check when the variables are known.
    fn check(&self, document: &Document, params: &Params<'_>, reads_only: bool) -> Result<OperationType, Refusal> {
        let operation = document.operation(params.operation_name.as_deref())?;
        if reads_only && operation.ty != OperationType::Query {
            let text = "A GET runs queries only: send this as a POST.";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MUTATION_BY_GET", text));
        }
        cost::check(&document.parsed, operation, &params.variables, document.uses, &self.limits)?;
        Ok(operation.ty)
    }

    /// Executes within the time limit. A panic costs this request its answer and nothing else.
    async fn run(&self, request: async_graphql::Request) -> Result<async_graphql::Response, Refusal> {
        let execution = AssertUnwindSafe(self.schema.execute(request)).catch_unwind();
        match tokio::time::timeout(self.limits.time(), execution).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_)) => {
                let error = async_graphql::Error::from(Failure::new(Code::Internal, "a resolver panicked"));
                Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal.as_str(), error.message))
            }
            Err(_) => Err(Exceeded::Time(self.limits.time_ms).into()),
        }
    }
}

fn not_acceptable() -> Refusal {
    let text = "Answers are application/json or application/graphql-response+json: name one of them in Accept.";
    Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", text)
}

/// The body of an answer. Without data, the request failed before its first resolver (GraphQL, 7.1).
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a ConstValue>,
}

fn write(response: &async_graphql::Response, format: Format) -> Response<Body> {
    // An error of a resolver has a path; one of validation has none.
    let unexecuted = !response.errors.is_empty()
        && response.data == ConstValue::Null
        && response.errors.iter().all(|error| error.path.is_empty());
    // A selection of which everything is skipped is an empty object; async-graphql makes nothing of it.
    let nothing = ConstValue::Object(IndexMap::new());
    let skipped = response.errors.is_empty() && response.data == ConstValue::Null;
    let data = if skipped { &nothing } else { &response.data };
    let answer = Answer { errors: &response.errors, data: (!unexecuted).then_some(data) };
    let mut bytes = Vec::with_capacity(512);
    if serde_json::to_writer(&mut bytes, &answer).is_err() {
        let error = async_graphql::Error::from(Failure::internal("an answer could not be written as JSON"));
        return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal.as_str(), error.message).answer(format);
    }
    let mut written = Response::new(Body::from(Bytes::from(bytes)));
    if unexecuted && format == Format::Graphql {
        *written.status_mut() = StatusCode::BAD_REQUEST;
    }
    written.headers_mut().insert(header::CONTENT_TYPE, format.content_type());
    written
}
