//! Servers over TLS: believed where their certificate leads to an authority that the asker names, and not elsewhere.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use events::note::{FileSigner, Kind, SignedNote, Signer as _, VerifierKey};
use replay::witness::client::{Client, SubmitError};
use tests::authority::{Authority, Key, OVER, VALID};
use tests::powercut::check::scratch;
use tests::programs::{issue_token, lethe_audit};
use tests::server::command;

const WRONG: &str = "invalid peer certificate";

/// A server with a certificate. It is killed when it is dropped.
struct Served {
    process: Child,
    /// It says more than the line that is waited for.
    _out: BufReader<ChildStdout>,
    url: String,
}

impl Served {
    fn start(data: &std::path::Path, authority: &Authority, name: &str) -> Self {
        let [certificate, key] = ["pem", "key"].map(|kind| authority.path(&format!("{name}.{kind}")));
        let tls = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let mut process = command(data, &tls).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("lethe listens on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
        Self { process, _out: out, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _already_over = self.process.kill();
        let _waited = self.process.wait();
    }
}

#[test]
#[ignore = "needs openssl"]
fn a_server_is_believed_by_the_authority_that_is_named() {
    let (home, authority, other) = (scratch(), Authority::new(Key::P256), Authority::new(Key::P256));
    authority.issue("server", "server", "root", VALID);
    authority.issue("over", "server", "root", OVER);
    let data = home.path().join("ledger");
    let token = issue_token(&data, "auditor", "Ada", &[]);
    let [ca, stranger] = [&authority, &other].map(|of| of.path("root.pem").to_str().unwrap().to_owned());
    let out = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let copy = |served: &Served, more: &[&str], to: &str| {
        lethe_audit(&[&["copy", "--server", &served.url, "--token", &token], more, &[&out(to)]].concat())
    };
    let served = Served::start(&data, &authority, "server");
    copy(&served, &["--ca", &ca], "copy").done();
    lethe_audit(&["verify", &out("copy")]).done();
    for more in [&[][..], &["--ca", &stranger]] {
        let refused = copy(&served, more, "none");
        assert_eq!(refused.code, Some(2), "{more:?}: {refused:?}");
        assert!(refused.err.contains("could not be asked") && refused.err.contains(WRONG), "{refused:?}");
    }
    let missing = copy(&served, &["--ca", &out("no.pem")], "none");
    assert!(missing.code == Some(2) && missing.err.contains("cannot read the authorities in"), "{missing:?}");

    // A witness is asked by the same rules. This server is none, and says so once it is believed.
    let signer = FileSigner::at(&home.path().join("key")).unwrap();
    let key = VerifierKey::new("witness.example", Kind::Cosignature, signer.public()).unwrap();
    let mut note = SignedNote::new("log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".into()).unwrap();
    note.sign("log.example", Kind::Note, 0, &signer).unwrap();
    let ask = |ca| Client::trusting(&served.url, vec![key.clone()], ca).unwrap().ask_size(&note).unwrap_err();
    let root = authority.path("root.pem");
    assert!(matches!(ask(Some(root.as_path())), SubmitError::Distrusted(_)));
    let refused = ask(None);
    assert!(matches!(&refused, SubmitError::Unreachable(why) if why.contains(WRONG)), "{refused}");
    drop(served);

    let served = Served::start(&data, &authority, "over");
    let refused = copy(&served, &["--ca", &ca], "none");
    assert!(refused.code == Some(2) && refused.err.contains("expired"), "{refused:?}");
}
