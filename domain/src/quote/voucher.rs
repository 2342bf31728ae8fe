//! What an invoice needs of an accepted quote. It is a copy under a key of its own, so that it outlives the quote's year of
//! sales and the person's wish to be forgotten for as long as tax law says, and nothing else does.

use super::{Event, Texts};
use crate::compartment::{Compartment, Country};
use crate::id::SubjectId;
use crate::personal::Held;
use crate::profile::Address;
use crate::time::Day;
use crate::value::Line;

/// The words of a voucher: to whom, where, and for what. Amounts are facts and stand in the quote.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Voucher {
    /// The name of whom it is for.
    pub recipient: Option<Line>,
    /// Where the invoice goes.
    pub address: Option<Address>,
    /// What was offered, without the notes.
    pub texts: Texts,
}

/// A voucher and whose tax law keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// The controller's register, never the person's country.
    pub country: Country,
    /// What is kept.
    pub voucher: Voucher,
}

impl Copy {
    pub(super) fn keep(&self, subject: SubjectId, version: u32, today: Day) -> Event {
        let compartment = Compartment::Fiscal(self.country, today.year());
        Event::VoucherKept { version, voucher: Held::new(subject, compartment, self.voucher.clone()) }
    }
}
