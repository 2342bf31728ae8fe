//! Opening a token and checking its signature (RFC 3161, 2.4.2; RFC 5652, 5.4 and 5.6; RFC 5816).

use aws_lc_rs::digest;
use der::asn1::{Any, BitString, ObjectIdentifier, OctetString};
use der::{Tag, TagNumber, Tagged};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::{EndEntityCert, Error};
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::certificate::Certificate;
use super::wire::{self, ContentInfo, IssuerAndSerial, IssuerSerial, SignedData, SignerInfo, TimeStampResp, TstInfo};
use super::{CERTIFICATES_MOST, Refused};
use crate::plain::plain;

const TOKEN: &str = "token";
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// Says only that the key is an RSA key; the hash is then the one of the attributes (RFC 3370, 3.2).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// `PKIFailureInfo` (RFC 3161, 2.4.2): the bit, and what it means.
const FAILURES: [(usize, &str); 8] = [
    (0, "unknown algorithm"),
    (2, "request not supported"),
    (5, "data of a wrong format"),
    (14, "no source of time"),
    (15, "policy not supported"),
    (16, "extension not supported"),
    (17, "additional information not available"),
    (25, "system failure"),
];

/// A token as it was read. Nothing in it is trusted yet.
pub struct Token {
    /// What is stamped, when and by whom.
    pub info: TstInfo,
    /// The certificates that came with it; those that are not needed are not read.
    pub certificates: Vec<CertificateDer<'static>>,
    content: OctetString,
    signer: SignerInfo,
}

impl Token {
    /// Reads an answer or a bare token. A rejection is refused with its words.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let outer: Any = wire::read(bytes, TOKEN)?;
        match outer.value().first() {
            Some(0x06) => Self::open(bytes),
            Some(0x30) => Self::open(&wire::write(&granted(wire::read(bytes, TOKEN)?)?, TOKEN)?),
            _ => Err(Refused::Unreadable(TOKEN)),
        }
    }

    fn open(bytes: &[u8]) -> Result<Self, Refused> {
        let ContentInfo { kind, content } = wire::read(bytes, TOKEN)?;
        if kind != wire::SIGNED_DATA {
            return Err(Refused::NotAStamp);
        }
        let data: SignedData = wire::read(&wire::write(&content, TOKEN)?, TOKEN)?;
        if data.content.kind != wire::TST_INFO {
            return Err(Refused::NotAStamp);
        }
        let [signer] = data.signers.as_slice() else { return Err(Refused::Signatures) };
        let signer: SignerInfo = wire::read(&wire::write(signer, TOKEN)?, TOKEN)?;
        // Versions 4 and 5 are those of tokens with other kinds of certificates and revocations (RFC 5652, 5.1).
        if !(3..=5).contains(&data.version) {
            return Err(Refused::Unreadable(TOKEN));
        }
        let digest = wire::digest_of(&signer.digest).ok_or(Refused::Algorithm)?;
        if !data.digests.iter().any(|listed| wire::digest_of(listed) == Some(digest)) {
            return Err(Refused::Algorithm);
        }
        let mut certificates = Vec::new();
        for certificate in data.certificates.iter().flatten() {
            if certificates.len() == CERTIFICATES_MOST {
                return Err(Refused::TooMany);
            }
            certificates.push(CertificateDer::from(wire::write(certificate, TOKEN)?));
        }
        let content = data.content.content;
        Ok(Self { info: wire::read(content.as_bytes(), TOKEN)?, certificates, content, signer })
    }

    /// Finds the signer's certificate in the token or among the given ones, and checks the signed attributes and the
    /// signature with it. Whether that certificate is trusted is another question.
    pub fn signed_by(&self, given: &[Certificate]) -> Result<Certificate, Refused> {
        self.check_attributes()?;
        let inside = self.certificates.iter().filter_map(|bytes| Certificate::parse(bytes).ok());
        let named = inside.chain(given.iter().cloned()).filter(|certificate| self.names(certificate));
        let mut refused = Refused::NoSigner;
        for certificate in named {
            if self.signs_for(&certificate)? {
                self.check_signature(&certificate)?;
                return Ok(certificate);
            }
            refused = Refused::Unnamed;
        }
        Err(refused)
    }

    /// Whether the signer calls itself by this certificate (`SignerIdentifier`; RFC 5652, 5.3).
    fn names(&self, certificate: &Certificate) -> bool {
        let (tbs, signer) = (certificate.parsed.tbs_certificate(), &self.signer.signer);
        match (self.signer.version, signer.tag()) {
            (1, Tag::Sequence) => wire::write(signer, TOKEN)
                .and_then(|bytes| wire::read::<IssuerAndSerial>(&bytes, TOKEN))
                .is_ok_and(|it| it.issuer == *tbs.issuer() && it.serial.as_bytes() == certificate.serial()),
            (3, Tag::ContextSpecific { constructed: false, number: TagNumber(0) }) => {
                matches!(tbs.get_extension::<SubjectKeyIdentifier>(),
                    Ok(Some((_, SubjectKeyIdentifier(id)))) if id.as_bytes() == signer.value())
            }
            _ => false,
        }
    }

    fn check_attributes(&self) -> Result<(), Refused> {
        let (what, kind) = ("content type", self.attribute(CONTENT_TYPE, "content type")?);
        if kind.and_then(|kind| kind.decode_as::<ObjectIdentifier>().ok()) != Some(wire::TST_INFO) {
            return Err(Refused::Attribute(what));
        }
        let (what, signed) = ("digest", self.attribute(MESSAGE_DIGEST, "digest")?);
        let algorithm = wire::digest_of(&self.signer.digest).ok_or(Refused::Algorithm)?;
        let digest = digest::digest(algorithm, self.content.as_bytes());
        match signed.and_then(|signed| signed.decode_as::<OctetString>().ok()) {
            Some(signed) if signed.as_bytes() == digest.as_ref() => Ok(()),
            _ => Err(Refused::Attribute(what)),
        }
    }

    /// Whether the signed attributes name this certificate: at least one of the two forms is there, and each that is there
    /// fits. It keeps a signature from being passed off as that of another certificate of the same key (RFC 5035).
    fn signs_for(&self, certificate: &Certificate) -> Result<bool, Refused> {
        let mut named = false;
        if let Some(value) = self.attribute(SIGNING_CERTIFICATE_V2, "certificate")? {
            let list: wire::SigningCertificateV2 = wire::read(&wire::write(value, TOKEN)?, TOKEN)?;
            let Some(id) = list.certificates.first() else { return Ok(false) };
            let algorithm = match &id.algorithm {
                None => &digest::SHA256,
                Some(algorithm) => wire::digest_of(algorithm).ok_or(Refused::Algorithm)?,
            };
            named = true;
            if !is_meant(certificate, algorithm, &id.hash, id.issued.as_ref()) {
                return Ok(false);
            }
        }
        if let Some(value) = self.attribute(SIGNING_CERTIFICATE, "certificate")? {
            let list: wire::SigningCertificate = wire::read(&wire::write(value, TOKEN)?, TOKEN)?;
            let Some(id) = list.certificates.first() else { return Ok(false) };
            named = true;
            // SHA-1 because the form knows nothing else. Who could make a second certificate with this hash would still
            // need one issued under the given one.
            if !is_meant(certificate, &digest::SHA1_FOR_LEGACY_USE_ONLY, &id.hash, id.issued.as_ref()) {
                return Ok(false);
            }
        }
        Ok(named)
    }

    /// The one value of a signed attribute, if it is there.
    fn attribute(&self, kind: ObjectIdentifier, what: &'static str) -> Result<Option<&Any>, Refused> {
        let mut found = self.signer.signed.iter().filter(|attribute| attribute.oid == kind);
        let Some(first) = found.next() else { return Ok(None) };
        match (first.values.as_slice(), found.next()) {
            ([value], None) => Ok(Some(value)),
            _ => Err(Refused::Attribute(what)),
        }
    }

    fn check_signature(&self, certificate: &Certificate) -> Result<(), Refused> {
        // What is signed are the attributes as a set, which is how they are written here (RFC 5652, 5.4).
        let signed = wire::write(&self.signer.signed, TOKEN)?;
        let end = EndEntityCert::try_from(&certificate.der).map_err(|_| Refused::Unreadable("certificate"))?;
        for algorithm in self.algorithms()? {
            match end.verify_signature(algorithm, &signed, self.signer.signature.as_bytes()) {
                Ok(()) => return Ok(()),
                Err(Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
                Err(_) => return Err(Refused::Signature),
            }
        }
        Err(Refused::Algorithm)
    }

    /// The algorithms that the token's may be; which one, the key decides.
    fn algorithms(&self) -> Result<Vec<&'static dyn SignatureVerificationAlgorithm>, Refused> {
        if self.signer.algorithm.oid == RSA_ENCRYPTION && wire::is_bare(&self.signer.algorithm) {
            let hash = wire::digest_of(&self.signer.digest).ok_or(Refused::Algorithm)?;
            return Ok(vec![match hash.output_len() {
                32 => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
                48 => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
                _ => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
            }]);
        }
        let id: Any = wire::read(&wire::write(&self.signer.algorithm, TOKEN)?, TOKEN)?;
        let all = webpki::ALL_VERIFICATION_ALGS.iter().copied();
        Ok(all.filter(|algorithm| *algorithm.signature_alg_id() == *id.value()).collect())
    }
}

/// The token of an answer that says yes.
fn granted(answer: TimeStampResp) -> Result<Any, Refused> {
    let status = answer.status;
    match status.status {
        0 | 1 => answer.token.ok_or(Refused::NoToken),
        no => {
            let words = status.words.iter().flatten().map(|words| plain(words));
            let reasons = status.failure.iter().flat_map(failures).map(str::to_owned);
            let words: Vec<_> = words.chain(reasons).collect();
            Err(Refused::Rejected { status: no, words: words.join("; ") })
        }
    }
}

fn failures(bits: &BitString) -> Vec<&'static str> {
    FAILURES.iter().filter(|(bit, _)| bits.get(*bit) == Some(true)).map(|(_, words)| *words).collect()
}

fn is_meant(
    certificate: &Certificate,
    algorithm: &'static digest::Algorithm,
    hash: &OctetString,
    issued: Option<&IssuerSerial>,
) -> bool {
    let tbs = certificate.parsed.tbs_certificate();
    let fits = |issued: &IssuerSerial| {
        let [issuer] = issued.issuer.as_slice() else { return false };
        wire::is_directory_name(issuer, tbs.issuer()) && issued.serial.as_bytes() == certificate.serial()
    };
    digest::digest(algorithm, &certificate.der).as_ref() == hash.as_bytes() && issued.is_none_or(fits)
}
