//! A token of SoftHSM2 for one test, in a folder of its own.
//!
//! SoftHSM2 learns from the environment where its tokens lie, and a process has one environment. So a test with a token runs
//! in a process of its own: the test starts itself again, with what it needs around it.

use std::any::type_name;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use events::keyring::{PinPlace, TokenAnchor, TokenName, TokenSettings};

use crate::shim;

/// What the token is called.
pub const LABEL: &str = "our root";

/// Its PIN.
pub const PIN: &str = "7301-5528";

const HOME: &str = "LETHE_TOKEN_HOME";
const SHIM: &str = include_str!("../shim/token.c");

/// Where Debian and others install the library.
const PLACES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// The folder of a token.
pub struct Home(PathBuf);

/// Tells a story about a token, in a process that has it.
pub fn with_token<S: FnOnce(&Home)>(story: S) {
    match std::env::var_os(HOME) {
        Some(home) => story(&Home(home.into())),
        None => tell(type_name::<S>()),
    }
}

/// Runs the test of this closure once more, with a token.
fn tell(closure: &str) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home(dir.path().to_owned());
    let settings = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        home.tokens().display()
    );
    fs::create_dir(home.tokens()).unwrap();
    fs::write(home.0.join("softhsm2.conf"), settings).unwrap();
    fs::write(home.0.join("pin"), format!("{PIN}\n")).unwrap();
    home.misbehave("");
    home.add_token(LABEL);
    let (_, test) = closure.trim_end_matches("::{{closure}}").split_once("::").unwrap();
    let told = home
        .around(&mut Command::new(std::env::current_exe().unwrap()))
        .args([test, "--exact", "--include-ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stdout) + String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && said.contains("1 passed"), "{said}");
}

impl Home {
    /// The library.
    pub fn library() -> PathBuf {
        let named = std::env::var_os("LETHE_SOFTHSM").map(PathBuf::from);
        let place = named.or_else(|| PLACES.map(PathBuf::from).into_iter().find(|place| place.exists()));
        place.expect("this test needs libsofthsm2.so (Debian: apt-get install softhsm2); LETHE_SOFTHSM may name it")
    }

    /// How the token is reached.
    pub fn settings(&self) -> TokenSettings {
        TokenSettings { library: Self::library(), token: TokenName::Label(LABEL.into()), pin: self.pin() }
    }

    /// The same through a library that does what [`Home::misbehave`] says.
    pub fn device(&self) -> TokenSettings {
        TokenSettings { library: shim::library("token", SHIM), ..self.settings() }
    }

    /// A token as a command line names it, through the library of [`Home::device`].
    pub fn line(&self, label: &str) -> String {
        let (library, pin) = (self.device().library, self.0.join("pin"));
        format!("pkcs11:library={},label={label},pin-file={}", library.display(), pin.display())
    }

    /// The anchor.
    pub fn anchor(&self) -> TokenAnchor {
        TokenAnchor::open(&self.settings()).unwrap()
    }

    /// Lets the device misbehave from now on: words of `shim/token.c`.
    pub fn misbehave(&self, how: &str) {
        fs::write(self.0.join("faults"), how).unwrap();
    }

    /// How often somebody tried to log in to the device.
    pub fn logins(&self) -> u64 {
        fs::metadata(self.0.join("faults.logins")).map_or(0, |about| about.len())
    }

    /// The file with the PIN.
    pub fn pin(&self) -> PinPlace {
        PinPlace::File(self.0.join("pin"))
    }

    /// A path beside the token.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a token.
    pub fn add_token(&self, label: &str) {
        let made = self
            .around(&mut Command::new("softhsm2-util"))
            .args(["--init-token", "--free", "--label", label, "--so-pin", "98765432", "--pin", PIN])
            .output()
            .expect("this test needs softhsm2-util (Debian: apt-get install softhsm2)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Pulls the tokens out.
    pub fn pull_out(&self) {
        fs::rename(self.tokens(), self.0.join("drawer")).unwrap();
        fs::create_dir(self.tokens()).unwrap();
    }

    /// Puts them back.
    pub fn put_back(&self) {
        fs::remove_dir_all(self.tokens()).unwrap();
        fs::rename(self.0.join("drawer"), self.tokens()).unwrap();
    }

    /// Pulls one token out, while whoever uses it goes on; [`Home::give_back`] puts it back.
    pub fn take_away(&self, label: &str) {
        let token = self.dir_of(label);
        fs::rename(&token, self.0.join(format!("taken {label}"))).unwrap();
        fs::write(self.0.join(format!("place of {label}")), token.to_str().unwrap()).unwrap();
    }

    /// Puts it back where it was. Nobody is told.
    pub fn give_back(&self, label: &str) {
        let place = fs::read_to_string(self.0.join(format!("place of {label}"))).unwrap();
        fs::rename(self.0.join(format!("taken {label}")), place).unwrap();
    }

    /// How many objects a token holds.
    pub fn objects(&self, label: &str) -> usize {
        let files = fs::read_dir(self.dir_of(label)).unwrap().map(|file| file.unwrap().file_name());
        files.filter(|name| name.to_str().unwrap().ends_with(".object") && name != "token.object").count()
    }

    fn dir_of(&self, label: &str) -> PathBuf {
        let padded = format!("{label:<32}");
        let mut dirs = fs::read_dir(self.tokens()).unwrap().map(|dir| dir.unwrap().path());
        let is_its = |dir: &PathBuf| {
            let about = fs::read(dir.join("token.object")).unwrap();
            memchr::memmem::find(&about, padded.as_bytes()).is_some()
        };
        dirs.find(is_its).unwrap()
    }

    /// Ends every session of this process, as somebody else in it might.
    pub fn reset(&self) {
        Pkcs11::new(Self::library()).unwrap().finalize().unwrap();
    }

    /// Somebody else with the PIN, in the same process.
    pub fn somebody(&self) -> Session {
        let (library, slot) = self.slot();
        let session = library.open_rw_session(slot).unwrap();
        // Whoever logs in logs the whole process in.
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        session
    }

    /// Somebody logs in with the right PIN, by the maker's tool.
    pub fn log_in_by_hand(&self) {
        let library = Pkcs11::new(self.device().library).unwrap();
        library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let slots = library.get_slots_with_initialized_token().unwrap();
        let session = library.open_ro_session(slots[0]).unwrap();
        session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
        drop(session);
        library.finalize().unwrap();
    }

    fn slot(&self) -> (Pkcs11, Slot) {
        let library = Pkcs11::new(Self::library()).unwrap();
        let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slots = library.get_slots_with_initialized_token().unwrap();
        let is_ours = |slot: &Slot| library.get_token_info(*slot).unwrap().label() == LABEL;
        let slot = slots.into_iter().find(is_ours).unwrap();
        (library, slot)
    }

    fn tokens(&self) -> PathBuf {
        self.0.join("tokens")
    }

    fn around<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env(HOME, &self.0)
            .env("SOFTHSM2_CONF", self.0.join("softhsm2.conf"))
            .env("LETHE_TOKEN_FAULTS", self.0.join("faults"))
            .env("LETHE_TOKEN_LIBRARY", Self::library())
            .env("LETHE_TOKEN_PIN", PIN)
    }
}
