//! Carries out what the engine wants done: requests, jobs, pauses, snapshots.

use super::opening::SeriesMetadata;
use super::{Effect, EngineEvent, EngineHandle, asking, headers, video};
use crate::platform::workers::WorkerJob;
use crate::platform::{clock, fetch, style};
use protocol::dicomweb::json;
use protocol::dicomweb::multipart;
use viewer_core::model::BulkAnswer;
use wasm_bindgen_futures::spawn_local;

/// Media type of DICOM JSON.
pub(super) const DICOM_JSON: &str = "application/dicom+json";

pub(super) fn run(handle: &EngineHandle, effect: Effect) {
    match effect {
        Effect::ListSeries { study, url } => {
            let event = move |generation, result| EngineEvent::SeriesListed {
                generation,
                study,
                result,
            };
            ask(handle, url, json::parse, event);
        }
        Effect::GetMetadata { series, url } => {
            let event = move |generation, result| EngineEvent::Metadata {
                generation,
                series,
                result,
            };
            let handle = handle.clone();
            let generation = handle.with(|engine| engine.generation());
            spawn_local(async move {
                let answer = headers::get_metadata(&handle, &url).await;
                let result = read_by(SeriesMetadata::read, answer);
                handle.send(event(generation, result));
            });
        }
        Effect::GetFrame {
            key,
            address,
            aborter,
        } => {
            let handle = handle.clone();
            let generation = handle.with(|engine| engine.generation());
            spawn_local(async move {
                let result = asking::get_frame(&handle, &address, aborter).await;
                handle.send(EngineEvent::Fetched {
                    generation,
                    key,
                    result,
                });
            });
        }
        Effect::GetBulk {
            series,
            address,
            url,
        } => {
            let handle = handle.clone();
            let generation = handle.with(|engine| engine.generation());
            spawn_local(async move {
                let answer = get_bulk(&url).await;
                handle.send(EngineEvent::BulkCame {
                    generation,
                    series,
                    address,
                    answer,
                });
            });
        }
        Effect::GetPixelPlanes { key } => {
            let handle = handle.clone();
            let generation = handle.with(|engine| engine.generation());
            spawn_local(async move {
                let planes = crate::embed::pixels::planes(&handle, key).await;
                handle.send(EngineEvent::PixelPlanes {
                    generation,
                    key,
                    planes: planes.unwrap_or_default(),
                });
            });
        }
        Effect::Decode {
            job,
            header,
            bytes,
            needs,
        } => {
            let pool = handle.with(|engine| engine.pool().cloned());
            if let Some(pool) = pool {
                pool.post(WorkerJob {
                    id: job,
                    header,
                    bytes,
                    needs,
                });
            }
        }
        Effect::DecodeVideo(job) => video::post(handle, job),
        Effect::RequestFrame => {
            let handle = handle.clone();
            clock::on_animation_frame(move |at_ms| {
                handle.send(EngineEvent::AnimationFrame { at_ms });
            });
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
        Effect::CoverCanvas(is_covered) => handle.with(|engine| {
            if let Some(screen) = &engine.screen {
                let visibility = if is_covered { "hidden" } else { "" };
                style::set(screen.canvas(), "visibility", visibility);
            }
        }),
        Effect::RebuildScreen => (handle.host.rebuild_screen)(),
        Effect::Show(view) => (handle.host.show)(view),
        Effect::GoTo(page) => (handle.host.go_to)(page),
        Effect::OpenNeighbour { delta } => (handle.host.open_neighbour)(delta),
        Effect::Tell(told) => (handle.host.tell)(&told),
    }
}

/// Most bytes of a value beside the metadata: an overlay of 65,535 x 65,535 pixels is 512 MiB, a usual one
/// less than 1.
const MOST_BULK_BYTES: u32 = 128 << 20;

/// The bytes of a value, from a single or a multipart answer.
async fn get_bulk(url: &str) -> BulkAnswer {
    // Parts and the value itself are both read: each server sends what it has, and none is asked for a list of ranges.
    let answer = fetch::get_bytes(url, "*/*", None).await;
    let fetched = answer.map_err(|error| error.to_string())?;
    if fetched.bytes.length() > MOST_BULK_BYTES {
        return Err("it is too large".into());
    }
    let body = fetched.bytes.to_vec();
    let parts = multipart::parse(&fetched.content_type, &body);
    let parts = parts.map_err(|error| error.to_string())?;
    let part = parts.first().ok_or("the answer is empty")?;
    Ok(part.body.into())
}

/// Asks for DICOM JSON and sends what is read from it.
fn ask<T: 'static>(
    handle: &EngineHandle,
    url: String,
    read: fn(&str) -> Result<T, json::JsonError>,
    event: impl FnOnce(u64, Result<T, fetch::FetchError>) -> EngineEvent + 'static,
) {
    let handle = handle.clone();
    let generation = handle.with(|engine| engine.generation());
    spawn_local(async move {
        let answer = fetch::get_text(&url, DICOM_JSON).await;
        let result = read_by(read, answer.map(|answer| answer.text));
        handle.send(event(generation, result));
    });
}

/// What is read from an answer.
fn read_by<T>(
    read: fn(&str) -> Result<T, json::JsonError>,
    answer: Result<String, fetch::FetchError>,
) -> Result<T, fetch::FetchError> {
    read(&answer?).map_err(|error| fetch::FetchError::Refused {
        status: 200,
        message: Some(error.to_string()),
    })
}
