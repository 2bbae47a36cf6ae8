//! What goes on record, and the codes that other systems know it by.
//!
//! Source: DICOM PS3.15 A.5.2 and PS3.16 CID 400, 401, 403, 404; IHE ITI TF-2, BALP.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The gateway began to answer.
    Started,
    /// It was asked to end.
    Stopped,
    /// Someone logged in, or tried to.
    Login,
    /// A session was ended by its user, by an administrator or by its time.
    Logout,
    /// A second factor was wrong.
    SecondFactor,
    /// An account takes no logins for a while.
    Locked,
    /// A list was asked for.
    Search,
    /// A study's metadata were read for the first time in a session.
    StudyOpened,
    /// A study's pixels were read for the first time in a session.
    FramesServed,
    /// An object was taken in.
    Stored,
    /// Objects were taken away from the store.
    Deleted,
    /// Objects were taken out of use by a rejection note.
    Rejected,
    /// Files left the gateway.
    Exported,
    /// A link was made.
    ShareMade,
    /// A link was used.
    ShareUsed,
    /// A link was refused.
    ShareRefused,
    /// A link was taken back.
    ShareRevoked,
    /// A study was opened in an emergency.
    GlassBroken,
    /// Something was not allowed.
    Denied,
    /// A user, a role or a right was changed.
    RightsChanged,
    /// The configuration is another one than at the last start.
    ConfigurationChanged,
    /// This record was read.
    AuditRead,
    /// A closed file of this record is deleted, as the time for which it is kept is over.
    RecordShortened,
}

/// A code of PS3.16 with its meaning, scheme DCM.
pub type Code = (&'static str, &'static str);

impl Kind {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Started,
        Self::Stopped,
        Self::Login,
        Self::Logout,
        Self::SecondFactor,
        Self::Locked,
        Self::Search,
        Self::StudyOpened,
        Self::FramesServed,
        Self::Stored,
        Self::Deleted,
        Self::Rejected,
        Self::Exported,
        Self::ShareMade,
        Self::ShareUsed,
        Self::ShareRefused,
        Self::ShareRevoked,
        Self::GlassBroken,
        Self::Denied,
        Self::RightsChanged,
        Self::ConfigurationChanged,
        Self::AuditRead,
        Self::RecordShortened,
    ];

    /// Event ID, CID 400.
    pub fn code(self) -> Code {
        match self {
            Self::Started | Self::Stopped => ("110100", "Application Activity"),
            Self::Login | Self::Logout | Self::SecondFactor | Self::Locked => {
                ("110114", "User Authentication")
            }
            Self::Search => ("110112", "Query"),
            Self::StudyOpened => ("110103", "DICOM Instances Accessed"),
            Self::FramesServed => ("110104", "DICOM Instances Transferred"),
            Self::Stored => ("110107", "Import"),
            Self::Deleted => ("110105", "DICOM Study Deleted"),
            Self::Exported | Self::ShareMade | Self::ShareUsed => ("110106", "Export"),
            Self::ShareRefused
            | Self::ShareRevoked
            | Self::Rejected
            | Self::GlassBroken
            | Self::Denied
            | Self::RightsChanged
            | Self::ConfigurationChanged
            | Self::RecordShortened => ("110113", "Security Alert"),
            Self::AuditRead => ("110101", "Audit Log Used"),
        }
    }

    /// Event type, CID 401 (for alerts CID 403, which lists the same codes), where there is one.
    pub fn subtype(self) -> Option<Code> {
        Some(match self {
            Self::Started => ("110120", "Application Start"),
            Self::Stopped => ("110121", "Application Stop"),
            Self::Login | Self::SecondFactor | Self::Locked => ("110122", "Login"),
            Self::Logout => ("110123", "Logout"),
            Self::GlassBroken => ("110127", "Emergency Override Started"),
            Self::ConfigurationChanged => ("110129", "Security Configuration"),
            Self::Denied | Self::ShareRefused => ("110132", "Use of Restricted Function"),
            Self::ShareRevoked | Self::Rejected | Self::RecordShortened => {
                ("110135", "Object Security Attributes Changed")
            }
            Self::RightsChanged => ("110137", "User Security Attributes Changed"),
            _ => return None,
        })
    }

    /// Event action, as the tables of A.5.3 have it: an import creates; a deletion deletes; exports, reading images and reading the record
    /// read; activities, logins, queries and alerts execute.
    pub fn action(self) -> char {
        match self.code().0 {
            "110107" => 'C',
            "110105" => 'D',
            "110101" | "110103" | "110104" | "110106" => 'R',
            _ => 'E',
        }
    }

    /// As it is named in the record and in addresses.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// How it went, with the numbers of PS3.15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 0
    Success,
    /// 4: could be tried again.
    Refused,
    /// 8: the action cannot be completed.
    Failed,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// User name, or `share:` and the link's public half; empty for the gateway itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// First eight digits of the session's hash: enough to tell sessions apart, no use to anyone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// Roles at that moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Where from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Object {
    /// Source of the study.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Study Instance UID.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub study: String,
    /// Patient ID.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub patient: String,
    /// What else it was: a link, a user, the text of a query.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub other: String,
}

/// One event; one patient at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// How it went.
    pub outcome: Outcome,
    /// Who did it.
    #[serde(default)]
    pub actor: Actor,
    /// What it was done to.
    #[serde(default)]
    pub object: Object,
    /// X-Request-Id of the request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
    /// A reason that was given, or the cause of a refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it happened, where it could not be written down at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<Timestamp>,
}

impl Event {
    /// Of the gateway itself.
    pub fn new(kind: Kind, outcome: Outcome) -> Self {
        Self {
            kind,
            outcome,
            actor: Actor::default(),
            object: Object::default(),
            request: String::new(),
            reason: String::new(),
            happened: None,
        }
    }

    /// EventOutcomeIndicator of A.5.2: an account that takes no logins any more is the standard's example of a major failure.
    pub fn indicator(&self) -> u8 {
        match (self.outcome, self.kind) {
            (Outcome::Success, _) => 0,
            (_, Kind::Locked) => 12,
            (Outcome::Refused, _) => 4,
            (Outcome::Failed, _) => 8,
        }
    }
}

/// An event as it stands in the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts from 1 over all files.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// PS3.16 CID 400, Audit Event ID.
    const CID_400: [Code; 15] = [
        ("110100", "Application Activity"),
        ("110101", "Audit Log Used"),
        ("110102", "Begin Transferring DICOM Instances"),
        ("110103", "DICOM Instances Accessed"),
        ("110104", "DICOM Instances Transferred"),
        ("110105", "DICOM Study Deleted"),
        ("110106", "Export"),
        ("110107", "Import"),
        ("110108", "Network Entry"),
        ("110109", "Order Record"),
        ("110110", "Patient Record"),
        ("110111", "Procedure Record"),
        ("110112", "Query"),
        ("110113", "Security Alert"),
        ("110114", "User Authentication"),
    ];

    /// PS3.16 CID 401, Audit Event Type Code; CID 403 for alerts lists the same.
    const CID_401: [Code; 28] = [
        ("110120", "Application Start"),
        ("110121", "Application Stop"),
        ("110122", "Login"),
        ("110123", "Logout"),
        ("110124", "Attach"),
        ("110125", "Detach"),
        ("110126", "Node Authentication"),
        ("110127", "Emergency Override Started"),
        ("110128", "Network Configuration"),
        ("110129", "Security Configuration"),
        ("110130", "Hardware Configuration"),
        ("110131", "Software Configuration"),
        ("110132", "Use of Restricted Function"),
        ("110133", "Audit Recording Stopped"),
        ("110134", "Audit Recording Started"),
        ("110135", "Object Security Attributes Changed"),
        ("110136", "Security Roles Changed"),
        ("110137", "User Security Attributes Changed"),
        ("110138", "Emergency Override Stopped"),
        ("110139", "Remote Service Operation Started"),
        ("110140", "Remote Service Operation Stopped"),
        ("110141", "Local Service Operation Started"),
        ("110142", "Local Service Operation Stopped"),
        ("110143", "Authentication Decision"),
        ("110144", "Authorization Decision"),
        ("110145", "Session start"),
        ("110146", "Session stop"),
        ("110147", "Access Control Decision"),
    ];

    /// What PS3.15 A.5.3 says of the messages: Event ID, Event Action Code, and whether an Event Type Code is mandatory.
    const MESSAGES: [(&str, char, bool); 10] = [
        ("110100", 'E', true),  // Table A.5.3.1-1
        ("110101", 'R', false), // Table A.5.3.2-1
        ("110103", 'R', false), // Table A.5.3.6-1: C, R, U or D; nothing is altered here
        ("110104", 'R', false), // Table A.5.3.7-1: R where the sender does not know what the receiver had
        ("110105", 'D', false), // Table A.5.3.8-1
        ("110106", 'R', false), // Table A.5.3.4-1
        ("110107", 'C', false), // Table A.5.3.5-1
        ("110112", 'E', false), // Table A.5.3.10-1
        ("110113", 'E', true),  // Table A.5.3.11-1
        ("110114", 'E', true),  // Table A.5.3.12-1
    ];

    #[test]
    fn codes_and_their_meanings_are_those_of_the_standard() {
        for kind in Kind::ALL {
            assert!(CID_400.contains(&kind.code()), "{kind:?}");
            let subtype = kind.subtype();
            assert!(subtype.is_none_or(|it| CID_401.contains(&it)), "{kind:?}");
            let is_of = |message: &&(&str, char, bool)| message.0 == kind.code().0;
            let (_, action, has_type) = MESSAGES.iter().find(is_of).unwrap();
            assert_eq!(kind.action(), *action, "{kind:?}");
            assert!(!has_type || subtype.is_some(), "{kind:?}");
        }
    }

    #[test]
    fn each_kind_has_the_code_that_the_gateways_table_gives_it() {
        for (kind, code, subtype) in [
            (Kind::Started, "110100", Some("110120")),
            (Kind::Stopped, "110100", Some("110121")),
            (Kind::Login, "110114", Some("110122")),
            (Kind::Logout, "110114", Some("110123")),
            (Kind::SecondFactor, "110114", Some("110122")),
            (Kind::Locked, "110114", Some("110122")),
            (Kind::Search, "110112", None),
            (Kind::StudyOpened, "110103", None),
            (Kind::FramesServed, "110104", None),
            (Kind::Stored, "110107", None),
            (Kind::Deleted, "110105", None),
            (Kind::Rejected, "110113", Some("110135")),
            (Kind::Exported, "110106", None),
            (Kind::ShareMade, "110106", None),
            (Kind::ShareUsed, "110106", None),
            (Kind::ShareRefused, "110113", Some("110132")),
            (Kind::ShareRevoked, "110113", Some("110135")),
            (Kind::GlassBroken, "110113", Some("110127")),
            (Kind::Denied, "110113", Some("110132")),
            (Kind::RightsChanged, "110113", Some("110137")),
            (Kind::ConfigurationChanged, "110113", Some("110129")),
            (Kind::AuditRead, "110101", None),
            (Kind::RecordShortened, "110113", Some("110135")),
        ] {
            assert_eq!(kind.code().0, code, "{kind:?}");
            assert_eq!(kind.subtype().map(|it| it.0), subtype, "{kind:?}");
        }
    }

    /// Table A.5.2-1, Event Outcome Indicator.
    #[test]
    fn outcomes_have_the_numbers_of_the_standard() {
        let of = |kind, outcome| Event::new(kind, outcome).indicator();
        assert_eq!(of(Kind::Login, Outcome::Success), 0);
        assert_eq!(of(Kind::Login, Outcome::Refused), 4);
        assert_eq!(of(Kind::RightsChanged, Outcome::Failed), 8);
        assert_eq!(of(Kind::Locked, Outcome::Refused), 12);
    }

    #[test]
    fn all_kinds_are_listed_once() {
        let kinds: std::collections::HashSet<Kind> = Kind::ALL.into_iter().collect();
        assert_eq!(kinds.len(), Kind::ALL.len());
        assert_eq!(Kind::RecordShortened.name(), "record_shortened");
    }
}
