//! AuditEvent resources of FHIR R4, by the profiles of IHE BALP where an event is what a profile is about.
//!
//! A profile is named only where the event has all that it asks for: those of reading, searching and storing are for
//! successes of someone whose address is known, that of a disclosure asks for a patient. BALP's profile of a decision about
//! rights asks for the patient's consent, which the gateway does not know: such events have its code and no profile.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::chain::{Mac, hex};
use super::super::event::{Code, Event, Kind, Outcome, Record};
use super::{APPLICATION, DESTINATION, Origin, PROCESS, SOURCE, base64, query, words};

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP";

/// What BALP has a profile for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Read,
    Query,
    Create,
    Disclosure,
    Decision,
    Other,
}

fn pattern(kind: Kind) -> Pattern {
    match kind {
        Kind::StudyOpened | Kind::FramesServed => Pattern::Read,
        Kind::Search => Pattern::Query,
        Kind::Stored => Pattern::Create,
        Kind::Exported | Kind::ShareMade | Kind::ShareUsed => Pattern::Disclosure,
        Kind::GlassBroken | Kind::Denied => Pattern::Decision,
        _ => Pattern::Other,
    }
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn dcm((code, meaning): Code) -> Value {
    coding(DCM, code, meaning)
}

fn concept(coding: Value) -> Value {
    json!({ "coding": [coding] })
}

/// An instant with its microseconds: more figures some readers do not take.
fn instant(at: Timestamp) -> String {
    format!("{at:.6}")
}

struct Resource<'a> {
    record: &'a Record,
    origin: &'a Origin,
    pattern: Pattern,
}

impl Resource<'_> {
    fn event(&self) -> &Event {
        &self.record.event
    }

    /// The profile that the event fulfils, if any.
    fn profile(&self) -> Option<String> {
        let event = self.event();
        let has_address = !event.actor.address.is_empty();
        let has_patient = !event.object.patient.is_empty();
        let has_study = !event.object.study.is_empty();
        let is_whole = event.outcome == Outcome::Success && has_address;
        let name = match self.pattern {
            Pattern::Read if is_whole && has_study && has_patient => "PatientRead",
            Pattern::Read if is_whole && has_study => "Read",
            Pattern::Query if is_whole && has_patient => "PatientQuery",
            Pattern::Query if is_whole => "Query",
            Pattern::Create if is_whole && has_study && has_patient => "PatientCreate",
            Pattern::Create if is_whole && has_study => "Create",
            Pattern::Disclosure if has_address && has_study && has_patient => {
                "PrivacyDisclosure.Source"
            }
            _ => return None,
        };
        Some(format!("{BALP}/StructureDefinition/IHE.BasicAudit.{name}"))
    }

    /// What kind of event; the code of DICOM is there in any case.
    fn kind(&self) -> (Value, Vec<Value>) {
        let rest = || coding(EVENT_TYPE, "rest", "RESTful Operation");
        let own = dcm(self.event().kind.code());
        let more = self.event().kind.subtype().map(dcm);
        match self.pattern {
            Pattern::Read => (rest(), vec![coding(INTERACTION, "read", "read"), own]),
            Pattern::Query => (rest(), vec![coding(INTERACTION, "search", "search"), own]),
            Pattern::Create => (rest(), vec![coding(INTERACTION, "create", "create"), own]),
            Pattern::Disclosure => {
                let disclose = coding(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event");
                (own, vec![disclose])
            }
            Pattern::Decision => {
                let system = format!("{BALP}/CodeSystem/AuthZsubType");
                let display = "Authorization Decision using only Roles";
                let decision = coding(&system, "AuthZ-Role", display);
                (own, [decision].into_iter().chain(more).collect())
            }
            Pattern::Other => (own, more.into_iter().collect()),
        }
    }

    fn gateway(&self) -> Value {
        json!({ "display": self.origin.process() })
    }

    /// The gateway's own part.
    fn server(&self, as_what: Code) -> Value {
        json!({
            "type": concept(dcm(as_what)),
            "who": self.gateway(),
            "name": PROCESS,
            "requestor": false,
            "network": { "address": self.origin.url, "type": "5" },
        })
    }

    /// The program of whoever asked.
    fn client(&self, as_what: Code) -> Value {
        let event = self.event();
        let address = &event.actor.address;
        let mut client = json!({ "type": concept(dcm(as_what)), "requestor": false });
        if event.kind == Kind::ShareMade {
            // Who will open it is not known yet, but where.
            let link = format!("{}/s", self.origin.url);
            client["who"] = json!({ "display": "whoever has the link" });
            client["network"] = json!({ "address": link, "type": "5" });
        } else if !address.is_empty() {
            client["who"] = json!({ "display": address });
            client["network"] = json!({ "address": address, "type": "2" });
        }
        client
    }

    /// Who did it; none where the gateway did it by itself.
    fn user(&self) -> Option<Value> {
        let actor = &self.event().actor;
        if actor.user.is_empty() {
            return None;
        }
        let (code, display) = match self.pattern {
            Pattern::Create => ("AUT", "author (originator)"),
            _ => ("IRCP", "information recipient"),
        };
        let mut user = json!({
            "type": concept(coding(PARTICIPATION, code, display)),
            "who": { "identifier": { "system": self.origin.url, "value": actor.user } },
            "name": actor.user,
            "requestor": true,
        });
        if !actor.session.is_empty() {
            user["altId"] = json!(actor.session);
        }
        if !actor.roles.is_empty() {
            let roles = actor.roles.iter().map(|it| json!({ "text": it }));
            user["role"] = roles.collect();
        }
        Some(user)
    }

    fn agents(&self) -> Vec<Value> {
        // In a search the question goes from the program to the gateway, in a reading the images come from it.
        let (server, client) = match self.pattern {
            Pattern::Read | Pattern::Disclosure => (SOURCE, Some(DESTINATION)),
            Pattern::Query | Pattern::Create => (DESTINATION, Some(SOURCE)),
            Pattern::Decision | Pattern::Other => (APPLICATION, None),
        };
        let mut agents = vec![self.server(server)];
        match client {
            Some(client) => agents.push(self.client(client)),
            // Whoever has no name may still have an address.
            None if !self.event().actor.address.is_empty() => {
                agents.push(self.client(("110150", "Application")));
            }
            None => {}
        }
        agents.extend(self.user());
        agents
    }

    fn entities(&self) -> Vec<Value> {
        let event = self.event();
        let object = &event.object;
        let system_object = || coding(ENTITY_TYPE, "2", "System Object");
        let mut all = Vec::new();
        if !event.request.is_empty() {
            let system = format!("{BALP}/CodeSystem/BasicAuditEntityType");
            let display = "transport specific unique identifier where http X-Request-Id is used";
            all.push(json!({
                "what": { "identifier": { "value": event.request } },
                "type": coding(&system, "XrequestId", display),
            }));
        }
        if !object.patient.is_empty() {
            all.push(json!({
                "what": { "type": "Patient", "identifier": { "value": object.patient } },
                "type": coding(ENTITY_TYPE, "1", "Person"),
                "role": coding(OBJECT_ROLE, "1", "Patient"),
            }));
        }
        if event.kind == Kind::Search {
            let mut asked = json!({
                "type": system_object(),
                "role": coding(OBJECT_ROLE, "24", "Query"),
                "query": base64(&query(event)),
            });
            let mut described = format!("at {}", object.source);
            if !object.study.is_empty() {
                described = format!("{described}, within study {}", object.study);
            }
            asked["description"] = json!(described);
            all.push(asked);
            return all;
        }
        if !object.study.is_empty() {
            let mut study = json!({
                "what": {
                    "type": "ImagingStudy",
                    "identifier": {
                        "system": "urn:dicom:uid",
                        "value": format!("urn:oid:{}", object.study),
                    },
                },
                "type": system_object(),
                "role": coding(OBJECT_ROLE, "4", "Domain Resource"),
            });
            if !object.source.is_empty() {
                study["description"] = json!(format!("at {}", object.source));
            }
            if !object.other.is_empty() {
                study["detail"] = json!([{ "type": "object", "valueString": object.other }]);
            }
            all.push(study);
        } else if event.kind == Kind::AuditRead {
            all.push(json!({
                "what": { "display": "Security Audit Log" },
                "type": system_object(),
                "role": coding(OBJECT_ROLE, "13", "Security Resource"),
                "query": base64(&query(event)),
            }));
        } else if !object.other.is_empty() {
            all.push(json!({
                "what": { "display": object.other },
                "type": system_object(),
                "role": coding(OBJECT_ROLE, "13", "Security Resource"),
            }));
        }
        all
    }

    fn value(&self) -> Value {
        let event = self.event();
        let (kind, subtypes) = self.kind();
        let mut resource = Map::new();
        let mut set = |name: &str, value: Value| {
            resource.insert(name.to_owned(), value);
        };
        set("resourceType", json!("AuditEvent"));
        set("id", json!(self.record.number.to_string()));
        if let Some(profile) = self.profile() {
            set("meta", json!({ "profile": [profile] }));
        }
        set("type", kind);
        if !subtypes.is_empty() {
            set("subtype", json!(subtypes));
        }
        let action = match self.pattern {
            Pattern::Query => 'E',
            _ => event.kind.action(),
        };
        set("action", json!(action.to_string()));
        if let Some(happened) = event.happened {
            let happened = instant(happened);
            set("period", json!({ "start": happened, "end": happened }));
        }
        set("recorded", json!(instant(self.record.at)));
        set("outcome", json!(event.indicator().to_string()));
        if !event.reason.is_empty() {
            set("outcomeDesc", json!(event.reason));
        } else if event.outcome != Outcome::Success {
            set("outcomeDesc", json!(words(event.kind)));
        }
        if event.kind == Kind::GlassBroken {
            set(
                "purposeOfEvent",
                json!([concept(coding(REASON, "BTG", "break the glass"))]),
            );
        }
        set("agent", json!(self.agents()));
        set(
            "source",
            json!({
                "observer": self.gateway(),
                "type": [coding(SOURCE_TYPE, "4", "Application Server")],
            }),
        );
        let entities = self.entities();
        if !entities.is_empty() {
            set("entity", json!(entities));
        }
        Value::Object(resource)
    }
}

/// The AuditEvent of an event.
pub fn resource(record: &Record, origin: &Origin) -> Value {
    let pattern = pattern(record.event.kind);
    let resource = Resource {
        record,
        origin,
        pattern,
    };
    clean(resource.value())
}

/// An entry of a bundle; its address is made of the code of its line, which no other has (RFC 9562, version 8).
pub fn entry(record: &Record, mac: &Mac, origin: &Origin) -> Value {
    let mut bytes = *mac;
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes[..16]);
    let address = format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    );
    json!({ "fullUrl": address, "resource": resource(record, origin) })
}

/// Strings of FHIR hold no control characters but tab and line ends, and are not of white space alone.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let may = |it: char| match it {
                '\t' | '\n' | '\r' => it,
                it if it.is_control() => '\u{fffd}',
                it => it,
            };
            let text: String = text.chars().map(may).collect();
            Value::String(if text.trim().is_empty() {
                "\u{fffd}".to_owned()
            } else {
                text
            })
        }
        Value::Array(all) => all.into_iter().map(clean).collect(),
        Value::Object(all) => all.into_iter().map(|(key, it)| (key, clean(it))).collect(),
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::super::samples;
    use super::*;

    fn profile(kind: Kind, change: impl Fn(&mut Event)) -> Option<String> {
        let mut record = samples::all()
            .into_iter()
            .find(|record| record.event.kind == kind)
            .unwrap();
        change(&mut record.event);
        let resource = resource(&record, &samples::origin());
        let profile = resource["meta"]["profile"][0].as_str()?.to_owned();
        let name = profile.strip_prefix("https://profiles.ihe.net/ITI/BALP/StructureDefinition/");
        Some(name.unwrap().to_owned())
    }

    #[test]
    fn a_profile_is_named_where_the_event_has_what_it_asks_for() {
        let as_it_is = |_: &mut Event| {};
        let named = |kind| profile(kind, as_it_is);
        let expected = |name: &str| Some(format!("IHE.BasicAudit.{name}"));
        assert_eq!(named(Kind::StudyOpened), expected("PatientRead"));
        assert_eq!(named(Kind::FramesServed), expected("PatientRead"));
        assert_eq!(named(Kind::Search), expected("PatientQuery"));
        assert_eq!(named(Kind::Stored), expected("PatientCreate"));
        assert_eq!(named(Kind::Exported), expected("PrivacyDisclosure.Source"));
        assert_eq!(named(Kind::ShareUsed), expected("PrivacyDisclosure.Source"));
        assert_eq!(named(Kind::Denied), None);
        assert_eq!(named(Kind::Login), None);
        let nobody = |event: &mut Event| event.object.patient.clear();
        assert_eq!(profile(Kind::StudyOpened, nobody), expected("Read"));
        assert_eq!(profile(Kind::Search, nobody), expected("Query"));
        assert_eq!(profile(Kind::Exported, nobody), None);
        let refused = |event: &mut Event| event.outcome = Outcome::Refused;
        assert_eq!(profile(Kind::StudyOpened, refused), None);
        let nowhere = |event: &mut Event| event.actor.address.clear();
        assert_eq!(profile(Kind::StudyOpened, nowhere), None);
    }

    #[test]
    fn an_address_of_an_entry_is_a_uuid_of_its_own() {
        let record = &samples::all()[0];
        let entry = entry(record, &[0xff; 32], &samples::origin());
        assert_eq!(
            entry["fullUrl"],
            "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff"
        );
    }
}
