//! How a frame comes: the ways of asking in their order, and whole instances from which frames are cut.
//!
//! Which way works is learnt in [`Ways`] and kept by root; what a server does not do is kept in the browser, too, so that
//! it is not asked for it again the next time. Bytes stay in the JavaScript heap; of a whole instance only headers are read.

use super::EngineHandle;
use crate::platform::fetch::{self, Aborter, FetchError, FetchedBytes};
use crate::platform::memory;
use js_sys::{Array, Promise, Uint8Array};
use protocol::dicomweb::asking::{Way, Ways, may_work_otherwise};
use protocol::dicomweb::multipart;
use protocol::dicomweb::part10::{self, Part10Error, PixelData};
use protocol::dicomweb::path;
use std::ops::Range;
use std::rc::Rc;
use viewer_core::pixel::{Photometric, PixelFormat};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

/// Stands for the status of a file that came and is no use.
const UNREAD: u16 = 422;
/// Front of a body in which the headers of its first part are looked for, bytes.
const HEAD_BYTES: u32 = 8 << 10;

/// A frame on the wire.
#[derive(Debug, Clone)]
pub struct FrameAddress {
    /// Its DICOMweb root.
    pub root: String,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub instance: String,
    /// From 0; the wire counts from 1.
    pub frame_index: u32,
    /// Number of Frames.
    pub frame_count: u32,
    /// Shape of a frame.
    pub format: PixelFormat,
}

impl FrameAddress {
    fn is_colour_difference(&self) -> bool {
        use Photometric::{YbrFull, YbrFull422, YbrIct, YbrPartial420, YbrRct};
        matches!(
            self.format.photometric,
            YbrFull | YbrFull422 | YbrPartial420 | YbrIct | YbrRct
        )
    }

    /// Bits of one native frame.
    fn frame_bits(&self) -> usize {
        let format = &self.format;
        let pixels = format.rows as usize * format.columns as usize;
        // In thirds of a sample, as subsampled chroma is shared.
        let thirds = match format.photometric {
            Photometric::YbrFull422 => 6,
            _ => 3 * usize::from(format.samples_per_pixel),
        };
        pixels * thirds / 3 * usize::from(format.bits_allocated)
    }
}

/// A whole instance in the JavaScript heap.
#[derive(Debug)]
pub(super) struct WholeInstance {
    address: String,
    /// The file alone.
    file: Uint8Array,
    pixels: PixelData,
}

/// Brings a frame, asking in another way where the server refuses one.
///
/// # Errors
/// The first refusal, where no way works.
pub async fn get_frame(
    handle: &EngineHandle,
    address: &FrameAddress,
    aborter: Option<Rc<Aborter>>,
) -> Result<FetchedBytes, FetchError> {
    let (mut ways, mut may_lack_frames) = (Vec::new(), false);
    with_ways(handle, &address.root, &mut |known| {
        ways = known.of(&address.series, address.is_colour_difference());
        may_lack_frames = known.may_lack_frames();
    });
    let (mut refusal, mut refused) = (None, Vec::new());
    let (mut lacks_frames, mut is_unread) = (false, false);
    for way in ways {
        // Frames of a server that has none are not asked for in another way, nor is a file that cannot be read.
        if if way.is_whole() {
            is_unread
        } else {
            lacks_frames
        } {
            continue;
        }
        if aborter.as_ref().is_some_and(|aborter| aborter.is_aborted()) {
            return Err(FetchError::Aborted);
        }
        let answer = match way {
            way if way.is_whole() => cut_frame(handle, address, way).await,
            _ => {
                handle.with_mut(|engine| engine.figures.requests += 1);
                let url = format!(
                    "{}/{}",
                    address.root,
                    path::frames(
                        &address.study,
                        &address.series,
                        &address.instance,
                        &[address.frame_index + 1]
                    )
                );
                fetch::get_bytes(&url, way.accept(), aborter.clone()).await
            }
        };
        match answer {
            Ok(bytes) => {
                with_ways(handle, &address.root, &mut |known| {
                    known.worked(&address.series, way, &refused);
                });
                return Ok(bytes);
            }
            Err(error) => {
                let status = match error {
                    FetchError::Refused { status, .. } => status,
                    _ => 0,
                };
                // A server that has given no frame yet may have none at all, but whole instances.
                let is_absent = matches!(status, 404 | 405);
                if is_absent && !way.is_whole() && may_lack_frames {
                    lacks_frames = true;
                    refused = vec![Way::Stored, Way::Decoded];
                } else {
                    refused.push(way);
                }
                is_unread |= status == UNREAD;
                let error = refusal.get_or_insert(error).clone();
                let goes_on = match status {
                    404 | 405 => lacks_frames && !way.is_whole(),
                    UNREAD => true,
                    status => may_work_otherwise(status),
                };
                if !goes_on {
                    return Err(error);
                }
            }
        }
    }
    Err(refusal.unwrap_or(FetchError::Unreachable))
}

/// Looks at what is known of the server at a root, and may change it; what changes is kept in the browser.
pub(super) fn with_ways(handle: &EngineHandle, root: &str, look: &mut dyn FnMut(&mut Ways)) {
    handle.with_mut(|engine| {
        let known = engine.ways.entry(root.to_owned());
        let known = known.or_insert_with(|| Ways::restored(&memory::get(root)));
        let before = known.kept();
        look(known);
        let after = known.kept();
        if after != before {
            memory::set(root, &after);
        }
    });
}

/// Cuts a frame out of its whole instance.
async fn cut_frame(
    handle: &EngineHandle,
    address: &FrameAddress,
    way: Way,
) -> Result<FetchedBytes, FetchError> {
    let whole = whole_instance(handle, address, way).await?;
    let read = reader(&whole.file);
    let ranges = whole
        .pixels
        .frame(
            &read,
            address.frame_index as usize,
            address.frame_count as usize,
            address.frame_bits(),
        )
        .map_err(unread)?;
    let ends: Vec<(u32, u32)> = ranges
        .iter()
        .map(|range| (small(range.start), small(range.end)))
        .collect();
    let length = ends
        .iter()
        .try_fold(0_u32, |sum, (start, end)| sum.checked_add(end - start))
        .ok_or(FetchError::Unreachable)?;
    let frame = Uint8Array::new_with_length(length);
    let mut at = 0;
    for (start, end) in ends {
        frame.set(&whole.file.subarray(start, end), at);
        at += end - start;
    }
    Ok(FetchedBytes {
        bytes: frame,
        content_type: format!(
            "application/octet-stream; transfer-syntax={}",
            whole.pixels.transfer_syntax
        ),
    })
}

/// The instance of a frame; fetched once for all its frames, and kept until another one is asked for.
async fn whole_instance(
    handle: &EngineHandle,
    address: &FrameAddress,
    way: Way,
) -> Result<Rc<WholeInstance>, FetchError> {
    let url = format!(
        "{}/{}",
        address.root,
        path::instance(&address.study, &address.series, &address.instance)
    );
    if let Some(whole) = kept(handle, &url) {
        return Ok(whole);
    }
    let coming = handle.with(|engine| {
        let coming = engine.whole_coming.as_ref();
        coming
            .filter(|(known, _)| *known == url)
            .map(|(_, promise)| promise.clone())
    });
    let coming = coming.unwrap_or_else(|| {
        let promise = fetch_whole(url.clone(), way);
        handle.with_mut(|engine| {
            engine.figures.requests += 1;
            engine.whole_coming = Some((url.clone(), promise.clone()));
        });
        promise
    });
    let came = JsFuture::from(coming).await;
    handle.with_mut(|engine| {
        engine
            .whole_coming
            .take_if(|(known, _)| *known == url && came.is_err());
    });
    // Another frame of the same instance may have read it meanwhile.
    if let Some(whole) = kept(handle, &url) {
        return Ok(whole);
    }
    let parts = Array::from(&came.map_err(|status| refused(&status))?);
    let body = Uint8Array::from(parts.get(0));
    let content_type = parts.get(1).as_string().unwrap_or_default();
    let head = body.subarray(0, HEAD_BYTES.min(body.length())).to_vec();
    let start = multipart::first_payload(&content_type, &head)
        .map_err(|_| unread(Part10Error::NotAFile))?;
    let file = body.subarray(small(start), body.length());
    let pixels = part10::find(&reader(&file)).map_err(unread)?;
    // Another instance's pixels would be shown as this one's.
    if pixels
        .instance
        .as_ref()
        .is_some_and(|uid| *uid != address.instance)
    {
        return Err(unread(Part10Error::OtherInstance));
    }
    let whole = Rc::new(WholeInstance {
        address: url,
        file,
        pixels,
    });
    handle.with_mut(|engine| {
        engine.whole = Some(Rc::clone(&whole));
        engine.whole_coming = None;
    });
    Ok(whole)
}

fn kept(handle: &EngineHandle, url: &str) -> Option<Rc<WholeInstance>> {
    handle.with(|engine| {
        let whole = engine.whole.as_ref()?;
        (whole.address == url).then(|| Rc::clone(whole))
    })
}

/// A promise of `[body, content type]`; it rejects with the status, 0 where there was none.
fn fetch_whole(url: String, way: Way) -> Promise {
    future_to_promise(async move {
        match fetch::get_bytes(&url, way.accept(), None).await {
            Ok(bytes) => Ok(Array::of2(&bytes.bytes, &bytes.content_type.into()).into()),
            Err(FetchError::Refused { status, .. }) => Err(JsValue::from(status)),
            Err(_) => Err(JsValue::from(0)),
        }
    })
}

fn refused(status: &JsValue) -> FetchError {
    let status = status.as_f64().unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a status as it was put in, three digits"
    )]
    let status = status as u16;
    match status {
        0 => FetchError::Unreachable,
        status => FetchError::Refused {
            status,
            message: None,
        },
    }
}

/// A whole instance that is no use: as if the server had refused this way of asking.
fn unread(error: Part10Error) -> FetchError {
    FetchError::Refused {
        status: UNREAD,
        message: Some(error.to_string()),
    }
}

fn reader(file: &Uint8Array) -> impl Fn(Range<usize>) -> Vec<u8> + '_ {
    |range| {
        let length = file.length();
        file.subarray(small(range.start).min(length), small(range.end).min(length))
            .to_vec()
    }
}

/// No buffer of a browser is longer than this type counts.
fn small(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
