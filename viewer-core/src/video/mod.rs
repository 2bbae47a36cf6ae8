//! Video: one bit stream for all frames of an instance, taken apart into the coded pictures of its frames.
//!
//! Nothing is decoded here: browsers do that (WebCodecs), and want to know the codec, and each coded picture with whether
//! decoding can begin with it. [`Clip::read`] takes MP4 and MPEG transport streams of H.264 and HEVC; what it does not
//! understand whole is an error in words, never a clip with fewer frames. The frame that a viewer shows is found by its place
//! in the order of presentation: pictures are coded in another order than that in which they are shown.
//!
//! Source: DICOM PS3.5 sections 8.2.6 to 8.2.12 (what the syntaxes hold), ISO/IEC 14496-12 (MP4), ISO/IEC 13818-1 (transport
//! streams), ITU-T H.264 and H.265.

mod bytes;
mod codec;
mod h264;
mod mp4;
mod transport;

use crate::decode::transfer_syntax::{Family, family};
use std::ops::Range;

/// Why a video cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// Neither of the containers that DICOM allows.
    #[error("the video is neither in an MP4 file nor in an MPEG transport stream")]
    Container,
    /// The video is sound, but uses something that is not read here.
    #[error("the video {feature}, which cannot be shown here")]
    Unsupported {
        /// What it does, as the middle of a sentence.
        feature: &'static str,
    },
    /// The container breaks its own rules or ends early.
    #[error("the video is damaged: {reason}")]
    Corrupt {
        /// What is wrong.
        reason: &'static str,
    },
}

/// What browsers may decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoCodec {
    /// ITU-T H.264, MPEG-4 AVC.
    H264,
    /// ITU-T H.265, HEVC.
    Hevc,
}

impl VideoCodec {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
        }
    }
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Where it stands in [`Clip::bytes`].
    pub range: Range<usize>,
    /// When it is shown, in ticks of the container.
    pub time: i64,
    /// Decoding may begin here: all that is shown later can be decoded from here on.
    pub is_key: bool,
    /// Its place in the order of presentation, from 0; `None` where it is decoded, but never shown.
    pub frame_index: Option<usize>,
}

/// A video, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Which codec it is of.
    pub codec: VideoCodec,
    /// The codec with profile and level, as RFC 6381 writes them.
    pub codec_string: String,
    /// The decoder configuration record of an MP4; `None` where parameter sets stand in the stream, in Annex B.
    pub description: Option<Vec<u8>>,
    /// What samples are ranges of.
    pub bytes: Vec<u8>,
    /// Coded pictures in the order of decoding.
    pub samples: Vec<Sample>,
    /// For each frame, in the order of presentation, its place in `samples`.
    pub frames: Vec<usize>,
}

/// A clip before its frames are in order.
struct Parts {
    codec: VideoCodec,
    codec_string: String,
    description: Option<Vec<u8>>,
    bytes: Vec<u8>,
    samples: Vec<Sample>,
    /// What is shown earlier is not part of the presentation.
    begins_at: i64,
}

impl Clip {
    /// Takes the bit stream of an instance apart, its fragments joined.
    ///
    /// # Errors
    /// See [`VideoError`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, VideoError> {
        if mp4::is_mp4(&bytes) {
            return mp4::read(bytes).and_then(Self::ordered);
        }
        if let Some(packets) = transport::Packets::find(&bytes) {
            return transport::read(&bytes, packets).and_then(Self::ordered);
        }
        Err(match bytes.as_slice() {
            [0, 0, 1, 0xBA | 0xB3, ..] => VideoError::Unsupported {
                feature: "is MPEG-2",
            },
            [0, 0, 1, ..] | [0, 0, 0, 1, ..] => VideoError::Unsupported {
                feature: "has no container that says the times of its frames",
            },
            _ => VideoError::Container,
        })
    }

    /// Puts frames in the order in which they are shown.
    fn ordered(parts: Parts) -> Result<Self, VideoError> {
        let Parts {
            codec,
            codec_string,
            description,
            bytes,
            mut samples,
            begins_at,
        } = parts;
        let shown = |(place, sample): (usize, &Sample)| {
            (sample.time >= begins_at).then_some((sample.time, place))
        };
        let mut order: Vec<(i64, usize)> = samples.iter().enumerate().filter_map(shown).collect();
        order.sort_unstable();
        if order.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(VideoError::Corrupt {
                reason: "two frames are shown at the same time",
            });
        }
        let frames: Vec<usize> = order.into_iter().map(|(_, place)| place).collect();
        for (frame_index, place) in frames.iter().enumerate() {
            samples[*place].frame_index = Some(frame_index);
        }
        match samples.first() {
            Some(first) if first.is_key && !frames.is_empty() => {}
            Some(_) => {
                return Err(VideoError::Unsupported {
                    feature: "does not begin with a picture that stands alone",
                });
            }
            None => {
                return Err(VideoError::Corrupt {
                    reason: "it holds no frames",
                });
            }
        }
        Ok(Self {
            codec,
            codec_string,
            description,
            bytes,
            samples,
            frames,
        })
    }

    /// Where decoding begins for a frame: the last key picture at or before it in both orders. A picture that is decoded after a
    /// key picture and shown before it may need what came before. `None` for a frame that is not there.
    pub fn start_of(&self, frame_index: usize) -> Option<usize> {
        let place = *self.frames.get(frame_index)?;
        let time = self.samples.get(place)?.time;
        let before = self.samples.get(..=place)?;
        let start = before
            .iter()
            .rposition(|sample| sample.is_key && sample.time <= time);
        // All that is there is decoded from the first picture.
        Some(start.unwrap_or(0))
    }

    /// The bytes of a coded picture.
    pub fn bytes_of(&self, sample: &Sample) -> &[u8] {
        // Ranges were compared with the bytes when they were made.
        self.bytes.get(sample.range.clone()).unwrap_or_default()
    }
}

/// What is to be known of an image in a video syntax before anything is measured in it.
pub const VIDEO_NOTE: &str = "this is a video: its colours are as the browser decodes them, and its values cannot be measured";

/// True for an instance whose frames are one video that may be shown: H.264 or HEVC.
pub fn is_video(transfer_syntax: &str) -> bool {
    family(transfer_syntax) == Some(Family::Video)
}
