//! The bytes of RFC 3161 and of what it stands on (CMS, RFC 5652; ESS, RFC 5035), as far as they are read. They are read
//! strictly: what is read must give the same bytes when it is written again, so one meaning has one form.

use aws_lc_rs::digest;
use der::asn1::{Any, Int, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence, Tag, TagNumber, Tagged};
use x509_cert::attr::Attribute;
use x509_cert::ext::Extensions;
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned as Algorithm;

use super::Refused;

/// SHA-256 (RFC 5754).
pub const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// The content type of signed data (RFC 5652, 5.1).
pub const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// The content type of what a time-stamping authority signs (RFC 3161, 2.4.2).
pub const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// `TimeStampReq` (RFC 3161, 2.4.1).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct TimeStampReq {
    pub version: u8,
    pub imprint: MessageImprint,
    #[asn1(optional = "true")]
    pub policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    pub nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    pub certificate_wanted: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// `MessageImprint`: the hash of what is stamped.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct MessageImprint {
    pub algorithm: Algorithm,
    pub hash: OctetString,
}

/// `TimeStampResp` (RFC 3161, 2.4.2).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct TimeStampResp {
    pub status: PkiStatusInfo,
    #[asn1(optional = "true")]
    pub token: Option<Any>,
}

/// `PKIStatusInfo` (RFC 4210, 5.2.3).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct PkiStatusInfo {
    pub status: u8,
    #[asn1(optional = "true")]
    pub words: Option<Vec<String>>,
    #[asn1(optional = "true")]
    pub failure: Option<der::asn1::BitString>,
}

/// `ContentInfo` (RFC 5652, 3).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct ContentInfo {
    pub kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub content: Any,
}

/// `SignedData` (RFC 5652, 5.1). The certificates are a set, but OpenSSL and others do not sort it.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct SignedData {
    pub version: u8,
    pub digests: SetOfVec<Algorithm>,
    pub content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub certificates: Option<Vec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub revocations: Option<Vec<Any>>,
    pub signers: SetOfVec<Any>,
}

/// `EncapsulatedContentInfo` (RFC 5652, 5.2), with the content that a token always has.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct EncapsulatedContentInfo {
    pub kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub content: OctetString,
}

/// `SignerInfo` (RFC 5652, 5.3), with the signed attributes that a token always has.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct SignerInfo {
    pub version: u8,
    pub signer: Any,
    pub digest: Algorithm,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    pub signed: SetOfVec<Attribute>,
    pub algorithm: Algorithm,
    pub signature: OctetString,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub unsigned: Option<Vec<Any>>,
}

/// `IssuerAndSerialNumber` (RFC 5652, 10.2.4).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct IssuerAndSerial {
    pub issuer: Name,
    pub serial: Int,
}

/// `SigningCertificate` (RFC 2634, 5.4): the form with SHA-1.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct SigningCertificate {
    pub certificates: Vec<CertificateId>,
    #[asn1(optional = "true")]
    pub policies: Option<Vec<Any>>,
}

/// `ESSCertID` (RFC 2634, 5.4.1).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct CertificateId {
    pub hash: OctetString,
    #[asn1(optional = "true")]
    pub issued: Option<IssuerSerial>,
}

/// `SigningCertificateV2` (RFC 5035, 3).
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct SigningCertificateV2 {
    pub certificates: Vec<CertificateIdV2>,
    #[asn1(optional = "true")]
    pub policies: Option<Vec<Any>>,
}

/// `ESSCertIDv2` (RFC 5035, 4). No algorithm means SHA-256; some authorities write it nevertheless.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct CertificateIdV2 {
    #[asn1(optional = "true")]
    pub algorithm: Option<Algorithm>,
    pub hash: OctetString,
    #[asn1(optional = "true")]
    pub issued: Option<IssuerSerial>,
}

/// `IssuerSerial` (RFC 5035, 5): the issuer is a list of general names.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct IssuerSerial {
    pub issuer: Vec<Any>,
    pub serial: Int,
}

/// `TSTInfo` (RFC 3161, 2.4.2): what the authority signs.
#[derive(Clone, PartialEq, Eq, Debug, Sequence)]
pub struct TstInfo {
    pub version: u8,
    pub policy: ObjectIdentifier,
    pub imprint: MessageImprint,
    pub serial: Int,
    pub time: Any,
    #[asn1(optional = "true")]
    pub accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub ordering: bool,
    #[asn1(optional = "true")]
    pub nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// `Accuracy` (RFC 3161, 2.4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Sequence)]
pub struct Accuracy {
    #[asn1(optional = "true")]
    pub seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub micros: Option<u16>,
}

impl MessageImprint {
    /// The SHA-256 of these bytes.
    pub fn of(bytes: &[u8]) -> Result<Self, Refused> {
        let hash = digest::digest(&digest::SHA256, bytes);
        let unfit = |_| Refused::Unreadable("hash");
        Ok(Self {
            algorithm: Algorithm { oid: SHA_256, parameters: Some(Any::null()) },
            hash: OctetString::new(hash.as_ref()).map_err(unfit)?,
        })
    }

    /// Whether it is the SHA-256 of these bytes.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        digest_of(&self.algorithm) == Some(&digest::SHA256)
            && self.hash.as_bytes() == digest::digest(&digest::SHA256, bytes).as_ref()
    }
}

/// Reads all of `bytes` as one value in the one form that it has (DER). `what` names it where it is not.
pub fn read<T: for<'a> Decode<'a> + Encode>(bytes: &[u8], what: &'static str) -> Result<T, Refused> {
    let unreadable = Refused::Unreadable(what);
    let Ok(value) = T::from_der(bytes) else { return Err(unreadable) };
    if write(&value, what)? == bytes { Ok(value) } else { Err(unreadable) }
}

/// Writes a value.
pub fn write(value: &impl Encode, what: &'static str) -> Result<Vec<u8>, Refused> {
    value.to_der().map_err(|_| Refused::Unreadable(what))
}

/// The hash that an algorithm identifier names, if it is one that is still good.
pub fn digest_of(algorithm: &Algorithm) -> Option<&'static digest::Algorithm> {
    match algorithm.oid {
        SHA_256 if is_bare(algorithm) => Some(&digest::SHA256),
        SHA_384 if is_bare(algorithm) => Some(&digest::SHA384),
        SHA_512 if is_bare(algorithm) => Some(&digest::SHA512),
        _ => None,
    }
}

/// Whether an algorithm has no parameters, in either of the two forms of saying so (RFC 5754, 2).
pub fn is_bare(algorithm: &Algorithm) -> bool {
    algorithm.parameters.as_ref().is_none_or(|parameters| *parameters == Any::null())
}

/// Whether a general name is this name of a directory (RFC 5280, 4.2.1.6: tag 4, explicit, because a name is a choice).
pub fn is_directory_name(general: &Any, name: &Name) -> bool {
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(4) };
    general.tag() == tag && name.to_der().is_ok_and(|name| name == general.value())
}
