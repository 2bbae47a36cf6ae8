//! Documents that are kept inside objects, for people: they come from elsewhere, and nothing in them runs here.
//!
//! Source: DICOM PS3.18 section 10.4.1.1.3 (rendered resources), PS3.3 C.24.2 (Encapsulated Document).

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::Response;

use super::accepted::Accepted;
use crate::error::ApiError;
use crate::source::SourceError;
use crate::source::folder::StoredInstance;
use crate::state::{Shared, blocking};

/// Encapsulated Document.
const DOCUMENT: u32 = 0x0042_0011;
/// MIME Type of Encapsulated Document.
const MEDIA_TYPE: u32 = 0x0042_0012;
/// The one media type that goes out. An object may call anything by its name, so the content has to agree.
const PDF: &str = "application/pdf";
const PDF_START: &[u8] = b"%PDF-";

/// The document of an instance, as a file to keep: no page shows it, and a browser that did would let nothing in it run.
pub(super) async fn rendered(
    state: &Shared,
    instance: StoredInstance,
    accepted: &Accepted,
) -> Result<Response, ApiError> {
    let document = blocking(state, move |state| {
        let set = state.store.dataset(&instance)?;
        let is_pdf = set.text(MEDIA_TYPE).is_some_and(|text| text == PDF);
        let bytes = state.store.value(&instance, &set, DOCUMENT);
        Ok::<_, SourceError>(bytes.filter(|bytes| is_pdf && bytes.starts_with(PDF_START)))
    });
    let Some(document) = document.await? else {
        let message = "this object holds no picture, and no document that can be given out";
        return Err(ApiError::new(
            StatusCode::NOT_ACCEPTABLE,
            "document_unknown",
            message,
        ));
    };
    let takes = accepted.first(|media| {
        let is_it = matches!(media.essence.as_str(), PDF | "application/*" | "*/*");
        is_it.then_some(())
    });
    if takes.is_none() {
        let message = "this document is answered as application/pdf only";
        return Err(ApiError::not_acceptable(message));
    }
    Response::builder()
        .header(CONTENT_TYPE, PDF)
        .header(CONTENT_DISPOSITION, "attachment; filename=\"report.pdf\"")
        .header(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        )
        .body(Body::from(document))
        .map_err(|_| ApiError::internal())
}
