//! The table that decides which decoder reads a transfer syntax.
//!
//! Source: DICOM PS3.5 section 10 and annex A, UIDs of PS3.6 annex A.

use super::Decoders;

/// A decoder of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// Pixels as they are, little endian.
    LittleEndian,
    /// Pixels as they are, big endian.
    BigEndian,
    /// Run lengths of PS3.5 annex G.
    Rle,
    /// JPEG-LS, lossless and near-lossless.
    JpegLs,
    /// JPEG 2000 part 1, reversible and irreversible.
    Jpeg2000,
    /// JPEG 2000 with the block coder of part 15.
    HighThroughput,
    /// JPEG by DCT or lossless.
    Jpeg,
    /// JPEG XL.
    JpegXl,
    /// JPEG XL that holds the coefficients of a JPEG.
    JpegXlOfJpeg,
    /// Native pixels packed by DEFLATE, frame by frame.
    Deflated,
}

impl Codec {
    /// The smallest set that holds it.
    fn decoders(self) -> Decoders {
        match self {
            Self::LittleEndian
            | Self::BigEndian
            | Self::Rle
            | Self::Jpeg
            | Self::JpegLs
            | Self::Jpeg2000
            | Self::HighThroughput => Decoders::Common,
            Self::JpegXl | Self::JpegXlOfJpeg | Self::Deflated => Decoders::All,
        }
    }
}

/// Syntaxes whose frames are no code streams of their own, and those that nobody reads any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// One stream of H.264 or HEVC for all frames: browsers decode it, see [`crate::video`].
    Video,
    /// One stream of MPEG-2 for all frames.
    Mpeg2,
    /// The address of a JPIP server in place of pixels.
    Jpip,
    /// Metadata of a stream that goes over a network while it is made.
    Live,
    /// Retired processes of JPEG, with arithmetic coding or in a hierarchy.
    RetiredJpeg,
}

impl Family {
    /// Why no frame of it is decoded, as the end of a sentence.
    fn reason(self) -> &'static str {
        match self {
            Self::Video => "is one video for all frames, which only a browser decodes",
            Self::Mpeg2 => "is video in MPEG-2, which browsers do not decode",
            Self::Jpip => {
                "holds no pixels but the address of a JPIP server, a protocol that is not spoken here"
            }
            Self::Live => {
                "is a stream that goes over a network while it is made: nothing of it is stored"
            }
            Self::RetiredJpeg => {
                "is a process of JPEG that DICOM has retired, with arithmetic coding or a hierarchy: it is not read here"
            }
        }
    }
}

struct Entry {
    uid: &'static str,
    name: &'static str,
    /// The syntax lets an encoder change pixel values.
    lossy: bool,
    codec: Option<Codec>,
    family: Option<Family>,
}

const fn exact(uid: &'static str, name: &'static str, codec: Option<Codec>) -> Entry {
    Entry {
        uid,
        name,
        lossy: false,
        codec,
        family: None,
    }
}

const fn lossy(uid: &'static str, name: &'static str, codec: Option<Codec>) -> Entry {
    Entry {
        uid,
        name,
        lossy: true,
        codec,
        family: None,
    }
}

const fn of_family(uid: &'static str, name: &'static str, family: Family) -> Entry {
    Entry {
        uid,
        name,
        // Those without loss say so in their place in the table.
        lossy: true,
        codec: None,
        family: Some(family),
    }
}

const fn exact_of_family(uid: &'static str, name: &'static str, family: Family) -> Entry {
    Entry {
        lossy: false,
        ..of_family(uid, name, family)
    }
}

const TABLE: &[Entry] = &[
    exact(
        "1.2.840.10008.1.2",
        "Implicit VR Little Endian",
        Some(Codec::LittleEndian),
    ),
    exact(
        "1.2.840.10008.1.2.1",
        "Explicit VR Little Endian",
        Some(Codec::LittleEndian),
    ),
    exact(
        "1.2.840.10008.1.2.1.98",
        "Encapsulated Uncompressed",
        Some(Codec::LittleEndian),
    ),
    // The whole data set is deflated, so a frame that reaches the decoder is inflated already.
    exact(
        "1.2.840.10008.1.2.1.99",
        "Deflated Explicit VR Little Endian",
        Some(Codec::LittleEndian),
    ),
    exact(
        "1.2.840.10008.1.2.2",
        "Explicit VR Big Endian",
        Some(Codec::BigEndian),
    ),
    exact("1.2.840.10008.1.2.5", "RLE Lossless", Some(Codec::Rle)),
    exact(
        "1.2.840.10008.1.2.8.1",
        "Deflated Image Frame Compression",
        Some(Codec::Deflated),
    ),
    lossy("1.2.840.10008.1.2.4.50", "JPEG Baseline", Some(Codec::Jpeg)),
    lossy("1.2.840.10008.1.2.4.51", "JPEG Extended", Some(Codec::Jpeg)),
    lossy(
        "1.2.840.10008.1.2.4.53",
        "JPEG Spectral Selection",
        Some(Codec::Jpeg),
    ),
    lossy(
        "1.2.840.10008.1.2.4.55",
        "JPEG Full Progression",
        Some(Codec::Jpeg),
    ),
    exact("1.2.840.10008.1.2.4.57", "JPEG Lossless", Some(Codec::Jpeg)),
    exact(
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, First-Order Prediction",
        Some(Codec::Jpeg),
    ),
    exact(
        "1.2.840.10008.1.2.4.80",
        "JPEG-LS Lossless",
        Some(Codec::JpegLs),
    ),
    lossy(
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Near-Lossless",
        Some(Codec::JpegLs),
    ),
    exact(
        "1.2.840.10008.1.2.4.90",
        "JPEG 2000 Lossless",
        Some(Codec::Jpeg2000),
    ),
    lossy("1.2.840.10008.1.2.4.91", "JPEG 2000", Some(Codec::Jpeg2000)),
    exact(
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 Part 2 Lossless",
        Some(Codec::Jpeg2000),
    ),
    lossy(
        "1.2.840.10008.1.2.4.93",
        "JPEG 2000 Part 2",
        Some(Codec::Jpeg2000),
    ),
    exact(
        "1.2.840.10008.1.2.4.110",
        "JPEG XL Lossless",
        Some(Codec::JpegXl),
    ),
    // The pixels are those of a JPEG, which had lost something before.
    lossy(
        "1.2.840.10008.1.2.4.111",
        "JPEG XL JPEG Recompression",
        Some(Codec::JpegXlOfJpeg),
    ),
    lossy("1.2.840.10008.1.2.4.112", "JPEG XL", Some(Codec::JpegXl)),
    exact(
        "1.2.840.10008.1.2.4.201",
        "High-Throughput JPEG 2000 Lossless",
        Some(Codec::HighThroughput),
    ),
    exact(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 Lossless RPCL",
        Some(Codec::HighThroughput),
    ),
    lossy(
        "1.2.840.10008.1.2.4.203",
        "High-Throughput JPEG 2000",
        Some(Codec::HighThroughput),
    ),
    of_family(
        "1.2.840.10008.1.2.4.100",
        "MPEG-2 Main Level",
        Family::Mpeg2,
    ),
    of_family(
        "1.2.840.10008.1.2.4.100.1",
        "Fragmentable MPEG-2 Main Level",
        Family::Mpeg2,
    ),
    of_family(
        "1.2.840.10008.1.2.4.101",
        "MPEG-2 High Level",
        Family::Mpeg2,
    ),
    of_family(
        "1.2.840.10008.1.2.4.101.1",
        "Fragmentable MPEG-2 High Level",
        Family::Mpeg2,
    ),
    of_family(
        "1.2.840.10008.1.2.4.102",
        "MPEG-4 High Profile",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.102.1",
        "Fragmentable MPEG-4 High Profile",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.103",
        "MPEG-4 BD-compatible",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.103.1",
        "Fragmentable MPEG-4 BD-compatible",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.104",
        "MPEG-4 High Profile for 2D Video",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.104.1",
        "Fragmentable MPEG-4 High Profile for 2D Video",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.105",
        "MPEG-4 High Profile for 3D Video",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.105.1",
        "Fragmentable MPEG-4 High Profile for 3D Video",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.106",
        "MPEG-4 Stereo High Profile",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.106.1",
        "Fragmentable MPEG-4 Stereo High Profile",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.107",
        "HEVC Main Profile",
        Family::Video,
    ),
    of_family(
        "1.2.840.10008.1.2.4.108",
        "HEVC Main 10 Profile",
        Family::Video,
    ),
    of_family("1.2.840.10008.1.2.4.94", "JPIP Referenced", Family::Jpip),
    of_family(
        "1.2.840.10008.1.2.4.95",
        "JPIP Referenced Deflate",
        Family::Jpip,
    ),
    of_family(
        "1.2.840.10008.1.2.4.204",
        "JPIP HTJ2K Referenced",
        Family::Jpip,
    ),
    of_family(
        "1.2.840.10008.1.2.4.205",
        "JPIP HTJ2K Referenced Deflate",
        Family::Jpip,
    ),
    exact_of_family(
        "1.2.840.10008.1.2.7.1",
        "SMPTE ST 2110-20 Progressive Video",
        Family::Live,
    ),
    exact_of_family(
        "1.2.840.10008.1.2.7.2",
        "SMPTE ST 2110-20 Interlaced Video",
        Family::Live,
    ),
    exact_of_family(
        "1.2.840.10008.1.2.7.3",
        "SMPTE ST 2110-30 Digital Audio",
        Family::Live,
    ),
    of_family(
        "1.2.840.10008.1.2.4.52",
        "JPEG Extended, Processes 3 and 5",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.54",
        "JPEG Spectral Selection, Processes 7 and 9",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.56",
        "JPEG Full Progression, Processes 11 and 13",
        Family::RetiredJpeg,
    ),
    exact_of_family(
        "1.2.840.10008.1.2.4.58",
        "JPEG Lossless, Process 15",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.59",
        "JPEG Extended Hierarchical, Processes 16 and 18",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.60",
        "JPEG Extended Hierarchical, Processes 17 and 19",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.61",
        "JPEG Spectral Selection Hierarchical, Processes 20 and 22",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.62",
        "JPEG Spectral Selection Hierarchical, Processes 21 and 23",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.63",
        "JPEG Full Progression Hierarchical, Processes 24 and 26",
        Family::RetiredJpeg,
    ),
    of_family(
        "1.2.840.10008.1.2.4.64",
        "JPEG Full Progression Hierarchical, Processes 25 and 27",
        Family::RetiredJpeg,
    ),
    exact_of_family(
        "1.2.840.10008.1.2.4.65",
        "JPEG Lossless Hierarchical, Process 28",
        Family::RetiredJpeg,
    ),
    exact_of_family(
        "1.2.840.10008.1.2.4.66",
        "JPEG Lossless Hierarchical, Process 29",
        Family::RetiredJpeg,
    ),
];

/// Looks a UID up; padding of VR UI (a NUL, or wrongly a space) does not count.
fn entry(transfer_syntax: &str) -> Option<&'static Entry> {
    let uid = transfer_syntax.trim_matches(['\0', ' ']);
    TABLE.iter().find(|entry| entry.uid == uid)
}

/// What a syntax is whose frames no decoder here reads one by one.
pub fn family(transfer_syntax: &str) -> Option<Family> {
    entry(transfer_syntax)?.family
}

/// Why frames in a syntax are not decoded, as a sentence.
pub fn refusal(transfer_syntax: &str) -> String {
    let reason = family(transfer_syntax).map_or("is not known here", Family::reason);
    format!("{} {reason}", describe(transfer_syntax))
}

/// The decoder of a transfer syntax; `None` for one that this build cannot read.
pub(super) fn codec(transfer_syntax: &str) -> Option<Codec> {
    entry(transfer_syntax)?.codec
}

/// True where this build has a decoder for the transfer syntax.
pub fn is_supported(transfer_syntax: &str) -> bool {
    codec(transfer_syntax).is_some()
}

/// The smallest set that holds the decoder; the smallest of all where none does.
///
/// What a frame really is may still differ from its label.
pub fn decoders(transfer_syntax: &str) -> Decoders {
    codec(transfer_syntax).map_or(Decoders::Common, Codec::decoders)
}

/// True where the transfer syntax lets an encoder change pixel values.
///
/// An image in a lossless syntax may have been lossy before: (0028,2110) says so.
pub fn is_lossy(transfer_syntax: &str) -> bool {
    entry(transfer_syntax).is_some_and(|entry| entry.lossy)
}

/// A short name for people; `None` for a UID that the table does not hold.
pub fn name(transfer_syntax: &str) -> Option<&'static str> {
    entry(transfer_syntax).map(|entry| entry.name)
}

/// Name and UID for a message, the UID alone where there is no name.
fn describe(transfer_syntax: &str) -> String {
    let uid = transfer_syntax.trim_matches(['\0', ' ']);
    match name(uid) {
        Some(name) => format!("{name} ({uid})"),
        None => format!("transfer syntax {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_without_decoder_is_named_in_words() {
        assert_eq!(
            describe("1.2.840.10008.1.2.4.100"),
            "MPEG-2 Main Level (1.2.840.10008.1.2.4.100)"
        );
        assert_eq!(describe("1.2.3"), "transfer syntax 1.2.3");
    }

    #[test]
    fn what_is_not_decoded_says_why() {
        let reason = |last: &str| refusal(&format!("1.2.840.10008.1.2.{last}"));
        for video in ["4.102", "4.103.1", "4.106.1", "4.107", "4.108"] {
            assert!(reason(video).contains("only a browser decodes"), "{video}");
        }
        assert!(reason("4.101.1").contains("browsers do not decode"));
        for jpip in ["4.94", "4.95", "4.204", "4.205"] {
            assert!(reason(jpip).contains("JPIP server"), "{jpip}");
        }
        assert!(reason("7.2").contains("over a network"));
        assert!(reason("4.58").contains("retired"));
        assert_eq!(refusal("1.2.3"), "transfer syntax 1.2.3 is not known here");
    }

    #[test]
    fn padding_of_a_uid_does_not_count() {
        assert_eq!(codec("1.2.840.10008.1.2.5\0"), Some(Codec::Rle));
    }

    #[test]
    fn no_uid_stands_twice_in_the_table() {
        for (index, entry) in TABLE.iter().enumerate() {
            assert!(
                TABLE
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.uid != entry.uid),
                "{}",
                entry.uid
            );
        }
    }

    #[test]
    fn only_syntaxes_that_allow_loss_are_lossy() {
        assert!(is_lossy("1.2.840.10008.1.2.4.81"));
        assert!(is_lossy("1.2.840.10008.1.2.4.91"));
        assert!(!is_lossy("1.2.840.10008.1.2.4.80"));
        assert!(!is_lossy("1.2.840.10008.1.2.4.90"));
        assert!(!is_lossy("1.2.840.10008.1.2.1"));
        assert!(!is_lossy("1.2.3"));
    }
}
