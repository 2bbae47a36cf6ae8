//! Audit messages of DICOM PS3.15 A.5: the schema of A.5.1.1, filled in as the tables of A.5.3 ask.
//!
//! What a table does not foresee is added where the schema allows it: the patient of an alert, and the identifier of the
//! request as an object of its own.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event as Xml};

use super::super::event::{Code, Event, Kind, Outcome, Record};
use super::{APPLICATION, DESTINATION, Origin, PROCESS, SOURCE, base64, query, words};

/// Role of a medium that data leave by (CID 402), and what kind of medium a network is (CID 405).
const MEDIUM: Code = ("110154", "Destination Media");
const BY_ADDRESS: Code = ("110037", "URI");

/// What an identifier is: DICOM's own codes, and those of RFC 3881 that Table A.5.1.2.4 lists.
const STUDY_UID: (Code, &str) = (("110180", "Study Instance UID"), "DCM");
const PATIENT_NUMBER: (Code, &str) = (("2", "Patient Number"), "RFC-3881");
const SEARCH: (Code, &str) = (("10", "Search Criteria"), "RFC-3881");
const URI: (Code, &str) = (("12", "URI"), "RFC-3881");
/// IHE BALP's own code.
const REQUEST: (Code, &str) = (("XrequestId", "X-Request-Id"), "BALP");

/// Where what is mandatory is not known.
const UNKNOWN: &str = "(unknown)";

/// An element; escaping is the library's.
struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Element>,
    text: Option<String>,
}

impl Element {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            text: None,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    fn holding(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// A coded value.
    fn coded(name: &'static str, (code, meaning): Code, system: &str) -> Self {
        Self::new(name)
            .with("csd-code", code)
            .with("codeSystemName", system)
            .with("displayName", meaning)
            .with("originalText", meaning)
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name);
        for (name, value) in &self.attributes {
            start.push_attribute((*name, plain(value).as_str()));
        }
        writer.write_event(Xml::Start(start))?;
        if let Some(text) = &self.text {
            writer.write_event(Xml::Text(BytesText::new(&plain(text))))?;
        }
        for child in &self.children {
            child.write(writer)?;
        }
        writer.write_event(Xml::End(BytesEnd::new(self.name)))
    }
}

/// Text without what no XML document may have (XML 1.0, production 2); line ends become spaces, as readers of attributes do.
fn plain(text: &str) -> String {
    let may = |it: char| match it {
        '\t' | '\n' | '\r' => ' ',
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    };
    text.chars().map(may).collect()
}

/// Who takes part.
struct Participant {
    user: String,
    name: Option<&'static str>,
    is_requestor: bool,
    roles: Vec<(String, String, &'static str)>,
    /// Where, and what kind of address it is (A.5.1.1).
    point: Option<(String, &'static str)>,
    medium: bool,
}

impl Participant {
    fn element(self) -> Element {
        let mut element = Element::new("ActiveParticipant")
            .with("UserID", self.user)
            .with("UserIsRequestor", self.is_requestor.to_string());
        if let Some(name) = self.name {
            element = element.with("UserName", name);
        }
        if let Some((point, kind)) = self.point {
            element = element
                .with("NetworkAccessPointID", point)
                .with("NetworkAccessPointTypeCode", kind);
        }
        for (code, meaning, system) in self.roles {
            element = element.holding(
                Element::new("RoleIDCode")
                    .with("csd-code", code)
                    .with("codeSystemName", system)
                    .with("displayName", meaning.clone())
                    .with("originalText", meaning),
            );
        }
        if self.medium {
            let kind = Element::coded("MediaType", BY_ADDRESS, "DCM");
            element = element.holding(Element::new("MediaIdentifier").holding(kind));
        }
        element
    }
}

const MACHINE: &str = "1";
const IP: &str = "2";
const ADDRESS: &str = "5";

fn role((code, meaning): Code) -> (String, String, &'static str) {
    (code.to_owned(), meaning.to_owned(), "DCM")
}

struct Message<'a> {
    record: &'a Record,
    origin: &'a Origin,
}

impl Message<'_> {
    fn event(&self) -> &Event {
        &self.record.event
    }

    /// The gateway's own process.
    fn process(&self, as_what: Option<Code>) -> Participant {
        Participant {
            user: self.origin.process(),
            name: Some(PROCESS),
            is_requestor: false,
            roles: as_what.map(role).into_iter().collect(),
            point: Some((self.origin.host.clone(), MACHINE)),
            medium: false,
        }
    }

    fn where_from(&self) -> Option<(String, &'static str)> {
        let address = &self.event().actor.address;
        (!address.is_empty()).then(|| (address.clone(), IP))
    }

    /// Who did it, with the roles of that moment; none where the gateway did it by itself.
    fn person(&self, as_what: Option<Code>, is_requestor: bool) -> Option<Participant> {
        let actor = &self.event().actor;
        let own = actor.roles.iter();
        let own = own.map(|it| (it.clone(), it.clone(), "Sagitta roles"));
        (!actor.user.is_empty()).then(|| Participant {
            user: self.origin.person(self.event()),
            name: None,
            is_requestor,
            roles: as_what.map(role).into_iter().chain(own).collect(),
            point: self.where_from(),
            medium: false,
        })
    }

    /// The program of whoever asked.
    fn program(&self, as_what: Code) -> Participant {
        let address = &self.event().actor.address;
        let user = if address.is_empty() { UNKNOWN } else { address };
        Participant {
            user: user.to_owned(),
            name: None,
            is_requestor: false,
            roles: vec![role(as_what)],
            point: self.where_from(),
            medium: false,
        }
    }

    fn medium(&self) -> Participant {
        let event = self.event();
        let address = match event.kind {
            Kind::ShareMade | Kind::ShareUsed => format!("{}/s", self.origin.url),
            _ => format!(
                "{}/api/studies/{}/files",
                self.origin.url, event.object.study
            ),
        };
        Participant {
            user: address.clone(),
            name: None,
            is_requestor: false,
            roles: vec![role(MEDIUM)],
            point: Some((address, ADDRESS)),
            medium: true,
        }
    }

    /// As the tables of A.5.3 list them.
    fn participants(&self) -> Vec<Participant> {
        let event = self.event();
        let all = match (event.kind, event.kind.code().0) {
            (_, "110100") => vec![Some(self.process(Some(APPLICATION)))],
            (_, "110104") => vec![
                Some(self.process(Some(SOURCE))),
                Some(self.program(DESTINATION)),
                self.person(None, true),
            ],
            (Kind::ShareMade, _) => vec![
                self.person(Some(SOURCE), true),
                Some(self.process(Some(SOURCE))),
                Some(self.medium()),
            ],
            (_, "110106") => vec![
                self.person(Some(DESTINATION), true),
                Some(self.process(Some(SOURCE))),
                Some(self.medium()),
            ],
            (_, "110107") => vec![
                Some(self.process(Some(DESTINATION))),
                Some(self.program(SOURCE)),
                self.person(None, true),
            ],
            (_, "110112") => vec![
                Some(self.program(SOURCE)),
                Some(self.process(Some(DESTINATION))),
                self.person(None, true),
            ],
            // Who performed what an alert is about is never its requestor.
            (_, "110113") => vec![Some(self.process(None)), self.person(None, false)],
            (_, "110114") => {
                let person = self.person(None, true);
                let here = (self.origin.host.clone(), MACHINE);
                let person = person.map(|it| Participant {
                    // Where from is mandatory: a command and a time that is over come from here.
                    point: it.point.clone().or(Some(here)),
                    ..it
                });
                vec![person, Some(self.process(None))]
            }
            _ => vec![self.person(None, true), Some(self.process(None))],
        };
        all.into_iter().flatten().collect()
    }

    fn object(
        (code, system): (Code, &str),
        id: &str,
        kind: &'static str,
        as_what: Option<&'static str>,
        content: Element,
    ) -> Element {
        let mut element = Element::new("ParticipantObjectIdentification")
            .with("ParticipantObjectID", id)
            .with("ParticipantObjectTypeCode", kind);
        if let Some(role) = as_what {
            element = element.with("ParticipantObjectTypeCodeRole", role);
        }
        element
            .holding(Element::coded("ParticipantObjectIDTypeCode", code, system))
            .holding(content)
    }

    fn named(name: &str) -> Element {
        Element::new("ParticipantObjectName").saying(name)
    }

    fn detail(kind: &'static str, value: &str) -> Element {
        Element::new("ParticipantObjectDetail")
            .with("type", kind)
            .with("value", base64(value))
    }

    fn study(&self) -> Element {
        let object = &self.event().object;
        let known = |text: &str| if text.is_empty() { UNKNOWN } else { text }.to_owned();
        let name = format!("study at {}", known(&object.source));
        let id = known(&object.study);
        Self::object(STUDY_UID, &id, "2", Some("3"), Self::named(&name))
    }

    fn patient(&self) -> Element {
        let id = &self.event().object.patient;
        let id = if id.is_empty() { UNKNOWN } else { id };
        Self::object(PATIENT_NUMBER, id, "1", Some("1"), Self::named(id))
    }

    /// What an alert is about.
    fn subject(&self) -> Element {
        let event = self.event();
        let object = &event.object;
        let url = &self.origin.url;
        let uri = match event.kind {
            _ if !object.study.is_empty() => format!("urn:oid:{}", object.study),
            Kind::RightsChanged => format!("{url}/admin"),
            Kind::ShareRefused | Kind::ShareRevoked => format!("{url}/s"),
            Kind::RecordShortened => format!("{url}/api/audit"),
            _ => format!("{url}/"),
        };
        let mut described = words(event.kind).to_owned();
        for more in [&object.other, &event.reason] {
            if !more.is_empty() {
                described = format!("{described}: {more}");
            }
        }
        let subject = Self::object(URI, &uri, "2", Some("13"), Self::named(words(event.kind)));
        subject.holding(Self::detail("Alert Description", &described))
    }

    fn objects(&self) -> Vec<Element> {
        let event = self.event();
        let object = &event.object;
        let mut all = match event.kind.code().0 {
            "110100" | "110114" => Vec::new(),
            "110101" => {
                let log = format!("{}/api/audit", self.origin.url);
                let named = Self::named("Security Audit Log");
                let log = Self::object(URI, &log, "2", Some("13"), named);
                vec![log.holding(Self::detail("Query", &query(event)))]
            }
            "110112" => {
                let asked = format!("{}/dicomweb/{}", self.origin.url, object.source);
                let raw = Element::new("ParticipantObjectQuery").saying(base64(&query(event)));
                let mut all = vec![Self::object(SEARCH, &asked, "2", Some("3"), raw)];
                if !object.study.is_empty() {
                    all.push(self.study());
                }
                all
            }
            "110113" => {
                let mut all = vec![self.subject()];
                if !object.patient.is_empty() {
                    all.push(self.patient());
                }
                all
            }
            _ => vec![self.study(), self.patient()],
        };
        if !event.request.is_empty() {
            let named = Self::named("X-Request-Id");
            all.push(Self::object(REQUEST, &event.request, "4", None, named));
        }
        all
    }

    fn element(&self) -> Element {
        let event = self.event();
        let at = event.happened.unwrap_or(self.record.at);
        let mut what = Element::new("EventIdentification")
            .with("EventActionCode", event.kind.action().to_string())
            .with("EventDateTime", format!("{at:.6}"))
            .with("EventOutcomeIndicator", event.indicator().to_string())
            .holding(Element::coded("EventID", event.kind.code(), "DCM"));
        if let Some(kind) = event.kind.subtype() {
            what = what.holding(Element::coded("EventTypeCode", kind, "DCM"));
        }
        if event.outcome != Outcome::Success || !event.reason.is_empty() {
            let words = match event.reason.as_str() {
                "" => words(event.kind),
                reason => reason,
            };
            what = what.holding(Element::new("EventOutcomeDescription").saying(words));
        }
        let mut message = Element::new("AuditMessage").holding(what);
        for participant in self.participants() {
            message = message.holding(participant.element());
        }
        // An application server process, as a PACS is (Table A.5.2-1).
        let kind = Element::new("AuditSourceTypeCode").with("csd-code", "4");
        let source = Element::new("AuditSourceIdentification")
            .with("AuditSourceID", self.origin.process())
            .holding(kind);
        message = message.holding(source);
        for object in self.objects() {
            message = message.holding(object);
        }
        message
    }
}

/// The audit message of an event, without an XML declaration.
///
/// # Errors
/// None that memory does not have.
pub fn message(record: &Record, origin: &Origin) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    Message { record, origin }.element().write(&mut writer)?;
    Ok(writer.into_inner())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn t17_nothing_of_an_event_becomes_markup() {
        for record in samples::all() {
            let text = String::from_utf8(message(&record, &samples::origin()).unwrap()).unwrap();
            assert!(!text.contains("<so>") && !text.contains("<&"), "{text}");
            assert!(!text.contains('\u{1}'), "{text}");
        }
    }

    #[test]
    fn letters_that_no_document_may_have_are_replaced() {
        assert_eq!(
            plain("a\u{0}b\u{1f}c\n\u{fffe}\u{fc}"),
            "a\u{fffd}b\u{fffd}c \u{fffd}\u{fc}"
        );
    }
}
