//! What DICOMweb servers are known to do differently, each a switch of the server in [`super`].

/// A server's habit. Without one a server does what PS3.18 asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// None.
    Usual,
    /// An empty search is 204, not 200 with `[]`.
    EmptyIsNoContent,
    /// Searches and metadata say no more than they must.
    AttributesMissing,
    /// Single parts and lists of ranges: 400. So does Orthanc.
    PartsOnly,
    /// Parts: 406.
    SinglePartOnly,
    /// Quoted boundary; the transfer syntax stands inside the quoted type of the answer and nowhere else.
    BoundaryQuoted,
    /// No line break in front of the first part, bare line feeds, no header at a part.
    PartsBare,
    /// No lengths: bodies in chunks.
    NoLengths,
    /// Everything is compressed by gzip, asked for or not.
    AlwaysGzip,
    /// `transfer-syntax=*` in any other type than `application/octet-stream`: 400.
    StarForBytesOnly,
    /// Frames with `transfer-syntax=*`: 400. So does Orthanc for fragments without an offset table.
    StarRefused,
    /// Frames with `transfer-syntax=*`: 500.
    StarFails,
    /// Frames with `transfer-syntax=*`: 500, else an HTJ2K code stream that is called uncompressed.
    CodeStreamMislabelled,
    /// Frames: 404.
    NoFrames,
    /// Metadata and pictures: 404.
    NoMetadata,
    /// Neither, but whole instances. So does tiny-pacs.
    WholeOnly,
    /// The same, and not in parts.
    WholeAlone,
    /// Attributes without `vr`.
    WithoutVr,
    /// A single value stands without a list.
    ValueNotAList,
    /// A value beside the metadata, at an address relative to them.
    BulkRelative,
    /// The same, with steps upwards: static trees.
    BulkUpwards,
    /// The same, whole, by the name under which the server was asked.
    BulkByHost,
    /// The same, at a host that nobody reaches.
    BulkAtWrongHost,
    /// Numbers that are not needed for the picture stand beside the metadata.
    NumbersAsBulk,
    /// `limit` and `offset` are passed over.
    LimitIgnored,
    /// No `/rendered`, but `/thumbnail`.
    ThumbnailOnly,
    /// No `/thumbnail`, but `/rendered`. So does Orthanc.
    RenderedOnly,
}

impl Quirk {
    /// All.
    pub const ALL: [Self; 27] = [
        Self::Usual,
        Self::EmptyIsNoContent,
        Self::AttributesMissing,
        Self::PartsOnly,
        Self::SinglePartOnly,
        Self::BoundaryQuoted,
        Self::PartsBare,
        Self::NoLengths,
        Self::AlwaysGzip,
        Self::StarForBytesOnly,
        Self::StarRefused,
        Self::StarFails,
        Self::CodeStreamMislabelled,
        Self::NoFrames,
        Self::NoMetadata,
        Self::WholeOnly,
        Self::WholeAlone,
        Self::WithoutVr,
        Self::ValueNotAList,
        Self::BulkRelative,
        Self::BulkUpwards,
        Self::BulkByHost,
        Self::BulkAtWrongHost,
        Self::NumbersAsBulk,
        Self::LimitIgnored,
        Self::ThumbnailOnly,
        Self::RenderedOnly,
    ];

    /// Its name in addresses: small letters.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub fn gives_metadata(self) -> bool {
        !matches!(self, Self::NoMetadata | Self::WholeOnly | Self::WholeAlone)
    }

    pub fn gives_frames(self) -> bool {
        !matches!(self, Self::NoFrames | Self::WholeOnly | Self::WholeAlone)
    }

    /// The address of the table beside the metadata, where there is one.
    /// `deeper`: it is relative to the metadata of an instance, not to those of the series.
    pub fn table(self, host: &str, root: &str, series: &str, deeper: bool) -> Option<String> {
        let up = if deeper { "../../" } else { "" };
        Some(match self {
            Self::BulkRelative => format!("{up}bulk/table"),
            Self::BulkUpwards => {
                let (study, _) = series.split_once("/series/")?;
                let study = study.rsplit('/').next()?;
                format!("{up}../../../{study}/bulk/table")
            }
            Self::BulkByHost => format!("http://{host}{root}/{series}/bulk/table"),
            Self::BulkAtWrongHost => {
                format!("http://pacs.invalid:8042/dicom-web/{series}/bulk/table")
            }
            _ => return None,
        })
    }
}
