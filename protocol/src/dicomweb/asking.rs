//! How a server is asked, learnt from what it refuses.
//!
//! Servers differ in what they accept, and say so by 400, 406 or 500. There are four ways to ask for a frame; the best
//! that works is remembered by series, and by server where a server knows nothing of a way, so that not every
//! frame is asked for twice. What is known of a server can be kept as a short text: it names no patient and no series.
//! Source: DICOM PS3.18 sections 8.7.3 (media types) and 8.7.3.5 (transfer syntaxes).

use crate::order;
use std::collections::HashMap;

/// A way to ask for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The frame as it is stored.
    Stored,
    /// The frame as the server decodes it.
    Decoded,
    /// The whole instance as it is stored, from which the frame is cut.
    Whole,
    /// The same, not as a part of an answer but as all of it.
    WholeAlone,
}

impl Way {
    /// Value of `Accept`. A single range each: some servers read no list.
    pub fn accept(self) -> &'static str {
        match self {
            // `octet-stream` with `*` is what most servers accept; more exact types are refused by some.
            Self::Stored => {
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"
            }
            Self::Decoded => "*/*",
            Self::Whole => "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
            Self::WholeAlone => "application/dicom; transfer-syntax=*",
        }
    }

    /// True for the ways that bring a whole instance.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::WholeAlone)
    }

    /// Its letter in a text that is kept.
    fn letter(self) -> char {
        match self {
            Self::Stored => 's',
            Self::Decoded => 'd',
            Self::Whole => 'w',
            Self::WholeAlone => 'a',
        }
    }
}

/// The order in which ways are tried.
const ALL: [Way; 4] = [Way::Stored, Way::Decoded, Way::Whole, Way::WholeAlone];
/// The same for colour differences: what the server decodes comes last.
const COLOUR: [Way; 4] = [Way::Stored, Way::Whole, Way::WholeAlone, Way::Decoded];

/// True where a status may mean that another way of asking works.
///
/// 502 to 504 come from something in front of the server, 404 means that there is nothing.
pub fn may_work_otherwise(status: u16) -> bool {
    matches!(status, 400 | 406 | 415 | 500 | 501)
}

/// True where a status may mean that a server has no such kind of resource at all.
pub fn may_lack_resource(status: u16) -> bool {
    matches!(status, 400 | 404 | 405 | 406 | 501)
}

/// What one server has accepted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    by_series: HashMap<String, Way>,
    /// By [`Way`]: it has worked at least once.
    works: [bool; 4],
    /// By [`Way`]: series for which it was refused before another one worked.
    refused: [u32; 4],
    /// The server gives no metadata of series: they are read from the headers of instances.
    lacks_metadata: bool,
    /// It has given metadata at least once.
    gave_metadata: bool,
}

/// Series for which a way is refused after which a server is taken not to know it, where it never worked.
const ENOUGH_SERIES: u32 = 2;
/// Most series of which it is remembered what worked.
const MOST_SERIES: usize = 10_000;

impl Ways {
    /// The ways for a frame of a series, in the order in which they are tried.
    ///
    /// `is_colour_difference`: the metadata say YBR. Then what the server decodes comes last: many convert
    /// to RGB and do not say so.
    pub fn of(&self, series: &str, is_colour_difference: bool) -> Vec<Way> {
        let all = if is_colour_difference { COLOUR } else { ALL };
        let known = self.by_series.get(series).copied();
        let skips = |way: Way| match known {
            Some(known) => way == Way::Stored && known != way,
            None => !self.works[way as usize] && self.refused[way as usize] >= ENOUGH_SERIES,
        };
        let mut ways: Vec<Way> = all.into_iter().filter(|way| !skips(*way)).collect();
        order::sort_by_key(&mut ways, |way| Some(*way) != known);
        ways
    }

    /// A frame of the series came in this way, after others were refused.
    pub fn worked(&mut self, series: &str, way: Way, refused: &[Way]) {
        self.works[way as usize] = true;
        // One instance of a series may need another way than the rest, which stays as it is.
        if self.by_series.contains_key(series) {
            return;
        }
        if self.by_series.len() >= MOST_SERIES {
            self.by_series.clear();
        }
        self.by_series.insert(series.to_owned(), way);
        for way in refused {
            self.refused[*way as usize] += 1;
        }
    }

    /// True where metadata are not worth asking for: none have ever come, and headers stood for them.
    pub fn lacks_metadata(&self) -> bool {
        self.lacks_metadata
    }

    /// Metadata came: what is not there for one series is there for others.
    pub fn metadata_came(&mut self) {
        (self.gave_metadata, self.lacks_metadata) = (true, false);
    }

    /// Headers of instances stood for metadata that were refused.
    pub fn headers_came(&mut self) {
        self.lacks_metadata = !self.gave_metadata;
    }

    /// True while no frame has come as a resource of its own: the server may have none.
    pub fn may_lack_frames(&self) -> bool {
        !self.works[Way::Stored as usize] && !self.works[Way::Decoded as usize]
    }

    /// What the server does not do, as a short text; empty where nothing is known.
    pub fn kept(&self) -> String {
        let refused = ALL
            .into_iter()
            .filter(|way| self.refused[*way as usize] > 0 && !self.works[*way as usize]);
        let metadata = self.lacks_metadata.then_some('m');
        refused.map(Way::letter).chain(metadata).collect()
    }

    /// What was known of a server before, from [`Ways::kept`]; letters that mean nothing are passed over.
    pub fn restored(kept: &str) -> Self {
        let mut ways = Self::default();
        for way in ALL {
            if kept.contains(way.letter()) {
                ways.refused[way as usize] = ENOUGH_SERIES;
            }
        }
        ways.lacks_metadata = kept.contains('m');
        // With nothing left to ask for, all are tried again.
        if ways.of("", false).is_empty() {
            ways.refused = [0; 4];
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Way::{Decoded, Stored, Whole, WholeAlone};

    #[test]
    fn the_stored_frame_is_asked_for_first_and_decoded_colours_last() {
        let ways = Ways::default();
        assert_eq!(ways.of("1", false), [Stored, Decoded, Whole, WholeAlone]);
        assert_eq!(ways.of("1", true), [Stored, Whole, WholeAlone, Decoded]);
    }

    #[test]
    fn what_worked_for_a_series_is_asked_first_for_its_other_frames() {
        let mut ways = Ways::default();
        ways.worked("1", Decoded, &[Stored]);
        assert_eq!(ways.of("1", false), [Decoded, Whole, WholeAlone]);
        assert_eq!(ways.of("2", false)[0], Stored);
    }

    #[test]
    fn a_single_odd_instance_does_not_change_its_series() {
        let mut ways = Ways::default();
        ways.worked("1", Stored, &[]);
        ways.worked("1", Whole, &[Stored, Decoded]);
        assert_eq!(ways.of("1", false)[0], Stored);
        assert_eq!(ways.kept(), "");
    }

    #[test]
    fn a_server_that_never_gave_stored_frames_is_no_longer_asked_for_them() {
        let mut ways = Ways::default();
        ways.worked("1", Decoded, &[Stored]);
        ways.worked("2", Decoded, &[Stored]);
        assert_eq!(ways.of("3", false), [Decoded, Whole, WholeAlone]);
        ways.worked("4", Stored, &[]);
        assert_eq!(ways.of("3", false)[0], Stored);
    }

    #[test]
    fn what_a_server_refuses_is_known_again_without_a_word_of_what_it_has() {
        let mut ways = Ways::default();
        assert!(ways.may_lack_frames());
        ways.worked("1.2.3", WholeAlone, &[Stored, Whole]);
        assert!(ways.may_lack_frames());
        ways.headers_came();
        let kept = ways.kept();
        assert_eq!(kept, "swm");
        let again = Ways::restored(&kept);
        assert_eq!(again.of("1.2.3", false), [Decoded, WholeAlone]);
        assert!(again.lacks_metadata());
        // One series without metadata among others is no habit of the server's.
        let mut ways = Ways::default();
        ways.metadata_came();
        ways.headers_came();
        assert!(!ways.lacks_metadata());
        assert_eq!(Ways::restored("?"), Ways::default());
        assert_eq!(Ways::restored("sdwa").of("1", false).len(), 4);
    }

    #[test]
    fn absence_and_a_broken_proxy_are_no_matter_of_asking() {
        for status in [401, 403, 404, 410, 429, 502, 503, 504] {
            assert!(!may_work_otherwise(status), "{status}");
        }
        assert!([400, 406, 500].into_iter().all(may_work_otherwise));
        assert!([404, 501].into_iter().all(may_lack_resource));
        assert!(![401, 403, 429, 500, 503].into_iter().any(may_lack_resource));
    }
}
