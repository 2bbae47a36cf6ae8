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
}

/// A code of PS3.16 with its meaning, scheme DCM.
pub type Code = (&'static str, &'static str);

impl Kind {
    /// All of them.
    pub const ALL: [Self; 20] = [
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
            Self::Exported | Self::ShareMade | Self::ShareUsed => ("110106", "Export"),
            Self::ShareRefused
            | Self::ShareRevoked
            | Self::GlassBroken
            | Self::Denied
            | Self::RightsChanged
            | Self::ConfigurationChanged => ("110113", "Security Alert"),
            Self::AuditRead => ("110101", "Audit Log Used"),
        }
    }

    /// Event type, CID 401, 403 and 404, where there is one.
    pub fn subtype(self) -> Option<Code> {
        Some(match self {
            Self::Started => ("110120", "Application Start"),
            Self::Stopped => ("110121", "Application Stop"),
            Self::Login | Self::SecondFactor | Self::Locked => ("110122", "Login"),
            Self::Logout => ("110123", "Logout"),
            Self::GlassBroken => ("110127", "Emergency Override Started"),
            Self::Denied | Self::ShareRefused => ("110133", "Use of Restricted Function"),
            Self::ShareRevoked => ("110136", "Object Security Attributes Changed"),
            Self::RightsChanged => ("110137", "User Security Attributes Changed"),
            Self::ConfigurationChanged => ("110129", "Security Configuration"),
            _ => return None,
        })
    }

    /// Event action: create, read, execute.
    pub fn action(self) -> char {
        match self {
            Self::Stored | Self::ShareMade => 'C',
            Self::StudyOpened | Self::FramesServed | Self::Exported | Self::AuditRead => 'R',
            Self::RightsChanged | Self::ConfigurationChanged | Self::ShareRevoked => 'U',
            _ => 'E',
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

impl Outcome {
    /// EventOutcomeIndicator.
    pub fn indicator(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Refused => 4,
            Self::Failed => 8,
        }
    }
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
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_gateways_table() {
        let expected = [
            (Kind::Started, "110100"),
            (Kind::Login, "110114"),
            (Kind::Search, "110112"),
            (Kind::StudyOpened, "110103"),
            (Kind::FramesServed, "110104"),
            (Kind::Stored, "110107"),
            (Kind::Exported, "110106"),
            (Kind::ShareMade, "110106"),
            (Kind::ShareRefused, "110113"),
            (Kind::GlassBroken, "110113"),
            (Kind::Denied, "110113"),
            (Kind::AuditRead, "110101"),
        ];
        for (kind, code) in expected {
            assert_eq!(kind.code().0, code, "{kind:?}");
        }
    }

    #[test]
    fn all_kinds_are_listed_once() {
        let kinds: std::collections::HashSet<Kind> = Kind::ALL.into_iter().collect();
        assert_eq!(kinds.len(), Kind::ALL.len());
    }
}
