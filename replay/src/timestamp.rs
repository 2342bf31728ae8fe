//! Time stamps (RFC 3161): an authority's word that these bytes existed at a time. Knows no clock, no network and no trust
//! store: which authority is trusted, and that the request reached it, is the caller's business.

pub mod certificate;
pub mod command;
pub mod request;
mod token;
mod wire;

use std::time::Duration;

use der::asn1::Any;
use der::{DateTime, Encode, Tag, Tagged};
use domain::time::Time;
use x509_cert::ext::pkix::SubjectAltName;

use certificate::{Certificate, Trust};
use token::Token;
use wire::{Accuracy, TstInfo};

/// The most bytes that a token may have; those of today's authorities have 1,000 to 10,000.
pub const TOKEN_MOST: u64 = 262_144;

/// The most certificates that a token holds, and the most that are given in one file.
const CERTIFICATES_MOST: usize = 16;

/// A token that holds: what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// When the bytes existed at the latest; a fraction of a millisecond counts as a whole one.
    pub time: Time,
    /// How far the authority's clock may be off, in milliseconds rounded up, if it says so.
    pub accuracy_ms: Option<u64>,
    /// The name in the authority's certificate.
    pub authority: String,
    /// The serial number of that certificate.
    pub certificate_serial: Vec<u8>,
    /// The SHA-256 of that certificate.
    pub certificate: [u8; 32],
    /// Why that certificate is trusted.
    pub trust: Trust,
    /// The rules under which the authority stamps, as an object identifier.
    pub policy: String,
    /// The number that the authority gave this token.
    pub serial: Vec<u8>,
    /// The nonce of the request, if there was one.
    pub nonce: Option<Vec<u8>>,
}

/// Why a token is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It is not even one, or not in the one form that it has.
    #[error("this is no {0} as RFC 3161 and DER would have it")]
    Unreadable(&'static str),
    /// More bytes than any token has.
    #[error("a token has at most {TOKEN_MOST} bytes")]
    TooLarge,
    /// More certificates than can be meant.
    #[error("there are more than {CERTIFICATES_MOST} certificates")]
    TooMany,
    /// The authority said no.
    #[error("the authority refused: status {status}{}", if words.is_empty() { String::new() } else { format!(" ({words})") })]
    Rejected {
        /// `PKIStatus`.
        status: u8,
        /// Its reasons.
        words: String,
    },
    /// An answer that says yes and holds none.
    #[error("the answer holds no token")]
    NoToken,
    /// Signed, but no time stamp.
    #[error("what is signed is no time stamp")]
    NotAStamp,
    /// Not one signature.
    #[error("a token has one signature")]
    Signatures,
    /// A hash or a signature of a kind that is not taken.
    #[error("the token's hash or signature is of a kind that is not accepted here")]
    Algorithm,
    /// Nobody's.
    #[error("the certificate of the signer is neither in the token nor given")]
    NoSigner,
    /// The signed attributes do not name this certificate.
    #[error("the token does not name the certificate it is signed with")]
    Unnamed,
    /// A signed attribute is missing, is there twice, or does not fit.
    #[error("the token's signed {0} does not fit")]
    Attribute(&'static str),
    /// Bent, or made with another key.
    #[error("the signature does not fit")]
    Signature,
    /// No time-stamping certificate.
    #[error("the signer's certificate is not for time stamps and nothing else (critical extended key usage)")]
    Purpose,
    /// Expired, or not yet begun.
    #[error("the certificate of {name} was not valid at the time of the stamp")]
    NotValidThen {
        /// Whose.
        name: String,
    },
    /// Not the given one, and the given one issues none.
    #[error(
        "the signer's certificate is not the given one, and the given one is no authority that issues certificates"
    )]
    AnotherCertificate,
    /// No path of certificates.
    #[error("the signer's certificate was not issued under the given one")]
    NotIssued,
    /// The authority named in the token is not the one in the certificate.
    #[error("the token names another authority than its certificate")]
    AnotherAuthority,
    /// It says something that must be understood and is not.
    #[error("the token has a critical extension that is not known here")]
    Extension,
    /// A stamp for something else.
    #[error("the token is for other bytes than these")]
    OtherBytes,
    /// The request is for something else.
    #[error("the request is for other bytes than these")]
    OtherRequest,
    /// An answer to another request.
    #[error("the token answers another request: {0} differs")]
    NotTheAnswer(&'static str),
}

/// Checks that `token` (a `TimeStampResp`, or the bare token out of one) is a time stamp of `file`, made by an authority
/// whose certificate is one of `certificates` or was issued under one of them. Does not ask whether one was revoked.
pub fn verify(file: &[u8], token: &[u8], certificates: &[Certificate]) -> Result<Stamp, Refused> {
    if token.len() as u64 > TOKEN_MOST {
        return Err(Refused::TooLarge);
    }
    let token = Token::parse(token)?;
    let signer = token.signed_by(certificates)?;
    let info = &token.info;
    let (since, time) = moment(&info.time)?;
    let trust = certificate::trust(&signer, certificates, &token.certificates, since)?;
    check(info, &signer)?;
    if !info.imprint.fits(file) {
        return Err(Refused::OtherBytes);
    }
    Ok(Stamp {
        time,
        accuracy_ms: info.accuracy.map(milliseconds),
        authority: signer.name(),
        certificate_serial: signer.serial().to_vec(),
        certificate: signer.fingerprint(),
        trust,
        policy: info.policy.to_string(),
        serial: info.serial.as_bytes().to_vec(),
        nonce: info.nonce.as_ref().map(|nonce| nonce.as_bytes().to_vec()),
    })
}

/// What RFC 3161, 2.4.2 demands of the content besides the imprint.
fn check(info: &TstInfo, signer: &Certificate) -> Result<(), Refused> {
    if info.version != 1 {
        return Err(Refused::NotAStamp);
    }
    if info.extensions.iter().flatten().any(|extension| extension.critical) {
        return Err(Refused::Extension);
    }
    match &info.authority {
        Some(name) if !is_named(signer, name) => Err(Refused::AnotherAuthority),
        _ => Ok(()),
    }
}

/// Whether a general name is the subject of a certificate, or one of its other names.
fn is_named(signer: &Certificate, name: &Any) -> bool {
    let tbs = signer.parsed.tbs_certificate();
    if wire::is_directory_name(name, tbs.subject()) {
        return true;
    }
    let Ok(Some((_, SubjectAltName(others)))) = tbs.get_extension::<SubjectAltName>() else { return false };
    let Ok(name) = name.to_der() else { return false };
    others.iter().any(|other| other.to_der().is_ok_and(|other| other == name))
}

/// The time of a `GeneralizedTime` as RFC 3161 writes it (UTC, a fraction without zeros at its end): whole seconds since
/// 1970, and the first whole millisecond that is not before it.
fn moment(time: &Any) -> Result<(Duration, Time), Refused> {
    let text = std::str::from_utf8(time.value()).ok().filter(|_| time.tag() == Tag::GeneralizedTime);
    text.and_then(read_moment).ok_or(Refused::Unreadable("time"))
}

fn read_moment(text: &str) -> Option<(Duration, Time)> {
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if whole.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let (year, rest) = whole.split_at_checked(4)?;
    let mut pairs = rest.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok()?.parse::<u8>().ok());
    let mut next = || pairs.next().flatten();
    let date = DateTime::new(year.parse().ok()?, next()?, next()?, next()?, next()?, next()?).ok()?;
    let seconds = date.unix_duration();
    let more = fraction.map_or(Some(0), fraction_ms)?;
    let ms = i64::try_from(seconds.as_millis()).ok()?;
    Some((seconds, Time(ms.checked_add(more)?)))
}

/// The digits of a fraction of a second as milliseconds, rounded up.
fn fraction_ms(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.ends_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: i64 = digits.chars().chain("00".chars()).take(3).collect::<String>().parse().ok()?;
    Some(if digits.len() > 3 { thousandths + 1 } else { thousandths })
}

fn milliseconds(accuracy: Accuracy) -> u64 {
    let Accuracy { seconds, millis, micros } = accuracy;
    let whole = u64::from(seconds.unwrap_or(0)) * 1000 + u64::from(millis.unwrap_or(0));
    whole + u64::from(micros.unwrap_or(0)).div_ceil(1000)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_form_and_is_never_made_earlier() {
        let ms = |text| read_moment(text).map(|(_, Time(ms))| ms);
        assert_eq!(ms("19700101000001Z"), Some(1_000));
        assert_eq!(ms("19700101000001.5Z"), Some(1_500));
        assert_eq!(ms("19700101000001.123Z"), Some(1_123));
        assert_eq!(ms("19700101000001.1231Z"), Some(1_124));
        assert_eq!(ms("19700101000001.9999Z"), Some(2_000));
        let others = ["19700101000001", "19700101000001.Z", "19700101000001.50Z", "1970010100000Z", "19700101000060Z"];
        for other in others.into_iter().chain(["19700230000000Z", "19700101000001.1.1Z", "1970010100000+Z", "é", ""]) {
            assert_eq!(read_moment(other), None, "{other}");
        }
    }

    #[test]
    fn accuracy_is_rounded_up() {
        assert_eq!(milliseconds(Accuracy { seconds: Some(1), millis: Some(500), micros: Some(1) }), 1_501);
    }
}
