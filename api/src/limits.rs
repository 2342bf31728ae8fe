//! What one request may ask for. Every number a client can run into stands here, each refusal with a code of its own.

pub mod cost;
pub mod shape;
pub mod tokens;

use std::time::Duration;

use serde::Deserialize;

/// The limits of the HTTP edge. All are checked before a resolver runs, `time_ms` while it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Limits {
    /// Bytes of one body, counted while it is read, and of one query string.
    pub body_bytes: usize,
    /// Lexical tokens of one document, counted before it is parsed.
    pub tokens: usize,
    /// Brackets of any kind open at once, counted with the tokens; it bounds the parser's recursion.
    pub nesting: usize,
    /// Selection sets within one another, through fragments too.
    pub depth: usize,
    /// Aliases in one operation, fragments counted wherever they are spread.
    pub aliases: u64,
    /// Fields at the root of one operation, fragments counted wherever they are spread.
    pub root_fields: u64,
    /// Fragments that one document defines.
    pub fragments: usize,
    /// Selections of one document, fragments counted wherever they are spread.
    pub selections: u64,
    /// Values in the variables (64 bytes of text are one more), times the places that use a variable.
    pub values: u64,
    /// Fields that one operation may return, by its page sizes.
    pub cost: u64,
    /// The same for what is asked about the schema.
    pub introspection_cost: u64,
    /// How long a page is taken to be that does not say.
    pub default_page: u64,
    /// Errors in one answer; what is over is left out.
    pub errors: usize,
    /// Milliseconds until an execution is given up.
    pub time_ms: u64,
    /// Milliseconds until a body must have been read.
    pub body_ms: u64,
    /// Milliseconds until the head of the next request must have been read; an idle connection is closed after them.
    pub head_ms: u64,
    /// Milliseconds that open requests are given at shutdown.
    pub drain_ms: u64,
    /// Requests that are worked on at once.
    pub concurrent: usize,
    /// Requests a second of one token.
    pub token_rate: u32,
    /// Requests a second without a valid token of one peer; what is over is answered without a look at the token's kind.
    pub stranger_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            tokens: 4_000,
            nesting: 64,
            depth: 24,
            aliases: 50,
            root_fields: 20,
            fragments: 64,
            selections: 5_000,
            values: 200_000,
            cost: 50_000,
            introspection_cost: 300_000,
            default_page: 20,
            errors: 20,
            time_ms: 10_000,
            body_ms: 10_000,
            head_ms: 60_000,
            drain_ms: 10_000,
            concurrent: 1_024,
            token_rate: 50_000,
            stranger_rate: 200,
        }
    }
}

impl Limits {
    /// How long an execution may take.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.time_ms)
    }
}

/// A request asks for more than it may. The texts name limits, never what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    #[error("The body is larger than {0} bytes.")]
    Body(usize),
    #[error("The body was not sent within {0} ms.")]
    Slow(u64),
    #[error("The document has more than {0} tokens.")]
    Tokens(usize),
    #[error("The document opens more than {0} brackets within one another.")]
    Nesting(usize),
    #[error("The selections are nested deeper than {0}.")]
    Depth(usize),
    #[error("An operation has more than {0} aliases.")]
    Aliases(u64),
    #[error("An operation has more than {0} fields at its root.")]
    RootFields(u64),
    #[error("The document defines more than {0} fragments.")]
    Fragments(usize),
    #[error("The document has more than {0} selections, fragments counted wherever they are spread.")]
    Selections(u64),
    #[error("The variables hold more than {0} values, counted for each place that uses a variable.")]
    Values(u64),
    #[error("The operation could return more than {0} fields. Ask for smaller pages.")]
    Cost(u64),
    #[error(
        "The operation took longer than {0} ms and was given up. A change may have been made all the same: \
             send it again with the same commandId."
    )]
    Time(u64),
    #[error("Too many requests are being worked on. Try again in a second.")]
    Concurrent,
    #[error("Too many requests. Try again in a second.")]
    Rate,
}

impl Exceeded {
    /// What stands in `extensions.code`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Body(_) => "LIMIT_BODY",
            Self::Slow(_) => "LIMIT_SLOW_BODY",
            Self::Tokens(_) => "LIMIT_TOKENS",
            Self::Nesting(_) => "LIMIT_NESTING",
            Self::Depth(_) => "LIMIT_DEPTH",
            Self::Aliases(_) => "LIMIT_ALIASES",
            Self::RootFields(_) => "LIMIT_ROOT_FIELDS",
            Self::Fragments(_) => "LIMIT_FRAGMENTS",
            Self::Selections(_) => "LIMIT_SELECTIONS",
            Self::Values(_) => "LIMIT_VALUES",
            Self::Cost(_) => "LIMIT_COST",
            Self::Time(_) => "LIMIT_TIME",
            Self::Concurrent => "LIMIT_CONCURRENT",
            Self::Rate => "LIMIT_RATE",
        }
    }
}
