//! How a server is asked for frames, learnt from what it refuses.
//!
//! Servers differ in what they accept, and say so by 400, 406 or 500. There are three ways; the best that
//! works is remembered by series, and by server where a server knows nothing of the first way, so that not
//! every frame is asked for twice.
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
        }
    }
}

/// True where a status may mean that another way of asking works.
///
/// 502 to 504 come from something in front of the server, 404 means that there is nothing.
pub fn may_work_otherwise(status: u16) -> bool {
    matches!(status, 400 | 406 | 415 | 500 | 501)
}

/// What one server has accepted so far in this session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    by_series: HashMap<String, Way>,
    /// [`Way::Stored`] has worked at least once.
    gives_stored: bool,
    /// Series that came in another way only.
    otherwise: u32,
}

/// Series without [`Way::Stored`] after which a server is taken not to know it.
const ENOUGH_SERIES: u32 = 2;

impl Ways {
    /// The ways for a frame of a series, in the order in which they are tried.
    ///
    /// `is_colour_difference`: the metadata say YBR. Then what the server decodes comes last: many convert
    /// to RGB and do not say so.
    pub fn of(&self, series: &str, is_colour_difference: bool) -> Vec<Way> {
        let all = if is_colour_difference {
            [Way::Stored, Way::Whole, Way::Decoded]
        } else {
            [Way::Stored, Way::Decoded, Way::Whole]
        };
        let known = self.by_series.get(series).copied();
        let skips_stored = known.is_some_and(|way| way != Way::Stored)
            || (known.is_none() && !self.gives_stored && self.otherwise >= ENOUGH_SERIES);
        let mut ways: Vec<Way> = all
            .into_iter()
            .filter(|way| !(skips_stored && *way == Way::Stored))
            .collect();
        order::sort_by_key(&mut ways, |way| Some(*way) != known);
        ways
    }

    /// A frame of the series came in this way.
    pub fn worked(&mut self, series: &str, way: Way) {
        if way == Way::Stored {
            self.gives_stored = true;
        }
        // One instance of a series may need another way than the rest, which stays as it is.
        if self.by_series.contains_key(series) {
            return;
        }
        self.by_series.insert(series.to_owned(), way);
        if way != Way::Stored {
            self.otherwise += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Way::{Decoded, Stored, Whole};

    #[test]
    fn the_stored_frame_is_asked_for_first_and_decoded_colours_last() {
        let ways = Ways::default();
        assert_eq!(ways.of("1", false), [Stored, Decoded, Whole]);
        assert_eq!(ways.of("1", true), [Stored, Whole, Decoded]);
    }

    #[test]
    fn what_worked_for_a_series_is_asked_first_for_its_other_frames() {
        let mut ways = Ways::default();
        ways.worked("1", Decoded);
        assert_eq!(ways.of("1", false), [Decoded, Whole]);
        assert_eq!(ways.of("2", false)[0], Stored);
    }

    #[test]
    fn a_single_odd_instance_does_not_change_its_series() {
        let mut ways = Ways::default();
        ways.worked("1", Stored);
        ways.worked("1", Whole);
        assert_eq!(ways.of("1", false)[0], Stored);
    }

    #[test]
    fn a_server_that_never_gave_stored_frames_is_no_longer_asked_for_them() {
        let mut ways = Ways::default();
        ways.worked("1", Decoded);
        ways.worked("2", Decoded);
        assert_eq!(ways.of("3", false), [Decoded, Whole]);
        ways.worked("4", Stored);
        assert_eq!(ways.of("3", false)[0], Stored);
    }

    #[test]
    fn absence_and_a_broken_proxy_are_no_matter_of_asking() {
        for status in [401, 403, 404, 410, 429, 502, 503, 504] {
            assert!(!may_work_otherwise(status), "{status}");
        }
        assert!([400, 406, 500].into_iter().all(may_work_otherwise));
    }
}
