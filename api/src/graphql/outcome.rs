//! What a mutation answers: the changed node with its place in the log, or why not, in words a user may read. A failure of
//! the machine is no outcome; it is a top-level error.

use async_graphql::{Context, Enum, SimpleObject};
use domain::id::NotAnId;
use domain::value::Invalid;
use events::ledger::Refused;

use super::scalars::{CommandId, Time};
use crate::access::Viewer;
use crate::app::{App, Envelope};
use crate::error::Failure;

/// The kinds of no.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// A value is not as it must be.
    Validation,
    /// Somebody else changed it first, or it is not in a state for this.
    Conflict,
    /// There is no such thing.
    NotFound,
    /// Not with this token.
    Permission,
    /// The person was erased.
    Erased,
    /// The erasure of the person was approved.
    Fenced,
    /// The person's key was lost, which is no erasure.
    Lost,
    /// A hold keeps it.
    Hold,
    /// The controller is leaving: nothing is changed any more.
    Leaving,
    /// There is no consent for it.
    ConsentMissing,
    /// The command id was used for something else.
    CommandReused,
    /// The confirmation code was presented before.
    CodeUsed,
    /// The time of the confirmation code is over.
    CodeExpired,
    /// The person said no after the confirmation code was sent.
    CodeOverruled,
    /// It is not taken in, and nothing more is said of it: no record holds what was given.
    Dropped,
}

/// Why a mutation did not happen. Nothing was changed.
#[derive(SimpleObject, Clone, Debug)]
pub struct UserError {
    /// In words a user may read.
    pub message: String,
    /// Of what kind.
    pub code: ErrorCode,
    /// Which field of the input, outermost first; empty where it is about the whole.
    pub path: Vec<String>,
    /// The revision by now, where the client had seen an older one.
    pub current_revision: Option<u64>,
}

impl UserError {
    /// About the whole input.
    pub fn new(code: ErrorCode, message: impl ToString) -> Self {
        Self { message: message.to_string(), code, path: Vec::new(), current_revision: None }
    }

    /// About one field.
    pub fn at(path: &[&str], message: impl ToString) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Self { path, ..Self::new(ErrorCode::Validation, message) }
    }
}

impl UserError {
    /// The suppression list turned it away. What of it, for how long and why would say who is on the list.
    pub fn dropped() -> Self {
        Self::new(ErrorCode::Dropped, "this is not taken in")
    }

    /// A rejection of the domain that is about one field.
    pub fn of(path: &[&str], rejection: impl Kind) -> Self {
        Self { code: rejection.kind(), ..Self::at(path, rejection) }
    }
}

/// The kind of a rejection of the domain.
pub trait Kind: std::error::Error {
    /// Of what kind it is.
    fn kind(&self) -> ErrorCode;

    /// Which field of the input it is about, where it says.
    fn path(&self) -> Vec<String> {
        Vec::new()
    }
}

/// No, for one reason or several.
pub type Errors = Vec<UserError>;

/// A step of a mutation: a value, or why not, or a failure.
pub enum No {
    /// Reasons a user may read.
    User(Errors),
    /// The machine failed.
    Failure(Failure),
}

impl From<UserError> for No {
    fn from(error: UserError) -> Self {
        Self::User(vec![error])
    }
}

impl From<Failure> for No {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<NotAnId> for No {
    fn from(wrong: NotAnId) -> Self {
        UserError::at(&["id"], wrong).into()
    }
}

impl<R: Kind> From<Refused<R>> for No {
    fn from(refused: Refused<R>) -> Self {
        let words = refused.to_string();
        let error = match refused {
            Refused::Rejected(rejection) => {
                UserError { path: rejection.path(), ..UserError::new(rejection.kind(), rejection) }
            }
            Refused::Conflict { current } => {
                UserError { current_revision: current, ..UserError::new(ErrorCode::Conflict, conflict(current)) }
            }
            Refused::CommandReused => {
                UserError { path: vec!["commandId".into()], ..UserError::new(ErrorCode::CommandReused, words) }
            }
            Refused::Fenced => UserError::new(ErrorCode::Fenced, words),
            Refused::Erased => UserError::new(ErrorCode::Erased, words),
            Refused::Future | Refused::LongAgo => UserError::at(&["effectiveAt"], words),
            Refused::Leaving => UserError::new(ErrorCode::Leaving, words),
            Refused::TooLarge => UserError::new(ErrorCode::Validation, words),
            Refused::Failed(failure) => return Self::Failure(failure.into()),
        };
        error.into()
    }
}

fn conflict(current: Option<u64>) -> String {
    match current {
        Some(revision) => format!("it has changed since: its revision is {revision} by now"),
        None => "there is nothing yet that could have changed".into(),
    }
}

/// Declares a mutation's payload: the changed node under its own name, its place in the log, and the errors.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $node:ident: $type:ty }) => {
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            /// The node as it is now.
            pub $node: Option<$type>,
            /// The position of the command's last record in the log; it is durable.
            pub position: Option<$crate::graphql::scalars::Position>,
            /// The hash of that record.
            pub record_hash: Option<String>,
            /// The node's revision, for the next `expectedRevision`.
            pub revision: Option<u64>,
            /// Whether an earlier command with this id had done it.
            pub repeated: bool,
            /// Why not. Empty when it happened.
            pub errors: Vec<$crate::graphql::outcome::UserError>,
        }

        impl $name {
            /// The answer to what was tried. A failure is a top-level error.
            pub fn of(
                tried: Result<($type, events::ledger::Accepted), $crate::graphql::outcome::No>,
            ) -> async_graphql::Result<Self> {
                match tried {
                    Ok((node, accepted)) => Ok(Self {
                        $node: Some(node),
                        position: Some($crate::graphql::scalars::Position(accepted.position)),
                        record_hash: Some($crate::graphql::scalars::hex(&accepted.hash)),
                        revision: Some(accepted.revision),
                        repeated: accepted.repeated,
                        errors: Vec::new(),
                    }),
                    Err($crate::graphql::outcome::No::User(errors)) => Ok(Self {
                        $node: None,
                        position: None,
                        record_hash: None,
                        revision: None,
                        repeated: false,
                        errors,
                    }),
                    Err($crate::graphql::outcome::No::Failure(failure)) => Err(failure.into()),
                }
            }
        }
    };
}
pub(crate) use payload;

/// What a mutation says beside its own values.
pub fn envelope(command_id: Option<CommandId>, expected_revision: Option<u64>, effective_at: Option<Time>) -> Envelope {
    Envelope {
        command_id: command_id.map(|id| id.0),
        expected_revision,
        effective_at: effective_at.map(|at| at.0),
        ..Envelope::default()
    }
}

/// The app and who asks, if the operation is theirs to do.
pub trait Ask {
    /// For mutations: no is an answer.
    fn may(&self, operation: &'static str) -> Result<(&App, &Viewer), No>;
    /// For queries: no is an error with the code `FORBIDDEN`.
    fn may_read(&self, operation: &'static str) -> async_graphql::Result<(&App, &Viewer)>;
    /// The app, for fields below a root field that was allowed.
    fn app(&self) -> async_graphql::Result<&App>;
}

impl Ask for Context<'_> {
    fn may(&self, operation: &'static str) -> Result<(&App, &Viewer), No> {
        let (Some(app), Some(viewer)) = (self.data_opt::<App>(), self.data_opt::<Viewer>()) else {
            return Err(Failure::internal("a request without a viewer").into());
        };
        if viewer.may(operation) {
            return Ok((app, viewer));
        }
        Err(UserError::new(ErrorCode::Permission, "your role does not include this").into())
    }

    fn may_read(&self, operation: &'static str) -> async_graphql::Result<(&App, &Viewer)> {
        match self.may(operation) {
            Ok(asked) => Ok(asked),
            Err(No::Failure(failure)) => Err(failure.into()),
            Err(No::User(_)) => Err(forbidden()),
        }
    }

    fn app(&self) -> async_graphql::Result<&App> {
        match self.data_opt::<App>() {
            Some(app) => Ok(app),
            None => Err(Failure::internal("a request without an app").into()),
        }
    }
}

/// The one top-level error that is no failure of the machine: a question that this role may not ask.
pub fn forbidden() -> async_graphql::Error {
    let mut extensions = async_graphql::ErrorExtensionValues::default();
    extensions.set("code", "FORBIDDEN");
    async_graphql::Error { message: "Your role may not ask this.".into(), source: None, extensions: Some(extensions) }
}

/// A question that cannot be answered as it was asked: an id that is none, a cursor that is gone.
pub fn bad_request(message: impl ToString) -> async_graphql::Error {
    let mut extensions = async_graphql::ErrorExtensionValues::default();
    extensions.set("code", "BAD_USER_INPUT");
    async_graphql::Error { message: message.to_string(), source: None, extensions: Some(extensions) }
}

/// Collects what is wrong with an input, so that a user hears of everything at once.
#[derive(Default)]
pub struct Problems(Errors);

impl Problems {
    /// Takes a parsed value, or notes what is wrong with the field.
    pub fn take<T>(&mut self, path: &[&str], parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|wrong| self.0.push(UserError::at(path, wrong))).ok()
    }

    /// Parses what stands in a field of its own; what is wrong there is named by the way to it.
    pub fn inside<T>(&mut self, path: &[&str], parse: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.0.len();
        let parsed = parse(self);
        for error in self.0.iter_mut().skip(before) {
            error.path.splice(..0, path.iter().map(|part| (*part).to_owned()));
        }
        parsed
    }

    /// Parses a list; what is wrong with an item is named by its number, from 0.
    pub fn each<I, T>(
        &mut self,
        field: &str,
        list: Vec<I>,
        mut parse: impl FnMut(I, &mut Self) -> Option<T>,
    ) -> Vec<T> {
        let items = list.into_iter().enumerate();
        items.filter_map(|(number, item)| self.inside(&[field, &number.to_string()], |p| parse(item, p))).collect()
    }

    /// Notes what is wrong with a field.
    pub fn note(&mut self, path: &[&str], message: impl ToString) {
        self.0.push(UserError::at(path, message));
    }

    /// Takes a value that was looked up, or notes why there is none. A failure is not noted; it ends the command.
    pub fn found<T>(&mut self, looked_up: Result<T, No>) -> Result<Option<T>, Failure> {
        match looked_up {
            Ok(value) => Ok(Some(value)),
            Err(No::User(errors)) => {
                self.0.extend(errors);
                Ok(None)
            }
            Err(No::Failure(failure)) => Err(failure),
        }
    }

    /// Goes on only if nothing was wrong.
    pub fn end(self) -> Result<(), No> {
        if self.0.is_empty() { Ok(()) } else { Err(No::User(self.0)) }
    }
}
