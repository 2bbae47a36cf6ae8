//! The OpenAPI document of a table of routes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schemas::{parameter, schemas};
use super::{Body, Content, Operation, Who};

/// The document, for a gateway that is known under a path.
pub fn document(operations: &[Operation], base_path: &str) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        let method = operation.method.as_str().to_ascii_lowercase();
        let entry = paths.entry(&operation.path).or_default();
        entry.insert(method, described(operation));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sagitta",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every route of the gateway. HEAD is answered wherever GET is. Every answer has an X-Request-Id.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": if base_path.is_empty() { "/" } else { base_path } }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-sid" },
                "frame": { "type": "apiKey", "in": "cookie", "name": "__Host-esid" },
                "link": { "type": "apiKey", "in": "cookie", "name": "__Host-link" },
                "bearer": { "type": "http", "scheme": "bearer" },
                "launch_client": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": answers(operation),
        "security": security(operation.who),
    });
    if let Some(body) = operation.body {
        let content = match body {
            Body::Json(name) => json!({ "application/json": { "schema": reference(name) } }),
            Body::Form(name) => {
                json!({ "application/x-www-form-urlencoded": { "schema": reference(name) } })
            }
            Body::Instances => json!({
                "application/dicom": {}, "application/dicom+json": {}, "multipart/related": {},
            }),
        };
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

/// `getDicomwebStudiesStudyMetadata`
fn operation_id(operation: &Operation) -> String {
    let mut id = operation.method.as_str().to_ascii_lowercase();
    let words = operation.path.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words.filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    if id.len() == operation.method.as_str().len() {
        id.push_str("Root");
    }
    id
}

fn security(who: Who) -> Value {
    match who {
        Who::Anybody | Who::Operators => json!([]),
        Who::Administrator => json!([{ "session": [] }]),
        Who::Session => json!([
            { "session": [] }, { "frame": [] }, { "bearer": [] }, { "link": [] },
        ]),
        Who::Link => json!([{ "link": [] }]),
        Who::LaunchClient => json!([{ "launch_client": [] }]),
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('{').skip(1);
    let in_path = in_path.filter_map(|part| part.split_once('}').map(|(name, _)| name));
    let in_path = in_path.map(
        |name| json!({ "name": name, "in": "path", "required": true, "schema": parameter(name) }),
    );
    let in_query = operation.queries.iter();
    let in_query = in_query.map(|(name, schema)| {
        json!({ "name": name, "in": "query", "required": false, "schema": parameter(schema) })
    });
    in_path.chain(in_query).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn answers(operation: &Operation) -> Map<String, Value> {
    let mut answers = Map::new();
    for (status, contents) in &operation.answers {
        let mut content = Map::new();
        let mut add = |media: &str, schema: Value| {
            content.insert(media.to_owned(), json!({ "schema": schema }));
        };
        for it in contents {
            match it {
                Content::Nothing => {}
                Content::Media(media) => add(media, json!({})),
                Content::Json(name) => add("application/json", reference(name)),
                Content::DicomJson => add("application/dicom+json", reference("DataSets")),
                Content::StoreReport => add("application/dicom+json", reference("DataSet")),
                Content::Error => add("application/json", reference("Error")),
                Content::ErrorOrPage => {
                    add("application/json", reference("Error"));
                    add("text/html", json!({}));
                }
            }
        }
        let mut answer = json!({ "description": words(*status) });
        if !content.is_empty() {
            answer["content"] = Value::Object(content);
        }
        if *status == 303 {
            answer["headers"] = json!({ "Location": { "schema": { "type": "string" } } });
        }
        if matches!(status, 429 | 503) {
            answer["headers"] = json!({ "Retry-After": { "schema": { "type": "integer" } } });
        }
        answers.insert(status.to_string(), answer);
    }
    answers
}

fn words(status: u16) -> &'static str {
    match status {
        200 => "What was asked for",
        201 => "It was made",
        204 => "It was done",
        202 => "Some of it was stored",
        206 => "A part of it",
        303 => "It goes on elsewhere",
        304 => "Nothing has changed",
        400 => "The request cannot be read",
        401 => "A login is needed",
        403 => "Not from there, or not without a fresh login",
        404 => "There is no such thing here, or none that may be seen",
        405 => "Nothing is stored here",
        406 => "It cannot be had in this form",
        408 => "It came too slowly",
        409 => "It does not go together with what is there",
        410 => "It was there and has ended",
        413 => "Too large",
        415 => "Not the media type that is taken",
        416 => "The range lies beyond the end",
        421 => "Another host name",
        422 => "The body is not what is taken",
        429 => "Too often: wait",
        502 => "Another server answers wrongly",
        503 => "Not just now",
        507 => "There is no room left",
        504 => "Another server does not answer",
        _ => "Another answer",
    }
}
