//! The tour at `/` of a demo server: one static page that sends eight real requests. It knows no token and no ledger; the
//! page sends what anybody could send. Without `--demo`, `/` names the endpoints.

pub mod steps;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::http::secure;

/// The page loads its own script and style and talks to this server, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'",
);

const PAGE: &str = include_str!("tour/tour.html");
const STYLE: &str = include_str!("tour/tour.css");
const SCRIPT: &str = include_str!("tour/tour.js");

const ENDPOINTS: &str = "lethe

/graphql   queries by GET or POST, mutations by POST; a token in Authorization: Bearer
/log/tile  the log as entry bundles, for the token of an auditor or a DPO: lethe-audit copy --server
/health    whether the process is there
/ready     whether it takes requests
/metrics   numbers without names
";

/// The routes at `/`: the tour, or the names of the endpoints.
pub fn routes(demo: bool) -> Router {
    let routes = if demo {
        Router::new()
            .route("/", get(async || typed("text/html; charset=utf-8", PAGE.into())))
            .route("/tour/tour.css", get(async || typed("text/css; charset=utf-8", STYLE.into())))
            .route("/tour/tour.js", get(async || typed("text/javascript; charset=utf-8", SCRIPT.into())))
            .route("/tour/steps.json", get(async || typed("application/json", steps::json())))
    } else {
        Router::new().route("/", get(async || typed("text/plain; charset=utf-8", ENDPOINTS.into())))
    };
    routes.layer(map_response(async |mut response: Response<Body>| {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
        secure(response.headers_mut());
        response
    }))
}

fn typed(content_type: &'static str, body: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type)], body)
}

#[cfg(test)]
mod tests;
