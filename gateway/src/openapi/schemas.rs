//! Schemas of what goes in and out (JSON Schema 2020-12), by the names that the table of routes uses.

use serde_json::{Value, json};

/// The schema of a parameter of an address, by its name or its kind.
pub(super) fn parameter(name: &str) -> Value {
    match name {
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
        "offset" | "older" => json!({ "type": "integer", "minimum": 0 }),
        "size" => json!({ "type": "integer", "minimum": 16, "maximum": 1024 }),
        "list" => json!({ "type": "string", "pattern": "^[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*$" }),
        "tag_path" => {
            json!({ "type": "string", "pattern": "^[0-9A-F]{8}(\\.[0-9]+\\.[0-9A-F]{8})*$" })
        }
        "study" | "series" | "instance" | "uid" => {
            json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[0-9.]+$" })
        }
        "source" => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,32}$" }),
        "date" => json!({ "type": "string", "pattern": "^[0-9]{8}(-[0-9]{8})?$" }),
        "time" => json!({ "type": "string", "format": "date-time" }),
        "kind" => {
            json!({ "type": "string", "examples": ["search", "study_opened", "frames_served"] })
        }
        "outcome" => json!({ "type": "string", "enum": ["success", "refused", "failed"] }),
        "audit_format" => {
            json!({ "type": "string", "enum": ["fhir", "ndjson", "dicom", "jsonl"] })
        }
        "annotation" => {
            json!({ "type": "string", "examples": ["patient", "technique", "patient,technique"] })
        }
        "boolean" => json!({ "type": "string", "enum": ["true", "false"] }),
        "request_type" => json!({ "type": "string", "enum": ["STUDY", "PATIENT"] }),
        "name" => json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
        "id" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }),
        "file" => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$" }),
        _ => json!({ "type": "string" }),
    }
}

/// An object with exactly these members; those that are not `optional` are always there.
fn object(members: Value, optional: &[&str], takes_others: bool) -> Value {
    let names = members.as_object().map(|all| all.keys().cloned());
    let required: Vec<String> = names
        .into_iter()
        .flatten()
        .filter(|name| !optional.contains(&name.as_str()))
        .collect();
    json!({
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": takes_others,
    })
}

/// What comes out: every member is there but the optional ones.
fn out(members: Value, optional: &[&str]) -> Value {
    object(members, optional, false)
}

/// What goes in: no other member is taken.
fn taken(members: Value, optional: &[&str]) -> Value {
    object(members, optional, false)
}

/// What a form sends: other fields are left alone.
fn form(members: Value) -> Value {
    object(members, &[], true)
}

/// All of them.
pub(super) fn schemas() -> Value {
    let mut all = general();
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), administration()) {
        all.extend(more);
    }
    all
}

fn general() -> Value {
    let text = json!({ "type": "string" });
    let perhaps = json!({ "type": ["string", "null"] });
    let flag = json!({ "type": "boolean" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let number = json!({ "type": "integer" });
    let perhaps_number = json!({ "type": ["integer", "null"] });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let short = json!({ "type": "string", "maxLength": 1000 });
    json!({
        "Error": out(json!({ "error": out(json!({ "code": text, "message": text }), &[]) }), &[]),
        "DataSets": { "type": "array", "items": { "$ref": "#/components/schemas/DataSet" } },
        "DataSet": {
            "type": "object",
            "patternProperties": { "^[0-9A-F]{8}$": {
                "type": "object",
                "properties": { "vr": { "type": "string", "pattern": "^[A-Z]{2}$" } },
                "required": ["vr"],
            } },
            "additionalProperties": false,
        },
        "Config": out(
            json!({
                "sources": { "type": "array", "items": out(json!({ "id": text, "label": text, "dicomweb": text, "store": flag }), &["store"]) },
                "gateway": flag,
                "embed": out(json!({ "parents": texts }), &["parents"]),
            }),
            &["embed"],
        ),
        "Health": out(
            json!({ "ready": flag, "indexing": out(json!({ "done": count, "total": count }), &[]) }),
            &[],
        ),
        "Readiness": out(json!({ "ready": flag, "store": flag, "users": flag, "folders": flag }), &[]),
        "OpenApi": { "type": "object", "required": ["openapi", "info", "paths"] },
        "SessionState": out(
            json!({
                "login": flag, "user": perhaps, "name": perhaps, "roles": texts, "locked": flag,
                "password": flag, "share": flag, "ends_in_s": perhaps_number, "idle_s": perhaps_number,
                "context": out(json!({ "source": text, "studies": texts }), &[]),
            }),
            &["context"],
        ),
        "Unlock": taken(json!({ "password": short }), &[]),
        "Credentials": form(json!({ "name": short, "password": short })),
        "Code": form(json!({ "code": short })),
        "First": form(json!({ "name": short, "code": short, "password": short })),
        "Password": form(json!({ "password": short })),
        "LogoutToken": form(json!({ "logout_token": short })),
        "PasskeyRemoved": form(json!({ "id": short })),
        "Passkey": { "type": "object", "required": ["id", "rawId", "response", "type"] },
        "PasskeyAdded": {
            "type": "object",
            "properties": { "shown": short, "credential": { "$ref": "#/components/schemas/Passkey" } },
            "required": ["shown", "credential"],
        },
        "PasskeyOptions": { "type": "object" },
        "Next": out(json!({ "next": text }), &[]),
        "ShareWanted": taken(
            json!({
                "source": perhaps, "study": short, "series": perhaps, "view": perhaps,
                "days": { "type": "integer", "minimum": 1, "maximum": 30 },
                "uses": { "type": ["integer", "null"], "minimum": 1, "maximum": 10000 },
                "pin": flag, "download": flag, "note": short,
            }),
            &["source", "series", "view", "uses", "pin", "download", "note"],
        ),
        "ShareMade": out(
            json!({
                "id": text, "path": text, "link": text, "qr": text, "qr_side": count, "pin": perhaps,
                "ends": number,
            }),
            &[],
        ),
        "SharesListed": { "type": "array", "items": out(
            json!({
                "id": text, "study": texts, "made": number, "ends": number, "uses": count,
                "most_uses": perhaps_number, "pin": flag, "download": flag, "note": text,
                "state": { "type": "string", "enum": ["open", "expired", "revoked", "used_up", "locked"] },
            }),
            &[],
        ) },
        "LinkHalves": taken(json!({ "id": short, "secret": short, "pin": perhaps }), &["pin"]),
        "LinkBefore": out(
            json!({ "from": text, "ends": number, "pin": flag, "tries": count, "wait": count }),
            &[],
        ),
        "LinkOpened": out(
            json!({
                "id": text, "source": text, "studies": texts, "series": perhaps, "first": perhaps,
                "view": perhaps, "note": text, "download": flag, "from": text, "ends": number,
            }),
            &[],
        ),
        "LaunchWanted": taken(
            json!({
                "user": short, "study": perhaps, "accession": perhaps, "patient": perhaps,
                "source": perhaps, "parent": perhaps,
            }),
            &["study", "accession", "patient", "source", "parent"],
        ),
        "Ticket": out(
            json!({ "ticket": text, "path": text, "expires_in_s": count, "source": text, "studies": texts }),
            &[],
        ),
        "OwnTicket": out(json!({ "ticket": text, "expires_in_s": count }), &[]),
        "TicketTaken": taken(json!({ "ticket": short, "parent": short }), &[]),
        "TicketOpened": out(
            json!({
                "user": text, "context": out(json!({ "source": text, "studies": texts }), &[]),
                "again": text, "bearer": text,
            }),
            &["context", "again", "bearer"],
        ),
        "AuditPage": out(
            json!({
                "events": { "type": "array", "items": {
                    "type": "object",
                    "required": ["number", "at", "kind", "outcome"],
                } },
                "older": count,
            }),
            &["older"],
        ),
        "Emergency": taken(
            json!({ "source": perhaps, "study": short, "reason": { "type": "string", "minLength": 10, "maxLength": 1000 } }),
            &["source"],
        ),
    })
}

/// Of administration.
fn administration() -> Value {
    let text = json!({ "type": "string" });
    let flag = json!({ "type": "boolean" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let number = json!({ "type": "integer" });
    let perhaps_number = json!({ "type": ["integer", "null"] });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let user = out(
        json!({
                        "name": text, "shown": text, "roles": texts, "sites": texts, "referrers": texts, "labels": texts,
                        "own": flag, "password": flag, "totp": flag, "passkeys": count, "sessions": count, "locked": flag,
                        "shut": flag, "wait_until": number, "issuer": text, "seen": number, "code_ends": number,
        }),
        &["wait_until", "issuer", "seen", "code_ends"],
    );
    json!({
        "AdminUsers": out(
            json!({
                "users": { "type": "array", "items": user },
                "roles": texts,
                "sites": { "type": "array", "items": out(json!({ "id": text, "label": text }), &[]) },
                "passwords": flag, "now": number,
            }),
            &[],
        ),
        "AdminWanted": taken(
            json!({
                "name": text, "shown": text, "roles": texts, "sites": texts, "referrers": texts, "labels": texts,
            }),
            &["name", "referrers", "labels"],
        ),
        "AdminCode": out(json!({ "code": text, "ends": number }), &[]),
        "AdminEnded": out(json!({ "ended": count }), &[]),
        "AdminSessions": { "type": "array", "items": out(
            json!({
                "id": text, "user": text, "shown": text, "kind": { "enum": ["page", "frame", "link"] }, "share": text,
                "began": number, "seen": number, "ends": number, "locked": flag, "address": text, "own": flag,
            }),
            &["share", "began", "seen"],
        ) },
        "AdminShares": { "type": "array", "items": out(
            json!({
                "id": text, "user": text, "shown": text, "source": text, "made": number, "ends": number, "uses": count,
                "most_uses": perhaps_number, "pin": flag, "download": flag,
                "state": { "enum": ["open", "revoked", "expired", "used_up", "locked"] },
            }),
            &[],
        ) },
        "AdminSources": out(
            json!({
                "indexing": out(json!({ "done": count, "total": count }), &[]),
                "sources": { "type": "array", "items": out(
                    json!({ "id": text, "label": text, "answered": text, "failed": text, "reason": text }),
                    &["answered", "failed", "reason"],
                ) },
            }),
            &[],
        ),
    })
}
