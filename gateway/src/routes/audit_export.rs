//! The record as a file, in the forms of other systems: written while it goes out, a line in memory at a time.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;

use super::Pairs;
use super::audit::{bad, filter, nothing, put_on_record};
use super::files::written;
use crate::audit::export::{Origin, dicom, fhir};
use crate::audit::search::{Wanted, oldest_first};
use crate::auth::access::{LoggedIn, permits_gateway};
use crate::auth::asker::Asker;
use crate::auth::policy::Action;
use crate::error::ApiError;
use crate::state::{self, Shared};

/// Bytes that are handed on at once.
const PIECE: usize = 64 << 10;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A FHIR bundle of AuditEvents.
    Fhir,
    /// AuditEvents, one a line.
    Ndjson,
    /// Audit messages of DICOM in one document.
    Dicom,
    /// The lines as they are, with their codes.
    Lines,
}

impl Form {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "fhir" => Self::Fhir,
            "ndjson" => Self::Ndjson,
            "dicom" => Self::Dicom,
            "jsonl" => Self::Lines,
            _ => return None,
        })
    }

    /// Media type and file name.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Fhir => ["application/fhir+json", "audit-fhir.json"],
            Self::Ndjson => ["application/fhir+ndjson", "audit-fhir.ndjson"],
            Self::Dicom => ["application/xml; charset=utf-8", "audit-dicom.xml"],
            Self::Lines => ["application/jsonl", "audit.jsonl"],
        }
    }
}

fn read(pairs: &[(String, String)]) -> Result<(Wanted, Form), ApiError> {
    let mut wanted = Wanted::default();
    let mut form = None;
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "format" => form = Some(Form::of(value).ok_or_else(|| bad(name))?),
            _ if filter(&mut wanted, name, value)? => {}
            _ => return Err(bad(name)),
        }
    }
    Ok((wanted, form.ok_or_else(|| bad("format"))?))
}

/// The gateway, as it is known elsewhere.
fn origin(state: &state::State) -> Origin {
    let own = state.address.to_string();
    let scheme = if state.has_tls { "https" } else { "http" };
    Origin {
        host: state.public_host.clone().unwrap_or_else(|| own.clone()),
        url: (state.public_url.clone()).unwrap_or_else(|| format!("{scheme}://{own}")),
    }
}

/// Events of the record, the oldest first, for whoever may read all of it; that is an event, too.
pub async fn export(
    State(state): State<Shared>,
    LoggedIn { session, address }: LoggedIn,
    Pairs(pairs): Pairs,
) -> Result<Response, ApiError> {
    let asker = Asker::User(Arc::clone(&session));
    let login = state.login.as_ref().ok_or_else(ApiError::login_needed)?;
    if !permits_gateway(&state, &asker, Action::ReadAudit) {
        return Err(nothing());
    }
    let (wanted, form) = read(&pairs)?;
    put_on_record(login, &asker, address, &pairs).await?;
    let path: PathBuf = login.audit.path().to_owned();
    let origin = origin(&state);
    let [kind, name] = form.names();
    Response::builder()
        .header(CONTENT_TYPE, kind)
        .header(
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        )
        .body(written(move |pipe| {
            let mut out = BufWriter::with_capacity(PIECE, pipe);
            write(&mut out, &path, &wanted, form, &origin)?;
            out.flush()
        }))
        .map_err(|_| ApiError::internal())
}

fn write(
    out: &mut impl Write,
    path: &Path,
    wanted: &Wanted,
    form: Form,
    origin: &Origin,
) -> io::Result<()> {
    let (before, after) = match form {
        Form::Fhir => (
            "{\"resourceType\":\"Bundle\",\"type\":\"collection\"",
            "}\n",
        ),
        Form::Dicom => (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AuditMessages>\n",
            "</AuditMessages>\n",
        ),
        Form::Ndjson | Form::Lines => ("", ""),
    };
    out.write_all(before.as_bytes())?;
    let mut count = 0_u64;
    oldest_first(path, wanted, |line, record, mac| {
        match form {
            Form::Fhir => {
                // A list without entries is none in FHIR.
                let before: &[u8] = if count == 0 {
                    b",\"entry\":[\n"
                } else {
                    b",\n"
                };
                out.write_all(before)?;
                serde_json::to_writer(&mut *out, &fhir::entry(record, mac, origin))?;
            }
            Form::Ndjson => {
                serde_json::to_writer(&mut *out, &fhir::resource(record, origin))?;
                out.write_all(b"\n")?;
            }
            Form::Dicom => {
                out.write_all(&dicom::message(record, origin)?)?;
                out.write_all(b"\n")?;
            }
            Form::Lines => {
                out.write_all(line.as_bytes())?;
                out.write_all(b"\n")?;
            }
        }
        count += 1;
        Ok(())
    })?;
    if form == Form::Fhir && count > 0 {
        out.write_all(b"\n]")?;
    }
    out.write_all(after.as_bytes())
}
