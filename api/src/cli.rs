//! The command line of `lethe`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use events::keyring::AnchorSettings;

use crate::config::Flags;
use crate::local::leave::Step;
use crate::restore::Losses;

/// An event-sourced CRM backend that can prove everything it did and forget anyone it must.
#[derive(Parser)]
#[command(name = "lethe", version)]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serves a ledger; makes one where there is none
    Serve(Serve),
    /// Brings contacts in from a file
    #[command(subcommand)]
    Import(Import),
    /// Access tokens
    #[command(subcommand)]
    Token(Token),
    /// Opens and checks everything in a data directory at rest: every record, and every sealed part that has a live key
    Verify {
        #[command(flatten)]
        data: Data,
    },
    /// Makes a backup of the log, with the server running or at rest: never of a key. A second run into the same directory
    /// takes the first one's place
    Backup(Backup),
    /// Writes everything that can still be read into plain files, with the audit copy. It is recorded. Needs an access token of a
    /// DPO or an admin in LETHE_TOKEN
    Export {
        /// The directory, which is made, outside the data directory
        dir: PathBuf,
        #[command(flatten)]
        data: Data,
    },
    /// A controller leaves: behind two people's word and a wait every key of the ledger is destroyed, for good
    #[command(subcommand)]
    Leave(Leave),
    /// Puts a backup back, or lets a log go on whose journal was put back by hand: under another origin
    Restore {
        /// The backup; without one it is the journal that lies in the data directory
        backup: Option<PathBuf>,
        /// The data directory
        #[arg(long, value_name = "DIR", default_value = "lethe-data")]
        data: PathBuf,
        /// What its checkpoints will be signed for from here on: a name that was never used for this log
        #[arg(long, value_name = "NAME")]
        origin: String,
        #[command(flatten)]
        losses: Losses,
    },
    /// The ledger's clock
    #[command(subcommand)]
    Clock(Clock),
    /// What the register says is over
    #[command(subcommand)]
    Retention(Retention),
    /// The keys
    #[command(subcommand)]
    Keyring(Keyring),
    /// Prints the GraphQL schema
    Schema,
}

/// The longest cooling-off: a year.
const HOURS_MOST: i64 = 366 * 24;

/// Which ledger.
#[derive(Args, Clone, Debug)]
pub struct Data {
    /// The data directory
    #[arg(long = "data", value_name = "DIR", default_value = "lethe-data")]
    pub path: PathBuf,
    #[command(flatten)]
    pub founder: Founder,
}

/// What a new ledger is made with.
#[derive(Args, Clone, Debug)]
pub struct Founder {
    /// Whose data a new ledger holds
    #[arg(long, value_name = "NAME", default_value = "The controller")]
    pub controller: String,
    /// What a new ledger's checkpoints are signed for
    #[arg(long, value_name = "NAME", default_value = "lethe.local/log")]
    pub origin: String,
    /// A new ledger is one for tests, for ever: its first record says so, and only such a one may go without a cooling-off
    #[arg(long)]
    pub test: bool,
}

#[derive(Args)]
pub struct Serve {
    /// The data directory; lethe-data, or lethe-demo with --demo, where it is not said
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A demo ledger with invented people, and tokens printed at the start
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub founder: Founder,
    /// How many hours an approved erasure waits, fenced, before its keys are destroyed: 24 where it is not said, 0 with
    /// --demo; 0 is refused without --demo or --test; proofs of consent, claims and fiscal data wait for 24 at least, outside a demo
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(..=HOURS_MOST))]
    pub cooling_off: Option<u32>,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Subcommand)]
pub enum Import {
    /// Contacts and their organizations from a CSV file
    Contacts(ImportContacts),
}

#[derive(Args)]
pub struct ImportContacts {
    /// The file
    pub file: PathBuf,
    #[command(flatten)]
    pub data: Data,
    /// A TOML file that says which column is what
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// What the system that the file comes from is called; the file's name where it is not said
    #[arg(long)]
    pub source: Option<String>,
    /// Why these people are held: contract, enquiry, consent, legitimate-interest or legal-duty; contract where it is not said
    #[arg(long)]
    pub reason: Option<String>,
    /// Applies what has changed since an earlier import
    #[arg(long)]
    pub update: bool,
    /// Where the rows go that were not taken
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// The TOML file with the settings of this installation, for the fields it does not keep; a server that runs goes by
    /// its own
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Says what would happen and changes nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Backup {
    /// The backup's directory: empty, or with an earlier backup of this log, and outside the data directory
    pub dir: PathBuf,
    #[command(flatten)]
    pub data: Data,
    /// Where the backup lies, in a word of lower-case letters, digits and hyphens; it is recorded
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// For how many days it is kept. Certificates of erasures say that day, so remove it by then
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub keep_days: u16,
}

#[derive(Subcommand)]
pub enum Token {
    /// Issues a token to somebody in a role, who is registered where there is nobody of this name in it
    Issue {
        #[command(flatten)]
        data: Data,
        /// agent, integration, dpo, auditor or admin
        #[arg(long)]
        role: String,
        /// The name to show
        #[arg(long)]
        name: String,
        /// For how many days; 90 where it is not said
        #[arg(long)]
        days: Option<u16>,
    },
    /// Lists all tokens
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Revokes a token: the next request with it is refused
    Revoke {
        #[command(flatten)]
        data: Data,
        /// Its id, token_…
        token: String,
    },
}

#[derive(Subcommand)]
pub enum Clock {
    /// Says that the machine's clock is right, so that appends go on; it is a record
    Confirm {
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Subcommand)]
pub enum Retention {
    /// Fences what is over, so that nobody reads or writes it, and lists what waits for a second person; destroys nothing.
    /// With an access token of a DPO in LETHE_TOKEN it is run in that person's name
    Run {
        #[command(flatten)]
        data: Data,
        /// Lists what is over and changes nothing
        #[arg(long)]
        dry_run: bool,
        /// How many hours what is fenced waits before it is destroyed; a server that runs goes by its own
        #[arg(long, value_name = "HOURS", default_value = "24", value_parser = clap::value_parser!(u32).range(..=HOURS_MOST))]
        cooling_off: u32,
    },
    /// Confirms that what was fenced is over, and destroys it when its cooling-off has passed. Needs an access token of a DPO
    /// in LETHE_TOKEN, who is not whoever ran it
    Confirm {
        #[command(flatten)]
        data: Data,
        /// Which, erasure_…
        #[arg(required_unless_present_any = ["all", "timestamp"], conflicts_with_all = ["all", "timestamp"])]
        erasures: Vec<String>,
        /// All that waits
        #[arg(long)]
        all: bool,
        /// A time-stamping authority's token (RFC 3161), less than a day old, for a checkpoint of this log. It confirms all
        /// that waits and is over by that time too. Where the settings of the server that runs name the authority, any DPO
        /// may bring it; else only a second one, who trusts that authority
        #[arg(long, value_name = "FILE", conflicts_with = "all", requires = "checkpoint")]
        timestamp: Option<PathBuf>,
        /// The checkpoint that the token stamps
        #[arg(long, value_name = "FILE", requires = "timestamp")]
        checkpoint: Option<PathBuf>,
        /// The certificate (PEM or DER) of the authority, or of who issued it, where the server's settings do not name it
        #[arg(long, value_name = "FILE", requires = "timestamp")]
        certificate: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum Leave {
    /// Asks for it. Needs an export before, and an access token of a DPO in LETHE_TOKEN, as the other steps do
    Request {
        #[command(flatten)]
        data: Data,
        /// Why: contract-over, other-system, dissolved or trial-over
        #[arg(long)]
        reason: String,
        /// Says that the data was returned otherwise than by an export
        #[arg(long)]
        returned_otherwise: bool,
    },
    /// Agrees, by another DPO than the one who asked. From then on the ledger takes no changes
    Approve {
        #[command(flatten)]
        data: Data,
        /// How many hours it waits; a server that runs goes by its own, and outside a demo it is 24 at least
        #[arg(long, value_name = "HOURS", default_value = "24")]
        cooling_off: u32,
    },
    /// Takes it back: everything is as before
    Withdraw {
        #[command(flatten)]
        data: Data,
    },
    /// Has it done, when the wait is over. There is no way back
    Order {
        #[command(flatten)]
        data: Data,
    },
    /// Says how far it is
    Status {
        #[command(flatten)]
        data: Data,
    },
}

impl Leave {
    /// Which ledger, and what is wanted.
    pub fn order(self) -> (Data, Step) {
        match self {
            Self::Request { data, reason, returned_otherwise } => {
                (data, Step::Request { reason: reason.to_uppercase().replace('-', "_"), returned_otherwise })
            }
            Self::Approve { data, cooling_off } => (data, Step::Approve { cooling_off }),
            Self::Withdraw { data } => (data, Step::Withdraw),
            Self::Order { data } => (data, Step::Order),
            Self::Status { data } => (data, Step::Status),
        }
    }
}

#[derive(Subcommand)]
pub enum Keyring {
    /// Says where the keys of a ledger will lie that is yet to be made, and what holds their root
    Init {
        /// The data directory
        #[arg(long, value_name = "DIR", default_value = "lethe-data")]
        data: PathBuf,
        /// What holds the root: file, file:DIR, or
        /// pkcs11:library=FILE,label=NAME|serial=NUMBER,pin-file=FILE|pin-env=NAME; several are members of one anchor
        #[arg(long, value_name = "ANCHOR", required = true)]
        anchor: Vec<AnchorSettings>,
        /// A directory for a copy of the keys; keyring and keyring.copy in the data directory where none is said
        #[arg(long, value_name = "DIR")]
        copy: Vec<PathBuf>,
    },
    /// Says what holds the root, what destroying it is worth, and how many keys there are; it shows no key
    Status {
        #[command(flatten)]
        data: Data,
    },
    /// Destroys the retired keys, with a new root and a new way to them; no other key goes
    Rotate {
        #[command(flatten)]
        data: Data,
    },
    /// Moves the keys to another anchor: new roots there, and none left in the old one. No server may run
    Move {
        /// The data directory
        #[arg(long, value_name = "DIR", default_value = "lethe-data")]
        data: PathBuf,
        /// What is to hold the root, spelt as for init; several are members of one anchor
        #[arg(long, value_name = "ANCHOR", required = true)]
        to: Vec<AnchorSettings>,
    },
    /// Lists the keys that wait since a restore, because no record names them any more; two people destroy them, each with an
    /// access token of a DPO or an admin in LETHE_TOKEN
    Confirm {
        #[command(flatten)]
        data: Data,
        /// Says that no newer log exists anywhere, which is a record, and destroys them when another person has said so
        #[arg(long)]
        destroy: bool,
    },
    /// Declares the keys lost that the log names and the keyring does not know, so that the log is read without what they
    /// sealed; it is a record
    DeclareLost {
        #[command(flatten)]
        data: Data,
        /// Where there is no keyring at all: makes a new one, and destroys the root of the old one
        #[arg(long)]
        all: bool,
        /// Where there is one that never opens again, since its root is gone or no header is left: gives its copies another name
        #[arg(long, requires = "all")]
        put_aside: bool,
        /// Instead, the suppression list: begins an empty one where it is gone from every copy
        #[arg(long, conflicts_with = "all")]
        list: bool,
    },
    /// Destroys the keys anew that an older keyring brought back although the log says that they were destroyed
    DestroyAgain {
        #[command(flatten)]
        data: Data,
    },
    /// Copies the newer whole copy of the keyring over one that is missing, behind or damaged
    Repair {
        #[command(flatten)]
        data: Data,
        /// Goes on with an older copy that is whole where a newer one is damaged, which is put aside
        #[arg(long)]
        older: bool,
    },
}
