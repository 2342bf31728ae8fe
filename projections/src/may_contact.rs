//! May we? One answer for a contact, a purpose, a channel, a contact point and a day, with the record that decides.

use domain::channel::Channel;
use domain::consent::{Answer, AsOf, Trail, may_contact};
use domain::id::{ContactId, PointId};
use domain::register::Slug;

use crate::Views;
use crate::subjects::sheet::PointSheet;

/// Why there is no answer. All of them mean no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The id names nobody.
    #[error("there is no such contact")]
    NoSuchContact,
    /// Nobody can tell any more, or now, who it was.
    #[error("nothing is held about this contact any more; nobody may be contacted through it")]
    ContactGone,
    /// Not theirs, of another channel, or retired by then.
    #[error("the contact has no such contact point for this channel in use")]
    NoSuchPoint,
    /// The register does not know it.
    #[error("the register has no purpose {0}")]
    NoSuchPurpose(Slug),
}

impl Views {
    /// Whether this contact may be contacted for this purpose, by this way, at this contact point, on this day. A point
    /// that was retired since was still in use; the purpose is the register's of that day.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`], which is a no with its reason.
    pub fn may_contact(
        &self,
        contact: ContactId,
        purpose: &Slug,
        channel: Channel,
        point: PointId,
        as_of: AsOf,
    ) -> Result<Answer, NoAnswer> {
        let row = self.contacts.row(&contact.0).ok_or(NoAnswer::NoSuchContact)?;
        let found = self.contacts.contact(row, &self.subjects).ok_or(NoAnswer::NoSuchContact)?;
        let (sheet, holder) = found.sheet.zip(self.contacts.holder(row)).ok_or(NoAnswer::ContactGone)?;
        let retired = |known: &PointSheet<'_>| {
            known.retired.is_some_and(|retired| as_of.counts(retired.effective_at, retired.recorded_at))
        };
        let reaches = |known: PointSheet<'_>| known.id == point && known.kind.serves(channel) && !retired(&known);
        if !sheet.points().any(reaches) {
            return Err(NoAnswer::NoSuchPoint);
        }
        let register = self.registers.as_of(as_of);
        let purpose = register.purpose(purpose).ok_or_else(|| NoAnswer::NoSuchPurpose(purpose.clone()))?;
        let consents = self.statements.row_of(holder, &self.subjects);
        let trail = consents.map_or_else(Trail::default, |row| self.statements.trail(row));
        Ok(may_contact(purpose, &trail, channel, point, as_of))
    }
}
