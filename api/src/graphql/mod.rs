//! The GraphQL schema: one file a noun. Resolvers parse what comes in, give commands to the app and read the views; they
//! hold no rule of the domain.

mod actor;
mod anchor;
mod claim;
mod connection;
mod consent;
mod contact;
mod delivery;
mod disclosure;
mod document;
mod erasure;
mod evidence;
mod fields;
mod history;
mod hold;
mod log;
mod node;
mod notice;
mod organization;
mod outcome;
mod purpose;
mod quote;
mod redaction;
mod residue;
mod retention;
mod scalars;
mod subject;
mod suppression;
#[cfg(test)]
pub(crate) mod testing;
mod ticket;
mod values;
mod viewer;

use async_graphql::{EmptySubscription, MergedObject};

use crate::app::App;

pub use values::ErasureMark;

/// Everything that can be asked.
#[derive(MergedObject, Default)]
pub struct Query(
    viewer::ViewerQuery,
    contact::ContactQuery,
    organization::OrganizationQuery,
    ticket::TicketQuery,
    quote::QuoteQuery,
    node::NodeQuery,
    purpose::PurposeQuery,
    notice::NoticeQuery,
    consent::ConsentQuery,
    consent::MayContactQuery,
    erasure::ErasureQuery,
    hold::HoldQuery,
    redaction::RedactionQuery,
    document::DocumentQuery,
    retention::RetentionQuery,
    residue::ResidueQuery,
    subject::SubjectQuery,
    actor::ActorQuery,
    anchor::AnchorQuery,
    history::HistoryQuery,
    log::LogQuery,
    evidence::EvidenceQuery,
    suppression::SuppressionQuery,
    claim::ClaimQuery,
);

/// Everything that can be changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    contact::ContactMutation,
    organization::OrganizationMutation,
    ticket::TicketMutation,
    quote::QuoteMutation,
    purpose::PurposeMutation,
    notice::NoticeMutation,
    consent::ConsentMutation,
    erasure::ErasureMutation,
    disclosure::DisclosureMutation,
    hold::HoldMutation,
    redaction::RedactionMutation,
    document::DocumentMutation,
    retention::RetentionMutation,
    residue::ResidueMutation,
    delivery::DeliveryMutation,
    claim::ClaimMutation,
    actor::ActorMutation,
    anchor::AnchorMutation,
    suppression::SuppressionMutation,
);

/// The schema of one ledger.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// The schema in front of an app.
pub fn schema(app: App) -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription).data(app).finish()
}

/// The schema as a document; it is the golden file `api/schema.graphql`.
pub fn sdl() -> String {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription).finish().sdl()
}

#[cfg(test)]
mod tests;
