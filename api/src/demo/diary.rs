//! What happens when: commands are written down with the time at which they were given, and carried out in its order, many
//! at a time where they are close together.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use domain::aggregate::Aggregate;
use domain::event::Follow;
use domain::id::{ActorId, CaseId, ErasureId, RegisterId};
use domain::time::Time;
use domain::{actor, consent, contact, notice, organization, quote, register, subject, ticket};
use events::ledger::{Fresh, Intent, Ledger};

use super::DemoError;

/// How far apart the first and the last command of a round may be. Less than a day, so that none reads as recorded late.
const ROUND_MS: i64 = Time::DAY_MS / 2;
/// How many commands a round may have.
const ROUND: usize = 1_024;

/// What will happen.
pub struct Diary {
    pages: BinaryHeap<Page>,
    written: u64,
    end: Time,
    /// How far the story is told; the ledger's clock never goes back.
    told: Time,
}

/// One command and when it is given. Pages are ordered by time; those of one time as they were written.
struct Page {
    at: Time,
    number: u64,
    act: Act,
}

/// A command about one stream.
pub struct Deed<A: Aggregate> {
    id: [u8; 16],
    actor: ActorId,
    command: A::Command,
}

/// A second person approves an erasure, and it is carried out.
pub struct Erase {
    /// Where retention stands.
    pub register: RegisterId,
    /// Whose case.
    pub case: CaseId,
    /// Which request.
    pub erasure: ErasureId,
}

macro_rules! acts {
    ($($name:ident $list:ident: $aggregate:ty,)*) => {
        /// A command about a stream of any kind, or an erasure.
        pub enum Act {
            $(
                /// Of this kind.
                $name(Box<Deed<$aggregate>>),
            )*
            /// By whom, and of whom.
            Erase(ActorId, Erase),
        }

        $(impl From<Deed<$aggregate>> for Act {
            fn from(deed: Deed<$aggregate>) -> Self {
                Self::$name(Box::new(deed))
            }
        })*

        /// Commands, kind by kind, so that what others refer to comes first.
        #[derive(Default)]
        struct Round {
            size: usize,
            $($list: Vec<Intent<$aggregate>>,)*
        }

        impl Round {
            fn take(&mut self, at: Time, act: Act) -> Result<(), DemoError> {
                self.size += 1;
                match act {
                    $(Act::$name(deed) => self.$list.push(deed.intent(at)?),)*
                    Act::Erase(..) => {}
                }
                Ok(())
            }

            fn carry_out<V: Follow>(&self, ledger: &Ledger<V>) -> Result<(), DemoError> {
                $(submit(ledger, &self.$list)?;)*
                Ok(())
            }
        }
    };
}

acts! {
    Actor actors: actor::Actor,
    Register registers: register::Register,
    Notice notices: notice::Notice,
    Organization organizations: organization::Organization,
    Contact contacts: contact::Contact,
    Consents consents: consent::Consents,
    Case cases: subject::Case,
    Ticket tickets: ticket::Ticket,
    Quote quotes: quote::Quote,
}

impl Diary {
    /// An empty one. What would happen later than its end never happens.
    pub fn until(end: Time) -> Self {
        Self { pages: BinaryHeap::new(), written: 0, end, told: Time(i64::MIN) }
    }

    /// Somebody will give this command.
    pub fn write<A: Aggregate>(&mut self, at: Time, actor: ActorId, id: [u8; 16], command: A::Command)
    where
        Act: From<Deed<A>>,
    {
        self.put(at, Deed::<A> { id, actor, command }.into());
    }

    /// Somebody will approve an erasure.
    pub fn erase(&mut self, at: Time, actor: ActorId, erase: Erase) {
        self.put(at, Act::Erase(actor, erase));
    }

    /// Carries out all that happens until then.
    pub fn carry_out<V: Follow>(&mut self, ledger: &Ledger<V>, until: Time) -> Result<(), DemoError> {
        while let Some(Page { at, act, .. }) = self.next(until) {
            match act {
                Act::Erase(actor, erase) => {
                    self.tell(ledger, at);
                    erase.carry_out(ledger, actor)?;
                }
                act => self.round(ledger, at, act, until)?,
            }
        }
        Ok(())
    }

    fn round<V: Follow>(&mut self, ledger: &Ledger<V>, first: Time, act: Act, until: Time) -> Result<(), DemoError> {
        let mut round = Round::default();
        let mut last = first;
        round.take(first, act)?;
        let until = until.min(first.plus_ms(ROUND_MS));
        while round.size < ROUND
            && let Some(next) = self.pages.peek()
            && !matches!(next.act, Act::Erase(..))
            && let Some(Page { at, act, .. }) = self.next(until)
        {
            last = at;
            round.take(at, act)?;
        }
        self.tell(ledger, last);
        round.carry_out(ledger)
    }

    fn tell<V: Follow>(&mut self, ledger: &Ledger<V>, at: Time) {
        self.told = self.told.max(at);
        ledger.clock().set(self.told);
    }

    fn put(&mut self, at: Time, act: Act) {
        if at <= self.end {
            self.pages.push(Page { at, number: self.written, act });
            self.written += 1;
        }
    }

    fn next(&mut self, until: Time) -> Option<Page> {
        if self.pages.peek()?.at > until { None } else { self.pages.pop() }
    }
}

impl<A: Aggregate> Deed<A> {
    fn intent(self, at: Time) -> Result<Intent<A>, DemoError> {
        let Self { id, actor, command } = self;
        let mut fresh = Fresh::new();
        let command_id = fresh.id()?;
        let (reads, keys) = (Vec::new(), Vec::new());
        Ok(Intent { id, command, command_id, actor, effective_at: Some(at), expected: None, reads, keys, fresh })
    }
}

impl Erase {
    fn carry_out<V: Follow>(&self, ledger: &Ledger<V>, actor: ActorId) -> Result<(), DemoError> {
        let Self { register, case, erasure } = *self;
        let deed = Deed::<subject::Case> { id: case.0, actor, command: subject::Command::Approve { erasure } };
        let approval = deed.intent(ledger.clock().now())?;
        ledger.approve_erasure(register, case, erasure, &approval, subject::CoolingOff::NONE)?;
        let (_, state) = ledger.state::<subject::Case>(&case.0)?;
        let keys = state.open_erasure().map(|open| open.keys.clone()).unwrap_or_default();
        ledger.destroy_fenced(register, case, erasure, actor)?;
        ledger.sweep(&keys)?;
        Ok(())
    }
}

fn submit<V: Follow, A: Aggregate>(ledger: &Ledger<V>, intents: &[Intent<A>]) -> Result<(), DemoError> {
    for done in ledger.submit_all_blocking(intents) {
        done.map_err(|refused| DemoError::Refused { stream: A::KIND.name(), why: refused.to_string() })?;
    }
    Ok(())
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Page {}

impl PartialOrd for Page {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The heap gives its greatest first, and that is the earliest.
impl Ord for Page {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}
