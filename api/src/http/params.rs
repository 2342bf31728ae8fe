//! What a request asks for: the parameters of GraphQL over HTTP, read from a body or a query string.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use async_graphql::Variables;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::refusal::Refusal;
use crate::limits::{Exceeded, Limits};

/// The parameters of one request. Parameters that the specification does not name are ignored, as it says.
#[derive(Deserialize)]
pub struct Params<'a> {
    /// The document.
    #[serde(borrow)]
    pub query: Cow<'a, str>,
    /// Which of its operations.
    #[serde(default, rename = "operationName")]
    pub operation_name: Option<Cow<'a, str>>,
    /// Its values; null is none.
    #[serde(default)]
    pub variables: Variables,
    /// Must be a map or null, and says nothing to us.
    #[serde(default, rename = "extensions")]
    _extensions: Option<HashMap<String, IgnoredAny>>,
}

/// Where the parameters of a request stand.
pub enum Sent<'a> {
    /// In the body of a POST.
    Body(&'a [u8]),
    /// In the query string of a GET, which runs queries only.
    Query(&'a str),
}

impl Sent<'_> {
    /// Reads them.
    pub fn params(&self, limits: &Limits) -> Result<Params<'_>, Refusal> {
        match self {
            Self::Body(body) => Params::from_body(body),
            Self::Query(query) => Params::from_query(query, limits),
        }
    }
}

/// Refuses a body that is not `application/json` in UTF-8. So no form of another site can send one: a browser asks
/// before it sends this type (CSRF).
pub fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let text = values.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let utf8 = |part: &str| match part.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    match json && parts.all(utf8) && values.next().is_none() {
        true => Ok(()),
        false => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "NOT_JSON",
            "The body must be sent as Content-Type: application/json, in UTF-8.",
        )),
    }
}

/// Reads a body of at most `limits.body_bytes` within `limits.body_ms`.
pub async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits.body_bytes as u64) {
        return Err(Exceeded::Body(limits.body_bytes).into());
    }
    let room = length.unwrap_or(0) as usize;
    let reading = collect(body, room, limits.body_bytes);
    match tokio::time::timeout(Duration::from_millis(limits.body_ms), reading).await {
        Ok(bytes) => bytes,
        Err(_) => Err(Exceeded::Slow(limits.body_ms).into()),
    }
}

async fn collect(mut body: Body, room: usize, most: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(room.min(64 << 10));
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Refusal::malformed("The body ended before its length."))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len().saturating_add(data.len()) > most {
            return Err(Exceeded::Body(most).into());
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

impl<'a> Params<'a> {
    /// Reads a JSON body.
    pub fn from_body(body: &'a [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::malformed("The body is not UTF-8."))?;
        // A list would be taken for the parameters in their order, or be a batch.
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'[') => Err(Refusal::malformed("Batches are not supported: send one request at a time.")),
            Some(b'{') => serde_json::from_str(text).map_err(|error| unreadable("The body", &error)),
            Some(_) => Err(Refusal::malformed("The body must be a JSON object.")),
            None => Err(Refusal::malformed("The body is empty.")),
        }
    }

    /// Reads a query string, where `variables` and `extensions` are JSON.
    pub fn from_query(query: &str, limits: &Limits) -> Result<Params<'static>, Refusal> {
        if query.len() > limits.body_bytes {
            return Err(Exceeded::Body(limits.body_bytes).into());
        }
        let mut fields: HashMap<&str, String> = HashMap::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if !matches!(name, "query" | "operationName" | "variables" | "extensions") {
                continue;
            }
            let spaced = value.replace('+', " ");
            let text = percent_decode_str(&spaced).decode_utf8();
            let text = text.map_err(|_| Refusal::malformed("The query string is not UTF-8."))?;
            if fields.insert(name, text.into_owned()).is_some() {
                return Err(Refusal::malformed("A parameter is sent twice."));
            }
        }
        let query = fields.remove("query").ok_or_else(|| Refusal::malformed("The parameter query is missing."))?;
        Ok(Params {
            query: query.into(),
            operation_name: fields.remove("operationName").filter(|name| !name.is_empty()).map(Cow::Owned),
            variables: json(&fields, "variables", "The parameter variables")?.unwrap_or_default(),
            _extensions: json(&fields, "extensions", "The parameter extensions")?,
        })
    }
}

fn json<T: for<'de> Deserialize<'de>>(
    fields: &HashMap<&str, String>,
    name: &str,
    what: &str,
) -> Result<Option<T>, Refusal> {
    match fields.get(name).map(String::as_str) {
        None | Some("") => Ok(None),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(what, &error)),
    }
}

/// Names the place and not the cause, which would quote the value.
fn unreadable(what: &str, error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    Refusal::malformed(match error.classify() {
        serde_json::error::Category::Data => {
            format!(
                "{what} does not hold the parameters of GraphQL: query, a string; operationName, a string; variables \
                 and extensions, objects (line {line}, column {column})."
            )
        }
        _ => format!("{what} is not JSON (line {line}, column {column})."),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_json_in_utf_8_is_a_body() {
        for (content_type, taken) in [
            ("application/json", true),
            ("Application/JSON; Charset=\"UTF-8\"", true),
            ("application/json; charset=utf-16", false),
            ("application/jsonp", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(check_type(&headers).is_ok(), taken, "{content_type}");
        }
        assert!(check_type(&HeaderMap::new()).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_said_without_quoting_it() {
        for body in [
            &b"{\"query\":\"{a}\",\"variables\":\"Anna\"}"[..],
            b"{\"query\":\"{a}\",\"variables\":[\"Anna\"]}",
            b"{\"query\":\"{a}\",\"query\":\"Anna\"}",
            b"{\"query\":{\"Anna\":1}}",
            b"{\"operationName\":\"Anna\"}",
            b"{\"query\":\"Anna\",",
            b"[{\"query\":\"Anna\"}]",
            b"[\"{ Anna }\"]",
            b"\"Anna\"",
            b"{\"query\":\"Anna \xff\"}",
            b"{\"other\":\"\xff Anna\",\"query\":\"{a}\"}",
            b" ",
        ] {
            let refusal = Params::from_body(body).err().unwrap();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{}", refusal.message);
            assert!(!refusal.message.contains("Anna"), "{}", refusal.message);
        }
    }

    #[test]
    fn parameters_that_nobody_named_are_ignored() {
        let params =
            Params::from_body(b"{\"query\":\"{a}\",\"id\":1,\"variables\":null,\"extensions\":{\"b\":[1]}}").unwrap();
        assert_eq!(params.query, "{a}");
        let params =
            Params::from_query("id=1&query=%7Ba%7D&x&variables=%7B%22n%22:%22%C3%BC+%22%7D", &Limits::default());
        assert_eq!(params.unwrap().variables.get("n").unwrap().to_string(), "\"ü \"");
    }

    #[test]
    fn a_query_string_is_checked_like_a_body() {
        for query in [
            "",
            "variables=%7B%7D",
            "query=a&query=b",
            "query=%ff",
            "query=a&variables=%22Anna%22",
            "query=a&extensions=3",
        ] {
            let refusal = Params::from_query(query, &Limits::default()).err().unwrap();
            assert!(!refusal.message.contains("Anna"), "{}", refusal.message);
        }
        let short = Limits { body_bytes: 7, ..Limits::default() };
        assert_eq!(Params::from_query("query=ab", &short).err().unwrap().code, "LIMIT_BODY");
    }
}
