//! What holds the keyring's root, what destroying it is worth, and what people declare about it. No key is shown.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::anchor::{self, Command, Rejection};
use domain::id::AnchorId;
use domain::value::Line;
use events::keyring::{MemberStatus, Status};
use events::ledger::{Accepted, Declaration, Fresh};

use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, envelope, payload};
use super::scalars::{CommandId, Time};
use crate::app::{App, Envelope};
use crate::error::Failure;

/// The keyring, without its keys.
#[derive(SimpleObject)]
pub struct Keyring {
    /// What a destruction is worth now: `A0` to `A3`.
    level: String,
    /// What that means. At level A0 it says that an erasure is logical.
    words: &'static str,
    /// How many destructions there were.
    epoch: u64,
    /// Whether the last destruction waits for a member of the anchor; what died in it is fenced.
    unfinished: bool,
    /// The members of the anchor.
    members: Vec<AnchorMember>,
    /// All that was declared about devices, the oldest first.
    declarations: Vec<AnchorDeclaration>,
}

/// A member of the anchor: it holds a root of its own.
#[derive(SimpleObject)]
pub struct AnchorMember {
    /// Who it is, as the header of the keyring names it.
    identity: String,
    /// What destroying a root there is worth.
    level: String,
    /// Which one it is, and why it has this level.
    words: String,
    /// The serial number that a declaration names.
    serial: Option<String>,
    /// Whether it could be asked, and holds the root and no other one.
    holds_this_root_alone: bool,
}

/// That no backup and no cluster holds the root which is in a device.
#[derive(SimpleObject)]
pub struct AnchorDeclaration {
    /// `anchor_…`
    id: ID,
    /// Which device it is, in words.
    device: String,
    /// Its serial number.
    serial: String,
    /// Whether it counts: another person confirmed it, and nobody took it back.
    counts: bool,
    /// Who declared it.
    declared_by: ID,
    /// When it was recorded.
    declared_at: Time,
    /// Who confirmed it.
    confirmed_by: Option<ID>,
    /// When it began to count.
    confirmed_at: Option<Time>,
    /// Who took it back.
    withdrawn_by: Option<ID>,
    /// When it ceased to count.
    withdrawn_at: Option<Time>,
    /// Its revision, for `expectedRevision`.
    revision: u64,
}

impl From<&Declaration> for AnchorDeclaration {
    fn from(declared: &Declaration) -> Self {
        Self {
            id: ID(declared.id.to_string()),
            device: declared.device.clone(),
            serial: declared.serial.clone(),
            counts: declared.holds(),
            declared_by: ID(declared.by.to_string()),
            declared_at: Time(declared.at),
            confirmed_by: declared.confirmed.map(|(who, _)| ID(who.to_string())),
            confirmed_at: declared.confirmed.map(|(_, at)| Time(at)),
            withdrawn_by: declared.withdrawn.map(|(who, _)| ID(who.to_string())),
            withdrawn_at: declared.withdrawn.map(|(_, at)| Time(at)),
            revision: declared.revision,
        }
    }
}

impl AnchorMember {
    fn of(member: MemberStatus, root: u64) -> Self {
        Self {
            identity: member.identity.to_string(),
            level: member.description.level.to_string(),
            words: member.description.words,
            serial: member.description.serial,
            holds_this_root_alone: member.roots.is_ok_and(|roots| roots == [root]),
        }
    }
}

impl Keyring {
    fn of(status: Status, declarations: Vec<AnchorDeclaration>) -> Self {
        Self {
            level: status.level.to_string(),
            words: status.level.words(),
            epoch: status.epoch,
            unfinished: status.unfinished,
            members: status.members.into_iter().map(|member| AnchorMember::of(member, status.root)).collect(),
            declarations,
        }
    }
}

/// The queries of the keyring.
#[derive(Default)]
pub struct AnchorQuery;

#[Object]
impl AnchorQuery {
    /// What holds the root of all keys, and what destroying it is worth. Every member of the anchor is asked.
    async fn keyring(&self, ctx: &Context<'_>) -> async_graphql::Result<Keyring> {
        let (app, _) = ctx.may_read("keyring")?;
        let status = status_of(app).await?;
        let owners = app.ledger().owners();
        let declarations = owners.declarations().all().into_iter().map(AnchorDeclaration::from).collect();
        Ok(Keyring::of(status, declarations))
    }
}

/// What is declared about a device that holds the root.
#[derive(InputObject)]
pub struct DeclareAnchorInput {
    /// Which device it is, in words: its maker, its model, where it stands.
    pub device: String,
    /// Its serial number, as `keyring` shows it.
    pub serial: String,
    /// That no backup and no cluster holds the root. Nothing else can be declared.
    pub no_backup: bool,
    pub command_id: Option<CommandId>,
}

/// A declaration that a second person confirms.
#[derive(InputObject)]
pub struct ConfirmAnchorInput {
    pub declaration_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A declaration that somebody takes back.
#[derive(InputObject)]
pub struct WithdrawAnchorInput {
    pub declaration_id: ID,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

payload! {
    /// What became of a declaration.
    AnchorPayload { declaration: AnchorDeclaration }
}

/// The mutations of declarations.
#[derive(Default)]
pub struct AnchorMutation;

#[Object]
impl AnchorMutation {
    /// No backup and no cluster holds the root in this device. With a second person's word hardware is level A3 from then on;
    /// what is software stays at A0.
    async fn declare_anchor(
        &self,
        ctx: &Context<'_>,
        input: DeclareAnchorInput,
    ) -> async_graphql::Result<AnchorPayload> {
        AnchorPayload::of(declare(ctx, input).await)
    }

    /// Yes, says somebody who did not declare it.
    async fn confirm_anchor(
        &self,
        ctx: &Context<'_>,
        input: ConfirmAnchorInput,
    ) -> async_graphql::Result<AnchorPayload> {
        let said = (input.declaration_id, envelope(input.command_id, input.expected_revision, None));
        AnchorPayload::of(step(ctx, "confirmAnchor", said, Command::Confirm).await)
    }

    /// It is so no more, or never was: one person is enough. Certificates that stand stay as they are.
    async fn withdraw_anchor(
        &self,
        ctx: &Context<'_>,
        input: WithdrawAnchorInput,
    ) -> async_graphql::Result<AnchorPayload> {
        let said = (input.declaration_id, envelope(input.command_id, input.expected_revision, None));
        AnchorPayload::of(step(ctx, "withdrawAnchor", said, Command::Withdraw).await)
    }
}

type Done = Result<(AnchorDeclaration, Accepted), No>;

async fn declare(ctx: &Context<'_>, input: DeclareAnchorInput) -> Done {
    let (app, viewer) = ctx.may("declareAnchor")?;
    let (mut fresh, mut problems) = (Fresh::new(), Problems::default());
    let device = problems.take(&["device"], Line::parse(&input.device));
    let serial = problems.take(&["serial"], Line::parse(&input.serial));
    if !input.no_backup {
        problems
            .note(&["noBackup"], "a declaration says that no backup and no cluster holds the root, and nothing else");
    }
    problems.end()?;
    let (Some(device), Some(serial)) = (device, serial) else {
        return Err(Failure::internal("a declaration without a problem").into());
    };
    let envelope = envelope(input.command_id, None, None);
    if !app.is_repeated(&envelope) {
        let members = status_of(app).await?.members;
        if !members.iter().any(|member| member.description.serial.as_deref() == Some(serial.as_str())) {
            let words = "no member of the anchor is a device with this serial number; `keyring` shows which there are";
            return Err(UserError::at(&["serial"], words).into());
        }
    }
    let id: AnchorId = fresh.id().map_err(Failure::internal)?;
    let command = Command::Declare { device, serial };
    let accepted = app.submit::<anchor::Anchor>(viewer, id.0, command, envelope, fresh).await?;
    shown(app, accepted)
}

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    (declaration, envelope): (ID, Envelope),
    command: Command,
) -> Done {
    let (app, viewer) = ctx.may(operation)?;
    let id: AnchorId = declaration.parse().map_err(|wrong| UserError::at(&["declarationId"], wrong))?;
    if app.ledger().owners().declarations().get(id).is_none() {
        let missing = UserError::at(&["declarationId"], "there is no such declaration");
        return Err(UserError { code: ErrorCode::NotFound, ..missing }.into());
    }
    let accepted = app.submit::<anchor::Anchor>(viewer, id.0, command, envelope, Fresh::new()).await?;
    shown(app, accepted)
}

fn shown(app: &App, accepted: Accepted) -> Done {
    let owners = app.ledger().owners();
    let declared = owners.declarations().get(AnchorId(accepted.stream.id)).map(AnchorDeclaration::from);
    Ok((declared.ok_or_else(|| Failure::internal("a declaration that nobody has"))?, accepted))
}

/// A token may take its time.
async fn status_of(app: &App) -> Result<Status, Failure> {
    let of = app.clone();
    let asked = tokio::task::spawn_blocking(move || of.ledger().keyring().status()).await;
    asked.map_err(|_| Failure::internal("a thread that asks an anchor failed"))
}

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::NotDeclared => ErrorCode::NotFound,
            Self::Declared | Self::Withdrawn => ErrorCode::Conflict,
            Self::SamePerson => ErrorCode::Permission,
        }
    }
}

#[cfg(test)]
mod tests;
