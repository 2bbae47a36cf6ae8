//! Metadata, and what stands for them where a server gives none: the headers of its instances, which a worker with all
//! decoders fetches and reads (`platform/worker_headers.rs`).

use super::EngineHandle;
use super::asking::with_ways;
use super::effects::DICOM_JSON;
use crate::embed::pixels;
use crate::platform::fetch::{self, FetchError};
use crate::platform::workers::{HEADERS, WorkerAnswer};
use js_sys::Uint8Array;
use protocol::dicomweb::asking::{Way, Ways, may_lack_resource};
use viewer_core::decode::Decoders;

/// DICOM JSON from an address that ends in `/metadata`, of a series or an instance.
///
/// # Errors
/// The refusal, where headers cannot stand for it.
pub async fn get_metadata(handle: &EngineHandle, url: &str) -> Result<String, FetchError> {
    let place = url.trim_end_matches("/metadata");
    let root = place.split("/studies/").next().unwrap_or_default();
    let series = place.split('/').skip_while(|part| *part != "series").nth(1);
    let series = series.unwrap_or_default();
    let (mut lacks, mut alone) = (false, false);
    with_ways(handle, root, &mut |known| {
        lacks = known.lacks_metadata();
        alone = known
            .of(series, false)
            .into_iter()
            .find(|way| way.is_whole())
            == Some(Way::WholeAlone);
    });
    let mut refusal = FetchError::Refused {
        status: 404,
        message: None,
    };
    if !lacks {
        match fetch::get_text(url, DICOM_JSON).await {
            Ok(answer) => {
                with_ways(handle, root, &mut Ways::metadata_came);
                return Ok(answer.text);
            }
            Err(error) => refusal = error,
        }
        if !matches!(refusal, FetchError::Refused { status, .. } if may_lack_resource(status)) {
            return Err(refusal);
        }
    }
    let header = format!("{HEADERS}{}{place}", u8::from(alone));
    let nothing = Uint8Array::new_with_length(0);
    let Some(WorkerAnswer::Done {
        header,
        buffer: Some(buffer),
    }) = pixels::job(handle, header, nothing, Decoders::All).await
    else {
        return Err(refusal);
    };
    let came_alone = header == "1";
    with_ways(handle, root, &mut |known| {
        known.headers_came();
        match came_alone {
            true if !alone => known.worked(series, Way::WholeAlone, &[Way::Whole]),
            true => known.worked(series, Way::WholeAlone, &[]),
            false => known.worked(series, Way::Whole, &[]),
        }
    });
    Ok(String::from_utf8_lossy(&Uint8Array::new(&buffer).to_vec()).into_owned())
}
