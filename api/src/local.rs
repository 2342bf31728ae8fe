//! Commands of the machine's own operator: run on a directory at rest, or by the server that uses it, through a Unix socket
//! in the directory that only its user may open. One line of JSON asks; lines of JSON answer until a last one.

pub mod leave;
mod retention;
mod stamp;

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use domain::actor::Role;
use events::ledger::{Clock, Directory, DirectoryError};
use events::log::LogError;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::auth::Authenticate as _;
use crate::open::{OpenError, Opening, open};
use crate::publish::Publishing;
use crate::tokens::{self, TokenError};
use crate::{backup, export, import, keys};

pub use stamp::Stamped;

/// What an operator may ask for.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// A token for somebody of this name in this role; who is nobody yet is registered.
    IssueToken {
        /// Which role, as GraphQL writes it.
        role: String,
        /// The name to show.
        name: String,
        /// For how long.
        days: Option<u16>,
    },
    /// All tokens.
    ListTokens,
    /// One token counts no more.
    RevokeToken {
        /// Its id.
        token: String,
    },
    /// The operator says that the clock is right.
    ConfirmClock,
    /// The keys that wait since a restore: they are listed, or destroyed.
    ConfirmKeys {
        /// The access token of whoever says that no newer log exists; the second one's destroys them.
        destroy: Option<String>,
    },
    /// What holds the root, and how many keys there are.
    KeyringStatus,
    /// The retired keys are destroyed, and no other.
    RotateKeyring,
    /// Contacts from a file.
    Import(import::Order),
    /// What is over is fenced and listed.
    RunRetention {
        /// Whether it is only listed.
        dry_run: bool,
        /// The access token of whoever runs it; nobody's where there is none.
        token: Option<String>,
    },
    /// What was fenced is over, says a second person.
    ConfirmRetention {
        /// The access token of that person.
        token: String,
        /// Which; all that waits, without any.
        erasures: Vec<String>,
    },
    /// What was fenced is over, says a time-stamping authority.
    ConfirmRetentionByTime {
        /// The access token of the person who trusts that authority.
        token: String,
        /// What it says.
        stamped: Stamped,
    },
    /// A backup of the log.
    BackUp(backup::Order),
    /// Everything that can be read, in files.
    Export(export::Order),
    /// A step of a controller that leaves.
    Leave {
        /// Which.
        step: leave::Step,
        /// The access token of a DPO.
        token: String,
    },
}

/// One line of an answer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To be printed.
    Say(String),
    /// To be printed beside the answer.
    Warn(String),
    /// How far it is.
    Progress {
        /// Done.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// It is done.
    Done,
    /// It is not.
    Failed(String),
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The ledger could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be asked.
    #[error("the server that uses this directory cannot be asked: {0}")]
    Socket(#[from] io::Error),
    /// It said no.
    #[error("{0}")]
    Failed(String),
}

/// Carries out an order, on the directory or by the server that holds it.
pub fn carry_out(data: &Path, opening: &Opening, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), LocalError> {
    if !Directory::exists(data).map_err(OpenError::from)? {
        may_found(order).map_err(LocalError::Failed)?;
        if let Order::Import(import) = order
            && import.dry_run
        {
            return rehearse(opening, order, told);
        }
    }
    match open(data, opening, Clock::system()) {
        Ok(app) => run(&app, order, told).map_err(LocalError::Failed),
        Err(OpenError::Directory(DirectoryError::Log(LogError::Locked))) => ask(data, order, told),
        Err(failed) => Err(failed.into()),
    }
}

/// Why an order is not one that makes a ledger where there is none: one that only looks, or takes back, has nothing to do in
/// a new ledger, and one that is bound to fail leaves none behind.
fn may_found(order: &Order) -> Result<(), String> {
    match order {
        Order::IssueToken { role, name, .. } => {
            role_named(role)?;
            tokens::name(name).map(drop).map_err(|failed| failed.to_string())
        }
        Order::Import(order) => import::legible(order),
        _ => Err("there is no ledger in this directory".into()),
    }
}

/// A dry run where there is no ledger: on an empty one that is gone when it returns.
fn rehearse(opening: &Opening, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), LocalError> {
    let room = tempfile::tempdir().map_err(|failed| LocalError::Failed(format!("no room for a dry run: {failed}")))?;
    // No witness is to hear of a log that nobody will see again.
    let opening = Opening { publishing: Publishing::default(), ..opening.clone() };
    let app = open(&room.path().join("ledger"), &opening, Clock::system())?;
    run(&app, order, told).map_err(LocalError::Failed)
}

fn role_named(role: &str) -> Result<Role, String> {
    Role::named(role).ok_or_else(|| "there is no such role: agent, integration, dpo, auditor or admin".to_owned())
}

/// Listens for orders until the process ends. The socket is the user's alone.
pub fn listen(data: &Path, app: App) -> io::Result<()> {
    let path = Directory::socket(data);
    // Whoever holds the directory's lock owns the name; what lies there is left over from a process that is gone.
    match std::fs::remove_file(&path) {
        Err(failed) if failed.kind() != io::ErrorKind::NotFound => return Err(failed),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    std::thread::Builder::new().name("local".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let app = app.clone();
            let served = std::thread::Builder::new().name("order".into()).spawn(move || serve(&app, &stream));
            if let Err(failed) = served {
                tracing::error!(error = %failed, "an order could not be taken");
            }
        }
    })?;
    Ok(())
}

fn serve(app: &App, stream: &UnixStream) {
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    let mut out = stream;
    let mut tell = |reply: Reply| {
        // Whoever asked may have gone; the order is carried out all the same.
        let _ = serde_json::to_writer(out, &reply).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
    };
    let order = read
        .map_err(|failed| failed.to_string())
        .and_then(|_| serde_json::from_str::<Order>(&line).map_err(|_| "this is no order".to_owned()));
    let done = order.and_then(|order| run(app, &order, &mut tell));
    tell(match done {
        Ok(()) => Reply::Done,
        Err(reason) => Reply::Failed(reason),
    });
    let _ = out.flush();
}

fn ask(data: &Path, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), LocalError> {
    let mut stream = UnixStream::connect(Directory::socket(data))?;
    serde_json::to_writer(&stream, order).map_err(io::Error::from)?;
    stream.write_all(b"\n")?;
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line?).map_err(io::Error::from)? {
            Reply::Done => return Ok(()),
            Reply::Failed(reason) => return Err(LocalError::Failed(reason)),
            reply => told(reply),
        }
    }
    Err(LocalError::Failed("the server ended before it was done".into()))
}

fn run(app: &App, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let words = |failed: TokenError| failed.to_string();
    match order {
        Order::IssueToken { role, name, days } => {
            let role = role_named(role)?;
            let actor = tokens::actor_for(app, None, role, name).map_err(words)?;
            if let Some(other) = tokens::namesake(app, actor, name) {
                let both = format!(
                    "{other} in another role is called the same: as two actors, one person could ask and approve"
                );
                told(Reply::Warn(both));
            }
            let issued = tokens::issue(app, actor, actor, *days).map_err(words)?;
            told(Reply::Say(format!("{} for {}: {}", issued.token, issued.actor, issued.text)));
        }
        Order::ListTokens => {
            for token in tokens::list(app) {
                let roles: Vec<_> = token.roles.iter().map(|role| role.name()).collect();
                let (state, until) = (token.state.name(), token.expires_at);
                told(Reply::Say(format!("{} {} {} {state} until {until}", token.token, token.actor, roles.join(","))));
            }
        }
        Order::RevokeToken { token } => {
            let token = token.parse().map_err(|wrong: domain::id::NotAnId| wrong.to_string())?;
            let owner = tokens::list(app).into_iter().find(|listed| listed.token == token);
            let by = owner.ok_or("there is no such token")?.actor;
            tokens::revoke(app, by, token).map_err(words)?;
            told(Reply::Say(format!("{token} is revoked")));
        }
        Order::ConfirmClock => {
            let confirmed = app.ledger().confirm_clock().map_err(|failed| failed.to_string())?;
            told(Reply::Say(format!("the time is confirmed: {}", confirmed.recorded_at)));
            let certified = app.finish_ordered().map_err(|failed| failed.to_string())?;
            if certified > 0 {
                told(Reply::Say(format!("erasures that waited for it and are certified now: {certified}")));
            }
        }
        Order::ConfirmKeys { destroy } => {
            let said = match destroy {
                None => keys::waiting(app),
                Some(token) => {
                    let viewer = app.viewer(token).map_err(|refused| refused.to_string())?;
                    // As of what is declared about an anchor.
                    if !viewer.may("confirmAnchor") {
                        return Err("only a data protection officer or an admin may do this".into());
                    }
                    keys::destroy_waiting(app, viewer.actor).map_err(words_of)?
                }
            };
            said.into_iter().map(Reply::Say).for_each(told);
        }
        Order::KeyringStatus => keys::status(app).into_iter().map(Reply::Say).for_each(told),
        Order::RotateKeyring => told(Reply::Say(keys::rotate(app).map_err(words_of)?)),
        Order::Import(order) => import::run(app, order, told)?,
        Order::RunRetention { dry_run, token } => retention::run(app, *dry_run, token.as_deref(), told)?,
        Order::ConfirmRetention { token, erasures } => retention::confirm(app, token, erasures, told)?,
        Order::ConfirmRetentionByTime { token, stamped } => retention::confirm_by_time(app, token, stamped, told)?,
        Order::BackUp(order) => backup::run(app, order, told)?,
        Order::Export(order) => export::run(app, order, told)?,
        Order::Leave { step, token } => leave::run(app, step, token, told)?,
    }
    Ok(())
}

/// A failure and what is behind it: the operator reads both.
fn words_of(failed: impl std::error::Error) -> String {
    match failed.source() {
        Some(cause) => format!("{failed}: {cause}"),
        None => failed.to_string(),
    }
}
