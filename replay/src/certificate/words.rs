//! The words of a certificate, in each language that it is written in.

use domain::subject::{AnchorLevel, AskedHow, Ground, IdentityCheck, ResidueEnd, ResidueKind, StillLinks};

/// A language of certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// As the third line of a certificate names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// One of two texts.
    pub(super) fn say<'a>(self, en: &'a str, de: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::De => de,
        }
    }

    pub(super) fn ground(self, ground: Ground) -> &'static str {
        let (en, de) = match ground {
            Ground::NoLongerNecessary => (
                "it is no longer needed for what it was collected for (Art. 17(1)(a) GDPR)",
                "die Daten sind für ihren Zweck nicht mehr notwendig (Art. 17 Abs. 1 Buchst. a DSGVO)",
            ),
            Ground::ConsentWithdrawn => (
                "the consent it rested on was withdrawn (Art. 17(1)(b) GDPR)",
                "die Einwilligung wurde widerrufen (Art. 17 Abs. 1 Buchst. b DSGVO)",
            ),
            Ground::Objected => (
                "the person objected (Art. 17(1)(c) GDPR)",
                "die Person hat widersprochen (Art. 17 Abs. 1 Buchst. c DSGVO)",
            ),
            Ground::Unlawful => (
                "it was processed unlawfully (Art. 17(1)(d) GDPR)",
                "die Daten wurden unrechtmäßig verarbeitet (Art. 17 Abs. 1 Buchst. d DSGVO)",
            ),
            Ground::LegalDuty => {
                ("a law demands it (Art. 17(1)(e) GDPR)", "ein Gesetz verlangt es (Art. 17 Abs. 1 Buchst. e DSGVO)")
            }
            Ground::RetentionOver => ("the time it was kept is over", "die Aufbewahrungszeit ist abgelaufen"),
            Ground::Child => (
                "it was collected from a child for an online service (Art. 17(1)(f) GDPR)",
                "die Daten wurden für einen Online-Dienst bei einem Kind erhoben (Art. 17 Abs. 1 Buchst. f DSGVO)",
            ),
        };
        self.say(en, de)
    }

    pub(super) fn how(self, how: AskedHow) -> &'static str {
        let (en, de) = match how {
            AskedHow::Email => ("by mail", "per E-Mail"),
            AskedHow::Letter => ("by letter", "per Brief"),
            AskedHow::Phone => ("in a call", "am Telefon"),
            AskedHow::InPerson => ("face to face", "persönlich"),
            AskedHow::WebForm => ("through a form on a web site", "über ein Formular im Web"),
            AskedHow::Portal => ("through the customer portal", "über das Kundenportal"),
            AskedHow::OwnReview => ("by nobody: the controller's own review", "von niemandem: eigene Prüfung"),
        };
        self.say(en, de)
    }

    pub(super) fn identity(self, identity: IdentityCheck) -> &'static str {
        let (en, de) = match identity {
            IdentityCheck::KnownPoint => {
                ("an answer from a contact point on file", "Antwort von einer bekannten Adresse")
            }
            IdentityCheck::SignedIn => ("the person was signed in", "die Person war angemeldet"),
            IdentityCheck::CalledBack => ("a call back to a number on file", "Rückruf unter einer bekannten Nummer"),
            IdentityCheck::DocumentSeen => {
                ("a document was seen; no copy is kept", "ein Ausweis wurde gesehen, keine Kopie")
            }
            IdentityCheck::KnownInPerson => ("the person is known", "die Person ist bekannt"),
            IdentityCheck::Attorney => ("a power of attorney was seen", "eine Vollmacht wurde gesehen"),
            IdentityCheck::NotNeeded => ("nobody asked, so nobody was checked", "nicht nötig, niemand hat verlangt"),
        };
        self.say(en, de)
    }

    /// What a level means, never more than it gives.
    pub(super) fn level(self, level: AnchorLevel) -> &'static str {
        let (en, de) = match level {
            AnchorLevel::A0 => (
                "A0, a LOGICAL erasure: the keys were destroyed in files, or had their root in a file once. Whoever kept a \
                 copy of the root file from before may undo it.",
                "A0, eine LOGISCHE Löschung (logical): Die Schlüssel wurden in Dateien vernichtet, oder ihre Wurzel lag \
                 einmal in einer Datei. Wer eine ältere Kopie der Wurzeldatei behalten hat, kann sie rückgängig machen.",
            ),
            AnchorLevel::A1 => (
                "A1: the keys were destroyed in hardware; that no copy of their root exists, nobody has declared of every \
                 device that ever held it.",
                "A1: Die Schlüssel wurden in Hardware vernichtet; dass keine Kopie ihrer Wurzel besteht, ist nicht für \
                 jedes Gerät erklärt, das sie je hielt.",
            ),
            AnchorLevel::A2 => (
                "A2: the keys were destroyed in a cloud's key service, which delays the destruction.",
                "A2: Die Schlüssel wurden im Schlüsseldienst einer Cloud vernichtet, der das verzögert.",
            ),
            AnchorLevel::A3 => (
                "A3: the keys were destroyed in declared hardware.",
                "A3: Die Schlüssel wurden in Hardware vernichtet, zu der eine Erklärung vorliegt.",
            ),
        };
        self.say(en, de)
    }

    pub(super) fn links(self, links: StillLinks) -> &'static str {
        let de = match links {
            StillLinks::AdjacentRecords => "Einträge eines Vorgangs stehen im Protokoll nebeneinander.",
            StillLinks::CloseInTime => {
                "Einträge wurden zeitlich nah beieinander geschrieben; das bleibt, solange das Protokoll aufbewahrt wird."
            }
            StillLinks::BatchOfOne => {
                "Die Schlüssel wurden allein vernichtet, sie gehörten also zu einer einzigen Person oder Organisation."
            }
            StillLinks::HandedOut => {
                "Dateien mit offenen Werten wurden vorher herausgegeben; wer eine behält, kann sie lesen."
            }
            StillLinks::KeptKeys => {
                "Schlüssel, die wie angegeben bleiben, öffnen, was unter ihnen versiegelt ist und nennt, wessen es ist; der letzte endet am DAY."
            }
            StillLinks::CaseFile => {
                "Die Akte des Verlangens ist versiegelt und nennt, wessen sie ist; ihr Schlüssel endet am DAY."
            }
            StillLinks::OtherSystems => {
                "Andere Systeme, die vorher Daten bekamen, wissen vielleicht, wer es war; dieses Protokoll erreicht sie nicht und kennt dafür kein Ende."
            }
        };
        self.say(links.words(), de)
    }

    pub(super) fn residue(self, kind: ResidueKind) -> &'static str {
        let (en, de) = match kind {
            ResidueKind::DisclosedOpenings => {
                ("files with opened values that were handed out", "herausgegebene Dateien mit offenen Werten")
            }
            ResidueKind::OldBackups => ("backups from before", "ältere Sicherungen"),
            ResidueKind::MemoryImages => (
                "images of memory, such as snapshots of virtual machines",
                "Speicherabbilder, etwa Snapshots virtueller Maschinen",
            ),
            ResidueKind::SuppressionList => (
                "fingerprints of addresses, kept so that nobody writes there again",
                "Prüfwerte von Adressen, damit dorthin nicht mehr geschrieben wird",
            ),
            ResidueKind::SealedParts => {
                ("sealed data that nobody can open any more", "versiegelte Daten, die niemand mehr öffnen kann")
            }
        };
        self.say(en, de)
    }

    pub(super) fn end(self, end: ResidueEnd) -> &'static str {
        let (en, de) = match end {
            ResidueEnd::RecipientTold => ("recipient told on", "Empfänger benachrichtigt am"),
            ResidueEnd::CannotBeTold => (
                "recipient could not be told, or not within proportion; decided on",
                "Empfänger konnte nicht oder nur mit unverhältnismäßigem Aufwand benachrichtigt werden; festgestellt am",
            ),
            ResidueEnd::Destroyed => ("destroyed on", "vernichtet am"),
            ResidueEnd::RanOut => {
                ("run out by the ledger's clock, seen on", "nach der Uhr des Hauptbuchs abgelaufen, festgestellt am")
            }
            ResidueEnd::Swept => ("overwritten, finished on", "überschrieben, fertig am"),
        };
        self.say(en, de)
    }
}

impl std::str::FromStr for Language {
    type Err = NoLanguage;

    fn from_str(code: &str) -> Result<Self, NoLanguage> {
        Self::ALL.into_iter().find(|language| language.code() == code).ok_or(NoLanguage)
    }
}

/// Certificates are not written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("certificates are written in en and de")]
pub struct NoLanguage;
