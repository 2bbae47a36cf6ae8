//! Small pictures of series from servers that are not our gateway.
//!
//! `/thumbnail` is optional for a server and `/rendered` may refuse what an `<img>` accepts, so these are
//! fetched here and shown as blobs. Which of the two works is remembered by root, and
//! one picture of a root is asked for at a time.
//! Source: DICOM PS3.18 sections 10.4.1.1.2 (rendered) and 10.4.1.1.3 (thumbnail), 8.3.5.1 (viewport).

use super::clock;
use super::{fetch, memory};
use protocol::dicomweb::path;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Thumbnail,
    Rendered,
}

#[derive(Default)]
struct Roots {
    /// Served by our gateway: an address is enough.
    ours: HashSet<String>,
    known: HashMap<String, Resource>,
    busy: HashSet<String>,
}

thread_local! {
    static ROOTS: RefCell<Roots> = RefCell::default();
}

/// Longest side of a picture, CSS pixels twice over.
const SIDE: u32 = 320;
/// What is kept in the browser of a root that renders nothing else.
const ONLY_THUMBNAILS: &str = "t";
/// Pause before looking again whether a root is free, ms.
const PAUSE_MS: f64 = 25.0;

/// Says that a root is served by our gateway, whose thumbnails any `<img>` can show.
pub fn is_ours(root: &str) {
    ROOTS.with_borrow_mut(|roots| roots.ours.insert(root.to_owned()));
}

/// Says that a root is served by our gateway, but to a frame: an `<img>` does not carry what its requests carry.
pub fn is_ours_in_frame(root: &str) {
    ROOTS.with_borrow_mut(|roots| roots.known.insert(root.to_owned(), Resource::Thumbnail));
}

/// Address of a series' picture that an `<img>` can show as it stands; `None` where it has to be fetched.
pub fn direct(root: &str, study: &str, series: &str) -> Option<String> {
    ROOTS.with_borrow(|roots| {
        roots
            .ours
            .contains(root)
            .then(|| format!("{root}/{}", path::series_thumbnail(study, series)))
    })
}

/// A picture in memory; its address is of no use after it is dropped.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture(String);

impl Picture {
    /// Address for an `<img>`.
    pub fn address(&self) -> &str {
        &self.0
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // An address that is gone already needs no revoking.
        let _ = web_sys::Url::revoke_object_url(&self.0);
    }
}

/// Fetches a series' picture; `None` where the server has none, or nobody waits for it any more.
pub async fn fetch(
    root: &str,
    study: &str,
    series: &str,
    is_wanted: impl Fn() -> bool,
) -> Option<Picture> {
    while ROOTS.with_borrow(|roots| roots.busy.contains(root)) {
        clock::sleep(PAUSE_MS).await;
        if !is_wanted() {
            return None;
        }
    }
    ROOTS.with_borrow_mut(|roots| roots.busy.insert(root.to_owned()));
    let picture = ask(root, study, series).await;
    ROOTS.with_borrow_mut(|roots| roots.busy.remove(root));
    picture
}

async fn ask(root: &str, study: &str, series: &str) -> Option<Picture> {
    // What gives no metadata draws nothing either.
    if memory::get(root).contains('m') {
        return None;
    }
    let own = format!("{root}#");
    let kept = || (memory::get(&own) == ONLY_THUMBNAILS).then_some(Resource::Thumbnail);
    let known = ROOTS.with_borrow(|roots| roots.known.get(root).copied());
    let known = known.or_else(kept);
    let resources = match known {
        Some(resource) => vec![resource],
        // The standard asks more servers for `/rendered`.
        None => vec![Resource::Rendered, Resource::Thumbnail],
    };
    for resource in resources {
        let path = match resource {
            Resource::Thumbnail => path::series_thumbnail(study, series),
            Resource::Rendered => format!(
                "{}/rendered?viewport={SIDE},{SIDE}",
                path::one_series(study, series)
            ),
        };
        let Ok(bytes) = fetch::get_bytes(&format!("{root}/{path}"), "image/jpeg", None).await
        else {
            continue;
        };
        if !bytes.content_type.starts_with("image/") {
            continue;
        }
        if known.is_none() && resource == Resource::Thumbnail {
            memory::set(&own, ONLY_THUMBNAILS);
        }
        ROOTS.with_borrow_mut(|roots| roots.known.insert(root.to_owned(), resource));
        let options = web_sys::BlobPropertyBag::new();
        options.set_type(&bytes.content_type);
        let parts = js_sys::Array::of1(&bytes.bytes);
        let blob = web_sys::Blob::new_with_buffer_source_sequence_and_options(&parts, &options);
        let address = web_sys::Url::create_object_url_with_blob(&blob.ok()?).ok()?;
        return Some(Picture(address));
    }
    None
}
