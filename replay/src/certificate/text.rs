//! What a certificate says, line by line. The part behind the second heading is made from the records in the file and from
//! nothing else, so whoever checks it makes it again and compares.

use std::fmt::Write as _;

use domain::subject::{AnchorLevel, Confirmed};

use super::{Language, Placed, Statement};
use crate::plain::plain;

/// The first line; it has spaces and no origin has, so a certificate is never taken for a checkpoint.
pub(super) const HEADER: &str = "lethe certificate 1";

impl Statement {
    /// The whole text of the certificate that a log of this origin gives.
    pub fn text(&self, origin: &str, language: Language) -> String {
        self.head(origin, language) + &self.word(language) + &self.proved().shown(language)
    }

    /// The lines for machines: what it is, of which log, its number, the language.
    pub(super) fn head(&self, origin: &str, language: Language) -> String {
        format!("{HEADER}\n{origin}\n{}\n{}\n\n", self.erasure, language.code())
    }

    /// What the log says, of records that have sealed parts and are not shown.
    fn word(&self, language: Language) -> String {
        let say = |en, de| language.say(en, de);
        let mut out = String::new();
        line(&mut out, "", say("What was asked (the log's word)", "Was verlangt wurde (Angabe des Protokolls)"));
        if let Some((asked, placed)) = &self.asked {
            let (how, ground) = (language.how(asked.how), language.ground(asked.ground));
            let text = say("Asked on DAY, HOW: GROUND.", "Verlangt am DAY, HOW: GROUND.");
            let on = asked.on.to_string();
            line(&mut out, "  ", &text.replace("DAY", &on).replace("HOW", how).replace("GROUND", ground));
            let text = say("Identity checked on DAY: CHECK.", "Identität geprüft am DAY: CHECK.");
            let check = language.identity(asked.identity);
            line(&mut out, "  ", &text.replace("DAY", &asked.identity_on.to_string()).replace("CHECK", check));
            line(&mut out, "  ", &placed.said(say("Written down", "Aufgeschrieben"), language));
        }
        if let Some((compartments, placed)) = &self.fenced {
            line(&mut out, "  ", &placed.said(say("Withheld from everybody", "Für alle gesperrt"), language));
            let compartments = compartments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let text = say("Destroyed with its keys: WHAT.", "Mit den Schlüsseln vernichtet: WHAT.");
            line(&mut out, "  ", &text.replace("WHAT", &compartments));
            let demo = self.controller.as_ref().is_some_and(|(_, demo)| *demo);
            let waited = match self.cooling_off {
                Some(until) => {
                    say("Cooling-off until TIME.", "Bedenkzeit bis TIME.").replace("TIME", &until.to_string())
                }
                None if demo => say(
                    "No cooling-off: this is a demonstration or a test.",
                    "Keine Bedenkzeit: Dies ist eine Vorführung oder ein Test.",
                )
                .to_owned(),
                None => say(
                    "No cooling-off: whoever ran the server had set none.",
                    "Keine Bedenkzeit: Wer den Server betrieb, hatte keine eingestellt.",
                )
                .to_owned(),
            };
            line(&mut out, "  ", &waited);
        }
        out.push('\n');
        out
    }

    /// What the records in the file say.
    pub(super) fn shown(&self, language: Language) -> String {
        let say = |en, de| language.say(en, de);
        let mut out = String::new();
        let heading = match self.is_final() {
            true => say("What was done: FINAL certificate", "Was geschah: ENDGÜLTIGE Bescheinigung"),
            false => say("What was done: PROVISIONAL certificate", "Was geschah: VORLÄUFIGE Bescheinigung"),
        };
        line(
            &mut out,
            "",
            &format!("{heading} {}", say("(proved by the records below)", "(durch die Einträge unten belegt)")),
        );
        if let Some((controller, demo)) = &self.controller {
            line(&mut out, "  ", &format!("{}: {}", say("Controller", "Verantwortlicher"), plain(controller)));
            if *demo {
                let text = say(
                    "This ledger is a demonstration: the data in it is nobody's.",
                    "Dieses Hauptbuch ist eine Vorführung: Die Daten darin gehören niemandem.",
                );
                line(&mut out, "  ", text);
            }
        }
        if let Some((over, placed)) = &self.over {
            let text = say(
                "Nobody asked; the register says that its time is over",
                "Niemand hat verlangt; laut Register ist die Zeit abgelaufen",
            );
            line(&mut out, "  ", &placed.said(text, language));
            for over in over {
                let (basis, last) = (plain(over.basis.as_str()), say("last day", "letzter Tag"));
                line(&mut out, "    ", &format!("{}: {basis}; {last} {}", over.compartment, over.until));
            }
        }
        if let Some((confirmed, placed)) = &self.confirmed {
            line(&mut out, "  ", &placed.said(say("Confirmed", "Bestätigt"), language));
            if let Confirmed::Outside(outside) = confirmed {
                let text = say("by a time from outside: NAME says TIME", "durch eine Zeit von außen: NAME sagt TIME");
                let text = text.replace("NAME", &plain(outside.by.as_str())).replace("TIME", &outside.at.to_string());
                line(&mut out, "    ", &text);
            }
        }
        for placed in &self.approved {
            line(&mut out, "  ", &placed.said(say("Approved", "Genehmigt"), language));
        }
        if let Some((keys, epoch, placed)) = &self.ordered {
            let text = say("Destruction of KEYS keys ordered", "Vernichtung von KEYS Schlüsseln angeordnet");
            line(&mut out, "  ", &placed.said(&text.replace("KEYS", &keys.to_string()), language));
            let text = say("Epoch of the keyring then: EPOCH.", "Stand des Schlüsselbunds dabei: EPOCH.");
            line(&mut out, "  ", &text.replace("EPOCH", &epoch.to_string()));
        }
        self.show_certified(&mut out, language);
        self.show_residues(&mut out, language);
        line(&mut out, "", "");
        line(
            &mut out,
            "",
            say(
                "To check this file: lethe-audit check FILE --policy POLICY",
                "Zur Prüfung: lethe-audit check DATEI --policy POLICY",
            ),
        );
        out
    }

    fn show_certified(&self, out: &mut String, language: Language) {
        let say = |en, de| language.say(en, de);
        let Some((certificate, placed)) = &self.certified else { return };
        line(out, "  ", &placed.said(say("Destroyed, and certified", "Vernichtet und bescheinigt"), language));
        line(out, "  ", language.level(certificate.level));
        self.show_declared(out, certificate.level, language);
        let text = say("The keyring went from epoch A to epoch B.", "Der Schlüsselbund ging von Stand A auf Stand B.");
        let epochs = text.replace(" B", &format!(" {}", certificate.epoch_after));
        line(out, "  ", &epochs.replace(" A ", &format!(" {} ", certificate.epoch_before)));
        line(out, "", "");
        line(out, "", say("What is kept, on which law, until when", "Was bleibt, nach welchem Recht und bis wann"));
        for survivor in &certificate.survives {
            let (compartment, basis) = (survivor.compartment, plain(survivor.basis.as_str()));
            line(out, "  ", &format!("{compartment}: {basis}; {} {}", say("until", "bis"), survivor.until));
        }
        let rest = say(
            "Only what is named above was over; everything else of this person or organization lives on.",
            "Nur was oben genannt ist, war abgelaufen; alles andere dieser Person oder Organisation bleibt.",
        );
        match (&self.over, certificate.survives.is_empty()) {
            (Some(_), _) => line(out, "  ", rest),
            (None, true) => line(out, "  ", say("Nothing.", "Nichts.")),
            (None, false) => {}
        }
        line(out, "", "");
        line(out, "", say("What may still link records of the erased", "Was Einträge noch verbinden kann"));
        for links in &certificate.links {
            line(out, "  ", &links.dated(language.links(*links), &certificate.survives));
        }
        if certificate.links.is_empty() {
            line(out, "  ", say("Nothing that the log knows of.", "Nichts, wovon das Protokoll weiß."));
        }
    }

    /// What was declared raises the level to A3 or not at all. The log does not say which devices held the root: the operator
    /// does.
    fn show_declared(&self, out: &mut String, level: AnchorLevel, language: Language) {
        let say = |en, de| language.say(en, de);
        let holding = || self.declared.values().filter_map(|declared| Some((declared, declared.confirmed?)));
        if level != AnchorLevel::A3 {
            return;
        }
        line(
            out,
            "  ",
            say(
                "Declared of devices; which of them held the root is the operator's word:",
                "Zu Geräten erklärt; welche davon die Wurzel hielten, ist Angabe des Betreibers:",
            ),
        );
        for (declared, confirmed) in holding() {
            let (device, serial) = (plain(&declared.device), plain(&declared.serial));
            let text = say(
                "No backup and no cluster holds the root of DEVICE, serial number SERIAL",
                "Keine Sicherung und kein Verbund hält die Wurzel von DEVICE, Seriennummer SERIAL",
            );
            let text = text.replace("SERIAL", &serial).replace("DEVICE", &device);
            line(out, "  ", &declared.declared.said(&text, language));
            line(out, "    ", &confirmed.said(say("Confirmed", "Bestätigt"), language));
        }
        if holding().next().is_none() {
            line(out, "  ", say("Nobody has declared the device.", "Zum Gerät gibt es keine Erklärung."));
        }
    }

    fn show_residues(&self, out: &mut String, language: Language) {
        let say = |en, de| language.say(en, de);
        line(out, "", "");
        line(
            out,
            "",
            say("What the erasure does not reach, or not yet", "Was die Löschung nicht oder noch nicht erreicht"),
        );
        for (number, (residue, closed)) in (1..).zip(&self.residues) {
            let count = residue.count.map(|count| format!(" ({count})")).unwrap_or_default();
            let until = match residue.until {
                Some(until) => format!("{} {until}", say("until", "bis")),
                None => say("no end is known", "ein Ende ist nicht bekannt").to_owned(),
            };
            let stands = match closed {
                Some((end, on, placed)) => {
                    let record = say("record", "Eintrag");
                    format!("{} {on}, {record} {}", language.end(*end), placed.position)
                }
                None => format!("{until}; {}", say("OPEN", "OFFEN")),
            };
            let id = residue.disclosure.map(|id| format!(" {id}")).unwrap_or_default();
            line(out, "  ", &format!("{number}. {}{count}{id}: {stands}", language.residue(residue.kind)));
        }
        let told = match (&self.finally, self.residues_named) {
            (Some(placed), _) => placed.said(
                say(
                    "Nothing is left that the final certificate waits for",
                    "Nichts Offenes mehr, endgültig bescheinigt",
                ),
                language,
            ),
            (None, true) => say(
                "This certificate is provisional: the final one follows when nothing is open any more.",
                "Diese Bescheinigung ist vorläufig: Die endgültige folgt, wenn nichts mehr offen ist.",
            )
            .to_owned(),
            (None, false) => say(
                "Nobody has said yet what it does not reach: this certificate is provisional.",
                "Dazu hat noch niemand etwas gesagt: Diese Bescheinigung ist vorläufig.",
            )
            .to_owned(),
        };
        line(out, "  ", &told);
    }
}

impl Placed {
    fn said(&self, what: &str, language: Language) -> String {
        let (by, record) = (language.say("by", "von"), language.say("record", "Eintrag"));
        format!("{what}: {}, {by} {}, {record} {}.", self.at, self.actor, self.position)
    }
}

fn line(out: &mut String, indent: &str, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{indent}{text}");
}
