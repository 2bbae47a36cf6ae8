//! Media types of frames, and what a client accepts.
//!
//! Source: DICOM PS3.18 section 8.7.3 (tables 8.7.3-2 and 8.7.3-5), RFC 9110 section 12.5.1.

use crate::order;

/// Explicit VR little endian: what goes out where the client asks for nothing else.
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Uncompressed pixels of any kind.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// Transfer syntaxes whose frames are code streams, with their media type.
const ENCAPSULATED: [(&str, &str); 35] = [
    ("1.2.840.10008.1.2.4.50", "image/jpeg"),
    ("1.2.840.10008.1.2.4.51", "image/jpeg"),
    ("1.2.840.10008.1.2.4.53", "image/jpeg"),
    ("1.2.840.10008.1.2.4.55", "image/jpeg"),
    ("1.2.840.10008.1.2.4.57", "image/jpeg"),
    ("1.2.840.10008.1.2.4.70", "image/jpeg"),
    ("1.2.840.10008.1.2.4.80", "image/jls"),
    ("1.2.840.10008.1.2.4.81", "image/jls"),
    ("1.2.840.10008.1.2.4.90", "image/jp2"),
    ("1.2.840.10008.1.2.4.91", "image/jp2"),
    ("1.2.840.10008.1.2.4.92", "image/jpx"),
    ("1.2.840.10008.1.2.4.93", "image/jpx"),
    ("1.2.840.10008.1.2.4.100", "video/mpeg"),
    ("1.2.840.10008.1.2.4.100.1", "video/mpeg"),
    ("1.2.840.10008.1.2.4.101", "video/mpeg"),
    ("1.2.840.10008.1.2.4.101.1", "video/mpeg"),
    ("1.2.840.10008.1.2.4.102", "video/mp4"),
    ("1.2.840.10008.1.2.4.102.1", "video/mp4"),
    ("1.2.840.10008.1.2.4.103", "video/mp4"),
    ("1.2.840.10008.1.2.4.103.1", "video/mp4"),
    ("1.2.840.10008.1.2.4.104", "video/mp4"),
    ("1.2.840.10008.1.2.4.104.1", "video/mp4"),
    ("1.2.840.10008.1.2.4.105", "video/mp4"),
    ("1.2.840.10008.1.2.4.105.1", "video/mp4"),
    ("1.2.840.10008.1.2.4.106", "video/mp4"),
    ("1.2.840.10008.1.2.4.106.1", "video/mp4"),
    ("1.2.840.10008.1.2.4.107", "video/mp4"),
    ("1.2.840.10008.1.2.4.108", "video/mp4"),
    ("1.2.840.10008.1.2.4.110", "image/jxl"),
    ("1.2.840.10008.1.2.4.111", "image/jxl"),
    ("1.2.840.10008.1.2.4.112", "image/jxl"),
    ("1.2.840.10008.1.2.4.201", "image/jphc"),
    ("1.2.840.10008.1.2.4.202", "image/jphc"),
    ("1.2.840.10008.1.2.4.203", "image/jphc"),
    ("1.2.840.10008.1.2.5", "image/dicom-rle"),
];

/// The media type of a frame in this transfer syntax; `application/octet-stream` for native and
/// unknown ones.
pub fn of_transfer_syntax(uid: &str) -> &'static str {
    ENCAPSULATED
        .iter()
        .find(|(known, _)| *known == uid)
        .map_or(OCTET_STREAM, |(_, media)| media)
}

/// The transfer syntax that a media type stands for when none is named (PS3.18 table 8.7.3-5's
/// defaults: the lossless or the most general member).
pub fn default_transfer_syntax(media_type: &str) -> Option<&'static str> {
    Some(match media_type.to_ascii_lowercase().as_str() {
        OCTET_STREAM => EXPLICIT_LITTLE_ENDIAN,
        "image/jpeg" => "1.2.840.10008.1.2.4.70",
        "image/jls" | "image/x-jls" => "1.2.840.10008.1.2.4.80",
        "image/jp2" => "1.2.840.10008.1.2.4.90",
        "image/jpx" => "1.2.840.10008.1.2.4.92",
        "image/jxl" => "1.2.840.10008.1.2.4.110",
        "image/jphc" => "1.2.840.10008.1.2.4.201",
        "image/dicom-rle" | "image/x-dicom-rle" => "1.2.840.10008.1.2.5",
        _ => return None,
    })
}

/// A media type with its parameters, as in `Content-Type` and in one range of `Accept`.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaType {
    /// `type/subtype` in lower case.
    pub essence: String,
    /// Parameters, names in lower case, values unquoted.
    pub parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads one media type; `None` where there is no slash in it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = split_outside_quotes(text, ';').into_iter();
        let essence = parts.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        let parameters = parts
            .filter_map(|part| {
                let (name, value) = part.split_once('=')?;
                Some((name.trim().to_ascii_lowercase(), unquote(value.trim())))
            })
            .collect();
        Some(Self {
            essence,
            parameters,
        })
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The weight `q`, 0 to 1; 1 where it is missing or unreadable.
    pub fn quality(&self) -> f32 {
        self.parameter("q")
            .and_then(|text| text.parse::<f32>().ok())
            .filter(|q| (0.0..=1.0).contains(q))
            .unwrap_or(1.0)
    }
}

/// One way in which the client would take frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRange {
    /// As parts of `multipart/related`, else as the whole body.
    pub multipart: bool,
    /// Media type of a frame, may be `*/*` or `image/*`.
    pub media_type: String,
    /// Transfer Syntax UID, `*`, or none.
    pub transfer_syntax: Option<String>,
}

/// Reads the `Accept` of a request for frames, the best first; ranges with `q=0` are left out.
///
/// An absent or empty header is `*/*`. Servers and clients write the inner type and the transfer
/// syntax quoted or not, inside or beside each other; all of these are read.
pub fn parse_accept(header: &str) -> Vec<FrameRange> {
    if header.trim().is_empty() {
        return vec![FrameRange {
            multipart: true,
            media_type: "*/*".to_owned(),
            transfer_syntax: None,
        }];
    }
    parse_list(header).iter().map(frame_range).collect()
}

/// Reads a list of media ranges, the best first; those with `q=0` and what is no media range are left out.
pub fn parse_list(header: &str) -> Vec<MediaType> {
    let mut ranges: Vec<MediaType> = split_outside_quotes(header, ',')
        .into_iter()
        .filter_map(MediaType::parse)
        .filter(|media| media.quality() > 0.0)
        .collect();
    // A stable sort keeps the client's order among equals.
    order::sort_by(&mut ranges, |a, b| b.quality().total_cmp(&a.quality()));
    ranges
}

/// What a media range asks of frames.
pub fn frame_range(media: &MediaType) -> FrameRange {
    let outer = media.parameter("transfer-syntax").map(str::to_owned);
    match media.essence.as_str() {
        "multipart/related" => {
            // Some clients put the transfer syntax inside the quoted type.
            let inner = media.parameter("type").and_then(MediaType::parse);
            let within = inner
                .as_ref()
                .and_then(|inner| inner.parameter("transfer-syntax").map(str::to_owned));
            FrameRange {
                multipart: true,
                media_type: inner.map_or_else(|| "*/*".to_owned(), |inner| inner.essence),
                transfer_syntax: outer.or(within),
            }
        }
        "*/*" | "multipart/*" => FrameRange {
            multipart: true,
            media_type: "*/*".to_owned(),
            transfer_syntax: outer,
        },
        essence => FrameRange {
            multipart: false,
            media_type: essence.to_owned(),
            transfer_syntax: outer,
        },
    }
}

/// Splits at `separator`, but not between double quotes.
fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => {
                parts.push(&text[start..index]);
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else {
        return text.to_owned();
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' {
            characters.next()
        } else {
            Some(character)
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(multipart: bool, media_type: &str, transfer_syntax: Option<&str>) -> FrameRange {
        FrameRange {
            multipart,
            media_type: media_type.into(),
            transfer_syntax: transfer_syntax.map(str::to_owned),
        }
    }

    #[test]
    fn nothing_and_anything_mean_the_default() {
        assert_eq!(parse_accept(""), [range(true, "*/*", None)]);
        assert_eq!(parse_accept("*/*"), [range(true, "*/*", None)]);
    }

    #[test]
    fn quoted_and_unquoted_inner_types_are_the_same() {
        let expected = [range(true, "application/octet-stream", Some("*"))];
        for header in [
            r#"multipart/related; type="application/octet-stream"; transfer-syntax=*"#,
            "multipart/related;type=application/octet-stream;transfer-syntax=*",
            r#"Multipart/Related; TYPE="application/octet-stream;transfer-syntax=*""#,
            r#"multipart/related; type="application/octet-stream"; transfer-syntax="*""#,
        ] {
            assert_eq!(parse_accept(header), expected, "{header}");
        }
    }

    #[test]
    fn weights_order_the_ranges_and_zero_drops_one() {
        assert_eq!(
            parse_accept("image/jls;q=0.2, application/octet-stream, image/jp2;q=0, image/*;q=0.5"),
            [
                range(false, "application/octet-stream", None),
                range(false, "image/*", None),
                range(false, "image/jls", None),
            ]
        );
    }

    #[test]
    fn transfer_syntaxes_have_the_media_types_of_table_8_7_3_5() {
        assert_eq!(of_transfer_syntax("1.2.840.10008.1.2.4.80"), "image/jls");
        assert_eq!(of_transfer_syntax("1.2.840.10008.1.2.5"), "image/dicom-rle");
        assert_eq!(of_transfer_syntax("1.2.840.10008.1.2"), OCTET_STREAM);
        for (uid, media) in ENCAPSULATED {
            if let Some(default) = default_transfer_syntax(media) {
                assert_eq!(of_transfer_syntax(default), media, "{uid}");
            }
        }
    }

    #[test]
    fn a_quoted_comma_does_not_split() {
        let ranges = parse_accept(r#"multipart/related; type="a/b, c", image/jls"#);
        assert_eq!(ranges.len(), 2);
    }
}
