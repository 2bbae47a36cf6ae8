//! The record in the forms of other systems: audit messages of DICOM, and AuditEvents of FHIR.

pub mod dicom;
pub mod fhir;

use super::event::{Code, Event, Kind};

/// The gateway, as it is known elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its host, with a port where it has one.
    pub host: String,
    /// Its address without a slash at the end.
    pub url: String,
}

/// Name of the process that writes the record.
pub const PROCESS: &str = "sagitta";

/// Roles of participants, PS3.16 CID 402.
const APPLICATION: Code = ("110150", "Application");
const DESTINATION: Code = ("110152", "Destination Role ID");
const SOURCE: Code = ("110153", "Source Role ID");

impl Origin {
    /// The process that writes the record.
    fn process(&self) -> String {
        format!("{PROCESS}@{}", self.host)
    }

    /// Someone by the name that counts here (A.5.2.1: `loginName@domain-name`).
    fn person(&self, event: &Event) -> String {
        format!("{}@{}", event.actor.user, self.host)
    }
}

/// What a kind of event is, in a few words.
pub fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Started => "the gateway started",
        Kind::Stopped => "the gateway stopped",
        Kind::Login => "login",
        Kind::Logout => "logout or lock",
        Kind::SecondFactor => "second factor",
        Kind::Locked => "the account takes no logins for a while",
        Kind::Search => "search",
        Kind::StudyOpened => "study opened",
        Kind::FramesServed => "images read",
        Kind::Stored => "object stored",
        Kind::Deleted => "objects deleted",
        Kind::Rejected => "objects rejected",
        Kind::Exported => "files taken away",
        Kind::ShareMade => "link made",
        Kind::ShareUsed => "link used",
        Kind::ShareRefused => "link refused",
        Kind::ShareRevoked => "link taken back",
        Kind::GlassBroken => "study opened in an emergency",
        Kind::Denied => "not allowed",
        Kind::RightsChanged => "user or rights changed",
        Kind::ConfigurationChanged => "configuration changed",
        Kind::AuditRead => "the audit record was read",
        Kind::RecordShortened => "a file of the audit record was deleted after its time",
    }
}

/// The raw text of a search: a query with its question mark, so that it is never empty.
fn query(event: &Event) -> String {
    format!("?{}", event.object.other)
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[cfg(test)]
pub(crate) mod samples {
    //! One event of each kind, with everything that it can have.

    use super::super::event::{Actor, Event, Kind, Object, Outcome, Record};
    use super::Origin;

    /// The gateway of tests.
    pub(crate) fn origin() -> Origin {
        Origin {
            host: "viewer.example.org".into(),
            url: "https://viewer.example.org/imaging".into(),
        }
    }

    /// Each kind twice: with all that it can have, and with as little as possible.
    pub(crate) fn all() -> Vec<Record> {
        let mut records = Vec::new();
        for kind in Kind::ALL {
            let mut event = Event::new(kind, Outcome::Success);
            event.actor = Actor {
                user: "ada <&\"'>\u{1}".into(),
                session: "0123abcd".into(),
                roles: vec!["radiologist".into(), "auditor".into()],
                address: "192.0.2.7".into(),
            };
            event.object = Object {
                source: "north".into(),
                study: "1.2.840.1".into(),
                patient: "P <&> 1\n".into(),
                other: "PatientName=M\u{fc}ller&x=<y>".into(),
            };
            event.request = "0f0e-1".into();
            event.reason = "because & <so>".into();
            let mut refused = Event::new(kind, Outcome::Refused);
            refused.object.other = event.object.other.clone();
            for event in [event, refused] {
                let number = records.len() as u64 + 1;
                let at = jiff::Timestamp::new(1_800_000_000, 123_456_789).unwrap_or_default();
                records.push(Record { number, at, event });
            }
        }
        records
    }
}
