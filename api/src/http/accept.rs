//! Which of the two media types of GraphQL over HTTP a client wants (RFC 9110, 12.5.1).

use axum::http::{HeaderMap, HeaderValue, header};

/// How an answer is written. The bytes are the same, the status codes are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`: a well-formed request is answered with 200, whatever the answer.
    Json,
    /// `application/graphql-response+json`: an answer without data has a 4xx or 5xx status.
    Graphql,
}

const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

impl Format {
    /// The format that the `Accept` headers ask for; `application/json` where they leave the choice, none where they
    /// take neither.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut graphql = Quality::default();
        let mut json = Quality::default();
        let mut silent = true;
        for value in headers.get_all(header::ACCEPT) {
            silent = false;
            for range in value.to_str().unwrap_or_default().split(',') {
                graphql.weigh(range, GRAPHQL);
                json.weigh(range, JSON);
            }
        }
        match () {
            () if silent => Some(Self::Json),
            () if graphql.named == EXACT && graphql.q > 0 && graphql.q >= json.q => Some(Self::Graphql),
            () if json.q > 0 => Some(Self::Json),
            () if graphql.q > 0 => Some(Self::Graphql),
            () => None,
        }
    }

    /// The `Content-Type` of an answer.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Graphql => "application/graphql-response+json; charset=utf-8",
        })
    }
}

const EXACT: u8 = 3;

/// What the most exact range that covers a type gives it, in thousandths.
#[derive(Default)]
struct Quality {
    named: u8,
    q: u16,
}

impl Quality {
    fn weigh(&mut self, range: &str, media_type: &str) {
        let mut parts = range.split(';').map(str::trim);
        let named = match parts.next() {
            Some(name) if name.eq_ignore_ascii_case(media_type) => EXACT,
            Some("application/*") => 2,
            Some("*/*") => 1,
            _ => return,
        };
        let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let q = q.map_or(Some(1.0), |q| q.parse::<f32>().ok()).unwrap_or(0.0);
        if named > self.named {
            *self = Self { named, q: (q.clamp(0.0, 1.0) * 1000.0) as u16 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_was_asked_for() {
        for (accept, format) in [
            ("*/*", Some(Format::Json)),
            ("application/*", Some(Format::Json)),
            ("application/json", Some(Format::Json)),
            ("application/graphql-response+json", Some(Format::Graphql)),
            ("Application/GraphQL-Response+JSON; charset=utf-8", Some(Format::Graphql)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Format::Graphql)),
            ("application/graphql-response+json;q=0.5, application/json", Some(Format::Json)),
            ("application/json, application/graphql-response+json", Some(Format::Graphql)),
            ("application/json;q=0, */*", Some(Format::Graphql)),
            ("text/html, */*;q=0.1", Some(Format::Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json;q=nonsense", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::negotiate(&headers), format, "{accept}");
        }
        assert_eq!(Format::negotiate(&HeaderMap::new()), Some(Format::Json));
    }
}
