//! Which pages of other sites may ask (the Fetch standard's CORS protocol). Closed unless configured.

use std::net::IpAddr;
use std::str::FromStr;

use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use serde::Deserialize;

use super::refusal::Refusal;

/// The origin of pages that may ask: a scheme, a host, a port unless it is the scheme's own; as a browser sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(HeaderValue);

/// Not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: it is written https://crm.example.org, without a path")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let text = text.to_ascii_lowercase();
        let (_, authority) = split(&text).ok_or(NotAnOrigin)?;
        let plain = !authority.as_str().contains(['@', '/', '*']) && !authority.host().is_empty();
        HeaderValue::from_str(&text).ok().filter(|_| plain).map(Self).ok_or(NotAnOrigin)
    }
}

impl TryFrom<String> for Origin {
    type Error = NotAnOrigin;

    fn try_from(text: String) -> Result<Self, NotAnOrigin> {
        text.parse()
    }
}

/// Refuses a request from a page of a foreign site. Returns the origin to name in the answer, if there is one.
pub fn check(headers: &HeaderMap, uri: &Uri, allowed: &[Origin]) -> Result<Option<HeaderValue>, Refusal> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(None) };
    let known = allowed.iter().any(|Origin(one)| one == origin) || same(origin, headers, uri);
    match known && origins.next().is_none() {
        true => Ok(Some(origin.clone())),
        false => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "FOREIGN_ORIGIN",
            "Pages of this origin may not ask here. The setting allow-origin lets them.",
        )),
    }
}

/// The answer to a preflight request of an origin that [`check`] let through.
pub fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets the page read the answer.
pub fn name(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// Whether the page comes from the host that the request was sent to. A page of `http://` is of this machine: off it there
/// is TLS, and another host's name that leads here is not ours (DNS rebinding). One of `https://` had to show a certificate.
fn same(origin: &HeaderValue, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some((scheme, page)) = origin.to_str().ok().and_then(split) else { return false };
    let sent = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = sent.and_then(|host| host.parse().ok()).or_else(|| uri.authority().cloned()) else { return false };
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    let known = scheme == "https" || is_loopback(page.host());
    known && page.host().eq_ignore_ascii_case(host.host()) && port(&page) == port(&host)
}

/// Whether a request says that it was sent to this machine. One that names no host is no browser's.
pub fn sent_to_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| is_loopback(host.host()))
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn split(origin: &str) -> Option<(&str, Authority)> {
    let (scheme, authority) = origin.split_once("://")?;
    matches!(scheme, "http" | "https").then(|| authority.parse().ok().map(|authority| (scheme, authority)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for text in ["https://crm.example.org", "http://localhost:5173", "http://[::1]:8080"] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
        for text in
            ["*", "null", "crm.example.org", "https://", "https://a/b", "https://*.a.org", "ftp://a.org", "https://u@a"]
        {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn the_same_host_and_the_configured_ones_may_ask_and_no_other() {
        let allowed = ["https://CRM.example.org".parse().unwrap()];
        for (origin, host, passes) in [
            ("https://crm.example.org", "api.example.org", true),
            ("https://crm.example.org:8443", "api.example.org", false),
            ("http://crm.example.org", "api.example.org", false),
            ("https://evil.example", "api.example.org", false),
            ("https://api.example.org", "api.example.org", true),
            ("https://api.example.org", "api.example.org:443", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", false),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("http://localhost:8080", "localhost:8080", true),
            ("http://evil.example:8080", "evil.example:8080", false),
            ("http://127.0.0.1.evil.example", "127.0.0.1.evil.example", false),
            ("null", "127.0.0.1:8080", false),
            ("", "127.0.0.1:8080", false),
        ] {
            let headers = HeaderMap::from_iter([
                (header::ORIGIN, HeaderValue::from_static(origin)),
                (header::HOST, HeaderValue::from_static(host)),
            ]);
            let checked = check(&headers, &Uri::from_static("/graphql"), &allowed);
            assert_eq!(checked.is_ok(), passes, "{origin} at {host}");
        }
        assert_eq!(check(&HeaderMap::new(), &Uri::from_static("/graphql"), &[]), Ok(None));
    }

    #[test]
    fn a_name_that_somebody_led_here_is_not_this_machine() {
        let sent = |host| sent_to_loopback(&HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]));
        assert!(["localhost", "LOCALHOST:7474", "127.0.0.1:7474", "127.8.0.1", "[::1]:7474"].into_iter().all(sent));
        assert!(!["evil.example:7474", "localhost.evil.example", "10.0.0.1", "", "a b"].into_iter().any(sent));
        assert!(sent_to_loopback(&HeaderMap::new()));
    }
}
