//! What the components of a JPEG stream mean: the tag, the transfer syntax and the stream's own markers.
//!
//! Streams and tags contradict each other in archives: encoders keep RGB under a YBR tag and the reverse.
//! The first line of this table that fits decides.
//!
//! | process  | stream                                   | tag             | meaning                  |
//! |----------|------------------------------------------|-----------------|--------------------------|
//! | any      | one component                            | any             | the tag's                |
//! | lossless | three components                         | `YBR_FULL_422`  | `YBR_FULL` (none is shared) |
//! | lossless | three components                         | any other       | the tag's: nothing is transformed |
//! | DCT      | APP14 "Adobe", transform 0               | any             | `RGB`                    |
//! | DCT      | APP14 "Adobe", transform 1               | any             | `YBR_FULL`               |
//! | DCT      | components named `R`, `G`, `B`           | any             | `RGB`                    |
//! | DCT      | JFIF                                     | any             | `YBR_FULL`               |
//! | DCT      | components sampled differently           | any             | `YBR_FULL`: only chroma is shared |
//! | DCT      | none of these                            | `RGB`, `YBR_PARTIAL_420` | the tag's       |
//! | DCT      | none of these                            | any other       | `YBR_FULL`               |
//!
//! Source: ITU-T T.872 6.5.3 (APP14), ISO/IEC 10918-5 (JFIF), DICOM PS3.5 8.2.1 and PS3.3 C.7.6.3.1.2.

use super::markers::{Frame, Process};
use crate::pixel::Photometric;

/// The photometric interpretation of the decoded samples.
pub(super) fn photometric(
    frame: &Frame,
    adobe: Option<u8>,
    jfif: bool,
    tag: Photometric,
) -> Photometric {
    if frame.components.len() != 3 {
        return tag;
    }
    if frame.process == Process::Lossless {
        return match tag {
            Photometric::YbrFull422 => Photometric::YbrFull,
            other => other,
        };
    }
    let named_rgb = frame.components.iter().map(|each| each.id).eq(*b"RGB");
    let first = frame.components.first();
    let is_shared = frame.components.iter().any(|each| {
        first.is_some_and(|first| {
            (each.horizontal, each.vertical) != (first.horizontal, first.vertical)
        })
    });
    match (adobe, tag) {
        (Some(0), _) => Photometric::Rgb,
        (Some(1), _) => Photometric::YbrFull,
        _ if named_rgb => Photometric::Rgb,
        _ if jfif || is_shared => Photometric::YbrFull,
        (_, Photometric::Rgb | Photometric::YbrPartial420) => tag,
        _ => Photometric::YbrFull,
    }
}

#[cfg(test)]
mod tests {
    use super::super::markers::Component;
    use super::*;

    fn frame(process: Process, ids: [u8; 3], luma: usize) -> Frame {
        let component = |id, horizontal| Component {
            id,
            horizontal,
            vertical: 1,
            quantization: 0,
        };
        Frame {
            process,
            precision: 8,
            rows: 1,
            columns: 1,
            components: vec![
                component(ids[0], luma),
                component(ids[1], 1),
                component(ids[2], 1),
            ],
        }
    }

    #[test]
    fn every_line_of_the_table_holds() {
        use Photometric::{Rgb, YbrFull, YbrFull422, YbrPartial420};
        let numbers = [1, 2, 3];
        for (process, ids, luma, adobe, jfif, tag, expected) in [
            (
                Process::Lossless,
                numbers,
                1,
                None,
                true,
                YbrFull422,
                YbrFull,
            ),
            (Process::Lossless, numbers, 1, None, true, Rgb, Rgb),
            (Process::Lossless, numbers, 1, Some(1), false, Rgb, Rgb),
            (
                Process::Sequential,
                numbers,
                1,
                Some(0),
                false,
                YbrFull422,
                Rgb,
            ),
            (Process::Sequential, numbers, 1, Some(0), true, YbrFull, Rgb),
            (
                Process::Progressive,
                *b"RGB",
                1,
                Some(1),
                false,
                Rgb,
                YbrFull,
            ),
            (Process::Sequential, *b"RGB", 1, None, true, YbrFull, Rgb),
            (Process::Sequential, numbers, 1, None, true, Rgb, YbrFull),
            (Process::Sequential, numbers, 2, None, false, Rgb, YbrFull),
            (Process::Sequential, [0, 1, 2], 1, None, false, Rgb, Rgb),
            (Process::Sequential, numbers, 1, Some(2), false, Rgb, Rgb),
            (
                Process::Sequential,
                numbers,
                1,
                None,
                false,
                YbrFull422,
                YbrFull,
            ),
            (
                Process::Sequential,
                numbers,
                1,
                None,
                false,
                YbrPartial420,
                YbrPartial420,
            ),
        ] {
            let frame = frame(process, ids, luma);
            assert_eq!(photometric(&frame, adobe, jfif, tag), expected);
        }
    }

    #[test]
    fn one_component_means_what_the_tag_says() {
        let mut frame = frame(Process::Sequential, [1, 2, 3], 1);
        frame.components.truncate(1);
        let tag = Photometric::Monochrome1;
        assert_eq!(photometric(&frame, Some(0), true, tag), tag);
    }
}
