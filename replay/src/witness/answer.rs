//! What a witness answers, with the status codes of <https://c2sp.org/tlog-witness>.

/// The type of a body that is a size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// The outcome of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The cosignature, as a line with its line feed.
    Cosigned(String),
    /// The request is malformed, or its old size is beyond its checkpoint.
    Malformed(String),
    /// No log of this origin is trusted.
    Unknown,
    /// No key that is trusted for the origin has signed, or a signature by one is wrong.
    Unsigned,
    /// The old size is not the one that was cosigned last, which is this.
    Size(u64),
    /// Another root of this very size was cosigned: the log has signed two histories.
    OtherRoot,
    /// The proof does not show that the tree continues the one that was cosigned last.
    Unproven(String),
    /// The witness cannot do its work.
    Failed(&'static str),
}

impl Answer {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Malformed(_) => 400,
            Self::Unsigned => 403,
            Self::Unknown => 404,
            Self::Size(_) | Self::OtherRoot => 409,
            Self::Unproven(_) => 422,
            Self::Failed(_) => 503,
        }
    }

    /// The type of the body. Only a stale old size is answered with a size: whoever reads one may ask again with it.
    pub fn content_type(&self) -> &'static str {
        if let Self::Size(_) = self { SIZE_TYPE } else { "text/plain; charset=utf-8" }
    }

    /// The body.
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(lines) => lines.clone(),
            Self::Malformed(why) | Self::Unproven(why) => format!("{why}\n"),
            Self::Unsigned => "no trusted key of this log has signed it\n".into(),
            Self::Unknown => "no log of this origin is trusted here\n".into(),
            Self::Size(size) => format!("{size}\n"),
            Self::OtherRoot => "another root of this size was cosigned before\n".into(),
            Self::Failed(why) => format!("{why}\n"),
        }
    }
}
