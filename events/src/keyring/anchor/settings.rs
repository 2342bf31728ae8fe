//! Which anchor holds the root, as settings say it:
//!
//! ```text
//! file = { dir = "/mnt/other/anchor" }
//! pkcs11 = { library = "/usr/lib/softhsm/libsofthsm2.so", token = { label = "lethe" }, pin = { file = "/etc/lethe/pin" } }
//! ```
//!
//! A command line says the same shorter, where a file `anchor` in the data directory needs no place:
//!
//! ```text
//! file
//! file:/mnt/other/anchor
//! pkcs11:library=/usr/lib/softhsm/libsofthsm2.so,label=lethe,pin-file=/etc/lethe/pin
//! ```
//!
//! The token goes by its `label` or its `serial`, and its PIN stands in a `file` or in the variable `env`, never here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Anchor, AnchorError, FileAnchor, TokenAnchor};

/// Which anchor it is. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AnchorSettings {
    /// A directory of root files.
    File {
        /// Which directory.
        dir: PathBuf,
    },
    /// A token behind a PKCS#11 library.
    Pkcs11(TokenSettings),
}

/// Where a token is, and how one logs in to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenSettings {
    /// The library of the token's maker.
    pub library: PathBuf,
    /// Which of its tokens.
    pub token: TokenName,
    /// Where its PIN stands.
    pub pin: PinPlace,
}

/// What a token goes by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TokenName {
    /// What it was called when it was initialized.
    Label(String),
    /// What its maker calls it.
    Serial(String),
}

/// Where a PIN stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PinPlace {
    /// In a file of its own; a line feed at its end is none of it.
    File(PathBuf),
    /// In this environment variable.
    Env(String),
}

impl AnchorSettings {
    /// What holds for a data directory where nothing is said: root files in its subdirectory `anchor`.
    pub fn of(data: &Path) -> Self {
        Self::File { dir: data.join("anchor") }
    }

    /// The same with paths that begin at this directory where they are not whole. A library that is named without any
    /// directory is left to the system's search.
    pub fn below(self, data: &Path) -> Self {
        match self {
            Self::File { dir } => Self::File { dir: data.join(dir) },
            Self::Pkcs11(TokenSettings { library, token, pin }) => {
                let library = if library.components().count() > 1 { data.join(library) } else { library };
                let pin = match pin {
                    PinPlace::File(file) => PinPlace::File(data.join(file)),
                    env @ PinPlace::Env(_) => env,
                };
                Self::Pkcs11(TokenSettings { library, token, pin })
            }
        }
    }

    /// The same with paths that begin at this directory where they lie in it.
    #[must_use]
    pub fn from(self, data: &Path) -> Self {
        let within = |path: PathBuf| path.strip_prefix(data).map(Path::to_owned).unwrap_or(path);
        match self {
            Self::File { dir } => Self::File { dir: within(dir) },
            Self::Pkcs11(TokenSettings { library, token, pin }) => {
                let library = match library.strip_prefix(data) {
                    Ok(inside) => Path::new(".").join(inside),
                    Err(_) => library,
                };
                let pin = match pin {
                    PinPlace::File(file) => PinPlace::File(within(file)),
                    env @ PinPlace::Env(_) => env,
                };
                Self::Pkcs11(TokenSettings { library, token, pin })
            }
        }
    }

    /// As a line of settings. `None` for what no line can hold: bytes that are no text, or control characters.
    pub fn line(&self) -> Option<String> {
        match self {
            Self::File { dir } => Some(format!("file = {{ dir = {} }}", quoted(dir.to_str()?)?)),
            Self::Pkcs11(TokenSettings { library, token, pin }) => {
                let token = match token {
                    TokenName::Label(label) => format!("label = {}", quoted(label)?),
                    TokenName::Serial(serial) => format!("serial = {}", quoted(serial)?),
                };
                let pin = match pin {
                    PinPlace::File(file) => format!("file = {}", quoted(file.to_str()?)?),
                    PinPlace::Env(name) => format!("env = {}", quoted(name)?),
                };
                let library = quoted(library.to_str()?)?;
                Some(format!("pkcs11 = {{ library = {library}, token = {{ {token} }}, pin = {{ {pin} }} }}"))
            }
        }
    }

    /// The anchor itself. A token is looked for and logged in to; a directory of root files is made where it is missing.
    ///
    /// # Errors
    /// What is the matter with the token, or the directory.
    pub fn anchor(&self) -> Result<Box<dyn Anchor>, AnchorError> {
        match self {
            Self::File { dir } => Ok(Box::new(FileAnchor::at(dir)?)),
            Self::Pkcs11(token) => Ok(Box::new(TokenAnchor::open(token)?)),
        }
    }
}

/// A command line: paths are made whole here, but for the default one.
impl FromStr for AnchorSettings {
    type Err = String;

    fn from_str(said: &str) -> Result<Self, String> {
        match said.split_once(':') {
            None if said == "file" => Ok(Self::File { dir: "anchor".into() }),
            Some(("file", dir)) if !dir.is_empty() => Ok(Self::File { dir: whole(dir)? }),
            Some(("pkcs11", rest)) => Ok(Self::Pkcs11(token(rest)?)),
            _ => Err(SPELLING.into()),
        }
    }
}

const SPELLING: &str = "an anchor is file, file:DIR, or \
    pkcs11:library=FILE,label=NAME|serial=NUMBER,pin-file=FILE|pin-env=NAME";

fn token(said: &str) -> Result<TokenSettings, String> {
    let (mut library, mut token, mut pin) = (None, None, None);
    for part in said.split(',') {
        let (name, value) = part.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or(SPELLING)?;
        let twice = match name {
            "library" if Path::new(value).components().count() == 1 => library.replace(PathBuf::from(value)).is_some(),
            "library" => library.replace(whole(value)?).is_some(),
            "label" => token.replace(TokenName::Label(value.into())).is_some(),
            "serial" => token.replace(TokenName::Serial(value.into())).is_some(),
            "pin-file" => pin.replace(PinPlace::File(whole(value)?)).is_some(),
            "pin-env" => pin.replace(PinPlace::Env(value.into())).is_some(),
            _ => true,
        };
        if twice {
            return Err(SPELLING.into());
        }
    }
    match (library, token, pin) {
        (Some(library), Some(token), Some(pin)) => Ok(TokenSettings { library, token, pin }),
        _ => Err(SPELLING.into()),
    }
}

fn whole(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|failed| failed.to_string())
}

/// As TOML writes a text.
fn quoted(text: &str) -> Option<String> {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    (!text.contains(char::is_control)).then(|| format!("\"{escaped}\""))
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "label {label:?}"),
            Self::Serial(serial) => write!(f, "serial number {serial:?}"),
        }
    }
}

impl fmt::Display for PinPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "the file {}", file.display()),
            Self::Env(name) => write!(f, "the environment variable {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str =
        r#"pkcs11 = { library = "lib/p11.so", token = { label = "our root" }, pin = { file = "pin" } }"#;

    #[test]
    fn a_line_of_settings_names_a_directory_or_a_token() {
        let file: AnchorSettings = toml::from_str(r#"file = { dir = "anchor" }"#).unwrap();
        assert_eq!(file.below(Path::new("/data")), AnchorSettings::of(Path::new("/data")));
        let token: AnchorSettings = toml::from_str(TOKEN).unwrap();
        let AnchorSettings::Pkcs11(token) = token.below(Path::new("/data")) else { panic!() };
        assert_eq!(token.library, Path::new("/data/lib/p11.so"));
        assert_eq!(token.token, TokenName::Label("our root".into()));
        assert_eq!(token.pin, PinPlace::File("/data/pin".into()));
        let bare = TOKEN.replace("lib/p11.so", "p11.so").replace(r#"file = "pin""#, r#"env = "PIN""#);
        let bare: AnchorSettings = toml::from_str(&bare.replace("label", "serial")).unwrap();
        let AnchorSettings::Pkcs11(bare) = bare.below(Path::new("/data")) else { panic!() };
        assert_eq!((bare.library, bare.pin), ("p11.so".into(), PinPlace::Env("PIN".into())));
        assert_eq!(bare.token, TokenName::Serial("our root".into()));
    }

    #[test]
    fn what_is_written_reads_back() {
        let data = Path::new("/data");
        for said in [
            "file",
            "file:/else/where \"it\" is\\é",
            "pkcs11:library=p11.so,label=our root,pin-env=PIN",
            "pkcs11:library=/usr/lib/p11.so,serial=1a,pin-file=/etc/pin",
            "pkcs11:library=/data/p11.so,serial=1a,pin-file=/data/pin",
        ] {
            let settings = said.parse::<AnchorSettings>().unwrap().below(data);
            let line = settings.clone().from(data).line().unwrap();
            assert_eq!(toml::from_str::<AnchorSettings>(&line).unwrap().below(data), settings, "{line}");
        }
        assert_eq!("file:/two\nlines".parse::<AnchorSettings>().unwrap().line(), None);
    }

    #[test]
    fn a_command_line_that_leaves_something_out_is_told_how_it_is_spelt() {
        for wrong in [
            "",
            "file:",
            "cloud:x",
            "pkcs11",
            "pkcs11:library=x,label=y",
            "pkcs11:library=x,label=y,pin=1234",
            "pkcs11:library=x,label=y,serial=z,pin-env=PIN",
            "pkcs11:library=,label=y,pin-env=PIN",
        ] {
            assert!(wrong.parse::<AnchorSettings>().unwrap_err().contains("pin-file"), "{wrong}");
        }
    }

    #[test]
    fn settings_that_say_a_pin_or_anything_else_are_refused() {
        for wrong in [
            TOKEN.replace(r#"{ file = "pin" }"#, r#""123456""#),
            TOKEN.replace("label", "name"),
            TOKEN.replace("pin =", "slot = 3, pin ="),
            TOKEN.replace("library", "path"),
            TOKEN.replace(" }, pin", r#", serial = "1" }, pin"#),
            TOKEN.replace("pkcs11", "cloud"),
            r#"file = { dir = "anchor", level = "A3" }"#.into(),
            format!("{TOKEN}\nfile = {{ dir = \"anchor\" }}"),
        ] {
            assert!(toml::from_str::<AnchorSettings>(&wrong).is_err(), "{wrong}");
        }
    }
}
