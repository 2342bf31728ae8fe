//! What is read has one form: the head of a copy, the facts of every kind, bundles and tiles that have grown since. What
//! is no such form is found whether a verdict needs it or not.

use std::fs;
use std::path::Path;

use events::bundle;
use events::chain::Head;
use replay::copy;
use replay::source::HEAD_FILE;
use tests::forge::Forger;
use tests::powercut::check::scratch;

use crate::tamper::{Verdict, assert_broken, audit, audit_by_program, with_book};

fn copied() -> (tempfile::TempDir, Forger) {
    let ((home, forger), out) = (with_book(), scratch());
    copy::from_directory(home.path(), out.path()).unwrap();
    (out, forger)
}

#[test]
fn the_head_of_a_copy_is_written_in_one_way() {
    let (out, _) = copied();
    let file = out.path().join(HEAD_FILE);
    let good = fs::read_to_string(&file).unwrap();
    assert_eq!(audit(out.path(), None), Verdict::Consistent);
    let (first, head) = good.split_once('\n').unwrap();
    for bad in [
        good.trim_end().to_owned(),
        format!("{good}\n"),
        good.replace('\n', "\r\n"),
        format!("{first}\n0{head}"),
        format!("{first}\n+{head}"),
        format!("{first}\n{}", head.to_uppercase()),
        format!("{first}\n{head}{head}"),
        String::new(),
    ] {
        fs::write(&file, &bad).unwrap();
        assert_broken(&audit(out.path(), None), 0, HEAD_FILE, &format!("{bad:?}"));
    }
}

#[test]
fn a_head_that_is_expected_is_written_in_one_way() {
    let (out, forger) = copied();
    let head = forger.head().to_string();
    assert!(head.parse::<Head>().is_ok());
    for bad in [format!("0{head}"), format!("+{head}"), head.to_uppercase(), format!("{head} ")] {
        assert!(bad.parse::<Head>().is_err(), "{bad:?}");
        let said = tests::programs::lethe_audit(&["verify", out.path().to_str().unwrap(), "--expect", &bad]);
        assert_eq!(said.code, Some(2), "{bad:?}: {}", said.err);
    }
}

/// A log with one record changed, and every hash behind it put right.
fn bent(kind: &str, bend: impl FnOnce(&mut events::record::Draft)) -> (tempfile::TempDir, usize) {
    let (home, mut forger) = with_book();
    let at = forger.find(kind);
    forger.edit(at, |draft, _| bend(draft));
    forger.relink(at + 1);
    forger.write(home.path());
    forger.write_mark(home.path());
    (home, at)
}

#[test]
fn the_facts_of_every_kind_are_read() {
    for kind in
        ["contact.registered", "consents.given", "ticket.opened", "quote.drafted", "case.opened", "actor.registered"]
    {
        let (home, at) = bent(kind, |draft| draft.facts.push(0));
        let verdict = audit(home.path(), None);
        assert_broken(&verdict, at as u64, "does not read as", kind);
        assert_eq!(audit_by_program(home.path(), None), verdict);
    }
    // A code that was never given: the last of the facts is whether an organization asks.
    let (home, at) = bent("ticket.opened", |draft| *draft.facts.last_mut().unwrap() = 7);
    assert_broken(&audit(home.path(), None), at as u64, "does not read as", "a bool of seven");
    let (home, at) = bent("case.opened", |draft| draft.facts = vec![0, 99]);
    assert_broken(&audit(home.path(), None), at as u64, "code that is not registered", "a code");
    // Facts that are right, of a record with another count of parts.
    let (home, at) = bent("case.erasure-approved", |draft| {
        (draft.kind, draft.facts) = ("case.erasure-refused", [&draft.facts[..], &[0, 1, 1]].concat());
    });
    assert_broken(&audit(home.path(), None), at as u64, "has 0 sealed parts where its form has 1", "a part too few");
}

#[test]
fn what_came_later_and_decides_nothing_is_passed_over() {
    let laters: [fn(&mut events::record::Draft); 2] = [|draft| draft.version = 99, |draft| draft.kind = "ticket.sung"];
    for later in laters {
        let (home, _) = bent("ticket.opened", later);
        assert_eq!(audit(home.path(), None), Verdict::Consistent);
        assert_eq!(audit_by_program(home.path(), None), Verdict::Consistent);
    }
}

/// Makes the file of a bundle or tile one that has more entries, in place of the one that the size asks for.
fn grow(copy: &Path, what: &str, from: u64, to: u64, more: &[u8]) {
    let file = |width| copy.join(bundle::path(what, 0, width));
    let bytes = fs::read(file(from)).unwrap();
    fs::write(file(to), [bytes, more.repeat((to - from) as usize)].concat()).unwrap();
    fs::remove_file(file(from)).unwrap();
}

#[test]
fn bundles_and_tiles_that_have_grown_begin_with_what_was_there() {
    for to in [256, 255] {
        let (out, forger) = copied();
        let size = forger.head().size;
        assert!(size < 255 && out.path().join("checkpoint").is_file(), "{size}");
        grow(out.path(), "entries", size, to, &[0, 1, 9]);
        grow(out.path(), "inventory", size, to, &[0]);
        grow(out.path(), "0", size, to, &[9; 32]);
        assert_eq!(audit(out.path(), None), Verdict::Consistent, "to {to}");
        assert_eq!(audit_by_program(out.path(), None), Verdict::Consistent);
        let tile = out.path().join(bundle::path("0", 0, to));
        let whole = fs::read(&tile).unwrap();
        let mut other = whole.clone();
        other[40] ^= 1;
        fs::write(&tile, other).unwrap();
        assert_broken(&audit(out.path(), None), 0, "tile 0 of row 0", "another hash");
        fs::write(&tile, &whole[..whole.len() - 32]).unwrap();
        assert_broken(&audit(out.path(), None), 0, "bytes where", "a hash too few");
        fs::write(&tile, whole).unwrap();
        let entries = out.path().join(bundle::path("entries", 0, to));
        let whole = fs::read(&entries).unwrap();
        fs::write(&entries, &whole[..whole.len() - 3]).unwrap();
        assert_broken(&audit(out.path(), None), 0, "entries where", "an entry too few");
    }
}
