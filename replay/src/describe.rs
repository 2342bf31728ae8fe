//! What a fact says to somebody without keys: its kind and its facts by name, as the trail shows them. Nothing personal is
//! among them, because nothing personal can be read here.

use domain::consent::{self, About, Scope, Way};
use domain::event::Event;
use domain::export::Exported;
use domain::holding::{Holding, HoldingChange};
use domain::id::ErasureId;
use domain::leaving::{LeaveOrder, Leaving};
use domain::notice::{self, Shown};
use domain::profile::Change;
use domain::register::Rule;
use domain::subject::{self, redaction};
use domain::suppression::{Dropped, Suppression};
use domain::{actor, anchor, contact, document, ledger, organization, quote, register, ticket};
use serde_json::{Value, json};

/// Facts by name, in the order they are told.
pub type Facts = Vec<(&'static str, Value)>;

/// The kind of a fact and what it says.
pub fn describe(event: &Event) -> (&'static str, Facts) {
    match event {
        Event::Log(event) => log(event),
        Event::Contact(event) => contact(event),
        Event::Organization(event) => organization(event),
        Event::Case(event) => case(event),
        Event::Ticket(event) => ticket(event),
        Event::Quote(event) => quote(event),
        Event::Actor(event) => actor(event),
        Event::Consents(event) => consents(&event.fact),
        Event::Notice(event) => notice(event),
        Event::Register(event) => register(event),
        Event::Anchor(event) => anchor(event),
        Event::Document(document::Event::Attached { .. }) => ("attached", Vec::new()),
    }
}

fn log(event: &ledger::Event) -> (&'static str, Facts) {
    match event {
        ledger::Event::Opened { log, controller, origin, demo } => (
            "opened",
            vec![
                ("log", text(log)),
                ("controller", json!(controller)),
                ("origin", json!(origin)),
                ("demo", json!(demo)),
            ],
        ),
        ledger::Event::ClockConfirmed { now } => ("clock confirmed", vec![("now", text(now))]),
        ledger::Event::Reopened => ("opened again", Vec::new()),
        ledger::Event::NothingNewer { count, digest } => {
            ("no newer log exists", vec![("keys that wait", json!(count)), ("digest", json!(hex(digest)))])
        }
        ledger::Event::KeysLost { keys } => ("keys lost", vec![("keys", list(keys))]),
        ledger::Event::ErasedBefore { keys, epoch } => {
            ("erased before the restore", vec![("keys", list(keys)), ("epoch", json!(epoch))])
        }
        ledger::Event::Mapped { size, streams, root } => (
            "map of stream heads",
            vec![("size", json!(size)), ("streams", json!(streams)), ("root", json!(hex(root)))],
        ),
        ledger::Event::SignerNamed { algorithm, public_key, name } => (
            "signer named",
            vec![("algorithm", json!(algorithm.name())), ("public key", json!(hex(public_key))), ("name", json!(name))],
        ),
        ledger::Event::Continued(continued) => ("continued", continued_facts(continued)),
        ledger::Event::BackedUp(run) => (
            "backed up",
            vec![
                ("backup", text(&run.backup)),
                ("records", json!(run.size)),
                ("replaces records", json!(run.replaces)),
                ("region", run.region.as_ref().map_or(Value::Null, |region| json!(region.as_str()))),
                ("kept until", text(&run.until)),
            ],
        ),
        ledger::Event::Suppressed(Suppression { act, reason, purposes }) => (
            "suppression list changed",
            vec![("act", json!(act.name())), ("reason", json!(reason.name())), ("purposes", list(purposes))],
        ),
        ledger::Event::Dropped(Dropped { place, purpose, count }) => (
            "dropped by the suppression list",
            vec![
                ("place", json!(place.name())),
                ("purpose", purpose.as_ref().map_or(Value::Null, text)),
                ("count", json!(count)),
            ],
        ),
        ledger::Event::Exported(exported) => ("exported", exported_facts(exported)),
        ledger::Event::Leaving(step) => leaving(step),
    }
}

fn leaving(step: &Leaving) -> (&'static str, Facts) {
    match step {
        Leaving::Requested { reason, export } => (
            "asked that the controller leave",
            vec![("reason", json!(reason.name())), ("export", export.map_or(Value::Null, |position| json!(position)))],
        ),
        Leaving::Approved { from } => ("approved that the controller leave", vec![("not before", text(from))]),
        Leaving::Withdrawn => ("the controller stays", Vec::new()),
        Leaving::Ordered(LeaveOrder { keys, epoch, level, members }) => (
            "destruction of every key ordered",
            vec![
                ("keys", json!(keys)),
                ("epoch", json!(epoch)),
                ("level", json!(level.name())),
                ("members", list(members)),
            ],
        ),
        Leaving::Certified { epoch, level } => {
            ("destruction of every key certified", vec![("epoch before", json!(epoch)), ("level", json!(level.name()))])
        }
    }
}

fn exported_facts(exported: &Exported) -> Facts {
    vec![
        ("of records", json!(exported.size)),
        ("BLAKE3 of export.json", json!(hex(&exported.digest))),
        ("contacts", json!(exported.contacts)),
        ("organizations", json!(exported.organizations)),
        ("tickets", json!(exported.tickets)),
        ("quotes", json!(exported.quotes)),
        ("consents", json!(exported.consents)),
        ("documents", json!(exported.documents)),
        ("notices", json!(exported.notices)),
        ("actors", json!(exported.actors)),
        ("erasures", json!(exported.erasures)),
        ("holds", json!(exported.holds)),
    ]
}

fn anchor(event: &anchor::Event) -> (&'static str, Facts) {
    match event {
        anchor::Event::Declared { device, serial, by } => (
            "declared to hold the root alone",
            vec![("device", json!(device.as_str())), ("serial", json!(serial.as_str())), ("by", text(by))],
        ),
        anchor::Event::Confirmed => ("declaration confirmed", Vec::new()),
        anchor::Event::Withdrawn => ("declaration withdrawn", Vec::new()),
    }
}

fn continued_facts(continued: &ledger::Continued) -> Facts {
    let checkpoint = continued.checkpoint;
    vec![
        ("log", text(&continued.log)),
        ("old log", text(&continued.old_log)),
        ("origin", json!(continued.origin)),
        ("old origin", json!(continued.old_origin)),
        ("restored records", json!(continued.restored.size)),
        ("restored root", json!(hex(&continued.restored.root))),
        ("last known checkpoint", checkpoint.map_or(Value::Null, |known| json!(known.size))),
        ("its root", checkpoint.map_or(Value::Null, |known| json!(hex(&known.root)))),
        ("algorithm", json!(continued.algorithm.name())),
        ("public key", json!(hex(&continued.public_key))),
    ]
}

fn contact(event: &contact::Event) -> (&'static str, Facts) {
    match event {
        contact::Event::Registered { holding, .. } => ("registered", holding_facts(holding)),
        contact::Event::Changed { cause, holding, .. } => {
            let mut facts = vec![("cause", json!(cause.name()))];
            facts.extend(holding_changes(holding));
            ("changed", facts)
        }
        contact::Event::PointAdded { .. } => ("contact point added", Vec::new()),
        contact::Event::PointRetired { .. } => ("contact point retired", Vec::new()),
    }
}

fn organization(event: &organization::Event) -> (&'static str, Facts) {
    match event {
        organization::Event::Registered { holding, .. } => ("registered", holding_facts(holding)),
        organization::Event::Changed { cause, holding, .. } => {
            let mut facts = vec![("cause", json!(cause.name()))];
            facts.extend(holding_changes(holding));
            ("changed", facts)
        }
        organization::Event::PointAdded { .. } => ("contact point added", Vec::new()),
        organization::Event::PointRetired { .. } => ("contact point retired", Vec::new()),
    }
}

fn case(event: &subject::Event) -> (&'static str, Facts) {
    let of = |erasure| vec![("erasure", text(erasure))];
    match event {
        subject::Event::Opened { kind, .. } => ("opened", vec![("kind of subject", json!(kind.name()))]),
        subject::Event::Linked { .. } => ("linked", Vec::new()),
        subject::Event::Unlinked { .. } => ("unlinked", Vec::new()),
        subject::Event::Disclosed { disclosure, .. } => (
            "disclosed",
            vec![
                ("disclosure", text(&disclosure.id)),
                ("digest", json!(hex(&disclosure.digest))),
                ("opened parts", json!(disclosure.parts)),
                ("gone by", option(disclosure.until.as_ref())),
            ],
        ),
        subject::Event::HoldPlaced { hold, compartments, review_on, by, .. } => (
            "hold placed",
            vec![
                ("hold", text(hold)),
                ("compartments", if compartments.is_empty() { json!("all") } else { list(compartments) }),
                ("review on", text(review_on)),
                ("placed by", text(by)),
            ],
        ),
        subject::Event::HoldApproved { hold } => ("hold approved", vec![("hold", text(hold))]),
        subject::Event::HoldLiftRequested { hold, by } => {
            ("lift of a hold requested", vec![("hold", text(hold)), ("requested by", text(by))])
        }
        subject::Event::HoldLifted { hold } => ("hold lifted", vec![("hold", text(hold))]),
        subject::Event::Redaction(event) => redaction(event),
        subject::Event::ErasureRequested { erasure, asked, by, due, .. } => (
            "erasure requested",
            vec![
                ("erasure", text(erasure)),
                ("ground", json!(asked.ground.name())),
                ("asked", json!(asked.how.name())),
                ("asked on", text(&asked.on)),
                ("identity", json!(asked.identity.name())),
                ("identity checked on", text(&asked.identity_on)),
                ("requested by", text(by)),
                ("due", text(due)),
            ],
        ),
        subject::Event::ErasureWithdrawn { erasure } => ("erasure request withdrawn", of(erasure)),
        subject::Event::ErasureRefused { erasure, ground, .. } => {
            ("erasure refused", vec![("erasure", text(erasure)), ("ground", json!(ground.name()))])
        }
        subject::Event::ErasureApproved { erasure } => ("erasure approved", of(erasure)),
        subject::Event::RetentionOver { erasure, by, on, over } => (
            "retention over",
            vec![("erasure", text(erasure)), ("found by", text(by)), ("found on", text(on)), ("over", survivors(over))],
        ),
        subject::Event::RetentionConfirmed { erasure, confirmed } => {
            ("retention confirmed", [of(erasure), confirmed_by(confirmed)].concat())
        }
        subject::Event::Fenced { erasure, compartments, keys, .. } => {
            ("fenced", vec![("erasure", text(erasure)), ("compartments", list(compartments)), ("keys", list(keys))])
        }
        subject::Event::CoolingOffSet { erasure, until } => {
            ("cooling-off set", vec![("erasure", text(erasure)), ("not destroyed before", text(until))])
        }
        subject::Event::Unfenced { erasure, ground, keys, .. } => {
            ("unfenced", vec![("erasure", text(erasure)), ("ground", json!(ground.name())), ("keys", list(keys))])
        }
        subject::Event::DestructionOrdered { erasure, keys, epoch_before } => (
            "destruction ordered",
            vec![("erasure", text(erasure)), ("keys", list(keys)), ("epoch before", json!(epoch_before))],
        ),
        subject::Event::Certified { erasure, certificate } => ("certified", certificate_facts(erasure, certificate)),
        subject::Event::DeliveryAddressGiven { erasure, .. } => ("delivery address given", of(erasure)),
        subject::Event::CertificateDelivered { erasure, on, is_final } => {
            ("certificate delivered", vec![("erasure", text(erasure)), ("on", text(on)), ("final", json!(is_final))])
        }
        subject::Event::ClaimMarked { erasure, mark } => {
            ("claim marked", vec![("erasure", text(erasure)), ("mark", json!(hex(&mark.0)))])
        }
        subject::Event::Returned { .. } => ("returned", vec![]),
        subject::Event::ResiduesNamed { erasure, residues } => (
            "residues named",
            vec![("erasure", text(erasure)), ("residues", residues.iter().map(residue_facts).collect())],
        ),
        subject::Event::ResidueClosed { erasure, number, end, on } => (
            "residue closed",
            vec![("erasure", text(erasure)), ("residue", json!(number)), ("end", json!(end.name())), ("on", text(on))],
        ),
        subject::Event::CertifiedFinally { erasure } => ("certified finally", of(erasure)),
    }
}

fn redaction(event: &redaction::Event) -> (&'static str, Facts) {
    let of = |redaction| ("redaction", text(redaction));
    let part = |of: &redaction::PartOf| format!("{}/{}", of.position, of.part);
    match event {
        redaction::Event::Requested { redaction, by, compartment, purge_on, .. } => (
            "redaction requested",
            vec![
                of(redaction),
                ("compartment", text(compartment)),
                ("requested by", text(by)),
                ("in the bin until", option(purge_on.as_ref())),
            ],
        ),
        redaction::Event::Withdrawn { redaction } => ("redaction withdrawn", vec![of(redaction)]),
        redaction::Event::Approved { redaction } => ("redaction approved", vec![of(redaction)]),
        redaction::Event::Resealed { redaction, compartment, from, to, resealed, .. } => {
            let lost = resealed.moved.iter().filter(|moved| !moved.gone.is_empty());
            let lost = lost.map(|moved| json!({ "part": part(&moved.of), "leaves": moved.gone }));
            (
                "resealed",
                vec![
                    of(redaction),
                    ("compartment", text(compartment)),
                    ("from", text(from)),
                    ("to", option(to.as_ref())),
                    ("parts", json!(resealed.moved.len())),
                    ("parts without some of their fields", lost.collect()),
                    ("parts left behind", resealed.dropped.iter().map(|of| json!(part(of))).collect()),
                ],
            )
        }
    }
}

fn confirmed_by(confirmed: &subject::Confirmed) -> Facts {
    match confirmed {
        subject::Confirmed::Person => vec![("confirmed by", json!("a second person"))],
        subject::Confirmed::Outside(outside) => vec![
            ("confirmed by", json!(outside.source.name())),
            ("name", json!(outside.by.as_str())),
            ("time outside", text(&outside.at)),
            ("size", json!(outside.size)),
        ],
    }
}

fn survivors(survivors: &[subject::Survivor]) -> Value {
    let one = |survivor: &subject::Survivor| {
        json!({
            "compartment": survivor.compartment.to_string(),
            "basis": survivor.basis.as_str(),
            "until": survivor.until.to_string(),
        })
    };
    survivors.iter().map(one).collect()
}

fn certificate_facts(erasure: &ErasureId, certificate: &subject::Certificate) -> Facts {
    vec![
        ("erasure", text(erasure)),
        ("anchor level", json!(certificate.level.name())),
        ("epoch before", json!(certificate.epoch_before)),
        ("epoch after", json!(certificate.epoch_after)),
        ("survives", survivors(&certificate.survives)),
        ("still links", certificate.links.iter().map(|link| json!(link.name())).collect()),
    ]
}

fn residue_facts(residue: &subject::Residue) -> Value {
    json!({
        "kind": residue.kind.name(),
        "count": residue.count,
        "until": option(residue.until.as_ref()),
        "disclosure": option(residue.disclosure.as_ref()),
    })
}

fn ticket(event: &ticket::Event) -> (&'static str, Facts) {
    match event {
        ticket::Event::Opened { message, priority, origin, .. } => (
            "opened",
            vec![("message", text(message)), ("priority", json!(priority.name())), ("origin", json!(origin.name()))],
        ),
        ticket::Event::Replied { message, direction, .. } => {
            ("replied", vec![("message", text(message)), ("direction", json!(direction.name()))])
        }
        ticket::Event::NoteAdded { message, .. } => ("note added", vec![("message", text(message))]),
        ticket::Event::Assigned { to } => ("assigned", vec![("to", option(to.as_ref()))]),
        ticket::Event::PriorityChanged { priority } => ("priority changed", vec![("priority", json!(priority.name()))]),
        ticket::Event::Solved { .. } => ("solved", Vec::new()),
        ticket::Event::Reopened => ("reopened", Vec::new()),
        ticket::Event::Closed { reopen_until } => ("closed", vec![("reopen until", text(reopen_until))]),
    }
}

fn quote(event: &quote::Event) -> (&'static str, Facts) {
    match event {
        quote::Event::Drafted { terms, .. } => ("drafted", terms_facts(1, terms)),
        quote::Event::Revised { version, terms, .. } => ("revised", terms_facts(*version, terms)),
        quote::Event::Sent { version } => ("sent", vec![("version", json!(version))]),
        quote::Event::VoucherKept { version, .. } => ("voucher kept", vec![("version", json!(version))]),
        quote::Event::Accepted { version } => ("accepted", vec![("version", json!(version))]),
        quote::Event::Rejected { version, .. } => ("rejected", vec![("version", json!(version))]),
    }
}

fn terms_facts(version: u32, terms: &quote::Terms) -> Facts {
    vec![
        ("version", json!(version)),
        ("lines", json!(terms.items.len())),
        ("currency", text(&terms.currency)),
        ("net", json!(terms.total.net_minor)),
        ("tax", json!(terms.total.tax_minor)),
        ("gross", json!(terms.total.gross_minor)),
        ("valid until", text(&terms.valid_until)),
    ]
}

fn actor(event: &actor::Event) -> (&'static str, Facts) {
    let roles = |roles: &[actor::Role]| vec![("roles", roles.iter().map(|role| json!(role.name())).collect())];
    match event {
        actor::Event::Registered { roles: of, .. } => ("registered", roles(of)),
        actor::Event::Changed { .. } => ("changed", Vec::new()),
        actor::Event::RolesChanged { roles: of } => ("roles changed", roles(of)),
        actor::Event::TokenIssued { token, expires_at, .. } => {
            ("token issued", vec![("token", text(token)), ("expires", text(expires_at))])
        }
        actor::Event::TokenRevoked { token } => ("token revoked", vec![("token", text(token))]),
        actor::Event::Left => ("left", Vec::new()),
    }
}

fn holding_facts(holding: &Holding) -> Facts {
    vec![
        ("source", json!(holding.source.name())),
        ("reason", json!(holding.reason.name())),
        ("hold until", option(holding.hold_until.as_ref())),
    ]
}

fn holding_changes(change: &HoldingChange) -> Facts {
    let source = change.source.map(|source| ("source", json!(source.name())));
    let reason = change.reason.map(|reason| ("reason", json!(reason.name())));
    let until = match &change.hold_until {
        Change::Keep => None,
        Change::Clear => Some(("hold until", Value::Null)),
        Change::Set(day) => Some(("hold until", text(day))),
    };
    source.into_iter().chain(reason).chain(until).collect()
}

fn consents(fact: &consent::Fact) -> (&'static str, Facts) {
    match fact {
        consent::Fact::Requested { about, shown, expires_at, valid_until, way, .. } => {
            let mut facts = about_facts(about);
            facts.extend(shown_facts(shown));
            facts.extend([("code runs out", text(expires_at)), ("valid until", option(valid_until.as_ref()))]);
            facts.extend(way_facts(*way));
            ("requested", facts)
        }
        consent::Fact::Given { about, shown, valid_until, way, evidence } => {
            let mut facts = about_facts(about);
            facts.extend(shown.iter().flat_map(shown_facts));
            facts.extend([("valid until", option(valid_until.as_ref())), ("evidence", json!(evidence.name()))]);
            facts.extend(way_facts(*way));
            ("given", facts)
        }
        consent::Fact::Confirmed { about, shown, valid_until, way, .. } => {
            let mut facts = about_facts(about);
            facts.extend(shown_facts(shown));
            facts.push(("valid until", option(valid_until.as_ref())));
            facts.extend(way_facts(*way));
            ("confirmed", facts)
        }
        consent::Fact::Refused { about, way } => {
            let mut facts = about_facts(about);
            facts.extend(way_facts(*way));
            ("refused", facts)
        }
        consent::Fact::Withdrawn { scope, way } => ("withdrawn", scope_facts(scope, *way)),
        consent::Fact::Objected { scope, way } => ("objected", scope_facts(scope, *way)),
    }
}

fn about_facts(about: &About) -> Facts {
    vec![
        ("purpose", text(&about.purpose)),
        ("channel", json!(about.channel.name())),
        ("contact point", text(&about.point)),
    ]
}

fn scope_facts(scope: &Scope, way: Way) -> Facts {
    let all = |value: Option<Value>| value.unwrap_or_else(|| json!("all"));
    let mut facts = vec![
        ("purpose", all(scope.purpose.as_ref().map(text))),
        ("channel", all(scope.channel.map(|channel| json!(channel.name())))),
        ("contact point", all(scope.point.as_ref().map(text))),
    ];
    facts.extend(way_facts(way));
    facts
}

fn shown_facts(shown: &Shown) -> Facts {
    vec![
        ("notice", text(&shown.notice)),
        ("notice version", json!(shown.version)),
        ("notice hash", json!(hex(&shown.hash))),
    ]
}

fn way_facts(way: Way) -> Facts {
    vec![("source", json!(way.source.name())), ("method", json!(way.method.name()))]
}

fn notice(event: &notice::Event) -> (&'static str, Facts) {
    match event {
        notice::Event::Published { purpose, language, version, text: words, hash } => (
            "published",
            vec![
                ("purpose", text(purpose)),
                ("language", json!(language.as_str())),
                ("version", json!(version)),
                ("hash", json!(hex(hash))),
                ("bytes", json!(words.as_str().len())),
            ],
        ),
    }
}

fn register(event: &register::Event) -> (&'static str, Facts) {
    match event {
        register::Event::PurposeSet(purpose) => (
            "purpose set",
            vec![
                ("purpose", text(&purpose.slug)),
                ("legal basis", json!(purpose.basis.name())),
                ("double opt-in", json!(purpose.double_opt_in)),
                ("waits for consent", json!(purpose.waits_for_consent)),
                ("retired", json!(purpose.retired)),
            ],
        ),
        register::Event::ResidueDaysSet(set) => {
            ("residue days set", vec![("residue", json!(set.kind.name())), ("days", json!(set.days))])
        }
        register::Event::RetentionSet(retention) => {
            let mut facts = vec![("compartment", json!(retention.kind.name()))];
            facts.extend(retention.country.iter().map(|country| ("country", text(country))));
            match &retention.rule {
                Rule::DiesWithRelationship => facts.push(("kept", json!("with the relationship"))),
                Rule::Kept { basis, months, counted_from } => facts.extend([
                    ("basis", json!(basis.as_str())),
                    ("months", json!(months)),
                    ("counted from", json!(counted_from.name())),
                ]),
                Rule::AtMost { basis, months, counted_from } => facts.extend([
                    ("kept", json!("with the relationship, and at most so long")),
                    ("basis", json!(basis.as_str())),
                    ("months", json!(months)),
                    ("counted from", json!(counted_from.name())),
                ]),
            }
            ("retention set", facts)
        }
    }
}

fn text(value: &impl ToString) -> Value {
    Value::String(value.to_string())
}

fn option(value: Option<&impl ToString>) -> Value {
    value.map_or(Value::Null, text)
}

fn list<T: ToString>(values: &[T]) -> Value {
    values.iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
