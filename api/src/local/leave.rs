//! `lethe leave`: the steps of a controller that leaves, each by a data protection officer.

use domain::actor::Role;
use domain::leaving::{LeaveOrder, LeaveReason, LeaveStage};
use domain::subject::AnchorLevel;
use events::ledger::{Appended, LeaveError};
use events::log::Log as _;
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::app::App;
use crate::http::auth::Authenticate as _;

/// What is wanted.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Asks for it.
    Request {
        /// Why, as a record names it.
        reason: String,
        /// That the data was returned otherwise than by an export.
        returned_otherwise: bool,
    },
    /// Agrees.
    Approve {
        /// How many hours it waits, where no server says so.
        cooling_off: u32,
    },
    /// Takes it back.
    Withdraw,
    /// Has it done.
    Order,
    /// Says how far it is.
    Status,
}

impl Step {
    /// Whether it changes nothing.
    pub fn is_a_look(&self) -> bool {
        matches!(self, Self::Status)
    }
}

/// Takes a step in the name of the bearer of a token, and says how far it is then.
pub(super) fn run(app: &App, step: &Step, token: &str, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    if step.is_a_look() {
        status(app).into_iter().map(Reply::Say).for_each(told);
        return Ok(());
    }
    let viewer = app.viewer(token).map_err(|refused| refused.to_string())?;
    if !viewer.is(Role::Dpo) {
        return Err("only a data protection officer may do this".into());
    }
    let by = viewer.actor;
    let words = |failed: LeaveError| failed.to_string();
    let said = match step {
        Step::Request { reason, returned_otherwise } => {
            let reason = LeaveReason::named(reason)
                .ok_or("there is no such reason: contract-over, other-system, dissolved or trial-over")?;
            recorded(&app.request_leave(by, reason, *returned_otherwise).map_err(words)?)
        }
        Step::Approve { .. } => recorded(&app.approve_leave(by).map_err(words)?),
        Step::Withdraw => recorded(&app.withdraw_leave(by).map_err(words)?),
        Step::Order => {
            let last = app.order_leave(by).map_err(words)?;
            format!(
                "Record {} certifies that every key is destroyed. It is the last one: keep the head.",
                last.position
            )
        }
        Step::Status => String::new(),
    };
    told(Reply::Say(said));
    status(app).into_iter().map(Reply::Say).for_each(told);
    Ok(())
}

fn recorded(appended: &Appended) -> String {
    format!("It is record {}.", appended.position)
}

fn status(app: &App) -> Vec<String> {
    let leave = app.ledger().leaving();
    let head = app.ledger().log().head();
    let export = match leave.export {
        Some(position) => {
            format!("The last export is record {position}; {} records came behind it.", head.size - position - 1)
        }
        None => "Nothing was ever exported.".to_owned(),
    };
    let stage = match &leave.stage {
        LeaveStage::Stays => "Nobody has asked that this controller leave.".to_owned(),
        LeaveStage::Requested { by, reason } => {
            format!(
                "{by} has asked that this controller leave ({}); another data protection officer must approve it.",
                reason.name()
            )
        }
        LeaveStage::Approved { from, .. } => format!(
            "It is approved, and the ledger takes no changes. From {from} on `lethe leave order` destroys every key; until then \
             `lethe leave withdraw` leads back."
        ),
        LeaveStage::Ordered(LeaveOrder { keys, .. }) => {
            format!("The destruction of {keys} keys is ordered and not over: `lethe leave order` goes on with it.")
        }
        LeaveStage::Left { level, .. } => {
            let logical = if *level == AnchorLevel::A0 {
                "logical only: whoever kept a copy of the root and the keyring can bring back what was destroyed"
            } else {
                "no root is left in the anchor, without a successor"
            };
            let head = events::chain::Head { size: head.size, hash: head.hash };
            return vec![format!("Every key is destroyed, at level {level:?}: {logical}."), format!("head {head}")];
        }
    };
    vec![export, stage]
}
