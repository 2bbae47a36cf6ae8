"""Checks exports of the audit record: `audit_forms.py fhir FILE` and `audit_forms.py dicom FILE SCHEMA`.

FHIR by the models of fhir.resources, and the rules of the IHE BALP profiles that an event names; audit messages by the schema
of DICOM PS3.15 A.5.1.1, and the tables of A.5.3. Prints a line of JSON; what does not fit ends it with words.
"""

import json
import sys

DCM = "http://dicom.nema.org/resources/ontology/DCM"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
REST = "http://hl7.org/fhir/restful-interaction"


def need(condition, *words):
    if not condition:
        sys.exit("does not fit: " + " ".join(str(word) for word in words))


def codes(concepts, system):
    return [it.code for it in concepts if it.system == system]


def agents_of(event, code):
    return [it for it in event.agent if it.type and code in codes(it.type.coding, DCM)]


def entities_of(event, code, role=None):
    found = [it for it in event.entity or [] if it.type.system == ENTITY and it.type.code == code]
    return [it for it in found if role is None or (it.role.system, it.role.code) == (ROLE, role)]


def patient(event):
    found = entities_of(event, "1")
    need(len(found) == 1 and found[0].role.code == "1", event.id, "one patient")
    need(found[0].what.type == "Patient", event.id, "a reference to a patient")


def both_ends(event, client, server):
    for code in (client, server):
        found = agents_of(event, code)
        need(len(found) == 1, event.id, "one agent", code)
        need(found[0].who is not None and found[0].network.address, event.id, "who and where", code)
        need(not found[0].media, event.id, "no media")


def person(event, kind):
    system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    found = [it for it in event.agent if it.type and kind in codes(it.type.coding, system)]
    need(len(found) <= 1, event.id, "at most one user")
    for it in found:
        need(it.who is not None and it.requestor and it.network is None and not it.media, event.id, "the user")


def basic(event, kind, interaction, action, client, server, user):
    """What Read, Query and Create have in common (BALP 3.5.7)."""
    need(event.type.code == "rest", event.id, "type rest")
    need(interaction & set(codes(event.subtype, REST)), event.id, "subtype", interaction)
    need(event.action == action and event.outcome == "0", event.id, "action and outcome")
    both_ends(event, client, server)
    person(event, user)
    requests = [it for it in event.entity if it.type.code == "XrequestId"]
    need(len(requests) <= 1 and all(it.what.identifier.value for it in requests), event.id, "request")
    things = entities_of(event, "2")
    need(len(things) == 1, event.id, "one thing")
    thing = things[0]
    if kind == "Query":
        need(thing.role.code == "24" and thing.query and not thing.what and not thing.detail, event.id, "the query")
        # The model has decoded it.
        need(bytes(thing.query).startswith(b"?"), event.id, "the raw query", thing.query)
    else:
        need(thing.role.code in ("3", "4", "20") and thing.what is not None, event.id, "the study")


def profile(event, name):
    if name in ("Read", "PatientRead"):
        basic(event, "Read", {"read", "vread"}, "R", "110152", "110153", "IRCP")
    elif name in ("Query", "PatientQuery"):
        basic(event, "Query", {"search", "search-type", "search-system"}, "E", "110153", "110152", "IRCP")
    elif name in ("Create", "PatientCreate"):
        basic(event, "Create", {"create"}, "C", "110153", "110152", "AUT")
    elif name == "PrivacyDisclosure.Source":
        need((event.type.system, event.type.code) == (DCM, "110106"), event.id, "an export")
        lifecycle = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
        need("disclose" in codes(event.subtype, lifecycle), event.id, "a disclosure")
        need(event.action == "R", event.id, "action")
        both_ends(event, "110152", "110153")
        source = agents_of(event, "110153")[0]
        need(source.who == event.source.observer, event.id, "val-audit-source")
        need(len(event.entity) >= 2, event.id, "patient and data")
    else:
        sys.exit(f"unknown profile {name}")
    if name.startswith("Patient") or name == "PrivacyDisclosure.Source":
        patient(event)


def fhir(path):
    from fhir.resources.R4B.auditevent import AuditEvent
    from fhir.resources.R4B.bundle import Bundle

    text = open(path, encoding="utf-8").read()
    if path.endswith(".ndjson"):
        events = [AuditEvent.model_validate_json(line) for line in text.splitlines()]
    else:
        bundle = Bundle.model_validate_json(text)
        need(bundle.type == "collection", "a collection")
        addresses = [it.fullUrl for it in bundle.entry]
        need(len(set(addresses)) == len(addresses), "addresses of their own")
        events = [it.resource for it in bundle.entry]
    named = {}
    for event in events:
        need(isinstance(event, AuditEvent), "an AuditEvent")
        need(event.recorded.utcoffset() is not None, event.id, "a time zone")
        for it in event.entity or []:
            # sev-1 of FHIR R4.
            need(not (it.name and it.query), event.id, "a name or a query")
        kinds = codes([event.type] + (event.subtype or []), DCM)
        need(any("110100" <= code <= "110114" for code in kinds), event.id, "DICOM's code of the event")
        for url in (event.meta.profile if event.meta else None) or []:
            need(url.startswith(BALP), event.id, url)
            name = url[len(BALP):]
            profile(event, name)
            named[name] = named.get(name, 0) + 1
    print(json.dumps({"events": len(events), "profiles": named}))


# Table A.5.3.x of PS3.15: roles of participants that are mandatory, and what kinds of objects.
STUDY, PATIENT, LOG, SEARCH = ("2", "3", "110180"), ("1", "1", "2"), ("2", "13", "12"), ("2", "3", "10")
MESSAGES = {
    "110100": (["110150"], []),
    "110101": ([], [LOG]),
    "110103": ([], [STUDY, PATIENT]),
    "110104": (["110153", "110152"], [STUDY, PATIENT]),
    "110105": ([], [STUDY, PATIENT]),
    "110106": (["110153", "110154"], [STUDY, PATIENT]),
    "110107": ([], [STUDY, PATIENT]),
    "110112": (["110153", "110152"], [SEARCH]),
    "110113": ([], [LOG]),
    "110114": ([], []),
}


def dicom(path, schema):
    from lxml import etree

    rules = etree.RelaxNG(etree.parse(schema))
    # The schema itself refuses what it should.
    for wrong in (
        "<AuditMessage/>",
        "<AuditMessages/>",
    ):
        need(not rules.validate(etree.fromstring(wrong)), "the schema takes", wrong)
    root = etree.parse(path).getroot()
    need(root.tag == "AuditMessages", "the root")
    kinds = {}
    for message in root:
        # A document of its own, as it would be sent.
        message = etree.fromstring(etree.tostring(message))
        need(rules.validate(message), rules.error_log, etree.tostring(message))
        event = message.find("EventIdentification")
        kind = event.find("EventID").get("csd-code")
        roles, objects = MESSAGES[kind]
        people = message.findall("ActiveParticipant")
        found = [it.get("csd-code") for one in people for it in one.findall("RoleIDCode")]
        for role in roles:
            need(role in found, kind, "role", role)
        asking = [it for it in people if it.get("UserIsRequestor") == "true"]
        need(len(asking) <= 1, kind, "one requestor at most")
        if kind == "110113":
            need(not asking, kind, "no requestor")
            need(event.find("EventTypeCode") is not None, kind, "an event type")
            details = message.findall("ParticipantObjectIdentification/ParticipantObjectDetail")
            need("Alert Description" in [it.get("type") for it in details], kind, "a description")
        if kind == "110114":
            need(people[0].get("NetworkAccessPointID"), kind, "where from")
        if kind == "110106":
            need(message.find("ActiveParticipant/MediaIdentifier/MediaType") is not None, kind, "a medium")
        there = [
            (
                it.get("ParticipantObjectTypeCode"),
                it.get("ParticipantObjectTypeCodeRole"),
                it.find("ParticipantObjectIDTypeCode").get("csd-code"),
            )
            for it in message.findall("ParticipantObjectIdentification")
        ]
        for it in objects:
            need(it in there, kind, "object", it, "among", there)
        kinds[kind] = kinds.get(kind, 0) + 1
    print(json.dumps({"events": len(root), "kinds": kinds}))


if sys.argv[1] == "fhir":
    fhir(sys.argv[2])
else:
    dicom(sys.argv[2], sys.argv[3])
