//! A study's files as one ZIP archive, written while it goes out.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Pairs, Target};
use crate::audit::event::Kind;
use crate::auth::access::Anybody;
use crate::auth::policy::Action;
use crate::error::ApiError;
use crate::source::folder::files::NamedFile;
use crate::state::{Shared, blocking};

/// Bytes that are handed on at once, and how many such pieces wait for a slow line.
const PIECE: usize = 256 << 10;
const MOST_WAITING: usize = 8;

/// All files of a study. Who takes them away gives a reason where policies ask for one.
pub async fn download(
    State(state): State<Shared>,
    anybody: Anybody,
    target: Target,
    Pairs(pairs): Pairs,
) -> Result<Response, ApiError> {
    let reason = pairs.iter().find(|(name, _)| name == "reason");
    let reason = reason.map(|(_, text)| text.as_str()).unwrap_or_default();
    if state.upstream(target.source.as_deref())?.is_some() {
        let message = "the files of this source are taken away at its own hospital";
        return Err(ApiError::not_found("files_unavailable", message));
    }
    let study = anybody
        .pass(&state, Action::Download, Kind::Exported, &target, reason)
        .await?;
    let files = blocking(&state, move |state| state.store.files(&study)).await?;
    Response::builder()
        .header(CONTENT_TYPE, "application/zip")
        .header(CONTENT_DISPOSITION, "attachment; filename=\"study.zip\"")
        .body(written(move |pipe| archive(&files, pipe)))
        .map_err(|_| ApiError::internal())
}

/// A body that is written while it goes out, on a thread that may wait. Where that fails it breaks off, so that nobody takes
/// it for whole.
pub(super) fn written(work: impl FnOnce(Pipe) -> io::Result<()> + Send + 'static) -> Body {
    let (pieces, mut taken) = mpsc::channel(MOST_WAITING);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = work(Pipe(pieces.clone())) {
            let _ = pieces.blocking_send(Err(error));
        }
    });
    let stream = futures_util::stream::poll_fn(move |context| taken.poll_recv(context));
    Body::from_stream(stream)
}

/// Writes the archive. Pixels hardly compress: nothing is.
fn archive(files: &[NamedFile], pipe: Pipe) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true);
    let mut archive = ZipWriter::new_stream(BufWriter::with_capacity(PIECE, pipe));
    for file in files {
        archive.start_file(&file.name, options)?;
        file.copy_to(&mut archive)?;
    }
    archive.finish()?.into_inner().flush()
}

/// What is written goes out as pieces of the answer; it waits where the line is slow, and ends where it is gone.
pub(super) struct Pipe(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        let sent = self.0.blocking_send(Ok(piece));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
