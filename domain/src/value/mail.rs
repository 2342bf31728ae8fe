//! Mail addresses: RFC 5321 and 5322 without quoted local parts and address literals, with the letters of RFC 6531.

use super::{Invalid, line, texts};
use crate::limits::{MAIL_BYTES, MAIL_DOMAIN_BYTES, MAIL_LABEL_BYTES, MAIL_LOCAL_BYTES};

texts! {
    /// A mail address, as written.
    Mail;
}

impl Mail {
    /// One @, a local part, a domain of at least two labels. That somebody reads it is for a confirmation to find out.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = line(text, MAIL_BYTES)?;
        if text.len() > MAIL_BYTES {
            return Err(Invalid::TooManyBytes { limit: MAIL_BYTES });
        }
        let (local, domain) = text.split_once('@').ok_or(Invalid::Mail("it has no @"))?;
        if domain.contains('@') {
            return Err(Invalid::Mail("it has more than one @"));
        }
        check_local(local)?;
        check_domain(domain)?;
        Ok(Self(text.to_owned()))
    }

    /// The form by which addresses are compared: the domain in lower case. The local part is the receiver's affair
    /// (RFC 5321, 2.4) and stays.
    pub fn normalized(&self) -> String {
        match self.0.rsplit_once('@') {
            Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
            None => self.0.clone(),
        }
    }
}

fn check_local(local: &str) -> Result<(), Invalid> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if local.is_empty() || local.len() > MAIL_LOCAL_BYTES {
        return Err(Invalid::Mail("before the @ stand 1 to 64 bytes"));
    }
    if local.split('.').any(str::is_empty) {
        return Err(Invalid::Mail("a dot stands at an end or beside another dot"));
    }
    if !local.chars().all(|c| plain(c) || (!c.is_ascii() && !c.is_whitespace())) {
        return Err(Invalid::Mail("it holds a space or a character that may not stand there"));
    }
    Ok(())
}

fn check_domain(domain: &str) -> Result<(), Invalid> {
    if domain.len() > MAIL_DOMAIN_BYTES || !domain.contains('.') {
        return Err(Invalid::Mail("behind the @ stands no domain such as example.org"));
    }
    if !domain.split('.').all(is_label) {
        return Err(Invalid::Mail("behind the @ stands no domain such as example.org"));
    }
    Ok(())
}

/// One label of a domain (RFC 1035, 2.3.1; letters of every script as in RFC 5890).
pub(super) fn is_label(label: &str) -> bool {
    (1..=MAIL_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c == '-' || c.is_alphanumeric() || is_mark(c))
}

/// Combining marks, which scripts of India and others need inside words.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses_are_kept_as_written() {
        for text in
            ["maria@Example.ORG", "o'neil+news@a.co.uk", "用户@例子.公司", "a@b-c.de", "x@xn--bcher-kva.example"]
        {
            assert_eq!(Mail::parse(text).map(Mail::into_string), Ok(text.to_owned()), "{text}");
        }
        let mail = Mail::parse(" Maria@Example.ORG ").expect("an address");
        assert_eq!(mail.normalized(), "Maria@example.org");
    }

    #[test]
    fn bad_addresses_are_refused() {
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long_label = format!("a@{}.org", "b".repeat(64));
        for text in [
            "",
            "maria",
            "@example.org",
            "maria@",
            "maria@example",
            "a@b@example.org",
            "a b@example.org",
            "a@exam ple.org",
            ".a@example.org",
            "a.@example.org",
            "a..b@example.org",
            "a@.org",
            "a@example..org",
            "a@-b.org",
            "a@b-.org",
            "\"a\"@example.org",
            "a@[127.0.0.1]",
            "<a@example.org>",
            "a,b@example.org",
            "a@example.org\0",
            "a@exa_mple.org",
            &long_local,
            &long_label,
        ] {
            assert!(Mail::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_whole_may_have_254_bytes() {
        let label = "b".repeat(63);
        let domain = |last: usize| format!("{label}.{label}.{}", "c".repeat(last));
        let local = "a".repeat(64);
        assert!(Mail::parse(&format!("{local}@{}", domain(61))).is_ok());
        assert!(Mail::parse(&format!("{local}@{}", domain(62))).is_err());
    }
}
