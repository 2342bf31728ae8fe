//! May we? One answer for a contact, a purpose, a channel, a contact point and a day, with the record that decides.

use domain::channel::Channel;
use domain::consent::{Answer, AsOf, Trail, may_contact};
use domain::id::{ContactId, PointId};
use domain::register::Slug;

use crate::Views;

/// Why there is no answer. All of them mean no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The id names nobody.
    #[error("there is no such contact")]
    NoSuchContact,
    /// Nobody can tell any more, or now, who it was.
    #[error("nothing is held about this contact any more; nobody may be contacted through it")]
    ContactGone,
    /// Not theirs, or retired.
    #[error("the contact has no such contact point in use")]
    NoSuchPoint,
    /// The register does not know it.
    #[error("the register has no purpose {0}")]
    NoSuchPurpose(Slug),
}

impl Views {
    /// Whether this contact may be contacted for this purpose, by this way, at this contact point, on this day. The point
    /// must be in use today; the purpose is the register's of that day.
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
        if !sheet.points().any(|known| known.id == point && !known.retired) {
            return Err(NoAnswer::NoSuchPoint);
        }
        let register = self.registers.as_of(as_of);
        let purpose = register.purpose(purpose).ok_or_else(|| NoAnswer::NoSuchPurpose(purpose.clone()))?;
        let consents = self.statements.row_of(holder, &self.subjects);
        let trail = consents.map_or_else(Trail::default, |row| self.statements.trail(row));
        Ok(may_contact(purpose, &trail, channel, point, as_of))
    }
}
