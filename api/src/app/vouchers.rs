//! What an invoice needs of a quote, as the views have it when it is accepted.

use domain::contact::Field;
use domain::event::{Stream, StreamKind};
use domain::id::{ContactId, OrganizationId, QuoteId};
use domain::profile::Address;
use domain::quote::{Texts, Voucher};
use domain::value::Line;
use projections::Views;

use super::App;

/// Streams that values were read from, and how many records they had.
type Reads = Vec<(Stream, u64)>;

impl App {
    /// The copy of a version for the tax office, and what it was read from; none where its words or whom it is for are gone.
    /// Where one is kept already it is that one, so that a retry says what was said before.
    pub fn voucher(&self, id: QuoteId, version: u32) -> Option<(Voucher, Reads)> {
        let views = self.ledger.views();
        let quote = views.quote(id)?;
        if let Some(kept) = quote.voucher() {
            return Some((kept.clone(), Vec::new()));
        }
        let texts = Texts { notes: None, ..quote.texts(version)?.clone() };
        let (recipient, address, read) = match (quote.organization(), quote.contact()) {
            (Some(organization), _) => of_organization(&views, organization)?,
            (None, Some(contact)) => of_contact(&views, contact)?,
            (None, None) => return None,
        };
        Some((Voucher { recipient, address, texts }, vec![read]))
    }
}

type Party = (Option<Line>, Option<Address>, (Stream, u64));

fn of_organization(views: &Views, id: OrganizationId) -> Option<Party> {
    let found = views.organization(id)?;
    let profile = found.sheet?.profile();
    let stream = Stream { kind: StreamKind::Organization, id: id.0 };
    Some((profile.name, profile.invoice_address, (stream, found.facts.revision + 1)))
}

fn of_contact(views: &Views, id: ContactId) -> Option<Party> {
    let found = views.contact(id)?;
    let sheet = found.sheet?;
    let parts = [Field::FirstName, Field::LastName].into_iter().filter_map(|field| sheet.text(field));
    let joined = parts.collect::<Vec<_>>().join(" ");
    let name = sheet.text(Field::DisplayedName).unwrap_or(&joined);
    let stream = Stream { kind: StreamKind::Contact, id: id.0 };
    let address = sheet.profile().work_address;
    Some((Line::parse(name).ok(), address, (stream, found.facts.revision + 1)))
}
