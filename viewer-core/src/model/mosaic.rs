//! Siemens mosaics: what a data set says of the slices that lie side by side in one image.
//!
//! A mosaic is an ordinary MR image whose Image Type holds MOSAIC. How many slices it has, and in which direction they
//! follow each other, stand in private elements alone. The direction may be that of row x column or its opposite, so
//! nothing is assumed where it is not said.
//! Source: PS3.5 7.8.1 (private blocks); the sample files, whose protocol says the true place of each slice.

use super::bulk::BulkValue;
use super::csa::{CsaError, CsaHeader};
use super::{BulkAnswer, tags};
use protocol::dicomweb::json::{Dataset, Tag};

/// A mosaic of more slices is not believed.
pub const MOST_SLICES: u32 = 4096;

/// Why it is not known where the slices of a mosaic lie; ends "each image is a mosaic of slices, and ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MosaicError {
    /// A value is not there.
    #[error("the file does not say {what}")]
    Missing {
        /// What, in words.
        what: &'static str,
    },
    /// The header is on its way.
    #[error("what says where they lie has not come yet")]
    Awaited,
    /// The header cannot be fetched.
    #[error("what says where they lie could not be fetched: {reason}")]
    Lost {
        /// Why, in words.
        reason: String,
    },
    /// The header cannot be read.
    #[error("the header that says where they lie cannot be read: {0}")]
    Header(#[from] CsaError),
    /// Two values contradict each other.
    #[error("the file contradicts itself in {what}")]
    Contradiction {
        /// In what, in words.
        what: &'static str,
    },
    /// The first tile is not the first slice of the protocol: makers of software disagree about what its position means.
    #[error("they are numbered in reverse, so that their places are not certain")]
    Reversed,
}

/// What a data set says of its mosaic; nothing of it is checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Mosaic {
    count: Option<u32>,
    spacing_mm: Option<f64>,
    header: Option<BulkValue>,
}

/// The slices of a mosaic, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MosaicSlices {
    /// How many.
    pub count: u32,
    /// From slice to slice, mm.
    pub spacing_mm: f64,
    /// Unit vector from the first slice to the next, LPS; at right angles to the slices as far as the file is right.
    pub direction: [f64; 3],
}

impl Mosaic {
    /// Reads a data set; `None` where it is no mosaic.
    pub(super) fn of(set: &Dataset) -> Option<Self> {
        let is_mosaic = (set.texts(tags::IMAGE_TYPE).iter()).any(|value| value == "MOSAIC");
        is_mosaic.then(|| Self {
            count: private(set, 0x0019, "SIEMENS MR HEADER", 0x0A).and_then(|tag| set.whole(tag)),
            spacing_mm: set.number(tags::SPACING_BETWEEN_SLICES),
            header: private(set, 0x0029, "SIEMENS CSA HEADER", 0x10)
                .and_then(|tag| BulkValue::of(set, tag)),
        })
    }

    /// The address of the header, where it is to be fetched.
    pub fn awaited(&self) -> Option<&str> {
        self.header.as_ref()?.address()
    }

    /// Takes the header that came from an address, or why it did not come.
    pub fn supply(&mut self, address: &str, answer: &BulkAnswer) {
        if let Some(header) = &mut self.header {
            header.supply(address, answer);
        }
    }

    /// The slices.
    ///
    /// # Errors
    /// When something is missing, contradicts itself or cannot be read.
    pub fn slices(&self) -> Result<MosaicSlices, MosaicError> {
        let missing = |what| MosaicError::Missing { what };
        let spacing_mm = (self.spacing_mm.filter(|mm| *mm > 0.0))
            .ok_or_else(|| missing("how far apart they lie (Spacing Between Slices)"))?;
        let bytes = match &self.header {
            None => return Err(missing("in which direction they follow (CSA header)")),
            Some(BulkValue::Elsewhere(_)) => return Err(MosaicError::Awaited),
            Some(BulkValue::Lost(reason)) => {
                let reason = reason.clone();
                return Err(MosaicError::Lost { reason });
            }
            Some(BulkValue::Here(bytes)) => bytes,
        };
        let header = CsaHeader::parse(bytes)?;
        let single = |name| {
            header
                .numbers(name)
                .and_then(|values| values.first().copied())
        };
        let direction: [f64; 3] = (header.numbers("SliceNormalVector"))
            .and_then(|values| values.try_into().ok())
            .ok_or_else(|| missing("in which direction they follow (SliceNormalVector)"))?;
        match single("ProtocolSliceNumber") {
            None => return Err(missing("which slice is the first (ProtocolSliceNumber)")),
            Some(first) if first != 0.0 => return Err(MosaicError::Reversed),
            Some(_) => {}
        }
        let counts = [self.count.map(f64::from), single("NumberOfImagesInMosaic")];
        let count = match counts {
            [Some(a), Some(b)] if a != b => {
                let what = "how many they are";
                return Err(MosaicError::Contradiction { what });
            }
            [a, b] => a.or(b),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked in the same expression"
        )]
        let count = count
            .filter(|count| count.fract() == 0.0 && (1.0..=f64::from(MOST_SLICES)).contains(count))
            .map(|count| count as u32)
            .ok_or_else(|| missing("how many they are (NumberOfImagesInMosaic)"))?;
        Ok(MosaicSlices {
            count,
            spacing_mm,
            direction,
        })
    }
}

/// The element `xx` of a maker's block in an odd group, wherever the block was put (PS3.5 7.8.1).
fn private(set: &Dataset, group: u16, creator: &str, element: u8) -> Option<Tag> {
    let tag = |element: u32| u32::from(group) << 16 | element;
    let block = (0x10..=0xFF).find(|block| set.text(tag(*block)).as_deref() == Some(creator))?;
    Some(tag(block << 8 | u32::from(element)))
}

#[cfg(test)]
mod tests {
    use super::super::Instance;
    use super::super::csa::tests::written;
    use super::*;
    use protocol::dicomweb::json;

    type Values<'a> = &'a [(&'a str, &'a [&'a str])];

    const HEADER: Values<'_> = &[
        ("ProtocolSliceNumber", &["0"]),
        ("NumberOfImagesInMosaic", &["48      "]),
        (
            "SliceNormalVector",
            &["0.00000000", "0.60000000", "-0.80000000"],
        ),
    ];
    const CREATORS: &str =
        r#""00190010":{"Value":["SIEMENS MR HEADER"]},"00290011":{"Value":["SIEMENS CSA HEADER"]}"#;

    /// A mosaic with these attributes; its header stands at an address and has come.
    fn slices(more: &str, header: Values<'_>) -> Result<MosaicSlices, MosaicError> {
        let mut mosaic = instance(more).mosaic.unwrap();
        mosaic.supply("bulk/1", &Ok(written(header).into()));
        mosaic.slices()
    }

    fn instance(more: &str) -> Instance {
        let text = format!(
            r#"[{{"00080018":{{"Value":["1"]}},"00080008":{{"Value":["ORIGINAL","PRIMARY","MOSAIC"]}},{more},
            "00291110":{{"vr":"OB","BulkDataURI":"bulk/1"}}}}]"#
        );
        Instance::from_dataset(&json::parse(&text).unwrap()[0]).unwrap()
    }

    fn with(count: &str, spacing: &str) -> String {
        format!(r#"{CREATORS},"0019100A":{{"Value":[{count}]}},"00180088":{{"Value":[{spacing}]}}"#)
    }

    #[test]
    fn a_mosaic_says_how_many_slices_lie_where() {
        let expected = MosaicSlices {
            count: 48,
            spacing_mm: 2.7,
            direction: [0.0, 0.6, -0.8],
        };
        assert_eq!(slices(&with("48", "2.7"), HEADER).as_ref(), Ok(&expected));
        // The header alone suffices, and so does the element beside it.
        let spacing = format!(r#"{CREATORS},"00180088":{{"Value":[2.7]}}"#);
        assert_eq!(slices(&spacing, HEADER).as_ref(), Ok(&expected));
        let without = [HEADER[0], HEADER[2]];
        assert_eq!(slices(&with("48", "2.7"), &without), Ok(expected));
    }

    #[test]
    fn what_is_missing_is_named() {
        let what = |more: &str, header: Values<'_>| slices(more, header).unwrap_err().to_string();
        let without = |name: &str| {
            let kept = HEADER.iter().filter(|(other, _)| *other != name);
            kept.copied().collect::<Vec<_>>()
        };
        let all = with("48", "2.7");
        assert!(what(CREATORS, HEADER).contains("Spacing Between Slices"));
        assert!(what(&with("48", "0"), HEADER).contains("Spacing Between Slices"));
        let normal = "SliceNormalVector";
        assert!(what(&all, &without(normal)).contains(normal));
        let first = "ProtocolSliceNumber";
        assert!(what(&all, &without(first)).contains(first));
        let spacing = format!(r#"{CREATORS},"00180088":{{"Value":[2.7]}}"#);
        let count = "NumberOfImagesInMosaic";
        assert!(what(&spacing, &without(count)).contains(count));
        for count in ["0", "1.5", "4097"] {
            let header = [HEADER[0], HEADER[2]];
            assert!(
                what(&with(count, "2.7"), &header).contains("how many"),
                "{count}"
            );
        }
    }

    #[test]
    fn a_block_of_another_maker_says_nothing() {
        let other = with("48", "2.7").replace("SIEMENS CSA HEADER", "SOMEBODY ELSE");
        let error = slices(&other, HEADER).unwrap_err();
        assert!(error.to_string().ends_with("(CSA header)"), "{error}");
    }

    #[test]
    fn contradictions_and_reversed_numbers_are_refused() {
        let what = "how many they are";
        let contradiction = MosaicError::Contradiction { what };
        assert_eq!(slices(&with("47", "2.7"), HEADER), Err(contradiction));
        let reversed = [
            ("ProtocolSliceNumber", ["47"].as_slice()),
            HEADER[1],
            HEADER[2],
        ];
        let reversed = slices(&with("48", "2.7"), &reversed);
        assert_eq!(reversed, Err(MosaicError::Reversed));
    }

    #[test]
    fn a_header_that_has_not_come_or_is_damaged_says_so() {
        let mut mosaic = instance(&with("48", "2.7")).mosaic.unwrap();
        assert_eq!(mosaic.awaited(), Some("bulk/1"));
        assert_eq!(mosaic.slices(), Err(MosaicError::Awaited));
        let mut lost = mosaic.clone();
        lost.supply("bulk/1", &Err("gone".into()));
        let reason = "gone".into();
        assert_eq!(lost.slices(), Err(MosaicError::Lost { reason }));
        mosaic.supply("bulk/1", &Ok(b"SV10 is all".to_vec().into()));
        assert_eq!(mosaic.slices(), Err(CsaError::Damaged.into()));
    }

    #[test]
    fn a_mosaic_as_one_slice_has_no_place() {
        let plane = r#""00200032":{"Value":[0,0,0]},"00200037":{"Value":[1,0,0,0,1,0]},"00280030":{"Value":[1,1]}"#;
        assert_eq!(instance(plane).frame(0).plane(), None);
    }
}
