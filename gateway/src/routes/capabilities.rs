//! What the DICOMweb service can do, in the Web Application Description Language, made of the table of routes.
//!
//! Source: DICOM PS3.18 section 8.9 (Retrieve Capabilities), WADL of 2009-02.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::ALLOW;
use axum::response::Response;
use serde_json::Value;

use super::accepted::Accepted;
use super::answer;
use crate::error::ApiError;
use crate::state::Shared;

/// Media type of the description.
pub const WADL: &str = "application/vnd.sun.wadl+xml";
const NAMESPACE: &str = "http://wadl.dev.java.net/2009/02";
/// Where the routes of a root are in the document.
const ROOT: &str = "/dicomweb/";

/// Describes the service. A source has the same routes, below its own name.
pub async fn options(
    State(state): State<Shared>,
    accepted: Accepted,
) -> Result<Response, ApiError> {
    let takes = accepted.first(|media| {
        let is_it = matches!(media.essence.as_str(), WADL | "application/*" | "*/*");
        is_it.then_some(())
    });
    if takes.is_none() {
        let message = format!("capabilities are answered as {WADL} only");
        return Err(ApiError::not_acceptable(message));
    }
    let document = state.document.get().ok_or_else(ApiError::internal)?;
    let document: Value = serde_json::from_slice(document).map_err(|_| ApiError::internal())?;
    let base = format!("{}{ROOT}", state.base_path);
    let mut response = answer(WADL, described(&document, &base).into_bytes())?;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("OPTIONS"));
    Ok(response)
}

fn described(document: &Value, base: &str) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"{NAMESPACE}\">\n\
         <resources base=\"{}\">\n",
        escaped(base)
    );
    let paths = document["paths"].as_object();
    for (path, methods) in paths.into_iter().flatten() {
        let inner = path
            .strip_prefix(ROOT)
            .filter(|it| !it.starts_with("{source}"));
        if let Some(inner) = inner {
            resource(&mut out, inner, methods);
        }
    }
    out.push_str("</resources>\n</application>\n");
    out
}

fn resource(out: &mut String, path: &str, methods: &Value) {
    out.push_str(&format!("<resource path=\"{}\">\n", escaped(path)));
    let first = methods.as_object().and_then(|all| all.values().next());
    parameters(out, first, "path", "template");
    for (name, operation) in methods.as_object().into_iter().flatten() {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let name = name.to_ascii_uppercase();
        out.push_str(&format!(
            "<method name=\"{name}\" id=\"{}\">\n<request>\n",
            escaped(id)
        ));
        parameters(out, Some(operation), "query", "query");
        out.push_str("</request>\n");
        let answers = operation["responses"].as_object();
        for (status, answer) in answers.into_iter().flatten() {
            out.push_str(&format!("<response status=\"{}\">", escaped(status)));
            let kinds = answer["content"].as_object();
            for media in kinds.into_iter().flat_map(|kinds| kinds.keys()) {
                out.push_str(&format!(
                    "<representation mediaType=\"{}\"/>",
                    escaped(media)
                ));
            }
            out.push_str("</response>\n");
        }
        out.push_str("</method>\n");
    }
    out.push_str("</resource>\n");
}

fn parameters(out: &mut String, operation: Option<&Value>, place: &str, style: &str) {
    let all = operation.and_then(|it| it["parameters"].as_array());
    for parameter in all.into_iter().flatten() {
        if parameter["in"] == place {
            let name = escaped(parameter["name"].as_str().unwrap_or_default());
            let required = parameter["required"] == true;
            out.push_str(&format!(
                "<param name=\"{name}\" style=\"{style}\" required=\"{required}\"/>\n"
            ));
        }
    }
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
