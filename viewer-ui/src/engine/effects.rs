//! Carries out what the engine wants done: requests, jobs, pauses, snapshots.

use super::{Effect, EngineEvent, EngineHandle};
use crate::platform::workers::WorkerJob;
use crate::platform::{clock, fetch};
use protocol::dicomweb::json::{self, Dataset};
use wasm_bindgen_futures::spawn_local;

/// Media type of DICOM JSON.
const DICOM_JSON: &str = "application/dicom+json";

pub(super) fn run(handle: &EngineHandle, effect: Effect) {
    match effect {
        Effect::ListSeries { study, url } => ask(handle, url, move |generation, result| {
            EngineEvent::SeriesListed {
                generation,
                study,
                result,
            }
        }),
        Effect::GetMetadata { series, url } => ask(handle, url, move |generation, result| {
            EngineEvent::Metadata {
                generation,
                series,
                result,
            }
        }),
        Effect::GetFrame {
            key,
            url,
            accept,
            aborter,
        } => {
            let handle = handle.clone();
            let generation = handle.with(|engine| engine.generation());
            spawn_local(async move {
                let result = fetch::get_bytes(&url, accept, aborter).await;
                handle.send(EngineEvent::Fetched {
                    generation,
                    key,
                    result,
                });
            });
        }
        Effect::Decode {
            job,
            header,
            buffer,
        } => {
            let pool = handle.with(|engine| engine.pool().cloned());
            if let Some(pool) = pool {
                pool.post(WorkerJob {
                    id: job,
                    header,
                    buffer,
                });
            }
        }
        Effect::RequestFrame => {
            let handle = handle.clone();
            clock::on_animation_frame(move |_| handle.send(EngineEvent::AnimationFrame));
        }
        Effect::AwaitGpu { began_ms } => {
            let finished = handle.with(|engine| engine.screen.as_ref().map(|s| s.finished()));
            let handle = handle.clone();
            spawn_local(async move {
                if let Some(finished) = finished {
                    finished.await;
                }
                handle.send(EngineEvent::DrawFinished { began_ms });
            });
        }
        Effect::WakeAt { at_ms } => {
            let handle = handle.clone();
            spawn_local(async move {
                clock::sleep(at_ms - clock::now_ms()).await;
                handle.send(EngineEvent::Woken);
            });
        }
        Effect::RebuildScreen => (handle.host.rebuild_screen)(),
        Effect::Show(view) => (handle.host.show)(view),
        Effect::GoTo(page) => (handle.host.go_to)(page),
        Effect::OpenNeighbour { delta } => (handle.host.open_neighbour)(delta),
        Effect::Tell(told) => (handle.host.tell)(&told),
    }
}

/// Asks for DICOM JSON and sends what comes of it.
fn ask(
    handle: &EngineHandle,
    url: String,
    event: impl FnOnce(u64, Result<Vec<Dataset>, fetch::FetchError>) -> EngineEvent + 'static,
) {
    let handle = handle.clone();
    let generation = handle.with(|engine| engine.generation());
    spawn_local(async move {
        let result = match fetch::get_text(&url, DICOM_JSON).await {
            Ok(answer) => json::parse(&answer.text).map_err(|error| fetch::FetchError::Refused {
                status: 200,
                message: Some(error.to_string()),
            }),
            Err(error) => Err(error),
        };
        handle.send(event(generation, result));
    });
}
