//! The verdicts, in plain words and as JSON.

use serde::Serialize;

use crate::plain::plain;

/// How a question was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It holds, as far as the words beside it say.
    Holds,
    /// It does not.
    Broken,
    /// There is nothing in the file to answer it by.
    NotChecked,
}

/// One verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// How it came out.
    pub status: Status,
    /// What was found, a sentence each.
    pub findings: Vec<Finding>,
    /// What it does not cover.
    pub not_covered: Vec<String>,
}

/// One sentence of a verdict, and whether it speaks against the file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Whether it breaks the verdict.
    pub breaks: bool,
    /// The sentence.
    pub says: String,
}

impl Verdict {
    pub(crate) fn new() -> Self {
        Self { status: Status::Holds, findings: Vec::new(), not_covered: Vec::new() }
    }

    pub(crate) fn finds(&mut self, says: impl Into<String>) {
        self.findings.push(Finding { breaks: false, says: says.into() });
    }

    pub(crate) fn breaks(&mut self, says: impl Into<String>) {
        self.status = Status::Broken;
        self.findings.push(Finding { breaks: true, says: says.into() });
    }

    /// There is nothing to answer by, unless it is broken anyway.
    pub(crate) fn lacks(&mut self, says: impl Into<String>) {
        if self.status == Status::Holds {
            self.status = Status::NotChecked;
        }
        self.findings.push(Finding { breaks: false, says: says.into() });
    }

    pub(crate) fn leaves_out(&mut self, what: &str) {
        self.not_covered.push(what.to_owned());
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = match self.status {
            Status::Holds => "HOLDS",
            Status::Broken => "BROKEN",
            Status::NotChecked => "NOT CHECKED",
        };
        writeln!(f, "{status}")?;
        for Finding { breaks, says } in &self.findings {
            writeln!(f, "  {} {}", if *breaks { "!" } else { "-" }, plain(says))?;
        }
        self.not_covered.iter().try_for_each(|what| writeln!(f, "  not covered: {}", plain(what)))
    }
}

/// All verdicts on a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Checked {
    /// Whether the file is a certificate that says what its records say, and who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Verdict>,
    /// Whether the records are what was written, in order, and what was disclosed is what they commit to.
    pub integrity: Verdict,
    /// Whether nothing is missing of a stream.
    pub completeness: Verdict,
    /// Who stands for the root that all proofs lead to.
    pub anchoring: Verdict,
    /// Which sealed parts are gone, and by which erasure.
    pub erasure: Verdict,
    /// What was disclosed in clear, by record and part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disclosed: Vec<Disclosed>,
}

/// A disclosed part: the bytes of its fields in the order of `FORMAT.md`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Disclosed {
    /// The record.
    pub position: u64,
    /// The part.
    pub part: u8,
    /// What the record is.
    pub kind: String,
    /// Each field by its name: the value as text, or nothing where it was not shown.
    pub fields: Vec<(String, Option<String>)>,
}

impl Checked {
    pub(super) fn unreadable(reason: String) -> Self {
        let mut integrity = Verdict::new();
        integrity.breaks(reason);
        let mut unasked = Verdict::new();
        unasked.lacks("The file could not be read.");
        Self {
            certificate: None,
            integrity,
            completeness: unasked.clone(),
            anchoring: unasked.clone(),
            erasure: unasked,
            disclosed: Vec::new(),
        }
    }

    /// Names the bytes that were judged, where they disclose anything: a log that recorded the disclosure names them so. What a
    /// receipt opens its holder has said, and no record tells of it.
    pub fn name(&mut self, file: &[u8], receipt: bool) {
        if !self.disclosed.is_empty() && !receipt {
            self.integrity
                .finds(format!("Its BLAKE3 is {}: the record of a disclosure names the file so.", blake3::hash(file)));
        }
    }

    /// Whether nothing speaks against the file and the policy is met.
    pub fn holds(&self) -> bool {
        let all = [&self.integrity, &self.completeness, &self.anchoring, &self.erasure];
        let sound = all.iter().all(|verdict| verdict.status != Status::Broken);
        let certified = self.certificate.iter().all(|verdict| verdict.status == Status::Holds);
        sound && certified && self.anchoring.status == Status::Holds
    }
}

impl std::fmt::Display for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(verdict) = &self.certificate {
            write!(f, "certificate: {verdict}")?;
        }
        let verdicts = [
            ("integrity", &self.integrity),
            ("completeness", &self.completeness),
            ("anchoring", &self.anchoring),
            ("erasure", &self.erasure),
        ];
        for (name, verdict) in verdicts {
            write!(f, "{name}: {verdict}")?;
        }
        for disclosed in &self.disclosed {
            let Disclosed { position, part, kind, .. } = disclosed;
            writeln!(f, "disclosed in record {position} ({}), part {part}:", plain(kind))?;
            for (name, value) in &disclosed.fields {
                writeln!(f, "  {}: {}", plain(name), plain(value.as_deref().unwrap_or("(not shown)")))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_adds_no_verdict() {
        let lie = "x\nanchoring: HOLDS\u{1b}[8m";
        let mut verdict = Verdict::new();
        verdict.breaks(lie);
        verdict.leaves_out(lie);
        let disclosed =
            Disclosed { position: 1, part: 0, kind: lie.into(), fields: vec![(lie.into(), Some(lie.into()))] };
        let [integrity, completeness, anchoring, erasure] = [(); 4].map(|()| verdict.clone());
        let text =
            Checked { certificate: None, integrity, completeness, anchoring, erasure, disclosed: vec![disclosed] }
                .to_string();
        assert_eq!(text.lines().count(), 4 * 3 + 2, "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
