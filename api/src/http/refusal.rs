//! A request that is answered before it is executed, always with a typed body.

use std::borrow::Cow;

use async_graphql::Pos;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::accept::Format;
use crate::limits::Exceeded;

/// Why a request is not executed. The text never quotes the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status, unless `by_document`.
    pub status: StatusCode,
    /// What stands in `extensions.code`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// Where in the document.
    pub at: Option<Pos>,
    /// The HTTP request was well formed and its document was not: 200 for a client that wants `application/json`
    /// (GraphQL over HTTP, 6.4.1).
    pub by_document: bool,
}

impl Refusal {
    /// A request refused for what HTTP shows of it.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), at: None, by_document: false }
    }

    /// 400: the request is malformed.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// A document that is refused.
    pub fn document(code: &'static str, message: impl Into<Cow<'static, str>>, at: Option<Pos>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into(), at, by_document: true }
    }

    /// The answer, as a GraphQL response without data.
    pub fn answer(&self, format: Format) -> Response<Body> {
        let mut error = json!({ "message": self.message, "extensions": { "code": self.code } });
        if let (Some(at), Some(fields)) = (self.at, error.as_object_mut()) {
            fields.insert("locations".into(), json!([{ "line": at.line, "column": at.column }]));
        }
        let body = json!({ "errors": [error] }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = match (self.by_document, format) {
            (true, Format::Json) => StatusCode::OK,
            _ => self.status,
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, format.content_type());
        self.explain(headers);
        response
    }

    fn explain(&self, headers: &mut HeaderMap) {
        let (name, value) = match (self.status, self.code) {
            (StatusCode::UNAUTHORIZED, "TOKEN_MISSING") => (header::WWW_AUTHENTICATE, "Bearer"),
            (StatusCode::UNAUTHORIZED, _) => (header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
            (StatusCode::METHOD_NOT_ALLOWED, "MUTATION_BY_GET") => (header::ALLOW, "POST"),
            (StatusCode::METHOD_NOT_ALLOWED, _) => (header::ALLOW, "GET, POST, OPTIONS"),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => (header::RETRY_AFTER, "1"),
            _ => return,
        };
        headers.insert(name, HeaderValue::from_static(value));
    }
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Self {
        let (code, text) = (exceeded.code(), exceeded.to_string());
        match exceeded {
            Exceeded::Body(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, code, text),
            Exceeded::Slow(_) => Self::new(StatusCode::REQUEST_TIMEOUT, code, text),
            Exceeded::Rate => Self::new(StatusCode::TOO_MANY_REQUESTS, code, text),
            Exceeded::Time(_) | Exceeded::Concurrent => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, text),
            _ => Self::document(code, text, None),
        }
    }
}
