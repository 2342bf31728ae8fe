//! Any node by its id, as Relay asks for it.

use async_graphql::{Context, ID, Interface, Object};
use domain::event::{Stream, StreamKind};
use domain::id::{
    ActorId, CommandId, ConsentsId, ContactId, ErasureId, KeyId, MessageId, NoticeId, OrganizationId, PointId, QuoteId,
    SubjectId, TicketId, TokenId,
};

use super::actor::Actor;
use super::consent::Consents;
use super::contact::Contact;
use super::erasure::Erasure;
use super::notice::Notice;
use super::organization::Organization;
use super::outcome::{Ask, bad_request};
use super::purpose::seen_from;
use super::quote::Quote;
use super::ticket::Ticket;

/// Anything with an id that says what it is.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its noun, an underscore and 32 hexadecimal digits."))]
#[allow(clippy::large_enum_variant, reason = "one at a time, and not for long")]
pub enum Node {
    Contact(Contact),
    Organization(Organization),
    Ticket(Ticket),
    Quote(Quote),
    Actor(Actor),
    Erasure(Erasure),
    Consents(Consents),
    Notice(Notice),
}

/// The field `node`.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The node with this id; null where there is none, and for what is asked by a field of its own.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Node>> {
        let (app, viewer) = ctx.may_read("node")?;
        if let Ok(id) = id.parse::<ErasureId>() {
            return Ok(Erasure::find(app, id).map(Node::Erasure));
        }
        let Stream { kind, id } = match id.parse() {
            Err(_) if is_of_no_node(&id) => return Ok(None),
            parsed => parsed.map_err(bad_request)?,
        };
        Ok(match kind {
            StreamKind::Contact => Contact::find(app, ContactId(id)).map(Node::Contact),
            StreamKind::Organization => Organization::find(app, OrganizationId(id)).map(Node::Organization),
            StreamKind::Ticket => Ticket::find(app, TicketId(id)).map(Node::Ticket),
            StreamKind::Quote => Quote::find(app, QuoteId(id)).map(Node::Quote),
            StreamKind::Actor => Actor::find(app, ActorId(id)).map(Node::Actor),
            StreamKind::Consents => {
                let today = seen_from(app, None, None);
                Consents::find(app, viewer, ConsentsId(id), today).map(Node::Consents)
            }
            StreamKind::Notice => Notice::find(app, NoticeId(id)).map(Node::Notice),
            _ => None,
        })
    }
}

/// Whether this is the id of something that is no node: it is asked for through the node it belongs to.
fn is_of_no_node(id: &str) -> bool {
    let part = id.parse::<MessageId>().is_ok() || id.parse::<PointId>().is_ok() || id.parse::<TokenId>().is_ok();
    part || id.parse::<SubjectId>().is_ok() || id.parse::<CommandId>().is_ok() || id.parse::<KeyId>().is_ok()
}

#[cfg(test)]
mod tests {
    use domain::actor::Role;
    use serde_json::json;

    use crate::graphql::testing::Desk;

    #[test]
    fn a_node_is_found_by_its_id_alone() {
        let desk = Desk::open();
        let (contact, organization) = (desk.contact("Maria"), desk.organization("Acme GmbH"));
        let query = "query q($id: ID!) { node(id: $id) { __typename id ... on Organization { name } } }";
        let node = |id: &str| desk.get_with(Role::Agent, query, json!({ "id": id }))["node"].clone();
        assert_eq!(node(&contact), json!({ "__typename": "Contact", "id": contact }));
        let found = json!({ "__typename": "Organization", "id": organization, "name": "Acme GmbH" });
        assert_eq!(node(&organization), found);
        assert_eq!(node(&organization.replace("organization", "contact")), json!(null));
        for noun in ["message", "token", "point", "subject", "command", "key", "case"] {
            assert_eq!(node(&contact.replace("contact", noun)), json!(null), "{noun}");
        }
        let wrong = desk.ask_with(Role::Agent, query, json!({ "id": "Maria" }));
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        let auditor = desk.ask_with(Role::Auditor, query, json!({ "id": contact }));
        assert_eq!(auditor["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}
