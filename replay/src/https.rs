//! How servers are reached: over `http://`, and over `https://` where their certificate leads to an authority that the
//! system trusts, or to one of a file.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use reqwest::blocking::{Client, ClientBuilder};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("cannot read the authorities in {}: {source}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is in the file is no certificate.
    #[error("{} holds no certificate of an authority in PEM", .0.display())]
    NoAuthority(PathBuf),
    /// TLS cannot be spoken.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The authorities of the system. Where it has none, nobody is trusted.
static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// A client to be set up further. With a file of authorities (PEM) only theirs is believed, and not the system's.
pub fn builder(ca: Option<&Path>) -> Result<ClientBuilder, TrustError> {
    let roots = ca.map_or_else(|| Ok(Arc::clone(&SYSTEM)), |ca| authorities(ca).map(Arc::new))?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder().use_preconfigured_tls(config))
}

fn authorities(file: &Path) -> Result<RootCertStore, TrustError> {
    let bytes = fs::read(file).map_err(|source| TrustError::Io { file: file.to_owned(), source })?;
    let no_authority = || TrustError::NoAuthority(file.to_owned());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        roots.add(certificate.map_err(|_| no_authority())?).map_err(|_| no_authority())?;
    }
    if roots.is_empty() { Err(no_authority()) } else { Ok(roots) }
}

/// Why a server could not be asked, down to the first cause; the address is left out, which may hold a secret.
pub fn reason(failed: reqwest::Error) -> String {
    let failed = failed.without_url();
    let mut words = vec![failed.to_string()];
    let mut cause = failed.source();
    while let Some(because) = cause {
        let said = because.to_string();
        if words.last().is_none_or(|last| !last.contains(&said)) {
            words.push(said);
        }
        cause = because.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        assert!(matches!(builder(Some(&file)), Err(TrustError::Io { .. })));
        for text in ["", "none", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            fs::write(&file, text).unwrap();
            assert!(matches!(builder(Some(&file)), Err(TrustError::NoAuthority(_))), "{text}");
        }
        assert!(builder(None).is_ok());
    }
}
