//! `pixels()`: the stored values of any frame, whatever is on screen.

use crate::engine::asking::{FrameAddress, get_frame};
use crate::engine::waiting::ViewerError;
use crate::engine::{EngineHandle, Source, StoredFrame};
use crate::platform::fetch;
use crate::platform::workers::{WorkerAnswer, WorkerJob};
use crate::worker_message::{Request, Response};
use js_sys::{Object, Promise, Reflect};
use protocol::dicomweb::json::{self, Dataset};
use protocol::dicomweb::path;
use protocol::uid::percent_encode;
use viewer_core::decode::{Decoders, decoders};
use viewer_core::loading::FrameKey;
use viewer_core::model::{Instance, OverlaySource, tags};
use viewer_core::pixel::{OverlayBits, PixelFormat, SampleType};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Which frame.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// SOP Instance UID.
    pub instance: String,
    /// From 1.
    pub frame: u32,
    /// Study Instance UID, if known.
    pub study: Option<String>,
    /// Series Instance UID, if known.
    pub series: Option<String>,
    /// Source id, else the first source.
    pub source: Option<String>,
}

/// The frame as the contract's `Pixels`.
pub async fn pixels(handle: EngineHandle, wanted: Wanted) -> Result<JsValue, JsValue> {
    if wanted.frame == 0 {
        return Err(ViewerError::new("frame_unknown", "frames are counted from 1").into());
    }
    if let Some((frame, is_video)) = from_cache(&handle, &wanted) {
        return match is_video {
            true => Err(video_has_none().into()),
            false => Ok(described(&frame)),
        };
    }
    let source = source_of(&handle, wanted.source.as_deref())?;
    let (study, series) = match (&wanted.study, &wanted.series) {
        (Some(study), Some(series)) => (study.clone(), series.clone()),
        _ => find(&source, &wanted.instance).await?,
    };
    let metadata = path::instance_metadata(&study, &series, &wanted.instance);
    let sets = get_sets(&format!("{}/{metadata}", source.root)).await?;
    let instance = sets
        .iter()
        .filter_map(Instance::from_dataset)
        .find(|instance| instance.uid == wanted.instance)
        .ok_or_else(|| ViewerError::new("instance_unknown", "the server knows no such instance"))?;
    if instance.is_video() {
        return Err(video_has_none().into());
    }
    let format = instance
        .format
        .map_err(|reason| ViewerError::new("no_pixels", reason.to_string()))?;
    let address = FrameAddress {
        root: source.root,
        study,
        series,
        instance: wanted.instance.clone(),
        frame_index: wanted.frame - 1,
        frame_count: instance.frame_count,
        format: format.clone(),
    };
    let bytes = get_frame(&handle, &address, None)
        .await
        .map_err(|error| ViewerError::new("frame_unavailable", error.to_string()))?;
    let request = Request::Decode {
        content_type: bytes.content_type,
        transfer_syntax: instance.transfer_syntax,
        format,
    };
    let frame = decode(&handle, &request, bytes.bytes).await?;
    Ok(described(&frame))
}

/// What the browser's decoder gives is for looking at, not for measuring.
fn video_has_none() -> ViewerError {
    ViewerError::new("video", "a frame of a video has no stored values")
}

fn source_of(handle: &EngineHandle, id: Option<&str>) -> Result<Source, ViewerError> {
    handle
        .with(|engine| match id {
            Some(id) => engine
                .sources
                .iter()
                .find(|source| source.id == id)
                .cloned(),
            None => engine.sources.first().cloned(),
        })
        .ok_or_else(|| ViewerError::new("source_unknown", "no such source is configured"))
}

fn from_cache(handle: &EngineHandle, wanted: &Wanted) -> Option<(StoredFrame, bool)> {
    handle.with(|engine| {
        engine.state.all_series.iter().find_map(|series| {
            let study = engine.state.studies.get(series.study)?;
            let is_other = |asked: &Option<String>, own: &str| {
                asked.as_deref().is_some_and(|asked| asked != own)
            };
            if is_other(&wanted.study, &study.uid)
                || is_other(&wanted.series, &series.uid)
                || is_other(&wanted.source, &study.source)
            {
                return None;
            }
            let slice = series
                .stack
                .as_ref()?
                .slice_of(&wanted.instance, wanted.frame - 1)?;
            let key = FrameKey {
                series: series.id,
                slice: u32::try_from(slice).ok()?,
            };
            let is_video = series.stack.as_ref()?.instance(slice)?.is_video();
            Some((engine.cache.get(key)?.clone(), is_video))
        })
    })
}

async fn get_sets(url: &str) -> Result<Vec<Dataset>, ViewerError> {
    let failed = |code: &str, words: String| ViewerError::new(code, words);
    let answer = fetch::get_text(url, "application/dicom+json")
        .await
        .map_err(|error| failed("metadata_unavailable", error.to_string()))?;
    json::parse(&answer.text).map_err(|error| failed("metadata_unavailable", error.to_string()))
}

/// Finds study and series of an instance by a query.
async fn find(source: &Source, instance: &str) -> Result<(String, String), ViewerError> {
    let url = format!(
        "{}/instances?SOPInstanceUID={}",
        source.root,
        percent_encode(instance)
    );
    let sets = get_sets(&url).await?;
    sets.iter()
        .find_map(|set| {
            Some((
                set.text(tags::STUDY_INSTANCE_UID)?,
                set.text(tags::SERIES_INSTANCE_UID)?,
            ))
        })
        .ok_or_else(|| ViewerError::new("instance_unknown", "the server knows no such instance"))
}

/// The decoders that the transfer syntax of the metadata needs.
fn needs(request: &Request) -> Decoders {
    match request {
        Request::Decode {
            transfer_syntax: Some(syntax),
            ..
        } => decoders(syntax),
        _ => Decoders::Common,
    }
}

async fn decode(
    handle: &EngineHandle,
    request: &Request,
    bytes: js_sys::Uint8Array,
) -> Result<StoredFrame, ViewerError> {
    let failed = |words: String| ViewerError::new("frame_failed", words);
    let header = serde_json::to_string(request).map_err(|error| failed(error.to_string()))?;
    let answer = job(handle, header, bytes, needs(request)).await;
    let Some(WorkerAnswer::Done { header, buffer }) = answer else {
        return Err(failed("the decoder broke down on this image".into()));
    };
    let response: Response =
        serde_json::from_str(&header).map_err(|error| failed(error.to_string()))?;
    let frame = StoredFrame::from_response(response, buffer)
        .map_err(failed)?
        .frame;
    Ok(frame)
}

/// Has a worker do something; `None` where there is none.
pub async fn job(
    handle: &EngineHandle,
    header: String,
    bytes: js_sys::Uint8Array,
    needs: Decoders,
) -> Option<WorkerAnswer> {
    let pool = handle.with(|engine| engine.pool().cloned())?;
    let slot = std::rc::Rc::new(std::cell::RefCell::new(None));
    let promise = {
        let slot = std::rc::Rc::clone(&slot);
        let handle = handle.clone();
        Promise::new(&mut |resolve, _| {
            let slot = std::rc::Rc::clone(&slot);
            let id = handle.with_mut(|engine| {
                let id = engine.new_job();
                engine.waiters.on_job(id, move |answer| {
                    *slot.borrow_mut() = Some(answer);
                    let _ = resolve.call0(&JsValue::NULL);
                });
                id
            });
            pool.post(WorkerJob {
                id,
                header: header.clone(),
                bytes: bytes.clone(),
                needs,
            });
        })
    };
    let _ = JsFuture::from(promise).await;
    slot.borrow_mut().take()
}

/// Overlay planes that lie in unused bits of a frame's pixels: the frame once more, with all of its bits.
pub async fn planes(handle: &EngineHandle, key: FrameKey) -> Option<Vec<OverlayBits>> {
    let (address, transfer_syntax) = handle.with(|engine| engine.wire_names(key))?;
    let places: Vec<(u16, [i32; 2])> = handle.with(|engine| {
        let stack = engine.state.series(key.series)?.stack.as_ref()?;
        let (instance, frame_index) = stack.at(usize::try_from(key.slice).ok()?)?;
        let planes = instance.overlays.iter();
        let found = planes
            .filter(|plane| plane.frame_on(frame_index).is_some())
            .filter_map(|plane| match plane.source {
                OverlaySource::PixelBit(bit) => Some((bit, plane.origin)),
                OverlaySource::Data(_) => None,
            });
        Some(found.collect())
    })?;
    let bytes = get_frame(handle, &address, None).await.ok()?;
    let request = Request::Decode {
        content_type: bytes.content_type,
        transfer_syntax,
        format: PixelFormat {
            bits_stored: address.format.bits_allocated,
            high_bit: address.format.bits_allocated.saturating_sub(1),
            signed: false,
            ..address.format.clone()
        },
    };
    let frame = decode(handle, &request, bytes.bytes).await.ok()?;
    let mut samples = Vec::new();
    frame.copy_into(&mut samples);
    let samples: Vec<u16> = match frame.sample_type {
        SampleType::U8 => samples.into_iter().map(u16::from).collect(),
        SampleType::U16 => {
            let (pairs, _) = samples.as_chunks::<2>();
            pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
        }
        _ => return None,
    };
    let size = [frame.columns, frame.rows];
    let plane = |(bit, origin)| OverlayBits::of_pixels(size, origin, samples.iter().copied(), bit);
    Some(places.into_iter().map(plane).collect())
}

/// A copy in a typed array of the right kind, so that nobody can write into the cache.
fn described(frame: &StoredFrame) -> JsValue {
    let copy = frame.copied().buffer();
    let data: JsValue = match frame.sample_type {
        SampleType::U8 => js_sys::Uint8Array::new(&copy).into(),
        SampleType::I8 => js_sys::Int8Array::new(&copy).into(),
        SampleType::U16 => js_sys::Uint16Array::new(&copy).into(),
        SampleType::I16 => js_sys::Int16Array::new(&copy).into(),
        SampleType::U32 => js_sys::Uint32Array::new(&copy).into(),
        SampleType::I32 => js_sys::Int32Array::new(&copy).into(),
        SampleType::F32 => js_sys::Float32Array::new(&copy).into(),
        SampleType::F64 => js_sys::Float64Array::new(&copy).into(),
    };
    let object = Object::new();
    let set = |name: &str, value: JsValue| {
        // A plain object takes every property.
        let _ = Reflect::set(&object, &name.into(), &value);
    };
    set("rows", frame.rows.into());
    set("columns", frame.columns.into());
    set("samples", frame.samples_per_pixel.into());
    set("bits", frame.bits_stored.into());
    set("signed", frame.sample_type.is_signed().into());
    set("data", data);
    object.into()
}

/// A promise of a future.
pub fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    wasm_bindgen_futures::future_to_promise(future)
}
