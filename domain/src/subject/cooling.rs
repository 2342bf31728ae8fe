//! The cooling-off: how long a fenced erasure waits before its destruction may be ordered, so that a mistake is found while
//! the data is still there.

use crate::compartment::Compartment;
use crate::time::Time;

/// What decides how long a fence waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoolingOff {
    /// How long this installation waits, in milliseconds.
    pub asked_ms: i64,
    /// Whether the ledger was founded as a demo: only there is nothing the least.
    pub is_demo: bool,
}

impl CoolingOff {
    /// None at all, as only a demo or a test has it.
    pub const NONE: Self = Self { asked_ms: 0, is_demo: true };

    /// The least for what proves something, in milliseconds: a day.
    pub const LEAST_MS: i64 = Time::DAY_MS;

    /// How long a fence of these compartments waits, in milliseconds. Proofs of consent, claims and vouchers cannot be had
    /// again from anybody, so outside a demo they wait for a day at least.
    pub fn ms(self, compartments: &[Compartment]) -> i64 {
        let least = if !self.is_demo && compartments.iter().any(proves) { Self::LEAST_MS } else { 0 };
        self.asked_ms.max(least)
    }
}

fn proves(compartment: &Compartment) -> bool {
    matches!(compartment, Compartment::ConsentProof | Compartment::Claims | Compartment::Fiscal(..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compartment::Country;

    #[test]
    fn what_proves_something_waits_a_day_outside_a_demo() {
        let relationship = Compartment::Relationship;
        let day = Time::DAY_MS;
        let proofs = [Compartment::ConsentProof, Compartment::Claims, Compartment::Fiscal(Country(*b"DE"), 2026)];
        let others = [relationship, Compartment::Support(2026), Compartment::Sales(2026)];
        for (asked_ms, is_demo, of_proofs, of_others) in [
            (0, true, 0, 0),
            (0, false, day, 0),
            (5, false, day, 5),
            (5, true, 5, 5),
            (2 * day, false, 2 * day, 2 * day),
        ] {
            let wait = CoolingOff { asked_ms, is_demo };
            for proof in proofs {
                assert_eq!(wait.ms(&[relationship, proof]), of_proofs, "{wait:?} {proof}");
            }
            assert_eq!(wait.ms(&others), of_others, "{wait:?}");
        }
    }
}
