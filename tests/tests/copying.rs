//! Audit copies of a server that goes on working.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use replay::copy;
use replay::source::Source;
use replay::verify::{Consistent, verify};
use tests::desk;
use tests::server::{Server, until};

/// A door in front of a server: it passes everything on, and lets something happen before the first bundle goes through.
fn door(server: SocketAddr, meanwhile: impl FnOnce() + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut meanwhile = Some(meanwhile);
        for asked in listener.incoming() {
            let asked = asked.unwrap();
            let mut lines = BufReader::new(&asked).lines();
            let first = lines.next().unwrap().unwrap();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let head = lines.map(Result::unwrap).take_while(|line| !line.is_empty());
            let kept: Vec<String> =
                head.filter(|line| line.to_ascii_lowercase().starts_with("authorization:")).collect();
            if path.starts_with("/log/tile")
                && let Some(meanwhile) = meanwhile.take()
            {
                meanwhile();
            }
            pass_on(server, &path, &kept.concat(), asked);
        }
    });
    format!("http://{address}")
}

fn pass_on(server: SocketAddr, path: &str, authorization: &str, mut asked: TcpStream) {
    let mut through = TcpStream::connect(server).unwrap();
    write!(through, "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{authorization}\r\n\r\n").unwrap();
    std::io::copy(&mut through, &mut asked).unwrap();
}

fn verified(copied: &std::path::Path) -> Consistent {
    verify(&Source::open(copied).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap()
}

#[test]
fn a_copy_during_which_somebody_is_erased_and_swept_holds_the_certificate() {
    let server = Server::start(&["--cooling-off", "0"]);
    let (agent, dpo, auditor) = (server.client("agent"), server.client("dpo"), server.client("auditor"));
    let token = auditor.token().to_owned();
    let person = desk::register(&agent, "Wanda", "Weg", "wanda@example.org");
    let (direct, asks) = (server.at_path(""), token.clone());
    let address = door(server.address, move || {
        desk::forget(&agent, &dpo, &person);
        until("her sealed parts are swept", || {
            let out = tempfile::tempdir().unwrap();
            copy::from_server(&direct, &asks, None, out.path()).unwrap();
            verified(out.path()).parts.erased > 0
        });
    });
    let out = tempfile::tempdir().unwrap();
    copy::from_server(&address, &token, None, out.path()).unwrap();
    let copied = verified(out.path());
    assert_eq!((copied.certified, copied.parts.erased > 0), (1, true));
}
