//! Who asks: the seam between the bearer token of a request and the actor it belongs to.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, header};

use super::rate::Rate;
use super::refusal::Refusal;
use crate::limits::{Exceeded, Limits};

/// Knows tokens.
pub trait Authenticate: Send + Sync + 'static {
    /// Who somebody with a valid token is; put into the data of each of their requests.
    type Viewer: Clone + Send + Sync + 'static;

    /// Whose token this is. Must take the same time whatever the text: hash it and look up the hash, never compare
    /// texts. Called for each request, so what is revoked is refused with the next one. The text must not be kept,
    /// logged or put into an error.
    fn viewer(&self, bearer: &str) -> Result<Self::Viewer, AuthError>;
}

/// Why a token does not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("This needs a token: send the header Authorization: Bearer TOKEN.")]
    Missing,
    #[error("The Authorization header does not hold one bearer token.")]
    Malformed,
    #[error("The token is not known here.")]
    Unknown,
    #[error("The token has expired.")]
    Expired,
    #[error("The token has been revoked.")]
    Revoked,
}

impl AuthError {
    fn code(self) -> &'static str {
        match self {
            Self::Missing => "TOKEN_MISSING",
            Self::Malformed => "TOKEN_MALFORMED",
            Self::Unknown => "TOKEN_UNKNOWN",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Revoked => "TOKEN_REVOKED",
        }
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error.code(), error.to_string())
    }
}

/// Lets in who has a valid token and does not ask too often; for every route that needs one.
pub struct Door<A> {
    authenticate: A,
    hasher: RandomState,
    tokens: Rate<u64>,
    strangers: Rate<IpAddr>,
}

impl<A: Authenticate> Door<A> {
    /// A door with the rates of `limits`.
    pub fn new(authenticate: A, limits: &Limits) -> Self {
        Self {
            authenticate,
            hasher: RandomState::new(),
            tokens: Rate::per_second(limits.token_rate),
            strangers: Rate::per_second(limits.stranger_rate),
        }
    }

    /// Who asks. A valid token passes however many invalid ones its peer has sent, since many peers share an address.
    pub fn admit(&self, headers: &HeaderMap, peer: IpAddr) -> Result<A::Viewer, Refusal> {
        let known = bearer(headers).and_then(|text| Ok((self.authenticate.viewer(text)?, text)));
        match known {
            Ok((viewer, text)) if self.tokens.takes(&self.hasher.hash_one(text)) => Ok(viewer),
            Err(error) if self.strangers.takes(&network(peer)) => Err(error.into()),
            _ => Err(Exceeded::Rate.into()),
        }
    }

    /// Forgets who has not asked of late. To be called every few seconds.
    pub fn sweep(&self) {
        self.tokens.sweep();
        self.strangers.sweep();
    }
}

/// The longest token that is looked at.
const LONGEST: usize = 256;

/// The token of a request (RFC 6750, 2.1), which is the only way to send one.
fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthError::Missing)?;
    let text = value.to_str().map_err(|_| AuthError::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(AuthError::Malformed)?;
    let token = token.trim_matches(' ');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    match scheme.eq_ignore_ascii_case("bearer") && values.next().is_none() {
        true if !token.is_empty() && token.len() <= LONGEST && token.bytes().all(plain) => Ok(token),
        _ => Err(AuthError::Malformed),
    }
}

/// One peer: an IPv4 address, or the /64 of an IPv6 address, which is what one customer gets.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_well_formed_bearer_token_is_read_and_nothing_else() {
        for (value, token) in [
            ("Bearer abc-DEF_1.2~3+4/5==", Ok("abc-DEF_1.2~3+4/5==")),
            ("bearer  abc", Ok("abc")),
            ("Bearer", Err(AuthError::Malformed)),
            ("Bearer ", Err(AuthError::Malformed)),
            ("Bearer a b", Err(AuthError::Malformed)),
            ("Bearer a\"b", Err(AuthError::Malformed)),
            ("Basic abc", Err(AuthError::Malformed)),
        ] {
            assert_eq!(bearer(&sent(&[value])), token, "{value}");
        }
        assert_eq!(bearer(&sent(&[])), Err(AuthError::Missing));
        assert_eq!(bearer(&sent(&["Bearer a", "Bearer b"])), Err(AuthError::Malformed));
        assert_eq!(bearer(&sent(&[&format!("Bearer {}", "a".repeat(257))])), Err(AuthError::Malformed));
    }

    #[test]
    fn who_guesses_tokens_is_slowed_down_and_nobody_else() {
        let door = Door::new(Secret, &Limits { stranger_rate: 2, ..Limits::default() });
        let (here, there) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let guess = |peer| door.admit(&sent(&["Bearer guess"]), peer).unwrap_err().code;
        assert_eq!([guess(here), guess(here), guess(here)], ["TOKEN_UNKNOWN", "TOKEN_UNKNOWN", "LIMIT_RATE"]);
        assert_eq!([guess(there), guess(there), guess(there)], ["TOKEN_UNKNOWN", "TOKEN_UNKNOWN", "LIMIT_RATE"]);
        assert_eq!(guess("2001:db8::2".parse().unwrap()), "LIMIT_RATE");
        assert_eq!(guess("2001:db8:0:1::1".parse().unwrap()), "TOKEN_UNKNOWN");
        assert_eq!(door.admit(&sent(&["Bearer secret"]), here), Ok("anna"));
    }

    #[test]
    fn a_token_that_asks_too_often_waits() {
        let door = Door::new(Secret, &Limits { token_rate: 1, ..Limits::default() });
        let ask = || door.admit(&sent(&["Bearer secret"]), IpAddr::from([127, 0, 0, 1]));
        assert_eq!(ask(), Ok("anna"));
        assert_eq!(ask().unwrap_err().status, StatusCode::TOO_MANY_REQUESTS);
    }

    struct Secret;

    impl Authenticate for Secret {
        type Viewer = &'static str;

        fn viewer(&self, bearer: &str) -> Result<&'static str, AuthError> {
            if bearer == "secret" { Ok("anna") } else { Err(AuthError::Unknown) }
        }
    }

    fn sent(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }
}
