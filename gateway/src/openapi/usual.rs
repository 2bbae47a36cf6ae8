//! Operations of kinds that there are many of.

use super::{Body, Content, Operation, Who, get, post};

/// A style sheet.
pub const CSS: Content = Content::Media("text/css");
/// A script.
pub const SCRIPT: Content = Content::Media("text/javascript");
/// A drawing.
pub const SVG: Content = Content::Media("image/svg+xml");

/// A page of the app, which is not there before it is built.
pub fn app_page(path: &'static str, summary: &'static str) -> Operation {
    let page = get(path, summary).page();
    page.answers(304, Content::Nothing)
}

/// A file of the gateway's own.
pub fn file(path: &'static str, content: Content) -> Operation {
    get(path, "A file of a page").answers(200, content)
}

/// A file of the app.
pub fn app_file(path: &'static str, content: Content) -> Operation {
    let file = get(path, "A file of the app").answers(200, content);
    file.answers(304, Content::Nothing).fails(&[404])
}

/// What operators read.
pub fn operators(path: &'static str, summary: &'static str) -> Operation {
    get(path, summary).who(Who::Operators)
}

/// What RAD-106 has in its address; names are compared without case.
pub fn invoke_queries(operation: Operation) -> Operation {
    operation
        .query("requestType", "request_type")
        .query("studyUID", "text")
        .query("accessionNumber", "text")
        .query("patientID", "text")
        .query("patientName", "text")
        .query("patientBirthDate", "text")
        .query("lowerDateTime", "text")
        .query("upperDateTime", "text")
        .query("mostRecentResults", "limit")
        .query("modalitiesInStudy", "text")
        .query("viewerType", "text")
        .query("diagnosticQuality", "boolean")
        .query("keyImagesOnly", "boolean")
}

/// A form of a login page: it works without a script, and says on the page what went wrong. Without a login configured there
/// is none.
pub fn form(path: &'static str, summary: &'static str, fields: &'static str) -> Operation {
    let form = post(path, summary).takes(Body::Form(fields)).guess();
    form.page()
        .leads_on()
        .fails_on_a_page(&[400, 401, 404, 429])
}

/// What the audit record is searched by.
pub fn audit_queries(operation: Operation) -> Operation {
    operation
        .query("user", "text")
        .query("session", "text")
        .query("address", "text")
        .query("patient", "text")
        .query("study", "uid")
        .query("source", "text")
        .query("request", "text")
        .query("kind", "kind")
        .query("outcome", "outcome")
        .query("from", "time")
        .query("before", "time")
}

/// How a picture is to be drawn (PS3.18 section 8.3.5.1).
pub fn drawn_queries(operation: Operation) -> Operation {
    operation
        .query("window", "text")
        .query("viewport", "text")
        .query("quality", "text")
        .query("annotation", "annotation")
        .query("iccprofile", "text")
}

/// What WADO-URI has in its address (PS3.18 section 9.1.2), and what comes back.
pub fn wado_queries(operation: Operation) -> Operation {
    let names = [
        "contentType",
        "frameNumber",
        "rows",
        "columns",
        "region",
        "windowCenter",
        "windowWidth",
        "imageQuality",
        "transferSyntax",
        "anonymize",
        "reason",
    ];
    let kinds = ["image/jpeg", "image/png", "image/gif", "application/dicom"];
    let operation = operation
        .query("requestType", "text")
        .query("studyUID", "uid")
        .query("seriesUID", "uid")
        .query("objectUID", "uid")
        .query("presentationSeriesUID", "uid")
        .query("presentationUID", "uid")
        .query("annotation", "annotation");
    let operation = names
        .iter()
        .fold(operation, |operation, name| operation.query(name, "text"));
    kinds.iter().fold(operation, |operation, kind| {
        operation.answers(200, Content::Media(kind))
    })
}
