//! Metadata of servers that give none: whole instances are fetched here and their headers read.
//!
//! The program of the worker with all decoders takes this file in by its path, so that neither the app's module nor that of the
//! other workers grows by what few servers need.

use js_sys::{Array, Uint8Array};
use protocol::dicomweb::asking::{Way, may_work_otherwise};
use protocol::dicomweb::media_type::MediaType;
use protocol::dicomweb::{json, multipart, part10_header};
use protocol::uid::percent_encode;
use serde_json::{Map, Value};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Front of the requests that are answered here, as `platform/workers.rs` writes it.
const FRONT: &str = "headers ";
/// Most instances of a series whose headers are read.
const MOST_INSTANCES: usize = 20_000;
/// Instances that are fetched at a time.
const AT_A_TIME: usize = 6;
/// Front of a body in which the headers of its first part are looked for, bytes.
const FRONT_BYTES: u32 = 8 << 10;
/// SOP Instance UID.
const INSTANCE: u32 = 0x0008_0018;

/// From now on requests for headers are answered, too; all others as before.
pub fn listen() {
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let Some(others) = scope.onmessage() else {
        return;
    };
    let own = scope.clone();
    let on_message =
        Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            let header = Array::from(&event.data()).get(0).as_string();
            let header = header.unwrap_or_default();
            match header
                .strip_prefix(FRONT)
                .and_then(|rest| rest.split_at_checked(1))
            {
                Some((alone, address)) => {
                    let (scope, alone, address) = (own.clone(), alone == "1", address.to_owned());
                    spawn_local(async move { answer(&scope, &address, alone).await });
                }
                None => drop(others.call1(&own, &event)),
            }
        });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

async fn answer(scope: &web_sys::DedicatedWorkerGlobalScope, address: &str, alone: bool) {
    let mut alone = alone;
    let read = read(scope, address, &mut alone).await;
    let header = if alone { "1" } else { "0" };
    let (message, transfer) = (Array::of1(&header.into()), Array::new());
    // Without metadata the page says what the server said to it.
    if let Ok(text) = read {
        let bytes = Uint8Array::from(text.as_bytes()).buffer();
        message.push(&bytes);
        transfer.push(&bytes);
    }
    // The page that asked is gone when this fails.
    let _ = scope.post_message_with_transfer(&message, &transfer);
}

/// The headers of an instance, or of all instances of a series, as DICOM JSON.
async fn read(
    scope: &web_sys::DedicatedWorkerGlobalScope,
    address: &str,
    alone: &mut bool,
) -> Result<String, String> {
    let instances = if address.contains("/instances/") {
        vec![address.to_owned()]
    } else {
        all_instances(scope, address).await?
    };
    let mut text = String::new();
    let mut rest = instances.as_slice();
    while !rest.is_empty() {
        // The first one shows which way works.
        let count = if text.is_empty() { 1 } else { AT_A_TIME };
        let (now, later) = rest.split_at(count.min(rest.len()));
        let ask = |url: &str, alone| {
            let way = if alone { Way::WholeAlone } else { Way::Whole };
            begin(scope, url, way.accept())
        };
        let coming: Result<Vec<_>, _> = now.iter().map(|url| ask(url, *alone)).collect();
        for (url, promise) in now.iter().zip(coming?) {
            let mut came = end(promise).await;
            if let Ok((status, ..)) = &came
                && may_work_otherwise(*status)
                && text.is_empty()
                && !*alone
            {
                *alone = true;
                came = end(ask(url, true)?).await;
            }
            let (status, kind, body) = came?;
            if status != 200 {
                return Err(format!("the server refused an instance (status {status})"));
            }
            // The file stays where the browser has it: only its header is read.
            let front = body.subarray(0, FRONT_BYTES.min(body.length())).to_vec();
            let start = multipart::first_payload(&kind, &front);
            let start = start.map_err(|error| error.to_string())?;
            let file = body.subarray(small(start), end_of_part(&kind, &body));
            let read = |range: std::ops::Range<usize>| {
                let [start, end] = [range.start, range.end].map(|at| small(at).min(file.length()));
                file.subarray(start, end).to_vec()
            };
            let set = part10_header::header(&read).map_err(|error| error.to_string())?;
            if !is_of(&set, url) {
                return Err("the server gave another image than it was asked for".into());
            }
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&serde_json::to_string(&set).map_err(|error| error.to_string())?);
        }
        rest = later;
    }
    if text.is_empty() {
        return Err("the server knows no instances of this series".into());
    }
    text.push(']');
    Ok(text)
}

/// The addresses of all instances of a series. A server may answer with a page of them: the next one is asked for until it
/// brings nothing new.
async fn all_instances(
    scope: &web_sys::DedicatedWorkerGlobalScope,
    address: &str,
) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let url = match all.len() {
            0 => format!("{address}/instances"),
            count => format!("{address}/instances?offset={count}"),
        };
        let (status, _, body) = end(begin(scope, &url, "application/dicom+json")?).await?;
        // Some know no pages.
        let knows_none = matches!(status, 400 | 404 | 406 | 501);
        if status == 204 || (knows_none && !all.is_empty()) {
            return Ok(all);
        }
        if status != 200 {
            return Err(format!(
                "the server does not list instances (status {status})"
            ));
        }
        let sets = json::parse(&String::from_utf8_lossy(&body.to_vec()));
        let sets = sets.map_err(|error| error.to_string())?;
        let before = all.len();
        for uid in sets.iter().filter_map(|set| set.text(INSTANCE)) {
            let found = format!("{address}/instances/{}", percent_encode(&uid));
            if !all.contains(&found) {
                all.push(found);
            }
        }
        if all.len() == before {
            return Ok(all);
        }
        if all.len() > MOST_INSTANCES {
            return Err("the server lists more instances than a series has".into());
        }
    }
}

/// Whether a header is that of the instance that its address names.
fn is_of(set: &Map<String, Value>, url: &str) -> bool {
    let parts: Vec<&str> = url.split('/').collect();
    let levels = [
        ("studies", "0020000D"),
        ("series", "0020000E"),
        ("instances", "00080018"),
    ];
    levels.iter().all(|(level, tag)| {
        let asked = parts.iter().rposition(|part| part == level);
        let asked = asked.and_then(|at| parts.get(at + 1));
        let told = set.get(*tag).and_then(|it| it["Value"][0].as_str());
        asked.is_some() && told.map(percent_encode).as_deref() == asked.copied()
    })
}

fn begin(
    scope: &web_sys::DedicatedWorkerGlobalScope,
    url: &str,
    accept: &str,
) -> Result<js_sys::Promise, String> {
    let failed = |_: JsValue| "the request could not be made".to_owned();
    let headers = web_sys::Headers::new().map_err(failed)?;
    headers.set("Accept", accept).map_err(failed)?;
    let init = web_sys::RequestInit::new();
    init.set_headers(&headers);
    Ok(scope.fetch_with_str_and_init(url, &init))
}

/// Status, `Content-Type` and body of an answer.
async fn end(promise: js_sys::Promise) -> Result<(u16, String, Uint8Array), String> {
    let failed = |_: JsValue| "the server could not be reached".to_owned();
    let answer = JsFuture::from(promise).await.map_err(failed)?;
    let answer: web_sys::Response = answer.dyn_into().map_err(failed)?;
    let kind = answer.headers().get("content-type").ok().flatten();
    let body = JsFuture::from(answer.array_buffer().map_err(failed)?).await;
    let body = Uint8Array::new(&body.map_err(failed)?);
    Ok((answer.status(), kind.unwrap_or_default(), body))
}

/// Where the only part of a body ends; at its end where it is no part.
fn end_of_part(kind: &str, body: &Uint8Array) -> u32 {
    let length = body.length();
    let boundary = MediaType::parse(kind).and_then(|media| {
        let boundary = media.parameter("boundary")?;
        Some(format!("\r\n--{boundary}--"))
    });
    let Some(last) = boundary else { return length };
    let from = length.saturating_sub(FRONT_BYTES);
    let back = body.subarray(from, length).to_vec();
    let mut places = back.windows(last.len());
    let place = places.rposition(|bytes| bytes == last.as_bytes());
    place.map_or(length, |place| from + small(place))
}

/// No buffer of a browser is longer than this type counts.
fn small(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
