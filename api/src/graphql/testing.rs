//! What the tests of the schema share: a real ledger in a directory of its own, with the usual purposes and retention, an
//! actor of each role, and whoever asks through the schema as one of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_graphql::{Request, Variables};
use domain::actor::{self, Actor, Role};
use domain::aggregate::Aggregate;
use domain::event::Stream;
use domain::id::{ActorId, CaseId, CommandId, ErasureId, RegisterId, SubjectId, TokenId};
use domain::register::{self, Register};
use domain::subject::{self, Asked, AskedHow, Case, Ground, IdentityCheck, SubjectKind};
use domain::time::Time;
use domain::value::Line;
use events::keyring::KeyringError;
use events::ledger::{Clock, Directory, DirectoryError, Founding, Fresh, Intent, Ledger, Restoring, restore};
use events::log::LogError;
use events::log::engine::Options;
use events::log::headmark;
use projections::Views;
use replay::rebuild::boot;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::Schema;
use crate::access::Viewer;
use crate::app::App;
use crate::kept::NotKept;
use crate::replays::Replays;

/// 21 September 2026; the desk's clock stands there until a test moves it.
pub const NOW: Time = Time(1_790_000_000_000);

/// A ledger in service, and somebody of each role in front of it.
pub struct Desk {
    /// The ledger, as the resolvers see it.
    pub app: App,
    schema: Schema,
    pub viewers: BTreeMap<Role, Viewer>,
    runtime: Runtime,
    directory: TempDir,
}

impl Desk {
    /// A new ledger with the usual register, and an actor of each role.
    pub fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let founding =
            Founding { controller: "Muster GmbH".into(), origin: "muster.example/log".into(), demo: true, at: NOW };
        Directory::create(directory.path(), &founding, options()).unwrap();
        let mut desk = Self::boot(directory, BTreeMap::new(), NOW);
        let register: RegisterId = Fresh::new().id().unwrap();
        for event in register::defaults() {
            let command = match event {
                register::Event::PurposeSet(purpose) => register::Command::SetPurpose(purpose),
                register::Event::RetentionSet(retention) => register::Command::SetRetention(retention),
                register::Event::ResidueDaysSet(set) => register::Command::SetResidueDays(set),
            };
            desk.submit::<Register>(register.0, ActorId([1; 16]), command);
        }
        for role in Role::ALL {
            let actor = desk.hire(*role, role.name());
            desk.viewers.insert(*role, Viewer { actor, roles: vec![*role], token: TokenId([1; 16]) });
        }
        desk
    }

    /// The same ledger, with a cooling-off.
    pub fn cooling(mut self, ms: i64) -> Self {
        self.app.cooling_off_ms = ms;
        self.schema = super::schema(self.app.clone());
        self
    }

    /// Somebody else has a role from now on.
    pub fn relieve(&mut self, role: Role) {
        let actor = self.hire(role, "Somebody else");
        self.viewers.insert(role, Viewer { actor, roles: vec![role], token: TokenId([1; 16]) });
    }

    /// The same ledger where some fields are not kept.
    pub fn keeping(mut self, kept: NotKept) -> Self {
        self.app = self.app.keeping(kept);
        self.schema = super::schema(self.app.clone());
        self
    }

    /// The same ledger, with what auditors have confirmed.
    pub fn confirmed_by(mut self, replays: Replays) -> Self {
        self.app = self.app.confirmed_by(replays);
        self.schema = super::schema(self.app.clone());
        self
    }

    /// The same ledger after its head mark was lost and the log was restored, with every record it had.
    pub fn restored(self, origin: &str) -> Self {
        let Self { app, schema, viewers, runtime, directory } = self;
        drop((app, schema, runtime));
        std::fs::remove_file(directory.path().join(headmark::NAME)).unwrap();
        let order = Restoring::new(origin, NOW);
        restore(directory.path(), &order, options(), &|_, _| {}).unwrap();
        Self::boot(directory, viewers, NOW)
    }

    /// The same ledger after a restart.
    pub fn restart(self) -> Self {
        self.restart_at(NOW)
    }

    /// The same ledger after a restart, when the clock says this.
    pub fn restart_at(self, now: Time) -> Self {
        let Self { app, schema, viewers, runtime, directory } = self;
        drop((app, schema, runtime));
        Self::boot(directory, viewers, now)
    }

    fn boot(directory: TempDir, viewers: BTreeMap<Role, Viewer>, now: Time) -> Self {
        let opened = loop {
            match Directory::open(directory.path(), options(), &|_, _| {}) {
                // What was erased before the restart is still being swept; the sweep lets go of the log before the keyring.
                Err(DirectoryError::Log(LogError::Locked) | DirectoryError::Keyring(KeyringError::InUse)) => {
                    thread::sleep(Duration::from_millis(5))
                }
                opened => break opened.unwrap(),
            }
        };
        let (ledger, _) = boot(opened, Views::default(), Clock::set_to(now), &|_, _| {}).unwrap();
        let app = App::new(Arc::new(ledger), true, 0);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { schema: super::schema(app.clone()), app, viewers, runtime, directory }
    }

    /// One more actor.
    pub fn hire(&self, role: Role, name: &str) -> ActorId {
        let mut fresh = Fresh::new();
        let (actor, subject): (ActorId, SubjectId) = (fresh.id().unwrap(), fresh.id().unwrap());
        let profile = actor::Profile { name: Line::parse(name).unwrap(), mail: None };
        let command = actor::Command::Register { subject, roles: vec![role], profile };
        self.submit::<Actor>(actor.0, actor, command);
        actor
    }

    /// The actor of a role.
    pub fn viewer(&self, role: Role) -> &Viewer {
        &self.viewers[&role]
    }

    /// Asks as somebody of this role: `{ "data": …, "errors": […] }`.
    pub fn ask(&self, role: Role, query: &str) -> Value {
        self.ask_with(role, query, Value::Null)
    }

    /// The same, with variables.
    pub fn ask_with(&self, role: Role, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables)).data(self.viewer(role).clone());
        serde_json::to_value(self.runtime.block_on(self.schema.execute(request))).unwrap()
    }

    /// Asks what must be answered: the data, without errors of either kind.
    pub fn get(&self, role: Role, query: &str) -> Value {
        self.get_with(role, query, Value::Null)
    }

    /// The same, with variables.
    pub fn get_with(&self, role: Role, query: &str, variables: Value) -> Value {
        let answer = self.ask_with(role, query, variables);
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    /// Has an agent do a mutation that must succeed, given as `name(input: {…}) { fields }`; its payload.
    pub fn done(&self, mutation: &str) -> Value {
        let payload = self.tried(Role::Agent, mutation);
        assert_eq!(payload["errors"], Value::Array(Vec::new()), "{mutation}");
        payload
    }

    /// Has somebody try a mutation: its payload.
    pub fn tried(&self, role: Role, mutation: &str) -> Value {
        let data = self.get(role, &format!("mutation {{ it: {mutation} }}"));
        data["it"].clone()
    }

    /// Has somebody try a mutation that must be refused: the code, the path and the words of the first error.
    pub fn refused(&self, role: Role, mutation: &str) -> (String, String, String) {
        let payload = self.tried(role, mutation);
        let error = &payload["errors"][0];
        let path = error["path"].as_array().unwrap_or_else(|| panic!("not refused: {mutation}: {payload}"));
        let path = path.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".");
        (error["code"].as_str().unwrap().into(), path, error["message"].as_str().unwrap().into())
    }

    /// Registers a contact; its id.
    pub fn contact(&self, first_name: &str) -> String {
        let registered = self.done(&format!(
            r#"registerContact(input: {{ source: PHONE, reason: CONTRACT, firstName: "{first_name}" }})
               {{ contact {{ id }} errors {{ message code path }} }}"#
        ));
        registered["contact"]["id"].as_str().unwrap().into()
    }

    /// Registers an organization; its id.
    pub fn organization(&self, name: &str) -> String {
        let registered = self.done(&format!(
            r#"registerOrganization(input: {{ source: PHONE, reason: CONTRACT, name: "{name}" }})
               {{ organization {{ id }} errors {{ message code path }} }}"#
        ));
        registered["organization"]["id"].as_str().unwrap().into()
    }

    /// Whose data a contact, an organization or an actor is.
    pub fn subject(&self, node: &str) -> SubjectId {
        let views = self.app.ledger().views();
        let contact = || views.contact(node.parse().ok()?)?.subject;
        let organization = || views.organization(node.parse().ok()?)?.subject;
        let actor = || views.actor(node.parse().ok()?)?.subject;
        contact().or_else(organization).or_else(actor).unwrap()
    }

    /// Has the erasure of whose data this is requested and approved: from here on it is withheld.
    pub fn fence(&self, node: &str) -> (CaseId, ErasureId) {
        let (mut fresh, subject) = (Fresh::new(), self.subject(node));
        let (case, erasure): (CaseId, ErasureId) = (fresh.id().unwrap(), fresh.id().unwrap());
        let agent = self.viewer(Role::Agent).actor;
        self.submit::<Case>(case.0, agent, subject::Command::Open { subject, kind: SubjectKind::Person });
        let asked = Asked {
            ground: Ground::ALL[0],
            how: AskedHow::ALL[0],
            on: NOW.day(),
            identity: IdentityCheck::ALL[0],
            identity_on: NOW.day(),
        };
        let request = subject::Request { words: None, people: Vec::new() };
        self.submit::<Case>(case.0, agent, subject::Command::RequestErasure { erasure, asked, request });
        let approval = intent::<Case>(case.0, self.viewer(Role::Dpo).actor, subject::Command::Approve { erasure });
        let (register, wait) = (self.app.register().unwrap(), subject::CoolingOff::NONE);
        self.app.ledger().approve_erasure(register, case, erasure, &approval, wait).unwrap();
        (case, erasure)
    }

    /// Has whose data this is erased.
    pub fn erase(&self, node: &str) {
        let (case, erasure) = self.fence(node);
        let dpo = self.viewer(Role::Dpo).actor;
        self.app.ledger().destroy_fenced(self.app.register().unwrap(), case, erasure, dpo).unwrap();
    }

    /// Waits until it is recorded that the sealed parts of an erasure are overwritten, which happens behind the answer.
    pub fn until_swept(&self, erasure: &str) {
        let id: ErasureId = erasure.parse().unwrap();
        for _ in 0..2_000 {
            let is_swept = self.app.ledger().views().erasure(id).is_some_and(|erasure| {
                let mut residues = erasure.facts.residues.iter();
                residues.all(|it| it.residue.kind != subject::ResidueKind::SealedParts || it.closed.is_some())
            });
            if is_swept {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("{erasure} was never swept");
    }

    /// Gives a command to the ledger itself; it must be accepted.
    pub fn submit<A: Aggregate>(&self, id: [u8; 16], actor: ActorId, command: A::Command) {
        let ledger: &Ledger<Views> = self.app.ledger();
        if let Err(refused) = ledger.submit_blocking(&intent::<A>(id, actor, command)) {
            panic!("{}: {refused}", Stream { kind: A::KIND, id });
        }
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Every file of its directory, by name, with its bytes.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let (mut files, mut ways) = (Vec::new(), vec![self.path().to_owned()]);
        while let Some(way) = ways.pop() {
            for found in std::fs::read_dir(way).unwrap() {
                let path = found.unwrap().path();
                if path.is_dir() {
                    ways.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    files.push((path.display().to_string(), bytes));
                }
            }
        }
        files
    }

    /// How many records the log has.
    pub fn size(&self) -> u64 {
        self.app.ledger().views().cursor()
    }
}

/// A new command id in its written form.
pub fn command_id() -> String {
    let id: CommandId = Fresh::new().id().unwrap();
    id.to_string()
}

fn intent<A: Aggregate>(id: [u8; 16], actor: ActorId, command: A::Command) -> Intent<A> {
    Intent {
        id,
        command,
        command_id: Fresh::new().id().unwrap(),
        actor,
        effective_at: None,
        expected: None,
        reads: Vec::new(),
        keys: Vec::new(),
        fresh: Fresh::new(),
    }
}

fn options() -> Options {
    Options { segment_size: 1 << 16, ..Options::default() }
}
