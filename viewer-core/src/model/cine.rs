//! The time of frames: when each of them is on screen in a cine.
//!
//! Source: DICOM PS3.3 C.7.6.5 (Cine), C.7.6.6 (Multi-frame).

use super::tags;
use protocol::dicomweb::json::Dataset;

/// Shortest and longest time of a frame that is believed.
const FRAME_MS: std::ops::RangeInclusive<f64> = 1.0..=60_000.0;

/// How the frames of an instance follow each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cine {
    /// Time of each frame in ms, from the file; empty where it says none.
    times_ms: Vec<f64>,
    /// The same time for all frames.
    frame_ms: Option<f64>,
    /// First and last frame that is played, from 0: Start Trim and Stop Trim.
    pub trim: Option<[u32; 2]>,
    /// Preferred Playback Sequencing (0018,1244) is 1: forwards, then backwards.
    pub swings: bool,
}

impl Cine {
    /// Reads the module; `frame_count` frames.
    pub(super) fn of(set: &Dataset, frame_count: u32, notes: &mut Vec<String>) -> Self {
        let believed = |ms: f64| FRAME_MS.contains(&ms);
        let vector = set.numbers(tags::FRAME_TIME_VECTOR).unwrap_or_default();
        let mut times_ms = Vec::new();
        if vector.len() > 1 {
            let count = usize::try_from(frame_count).unwrap_or(usize::MAX);
            // Each increment is the time to the frame before, so the first one, 0, says nothing.
            if vector.len() == count && vector[1..].iter().all(|ms| believed(*ms)) {
                times_ms = vector[1..].to_vec();
            } else {
                notes.push("a frame time vector that is not valid is ignored".into());
            }
        }
        // The first of them that can be: a frame time of 0 does not hide a rate.
        let time = |tag| set.number(tag).filter(|ms| believed(*ms));
        let rate = |tag| {
            let ms = set.number(tag).map(|rate: f64| 1000.0 / rate);
            ms.filter(|ms| believed(*ms))
        };
        let frame_ms = time(tags::FRAME_TIME)
            .or_else(|| rate(tags::CINE_RATE))
            .or_else(|| rate(tags::RECOMMENDED_DISPLAY_FRAME_RATE));
        let trim = match (set.whole(tags::START_TRIM), set.whole(tags::STOP_TRIM)) {
            (Some(first @ 1..), Some(last)) if first <= last && last <= frame_count => {
                Some([first - 1, last - 1])
            }
            _ => None,
        };
        Self {
            times_ms,
            frame_ms,
            trim,
            swings: set.whole(tags::PREFERRED_PLAYBACK_SEQUENCING) == Some(1),
        }
    }

    /// How long a frame stays on screen, ms; `None` where the file says nothing.
    pub fn frame_ms(&self, frame_index: u32) -> Option<f64> {
        let index = usize::try_from(frame_index).unwrap_or(usize::MAX);
        // The last frame has no next one: it stays as long as the one before.
        let of_vector = self.times_ms.get(index).or(self.times_ms.last());
        of_vector.copied().or(self.frame_ms)
    }

    /// True where the file says a time.
    pub fn has_time(&self) -> bool {
        self.frame_ms(0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn read(attributes: &str, frames: u32) -> (Cine, usize) {
        let set = json::parse(&format!("[{{{attributes}}}]"))
            .unwrap()
            .remove(0);
        let mut notes = Vec::new();
        let cine = Cine::of(&set, frames, &mut notes);
        (cine, notes.len())
    }

    /// C.7.6.5.1.2: "The first frame always has a time increment of 0."
    #[test]
    fn a_vector_gives_each_frame_the_time_to_the_next() {
        let (cine, _) = read(r#""00181065":{"Value":["0","40","80"]}"#, 3);
        assert_eq!(
            [0, 1, 2].map(|f| cine.frame_ms(f)),
            [Some(40.0), Some(80.0), Some(80.0)]
        );
    }

    #[test]
    fn frame_time_comes_before_rates() {
        let (cine, _) = read(
            r#""00181063":{"Value":["33.3"]},"00082144":{"Value":["10"]}"#,
            9,
        );
        assert_eq!(cine.frame_ms(4), Some(33.3));
        let (cine, _) = read(r#""00082144":{"Value":["10"]}"#, 9);
        assert_eq!(cine.frame_ms(4), Some(100.0));
        assert_eq!(read("", 9).0.frame_ms(0), None);
        let (cine, _) = read(
            r#""00181063":{"Value":["0"]},"00180040":{"Value":["20"]}"#,
            9,
        );
        assert_eq!(cine.frame_ms(4), Some(50.0));
    }

    #[test]
    fn times_that_cannot_be_are_not_believed() {
        assert_eq!(read(r#""00181063":{"Value":["0"]}"#, 9).0.frame_ms(0), None);
        let (cine, notes) = read(r#""00181065":{"Value":["0","-4","80"]}"#, 3);
        assert_eq!((cine.has_time(), notes), (false, 1));
        let (cine, notes) = read(r#""00181065":{"Value":["0","40"]}"#, 3);
        assert_eq!((cine.has_time(), notes), (false, 1));
    }

    #[test]
    fn trims_lie_within_the_frames() {
        let trim = |first: u32, last: u32| {
            let text =
                format!(r#""00082142":{{"Value":["{first}"]}},"00082143":{{"Value":["{last}"]}}"#);
            read(&text, 10).0.trim
        };
        assert_eq!(trim(2, 5), Some([1, 4]));
        assert_eq!([trim(0, 5), trim(5, 2), trim(2, 11)], [None; 3]);
    }
}
