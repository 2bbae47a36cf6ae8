//! DICOM JSON, and what the model makes of it; queries, which come as text too.

#![no_main]

use protocol::dicomweb::json::parse;
use protocol::dicomweb::query::QidoQuery;
use protocol::dicomweb::xml::to_xml;
use viewer_core::model::{Instance, Report, Series, SeriesId, Stack, Study};
use viewer_core::volume::groups;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    if let Ok(query) = QidoQuery::parse(pairs) {
        query.to_query_string();
    }
    let Ok(sets) = parse(text) else {
        return;
    };
    for set in &sets {
        to_xml(set.as_map());
        Study::from_dataset("", set);
        Series::from_dataset(SeriesId(0), 0, set);
        Report::from_dataset(set);
        let Some(instance) = Instance::from_dataset(set) else {
            continue;
        };
        for frame in 0..instance.frame_count.min(3) {
            instance.frame(frame).plane();
            instance.notes(frame).for_each(drop);
            instance.awaited(frame);
            instance.pixel_width_over_height(frame);
        }
    }
    let stack = Stack::from_metadata(&sets);
    if stack.frames.len() < 1000 {
        groups(&stack);
    }
});
