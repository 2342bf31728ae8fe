//! What a demo server says when it starts: its address, a token for each role, and how to verify it from outside.

use std::fmt::Write as _;
use std::net::SocketAddr;

use domain::actor::{Role, TokenState};

use crate::app::App;
use crate::tokens::{self, Issued, TokenError};

/// The people of the demo who get a token at each start. Two data protection officers, because one asks and one approves.
const PEOPLE: [(&str, Role); 6] = [
    ("agent", Role::Agent),
    ("integration", Role::Integration),
    ("dpo", Role::Dpo),
    ("dpo 2", Role::Dpo),
    ("auditor", Role::Auditor),
    ("admin", Role::Admin),
];

/// A token of the demo, and whom it is for.
pub struct Told {
    /// As the welcome calls them.
    pub who: &'static str,
    /// The token.
    pub issued: Issued,
}

/// Revokes what an earlier start left (it was told to nobody who should still have it), and issues a token for each.
pub fn tokens(app: &App) -> Result<Vec<Told>, TokenError> {
    for old in tokens::list(app).into_iter().filter(|token| token.state == TokenState::Live) {
        tokens::revoke(app, old.actor, old.token)?;
    }
    let mut taken = Vec::new();
    let mut told = Vec::new();
    for (who, role) in PEOPLE {
        let known = {
            let views = app.ledger().views();
            let mut actors = views.actors().filter(|actor| actor.acts() && actor.facts.roles.contains(&role));
            actors.find(|actor| !taken.contains(&actor.id)).map(|actor| actor.id)
        };
        let actor = match known {
            Some(actor) => actor,
            None => tokens::actor_for(app, None, role, &format!("Demo {who}"))?,
        };
        taken.push(actor);
        told.push(Told { who, issued: tokens::issue(app, actor, actor, None)? });
    }
    Ok(told)
}

/// The tokens of this start die with it.
pub fn revoke(app: &App, told: &[Told]) {
    for Told { issued, .. } in told {
        if let Err(failed) = tokens::revoke(app, issued.actor, issued.token) {
            tracing::error!(error = %failed, "a token of the demo was not revoked; the next start does it");
        }
    }
}

/// What is printed.
pub fn text(address: SocketAddr, told: &[Told]) -> String {
    let mut text = format!("the tour: http://{address}/   GraphQL: http://{address}/graphql\n");
    for Told { who, issued } in told {
        let _ = writeln!(text, "{who:<12} {}", issued.text);
    }
    let auditor = told.iter().find(|told| told.who == "auditor").map_or("", |told| told.issued.text.as_str());
    let audit = "cargo run --quiet --release --package replay --bin lethe-audit --";
    let _ = writeln!(
        text,
        "verify it from a second terminal:\n{audit} copy --server http://{address} --token {auditor} lethe-audit-copy && \
         {audit} verify lethe-audit-copy"
    );
    text
}
