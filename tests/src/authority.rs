//! An authority for tests: OpenSSL with a root, an issuer below it, and certificates for stamps (RFC 3161) and servers.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::run;

/// What OpenSSL is told. `SECTION` of `ca` names the extensions of a certificate.
const SETTINGS: &str = "
[ca]
default_ca = issuer
[issuer]
database = index.txt
serial = serial.txt
new_certs_dir = .
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = nobody
prompt = no
[nobody]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[stamps]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
[no_purpose]
keyUsage = critical,digitalSignature
[not_critical]
extendedKeyUsage = timeStamping
[two_purposes]
extendedKeyUsage = critical,timeStamping,emailProtection
[no_issuer]
basicConstraints = critical,CA:FALSE
[tsa]
serial = stamps.txt
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
tsa_name = yes
ess_cert_id_alg = sha256
[tsa_sha1]
serial = stamps.txt
signer_digest = sha512
default_policy = 1.2.3.4.2
digests = sha256
ordering = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha1
";

/// When a certificate of the tests is valid, as OpenSSL writes it.
pub const VALID: (&str, &str) = ("20200101000000Z", "20990101000000Z");
/// A validity that was over long ago.
pub const OVER: (&str, &str) = ("20200101000000Z", "20200201000000Z");

/// A kind of key, as `openssl genpkey` names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Rsa,
    P256,
    P384,
}

/// A folder with a root `root.pem`, and whatever it issued.
pub struct Authority {
    folder: tempfile::TempDir,
    key: Key,
}

impl Authority {
    /// A new one, with a root of its own. All its keys are of this kind.
    pub fn new(key: Key) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap(), key };
        for (file, text) in [("settings", SETTINGS), ("index.txt", ""), ("serial.txt", "01"), ("stamps.txt", "01")] {
            std::fs::write(authority.path(file), text).unwrap();
        }
        authority.ask_for_certificate("root");
        authority.sign("root", "root", &["-selfsign", "-keyfile", "root.key"], VALID);
        authority
    }

    /// A file of it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// What a file of it holds.
    pub fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    /// Puts a file there.
    pub fn write(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.path(file), bytes).unwrap();
    }

    /// Issues `name`.pem with the extensions of a section, signed by `issuer`.pem.
    pub fn issue(&self, name: &str, section: &str, issuer: &str, valid: (&str, &str)) {
        self.ask_for_certificate(name);
        self.certify(name, section, issuer, valid);
    }

    /// Issues `name`.pem like [`Self::issue`], for the key of the request `name`.csr that is there.
    pub fn certify(&self, name: &str, section: &str, issuer: &str, valid: (&str, &str)) {
        let (certificate, key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
        self.sign(name, section, &["-cert", &certificate, "-keyfile", &key], valid);
    }

    /// Answers a request with the certificate `signer`.pem, as a section says. The answer is in the file `out`.
    pub fn answer(&self, request: &Path, section: &str, signer: &str, out: &str, more: &[&str]) {
        let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let request = request.to_str().unwrap();
        let how = ["ts", "-reply", "-config", "settings", "-section", section, "-queryfile", request];
        let who = ["-signer", &certificate, "-inkey", &key, "-out", out];
        self.openssl(&[&how, &who[..], more].concat());
    }

    /// Signs the content of the token `from` again, with a certificate that `openssl ts` would not take.
    pub fn sign_again(&self, from: &str, signer: &str, out: &str, more: &[&str]) {
        self.openssl(&["cms", "-verify", "-noverify", "-nosigs", "-inform", "DER", "-in", from, "-out", "content"]);
        let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
        let how = ["cms", "-sign", "-binary", "-nodetach", "-cades", "-nosmimecap", "-md", "sha256", "-outform", "DER"];
        let what = ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "content", "-out", out];
        self.openssl(&[&how, &what[..], &["-signer", &certificate, "-inkey", &key], more].concat());
    }

    /// Has OpenSSL do something in the folder.
    pub fn openssl(&self, arguments: &[&str]) -> String {
        run(Command::new("openssl").args(arguments).current_dir(self.folder.path())).done()
    }

    fn ask_for_certificate(&self, name: &str) {
        let (key, csr, subject) = (format!("{name}.key"), format!("{name}.csr"), format!("/CN=Test {name}"));
        let kind: &[&str] = match self.key {
            Key::Rsa => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            Key::P256 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            Key::P384 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        };
        self.openssl(&[&["genpkey", "-out", &key], kind].concat());
        self.openssl(&["req", "-new", "-config", "settings", "-key", &key, "-subj", &subject, "-out", &csr]);
    }

    fn sign(&self, name: &str, section: &str, by: &[&str], (from, to): (&str, &str)) {
        let (csr, pem) = (format!("{name}.csr"), format!("{name}.pem"));
        let how = ["ca", "-batch", "-notext", "-config", "settings", "-extensions", section, "-in", &csr, "-out", &pem];
        self.openssl(&[&how, by, &["-startdate", from, "-enddate", to]].concat());
    }
}
