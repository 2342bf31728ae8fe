//! Servers that are not what they say.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use events::record::NO_HASH;

use super::*;

/// What is sent at most where an answer has no end: enough to show that it is not read.
const FLOOD: u64 = 64 << 20;

/// A server, and how many bytes it got rid of.
fn server(answer: impl Fn(&str, &mut dyn Write) -> io::Result<()> + Send + 'static) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, sent) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&sent);
    thread::spawn(move || {
        for asked in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&asked).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let mut counted = Counted { to: asked, count: &count };
            let begun = counted.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            // Whoever asked may have had enough.
            let _ = begun.and_then(|()| answer(&path, &mut counted));
        }
    });
    (format!("http://{address}"), sent)
}

struct Counted<'a> {
    to: TcpStream,
    count: &'a AtomicU64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.count.fetch_add(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn flood(to: &mut dyn Write) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    (0..FLOOD >> 20).try_for_each(|_| to.write_all(&zeros))
}

fn head(size: u64) -> String {
    format!("{}\n", Head { size, hash: NO_HASH })
}

fn copied(server: &str) -> Result<Head, CopyError> {
    let out = tempfile::tempdir().unwrap();
    from_server(server, "token", None, out.path())
}

const NOTE: &str =
    "muster.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u{2014} muster.example AAAAAAAA\n";

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    for endless in ["checkpoint", "head", "entries", "inventory"] {
        let (address, sent) = server(move |path, to| match path {
            path if path.contains(endless) => flood(to),
            "/log/checkpoint" => to.write_all(NOTE.as_bytes()),
            "/log/head" => to.write_all(head(1).as_bytes()),
            _ => to.write_all(&[0, 1, 0]),
        });
        let refused = copied(&address).unwrap_err();
        assert!(matches!(&refused, CopyError::Endless { path, .. } if path.contains(endless)), "{refused}");
        assert!(sent.load(Ordering::SeqCst) < FLOOD / 2, "{endless} was read on and on");
    }
}

#[test]
fn a_bundle_has_as_many_records_as_its_path_says() {
    let (address, _) = server(|path, to| match path {
        "/log/checkpoint" => to.write_all(NOTE.as_bytes()),
        // Without a record in them, so many bundles would cost nothing to send and never end.
        "/log/head" => to.write_all(head(u64::MAX).as_bytes()),
        _ => Ok(()),
    });
    let refused = copied(&address).unwrap_err();
    assert!(matches!(refused, CopyError::NoRecords), "{refused}");
}

/// A server whose log has one record more whenever it is asked, each with a part that is not there.
fn growing(step: impl Fn(u64) -> u64 + Send + 'static) -> String {
    let asked = AtomicU64::new(0);
    let (address, _) = server(move |path, to| match path {
        "/log/checkpoint" => to.write_all(NOTE.as_bytes()),
        "/log/head" => to.write_all(head(step(asked.fetch_add(1, Ordering::SeqCst))).as_bytes()),
        path => {
            let width: usize = path.rsplit('/').next().and_then(|width| width.parse().ok()).unwrap_or_default();
            let one: &[u8] = if path.contains("entries") { &[0, 1, 0] } else { &[1, 2, 0, 0, 0, 9] };
            to.write_all(&one.repeat(width))
        }
    });
    address
}

#[test]
fn a_log_in_which_something_is_swept_for_ever_is_not_copied_for_ever() {
    let refused = copied(&growing(|asked| 1 + asked)).unwrap_err();
    assert!(matches!(refused, CopyError::NeverDone), "{refused}");
}

#[test]
fn a_head_that_goes_back_is_not_followed() {
    let refused = copied(&growing(|asked| 9 - asked)).unwrap_err();
    assert!(matches!(refused, CopyError::OtherHead { .. }), "{refused}");
}
