//! The settings: an optional TOML file, and flags that win over it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::http::origin::Origin;
use crate::kept::NotKept;
use crate::limits::Limits;
use crate::publish::Publishing;

/// How the program answers to the outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Origins of pages of other hosts that may ask.
    pub allow_origin: Vec<Origin>,
    /// The files of a certificate chain and its key.
    pub tls: Option<Tls>,
    /// Whether something in front ends TLS, so that listening off loopback without it is meant.
    pub behind_tls_proxy: bool,
    /// What one request may ask for.
    pub limits: Limits,
    /// Fields that are not kept here.
    pub not_kept: NotKept,
    /// How the log is published.
    pub log: Publishing,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// The flags of every command that listens.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// A TOML file with settings; flags win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Origin of pages of another host that may ask; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
    /// Certificate chain for TLS (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Something in front ends TLS, so listen off loopback without it
    #[arg(long)]
    pub behind_tls_proxy: bool,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the settings file {0}")]
    Unread(PathBuf, #[source] io::Error),
    #[error("the settings file {file}, line {line}: {message}")]
    Invalid { file: PathBuf, line: usize, message: String },
    #[error(
        "{0} is not a loopback address: whoever reads the network would read personal data and tokens. Give --tls-cert \
         and --tls-key, or --behind-tls-proxy if something in front ends TLS"
    )]
    Exposed(SocketAddr),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            allow_origin: Vec::new(),
            tls: None,
            behind_tls_proxy: false,
            limits: Limits::default(),
            not_kept: NotKept::default(),
            log: Publishing::default(),
        }
    }
}

impl Config {
    /// The settings of the file, if one is named, and of the flags.
    pub fn load(flags: Flags) -> Result<Self, ConfigError> {
        let mut config = match &flags.config {
            Some(file) => Self::read(file)?,
            None => Self::default(),
        };
        config.listen = flags.listen.unwrap_or(config.listen);
        config.behind_tls_proxy |= flags.behind_tls_proxy;
        if !flags.allow_origin.is_empty() {
            config.allow_origin = flags.allow_origin;
        }
        if let (Some(cert), Some(key)) = (flags.tls_cert, flags.tls_key) {
            config.tls = Some(Tls { cert, key });
        }
        match config.listen.ip().to_canonical().is_loopback() || config.tls.is_some() || config.behind_tls_proxy {
            true => Ok(config),
            false => Err(ConfigError::Exposed(config.listen)),
        }
    }

    /// The settings of a file.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Unread(file.into(), error))?;
        toml::from_str(&text).map_err(|error| ConfigError::Invalid {
            file: file.into(),
            line: line(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use domain::contact;
    use domain::profile::FieldPolicy;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_nothing() {
        let file = written("listen = \"127.0.0.1:1\"\nallow-origin = [\"https://a.example\"]\n[limits]\ndepth = 7\n");
        let path = file.path().to_str().unwrap();
        let config = load(&["--config", path]).unwrap();
        assert_eq!((config.listen.port(), config.limits.depth, config.limits.tokens), (1, 7, Limits::default().tokens));
        let config =
            load(&["--config", path, "--listen", "127.0.0.1:2", "--allow-origin", "https://b.example"]).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.allow_origin, ["https://b.example".parse().unwrap()]);
        assert_eq!(load(&[]).unwrap(), Config::default());
    }

    #[test]
    fn a_key_that_nobody_knows_is_refused_with_its_line() {
        for (text, at) in [
            ("listen = \"127.0.0.1:1\"\nlisten-on = 3\n", 2),
            ("[limits]\n\ndepht = 7\n", 3),
            ("\nallow-origin = [\"*\"]\n", 2),
            ("\n\n\nlisten =\n", 4),
            ("[not-kept]\ncontacts = [\"birthday\", \"shoeSize\"]\n", 2),
            ("[not-kept]\n\norganizations = [\"name\"]\n", 3),
            ("[not-kept]\ntickets = []\n", 2),
        ] {
            let file = written(text);
            let error = load(&["--config", file.path().to_str().unwrap()]).unwrap_err();
            assert!(matches!(&error, ConfigError::Invalid { line, .. } if *line == at), "{error}");
        }
    }

    #[test]
    fn fields_that_are_not_kept_go_by_the_names_of_the_api() {
        let file = written("[not-kept]\ncontacts = [\"birthday\", \"workAddress\", \"organizationId\"]\n");
        let kept = load(&["--config", file.path().to_str().unwrap()]).unwrap().not_kept;
        let refused = contact::Field::ALL.iter().filter(|field| !kept.contacts.keeps(field));
        assert_eq!(refused.map(|field| field.name()).collect::<Vec<_>>(), ["ORGANIZATION", "WORK_ADDRESS", "BIRTHDAY"]);
        assert_eq!(kept.organizations, FieldPolicy::default());
        let file = written("[not-kept]\norganizations = [\"shoeSize\"]\n");
        let error = load(&["--config", file.path().to_str().unwrap()]).unwrap_err().to_string();
        assert!(error.contains("no field shoeSize") && error.contains("parentId"), "{error}");
    }

    #[test]
    fn off_loopback_is_refused_without_tls() {
        for open in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
            assert!(matches!(load(&["--listen", open]), Err(ConfigError::Exposed(_))), "{open}");
            assert!(load(&["--listen", open, "--behind-tls-proxy"]).is_ok());
            assert!(load(&["--listen", open, "--tls-cert", "c", "--tls-key", "k"]).is_ok());
        }
        for closed in ["127.0.0.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(load(&["--listen", closed]).is_ok(), "{closed}");
        }
        assert!(Line::try_parse_from(["x", "--tls-cert", "c"]).is_err());
    }

    fn load(flags: &[&str]) -> Result<Config, ConfigError> {
        Config::load(Line::try_parse_from(["x"].iter().chain(flags)).unwrap().flags)
    }

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }
}
