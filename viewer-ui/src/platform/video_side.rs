//! The video worker's side: its messages, and the browser's decoder (WebCodecs).
//!
//! The worker's program takes in this file by its path and nothing else of the app, so that its module stays small. web-sys has
//! WebCodecs only behind a flag of the compiler, so what is needed of it is declared here.
//! Source: W3C WebCodecs, sections 5 (`VideoDecoder`), 8 (`EncodedVideoChunk`) and 9.4 (`VideoFrame`).

use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    type VideoDecoder;
    #[wasm_bindgen(constructor, catch)]
    fn new(init: &Object) -> Result<VideoDecoder, JsValue>;
    #[wasm_bindgen(static_method_of = VideoDecoder, js_name = isConfigSupported, catch)]
    fn is_config_supported(config: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn configure(this: &VideoDecoder, config: &Object) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn decode(this: &VideoDecoder, chunk: &EncodedVideoChunk) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn flush(this: &VideoDecoder) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &VideoDecoder) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = decodeQueueSize)]
    fn decode_queue_size(this: &VideoDecoder) -> u32;
    #[wasm_bindgen(method, setter)]
    fn set_ondequeue(this: &VideoDecoder, handler: &Function);

    type EncodedVideoChunk;
    #[wasm_bindgen(constructor, catch)]
    fn new(init: &Object) -> Result<EncodedVideoChunk, JsValue>;

    type VideoFrame;
    #[wasm_bindgen(method, getter)]
    fn timestamp(this: &VideoFrame) -> f64;
    #[wasm_bindgen(method, getter, js_name = visibleRect)]
    fn visible_rect(this: &VideoFrame) -> Option<web_sys::DomRectReadOnly>;
    #[wasm_bindgen(method, catch, js_name = copyTo)]
    fn copy_to(this: &VideoFrame, to: &Uint8Array, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = allocationSize)]
    fn allocation_size(this: &VideoFrame, options: &Object) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, js_name = close)]
    fn close_frame(this: &VideoFrame);
}

fn scope() -> web_sys::DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Milliseconds since the worker started.
pub fn now_ms() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

/// A request: its header, and the bytes beside it.
pub type Asked = (String, Uint8Array);

/// Answers each request by `work`, one after the other: the page asks one thing at a time.
pub fn serve<F>(work: impl Fn(Asked) -> F + 'static)
where
    F: Future<Output = (String, Option<Vec<u8>>)> + 'static,
{
    let on_message =
        Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            let parts = Array::from(&event.data());
            let header = parts.get(0).as_string().unwrap_or_default();
            let bytes = parts.get(1).dyn_into();
            let bytes: Uint8Array = bytes.unwrap_or_else(|_| Uint8Array::new_with_length(0));
            let room: Option<ArrayBuffer> = parts.get(2).dyn_into().ok();
            let answer = work((header, bytes));
            spawn_local(async move {
                let (header, samples) = answer.await;
                let (message, transfer) = (Array::of1(&header.into()), Array::new());
                if let Some(samples) = samples {
                    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX);
                    let fits = |room: &ArrayBuffer| room.byte_length() == length;
                    let buffer = room.filter(fits);
                    let buffer = buffer.unwrap_or_else(|| ArrayBuffer::new(length));
                    Uint8Array::new(&buffer).copy_from(&samples);
                    message.push(&buffer);
                    transfer.push(&buffer);
                }
                // The page that asked is gone when this fails.
                let _ = scope().post_message_with_transfer(&message, &transfer);
            });
        });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    // An empty message: this worker has started.
    let _ = scope().post_message(&Array::new());
}

fn object(pairs: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in pairs {
        // A plain object takes every property.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// What of a video the decoder is told.
#[derive(Debug, Clone, Copy)]
pub struct Config<'a> {
    /// Codec, profile and level.
    pub codec: &'a str,
    /// The decoder configuration record, where parameter sets do not stand in the stream.
    pub description: Option<&'a [u8]>,
    /// Columns and rows.
    pub size: [u32; 2],
}

impl Config<'_> {
    fn to_object(self) -> Object {
        let [columns, rows] = self.size;
        let config = object(&[
            ("codec", self.codec.into()),
            ("codedWidth", columns.into()),
            ("codedHeight", rows.into()),
        ]);
        if let Some(description) = self.description {
            let description = Uint8Array::from(description);
            let _ = Reflect::set(&config, &"description".into(), &description);
        }
        config
    }
}

/// Why the browser decodes nothing of this kind; `None` where it does.
pub async fn refusal(config: Config<'_>, name: &str) -> Option<String> {
    let has_decoder = Reflect::has(&js_sys::global(), &"VideoDecoder".into());
    if !has_decoder.unwrap_or(false) {
        return Some(
            "this browser offers no video decoder here; it needs WebCodecs, and a page that comes by https"
                .to_owned(),
        );
    }
    let answer = match VideoDecoder::is_config_supported(&config.to_object()) {
        Ok(promise) => JsFuture::from(promise).await.ok(),
        Err(_) => None,
    };
    let supported = answer.and_then(|answer| Reflect::get(&answer, &"supported".into()).ok());
    let is_supported = supported.and_then(|it| it.as_bool()).unwrap_or(false);
    let codec = config.codec;
    (!is_supported).then(|| format!("this browser does not decode {name} ({codec})"))
}

/// What the decoder's callbacks leave behind.
#[derive(Default)]
struct Heard {
    frames: VecDeque<Picture>,
    error: Option<String>,
    waiting: Option<Function>,
}

impl Heard {
    fn wake(heard: &Rc<RefCell<Self>>) {
        let waiting = heard.borrow_mut().waiting.take();
        if let Some(resolve) = waiting {
            // Resolving functions of a promise do not throw.
            let _ = resolve.call0(&JsValue::NULL);
        }
    }
}

/// A decoded frame that the browser still holds; given back when it is dropped.
pub struct Picture(VideoFrame);

impl Drop for Picture {
    fn drop(&mut self) {
        self.0.close_frame();
    }
}

/// Microseconds of one frame on the clock that decoders are given: time stamps are whole, and each is of one frame.
const FRAME_US: f64 = 1000.0;

/// A running decoder.
pub struct Decoder {
    decoder: VideoDecoder,
    heard: Rc<RefCell<Heard>>,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // One that failed is closed already.
        let _ = self.decoder.close();
    }
}

fn words(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok();
    let message = message.and_then(|message| message.as_string());
    format!(
        "the browser's video decoder gave up: {}",
        message.unwrap_or_default()
    )
}

impl Decoder {
    /// Starts a decoder.
    pub fn new(config: Config<'_>) -> Result<Self, String> {
        let heard = Rc::new(RefCell::new(Heard::default()));
        let own = Rc::clone(&heard);
        let output = Closure::<dyn FnMut(VideoFrame)>::new(move |frame| {
            own.borrow_mut().frames.push_back(Picture(frame));
            Heard::wake(&own);
        });
        let own = Rc::clone(&heard);
        let error = Closure::<dyn FnMut(JsValue)>::new(move |error: JsValue| {
            own.borrow_mut().error = Some(words(&error));
            Heard::wake(&own);
        });
        let own = Rc::clone(&heard);
        let dequeue = Closure::<dyn FnMut()>::new(move || Heard::wake(&own));
        // They belong to JavaScript: events of a decoder that is closed already still come.
        let init = object(&[
            ("output", output.into_js_value()),
            ("error", error.into_js_value()),
        ]);
        let decoder = VideoDecoder::new(&init).map_err(|error| words(&error))?;
        decoder.set_ondequeue(dequeue.into_js_value().unchecked_ref());
        let configured = decoder.configure(&config.to_object());
        configured.map_err(|error| words(&error))?;
        Ok(Self { decoder, heard })
    }

    /// Hands over a coded picture; `frame_index` comes back with what is decoded from it.
    pub fn push(&self, bytes: &[u8], frame_index: u32, is_key: bool) -> Result<(), String> {
        let kind = if is_key { "key" } else { "delta" };
        let init = object(&[
            ("type", kind.into()),
            ("timestamp", (f64::from(frame_index) * FRAME_US).into()),
            ("data", Uint8Array::from(bytes).into()),
        ]);
        let chunk = EncodedVideoChunk::new(&init).map_err(|error| words(&error))?;
        self.decoder.decode(&chunk).map_err(|error| words(&error))
    }

    /// Pictures that wait to be decoded.
    pub fn waiting(&self) -> u32 {
        self.decoder.decode_queue_size()
    }

    /// Ends when the decoder says anything.
    pub async fn listen(&self) {
        let promise = Promise::new(&mut |resolve, _| {
            let mut heard = self.heard.borrow_mut();
            if heard.error.is_some() || !heard.frames.is_empty() {
                // Resolving functions of a promise do not throw.
                let _ = resolve.call0(&JsValue::NULL);
            } else {
                heard.waiting = Some(resolve);
            }
        });
        let _ = JsFuture::from(promise).await;
    }

    /// Ends when all that was handed over is decoded. The next picture has to be a key.
    pub async fn flush(&self) -> Result<(), String> {
        let promise = self.decoder.flush().map_err(|error| words(&error))?;
        let flushed = JsFuture::from(promise).await;
        flushed.map(|_| ()).map_err(|error| words(&error))
    }

    /// The next frame that was decoded, and its number; the decoder's failure.
    pub fn next(&self) -> Result<Option<(u32, Picture)>, String> {
        let mut heard = self.heard.borrow_mut();
        if let Some(picture) = heard.frames.pop_front() {
            let number = (picture.0.timestamp() / FRAME_US).round();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a number that was handed over, and no other"
            )]
            return Ok(Some((number as u32, picture)));
        }
        heard.error.clone().map_or(Ok(None), Err)
    }
}

impl Picture {
    /// Columns and rows.
    pub fn size(&self) -> [u32; 2] {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers of pixels"
        )]
        self.0.visible_rect().map_or([0, 0], |rect| {
            [rect.width(), rect.height()].map(|length| length.round() as u32)
        })
    }

    /// Its pixels as sRGB: red, green, blue and opacity of each.
    pub async fn rgba(&self) -> Result<Vec<u8>, String> {
        let [columns, rows] = self.size();
        let length = columns.checked_mul(rows).and_then(|it| it.checked_mul(4));
        let length = length.ok_or("a frame of the video is too large")?;
        let options = object(&[("format", "RGBA".into()), ("colorSpace", "srgb".into())]);
        // Browsers that do not convert say so here, or by the length of another format.
        if self.0.allocation_size(&options).ok() == Some(length) {
            let to = Uint8Array::new_with_length(length);
            if let Ok(promise) = self.0.copy_to(&to, &options)
                && JsFuture::from(promise).await.is_ok()
            {
                return Ok(to.to_vec());
            }
        }
        self.drawn([columns, rows]).map_err(|error| words(&error))
    }

    /// The same by a canvas.
    fn drawn(&self, [columns, rows]: [u32; 2]) -> Result<Vec<u8>, JsValue> {
        let canvas = web_sys::OffscreenCanvas::new(columns, rows)?;
        let wish = object(&[("willReadFrequently", true.into())]);
        let context = canvas.get_context_with_context_options("2d", &wish)?;
        let context: JsValue = context.ok_or(JsValue::NULL)?.into();
        let call = |name: &str, arguments: &Array| {
            let method: Function = Reflect::get(&context, &name.into())?.dyn_into()?;
            method.apply(&context, arguments)
        };
        let zero = JsValue::from(0);
        let (width, height) = (JsValue::from(columns), JsValue::from(rows));
        call(
            "drawImage",
            &Array::of5(&self.0, &zero, &zero, &width, &height),
        )?;
        let image = call("getImageData", &Array::of4(&zero, &zero, &width, &height))?;
        let data = Reflect::get(&image, &"data".into())?;
        Ok(Uint8Array::new(&data).to_vec())
    }
}
