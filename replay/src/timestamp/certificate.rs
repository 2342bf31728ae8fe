//! Certificates (X.509, RFC 5280) of time-stamping authorities and of those who issue them.

use std::time::Duration;

use aws_lc_rs::digest;
use der::Decode;
use der::asn1::ObjectIdentifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, anchor_from_trusted_cert};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::{CERTIFICATES_MOST, Refused};
use crate::plain::plain;

/// The one purpose that a time-stamping certificate has (RFC 3161, 2.3).
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

const PURPOSE: &[u8] = TIME_STAMPING.as_bytes();

/// A certificate, and the bytes it was read from.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) der: CertificateDer<'static>,
    pub(super) parsed: x509_cert::Certificate,
}

/// Why a certificate is trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// It is the given one.
    Given,
    /// It was issued under the given one of this name.
    IssuedUnder(String),
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let parsed = x509_cert::Certificate::from_der(bytes).map_err(|_| Refused::Unreadable("certificate"))?;
        Ok(Self { der: CertificateDer::from(bytes.to_vec()), parsed })
    }

    /// Reads the certificates of a file: one in DER, or one to 16 in PEM with any text between them.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, Refused> {
        if bytes.first() == Some(&0x30) {
            return Ok(vec![Self::parse(bytes)?]);
        }
        let mut certificates = Vec::new();
        for found in CertificateDer::pem_slice_iter(bytes) {
            if certificates.len() == CERTIFICATES_MOST {
                return Err(Refused::TooMany);
            }
            certificates.push(Self::parse(&found.map_err(|_| Refused::Unreadable("certificate"))?)?);
        }
        if certificates.is_empty() { Err(Refused::Unreadable("certificate")) } else { Ok(certificates) }
    }

    /// Whose it is.
    pub fn name(&self) -> String {
        plain(&self.parsed.tbs_certificate().subject().to_string())
    }

    /// Its serial number.
    pub fn serial(&self) -> &[u8] {
        self.parsed.tbs_certificate().serial_number().as_bytes()
    }

    /// The SHA-256 of its bytes.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &self.der).as_ref());
        fingerprint
    }

    /// Whether it is valid at a time since 1970.
    fn holds_at(&self, time: Duration) -> bool {
        let validity = self.parsed.tbs_certificate().validity();
        (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration()).contains(&time)
    }

    /// Whether it may issue others.
    fn is_issuer(&self) -> bool {
        let tbs = self.parsed.tbs_certificate();
        let signs = match tbs.get_extension::<KeyUsage>() {
            Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
            Err(_) => false,
        };
        signs && matches!(tbs.get_extension::<BasicConstraints>(), Ok(Some((_, BasicConstraints { ca: true, .. }))))
    }

    /// Whether time stamps are its one purpose, as a critical extension says (RFC 3161, 2.3), and its key may sign.
    fn is_for_time_stamps(&self) -> bool {
        let tbs = self.parsed.tbs_certificate();
        let signs = match tbs.get_extension::<KeyUsage>() {
            Ok(usage) => usage.is_none_or(|(_, usage)| usage.digital_signature() || usage.non_repudiation()),
            Err(_) => false,
        };
        match tbs.get_extension::<ExtendedKeyUsage>() {
            Ok(Some((true, ExtendedKeyUsage(purposes)))) => signs && purposes == [TIME_STAMPING],
            _ => false,
        }
    }
}

/// Checks that `signer` is a time-stamping certificate that is valid at `time` (since 1970), and that it is one of the
/// `given` or was issued under one of them, through `others` where need be. Whether one was revoked is not asked.
pub(super) fn trust(
    signer: &Certificate,
    given: &[Certificate],
    others: &[CertificateDer<'static>],
    time: Duration,
) -> Result<Trust, Refused> {
    if !signer.is_for_time_stamps() {
        return Err(Refused::Purpose);
    }
    if !signer.holds_at(time) {
        return Err(Refused::NotValidThen { name: signer.name() });
    }
    if given.iter().any(|given| given.der == signer.der) {
        return Ok(Trust::Given);
    }
    issued(signer, given, others, time)
}

fn issued(
    signer: &Certificate,
    given: &[Certificate],
    others: &[CertificateDer<'static>],
    time: Duration,
) -> Result<Trust, Refused> {
    let issuers: Vec<_> = given.iter().filter(|given| given.is_issuer()).collect();
    let Some(first) = issuers.first() else { return Err(Refused::AnotherCertificate) };
    if !issuers.iter().any(|issuer| issuer.holds_at(time)) {
        return Err(Refused::NotValidThen { name: first.name() });
    }
    let holding = issuers.into_iter().filter(|issuer| issuer.holds_at(time));
    let anchors: Vec<_> = holding.filter_map(|issuer| anchor_from_trusted_cert(&issuer.der).ok()).collect();
    let end = EndEntityCert::try_from(&signer.der).map_err(|_| Refused::Unreadable("certificate"))?;
    let path = end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        others,
        UnixTime::since_unix_epoch(time),
        webpki::KeyUsage::required_if_present(PURPOSE),
        None,
        None,
    );
    let anchor = path.map_err(|_| Refused::NotIssued)?.anchor().subject.to_vec();
    let under = given.iter().find(|given| anchor_from_trusted_cert(&given.der).is_ok_and(|it| *it.subject == *anchor));
    Ok(Trust::IssuedUnder(under.map(Certificate::name).unwrap_or_default()))
}
