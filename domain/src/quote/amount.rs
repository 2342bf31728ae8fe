//! The sums of a quote. Every line is rounded by itself, half a minor unit away from zero, first its net amount and then
//! its tax; totals are sums of what the lines show, so that whoever adds up the paper gets the same.

use crate::value::BasisPoints;

/// One line as it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// How many, in thousandths: 1500 are one and a half.
    pub quantity_milli: u64,
    /// For one, in minor units; negative for what is given back.
    pub unit_price_minor: i64,
    /// What is taken off the net amount.
    pub discount: BasisPoints,
    /// What is put on the discounted net amount.
    pub tax: BasisPoints,
}

/// Sums in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Amounts {
    /// Without tax, discount taken off.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// Both together.
    pub gross_minor: i64,
}

/// One line with its sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PricedItem {
    /// As it was asked for.
    pub item: Item,
    /// What it comes to.
    pub amounts: Amounts,
}

/// A sum that does not fit 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the amount is too large")]
pub struct TooLarge;

impl Item {
    /// The sums of this line.
    pub fn price(&self) -> Result<PricedItem, TooLarge> {
        let whole = i128::from(BasisPoints::WHOLE);
        let share = whole - i128::from(self.discount.get());
        let full = i128::from(self.quantity_milli).checked_mul(i128::from(self.unit_price_minor)).ok_or(TooLarge)?;
        let net = round(full.checked_mul(share).ok_or(TooLarge)?, 1_000 * whole)?;
        let tax = round(i128::from(net) * i128::from(self.tax.get()), whole)?;
        Ok(PricedItem { item: *self, amounts: Amounts::of(net, tax)? })
    }
}

impl Amounts {
    fn of(net_minor: i64, tax_minor: i64) -> Result<Self, TooLarge> {
        let gross_minor = net_minor.checked_add(tax_minor).ok_or(TooLarge)?;
        Ok(Self { net_minor, tax_minor, gross_minor })
    }

    fn plus(self, other: Self) -> Result<Self, TooLarge> {
        let net = self.net_minor.checked_add(other.net_minor).ok_or(TooLarge)?;
        let tax = self.tax_minor.checked_add(other.tax_minor).ok_or(TooLarge)?;
        Self::of(net, tax)
    }
}

/// Adds up.
pub trait Total {
    /// The sum, where it fits.
    fn total(self) -> Result<Amounts, TooLarge>;
}

impl<I: Iterator<Item = Amounts>> Total for I {
    fn total(mut self) -> Result<Amounts, TooLarge> {
        self.try_fold(Amounts::default(), Amounts::plus)
    }
}

/// The quotient to the nearest whole, halves away from zero.
fn round(dividend: i128, divisor: i128) -> Result<i64, TooLarge> {
    let half = if dividend < 0 { -divisor / 2 } else { divisor / 2 };
    let rounded = dividend.checked_add(half).ok_or(TooLarge)? / divisor;
    i64::try_from(rounded).map_err(|_| TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(points: u32) -> BasisPoints {
        BasisPoints::new(points).expect("a share")
    }

    fn amounts(
        quantity_milli: u64,
        unit_price_minor: i64,
        discount: u32,
        tax: u32,
    ) -> Result<(i64, i64, i64), TooLarge> {
        let item = Item { quantity_milli, unit_price_minor, discount: points(discount), tax: points(tax) };
        item.price().map(|priced| {
            let Amounts { net_minor, tax_minor, gross_minor } = priced.amounts;
            (net_minor, tax_minor, gross_minor)
        })
    }

    #[test]
    fn lines_are_rounded_half_away_from_zero() {
        assert_eq!(amounts(3_000, 1_999, 0, 1_900), Ok((5_997, 1_139, 7_136)));
        assert_eq!(amounts(1_500, 333, 1_000, 700), Ok((450, 32, 482)), "449.55 and 31.5");
        assert_eq!(amounts(500, 1, 0, 0), Ok((1, 0, 1)), "half a cent is one");
        assert_eq!(amounts(499, 1, 0, 0), Ok((0, 0, 0)));
        assert_eq!(amounts(500, -1, 0, 0), Ok((-1, 0, -1)), "and back");
        assert_eq!(amounts(1_000, -10, 0, 500), Ok((-10, -1, -11)));
        assert_eq!(amounts(1_000, 100, 10_000, 1_900), Ok((0, 0, 0)), "for nothing");
        assert_eq!(amounts(1_000, 100, 0, 10_000), Ok((100, 100, 200)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(amounts(1_000, i64::MAX, 0, 0), Ok((i64::MAX, 0, i64::MAX)));
        assert_eq!(amounts(1_001, i64::MAX, 0, 0), Err(TooLarge));
        assert_eq!(amounts(1_000, i64::MAX, 0, 1), Err(TooLarge));
        assert_eq!(amounts(u64::MAX, i64::MAX, 0, 10_000), Err(TooLarge));
        assert_eq!(amounts(u64::MAX, i64::MIN, 0, 10_000), Err(TooLarge));
        let most = Amounts { net_minor: i64::MAX, tax_minor: 0, gross_minor: i64::MAX };
        let one = Amounts { net_minor: 1, tax_minor: 0, gross_minor: 1 };
        assert_eq!([most, one].into_iter().total(), Err(TooLarge));
        assert_eq!([most].into_iter().total(), Ok(most));
    }
}
