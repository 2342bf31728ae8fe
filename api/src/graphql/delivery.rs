//! Where the certificate of an erasure goes, and that it went there.

use async_graphql::{Context, ID, InputObject, Object};
use domain::actor::Role;
use domain::id::ErasureId;
use domain::subject::Stage;
use domain::value::Text;
use events::ledger::Accepted;

use super::erasure::{CertificateLanguage, Done, Erasure, ErasurePayload, answered, standing};
use super::outcome::{Ask, ErrorCode, No, Problems, UserError, envelope, payload};
use super::scalars::{CommandId, Day};
use crate::access::Viewer;
use crate::app::App;
use crate::error::Failure;
use crate::evidence::EvidenceError;

/// A certificate on its way: the text, and where it goes.
pub struct Delivered {
    erasure: Erasure,
    address: String,
    file: String,
}

/// A certificate on its way.
#[Object]
impl Delivered {
    async fn erasure(&self) -> &Erasure {
        &self.erasure
    }
    /// Where it goes, as the request gave it. Its key is over 30 days after the delivery.
    async fn address(&self) -> &str {
        &self.address
    }
    /// The certificate as a file; see `Erasure.certificateFile`.
    async fn file(&self) -> &str {
        &self.file
    }
}

payload! {
    /// What became of a delivery.
    DeliveryPayload { delivered: Delivered }
}

/// Where a certificate is to go.
#[derive(InputObject)]
pub struct GiveDeliveryAddressInput {
    pub erasure_id: ID,
    /// An e-mail or postal address, in words.
    pub address: String,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// A certificate that goes to its address.
#[derive(InputObject)]
pub struct DeliverCertificateInput {
    pub erasure_id: ID,
    #[graphql(default_with = "CertificateLanguage::En")]
    pub language: CertificateLanguage,
    /// The day it goes; today where it is not said.
    pub on: Option<Day>,
    pub expected_revision: Option<u64>,
    pub command_id: Option<CommandId>,
}

/// The mutations of deliveries.
#[derive(Default)]
pub struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Somebody says where the certificate goes, or says so anew. It is sealed under a key of its own, which outlives the
    /// erasure. Behind the approval only a data protection officer says it, and a program only of its own requests.
    async fn give_delivery_address(
        &self,
        ctx: &Context<'_>,
        input: GiveDeliveryAddressInput,
    ) -> async_graphql::Result<ErasurePayload> {
        ErasurePayload::of(give(ctx, input).await)
    }

    /// Hands out the certificate and the address it goes to, and records the delivery before that. 30 days later the address
    /// is over.
    async fn deliver_certificate(
        &self,
        ctx: &Context<'_>,
        input: DeliverCertificateInput,
    ) -> async_graphql::Result<DeliveryPayload> {
        DeliveryPayload::of(deliver(ctx, input).await)
    }
}

async fn give(ctx: &Context<'_>, input: GiveDeliveryAddressInput) -> Done {
    let (app, viewer) = ctx.may("giveDeliveryAddress")?;
    let of = standing(app, &input.erasure_id)?;
    may_give(app, viewer, of.1)?;
    let mut problems = Problems::default();
    let address = problems.take(&["address"], Text::parse(&input.address));
    problems.end()?;
    let Some(address) = address else { return Err(Failure::internal("an address that is none").into()) };
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (in_thread, by) = (app.clone(), viewer.actor);
    let given = tokio::task::spawn_blocking(move || in_thread.give_delivery_address(by, of, address, envelope)).await;
    answered(app, of.1, given)
}

/// Where the answer goes is said by whoever takes the request, and behind the approval by a data protection officer alone. A
/// program says it only of its own requests.
fn may_give(app: &App, viewer: &Viewer, erasure: ErasureId) -> Result<(), No> {
    let stands = app.ledger().views().erasure(erasure).map(|erasure| (erasure.facts.stage, erasure.facts.by));
    let no = match stands {
        _ if viewer.is(Role::Dpo) => return Ok(()),
        Some((Stage::Requested, by)) if by == viewer.actor || viewer.is(Role::Agent) => return Ok(()),
        Some((Stage::Requested, _)) => {
            "somebody else wrote this request down; only they or an agent say where the answer goes"
        }
        _ => "only a data protection officer says now where the certificate of this erasure goes",
    };
    Err(UserError::new(ErrorCode::Permission, no).into())
}

async fn deliver(ctx: &Context<'_>, input: DeliverCertificateInput) -> Result<(Delivered, Accepted), No> {
    let (app, viewer) = ctx.may("deliverCertificate")?;
    let of = standing(app, &input.erasure_id)?;
    let on = input.on.map_or_else(|| app.now().day(), |day| day.0);
    let envelope = envelope(input.command_id, input.expected_revision, None);
    let (in_thread, by, language) = (app.clone(), viewer.actor, input.language);
    let delivered = tokio::task::spawn_blocking(move || {
        let (accepted, address) = in_thread.deliver_certificate(by, of, on, envelope)?;
        let file = in_thread.certificate(of.1, language.into());
        Ok::<_, No>((accepted, address, file))
    });
    let (accepted, address, file) =
        delivered.await.map_err(|_| Failure::internal("a thread of a delivery failed"))??;
    let file = match file {
        Ok(file) => file.ok_or_else(|| Failure::internal("a certified erasure without a certificate"))?,
        Err(EvidenceError::Failed(failed)) => return Err(failed.into()),
        Err(EvidenceError::TooMuch(much)) => return Err(Failure::internal(much).into()),
    };
    let (erasure, accepted) = answered(app, of.1, Ok(Ok(accepted)))?;
    Ok((Delivered { erasure, address: address.as_str().to_owned(), file }, accepted))
}

#[cfg(test)]
mod tests;
