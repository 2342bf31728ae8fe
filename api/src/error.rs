//! Failures: a code and a sentence for the client, the cause for the program log, once.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_graphql::ErrorExtensionValues;

/// What a client learns of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Something went wrong that has no better name.
    Internal,
    /// The ledger takes no writes: it stopped at a write error, or is shutting down.
    Unavailable,
    /// A member of the anchor is not there, or did not do its part.
    AnchorAway,
    /// What is stored does not read as it was written.
    Damaged,
    /// A key that records name is not in the keyring, and no erasure says why.
    Lost,
}

impl Code {
    /// What stands in `extensions.code`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::AnchorAway => "ANCHOR_AWAY",
            Self::Damaged => "DAMAGED",
            Self::Lost => "LOST",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Internal => "The server failed. The program log says why.",
            Self::Unavailable => "The ledger takes no changes now. Try again later, with the same commandId.",
            Self::AnchorAway => {
                "What holds the root of the keys is not there. What was ordered is destroyed when it is; the program log \
                 says who is missing."
            }
            Self::Damaged => "What is stored here is damaged. The program log says where.",
            Self::Lost => "A key is lost, so this cannot be read. The program log says which.",
        }
    }
}

/// The machine failed. The only error type of resolvers.
///
/// It has no `Display`, and the blanket conversion of async-graphql is switched off (`custom-error-conversion`), so a
/// bare `?` on any other error does not compile in a resolver, and no cause reaches a client:
///
/// ```compile_fail
/// fn resolve() -> async_graphql::Result<()> {
///     Err(std::io::Error::other("the cause"))?
/// }
/// ```
///
/// ```
/// use api::error::{Code, Failure};
/// fn resolve() -> async_graphql::Result<()> {
///     Err(Failure::new(Code::Internal, std::io::Error::other("the cause")))?
/// }
/// ```
#[derive(Clone)]
pub struct Failure {
    code: Code,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl Failure {
    /// Keeps the cause for the program log. The texts of `cause` and of its sources must hold no personal data, which
    /// ours never do; of a foreign error that may quote its input, pass on a text of your own instead.
    pub fn new(code: Code, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { code, cause: Arc::from(cause.into()) }
    }

    /// A broken promise of our own code.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Code::Internal, cause)
    }

    /// What the client will learn.
    pub fn code(&self) -> Code {
        self.code
    }
}

/// The code alone: the cause is for the program log.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({})", self.code.as_str())
    }
}

/// Logs the cause and keeps the code and a sentence.
impl From<Failure> for async_graphql::Error {
    fn from(failure: Failure) -> Self {
        tracing::error!(code = failure.code.as_str(), cause = %Chain(&*failure.cause), "a request failed");
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", failure.code.as_str());
        Self { message: failure.code.sentence().into(), source: None, extensions: Some(extensions) }
    }
}

/// An error and its sources, in one line.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

/// Makes a panic say where it happened and nothing else: its payload may quote what was being worked on.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => tracing::error!(file = place.file(), line = place.line(), "the program panicked"),
        None => tracing::error!("the program panicked"),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_sees_the_code_and_a_sentence_and_not_the_cause() {
        let error = async_graphql::Error::from(Failure::new(Code::Damaged, "position 7 of Anna"));
        assert_eq!(error.message, "What is stored here is damaged. The program log says where.");
        assert_eq!(error.extensions.unwrap().get("code"), Some(&"DAMAGED".into()));
        assert_eq!(format!("{:?}", Failure::internal("of Anna")), "Failure(INTERNAL)");
    }

    #[test]
    fn who_holds_the_root_and_is_away_has_a_code_of_its_own() {
        let away = events::keyring::KeyringError::Anchor(events::keyring::AnchorError::DoesNotOpen);
        let failure = Failure::from(events::ledger::Failure::from(away));
        assert_eq!(failure.code().as_str(), "ANCHOR_AWAY");
        assert!(async_graphql::Error::from(failure).message.contains("is destroyed when it is"));
    }

    #[test]
    fn the_program_log_gets_the_cause_with_its_sources() {
        let inner = std::io::Error::other("no space");
        let outer = std::io::Error::other(inner);
        assert_eq!(Chain(&outer).to_string(), "no space");
    }
}
