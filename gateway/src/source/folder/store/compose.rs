//! Files from metadata and bulk data: a data set in JSON becomes one of explicit VR little endian, values that came on their own go
//! where they belong.
//!
//! Source: DICOM PS3.18 annex F and sections 8.6.1.3 and 10.5.1, PS3.10 section 7.1, PS3.5 sections 6.2, 7.1 and A.4.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::dicomweb::json::Dataset;
use protocol::dicomweb::media_type::{OCTET_STREAM, default_transfer_syntax};
use serde_json::{Map, Value};

use super::check::{Names, Refused};
use super::{Incoming, PREAMBLE, Reason};
use crate::source::folder::sniff;

const PIXEL_DATA: u32 = 0x7FE0_0010;
/// Sequences in sequences.
const DEEPEST: u32 = 32;
/// Who wrote the file: a UID of ISO/IEC 9834-8, made once for this program.
const IMPLEMENTATION: &str = "2.25.203717520207941994221244698359350690076";

/// A value that came on its own.
#[derive(Debug)]
pub struct BulkPart {
    /// Where it is.
    pub incoming: Incoming,
    /// Its media type without parameters.
    pub media_type: String,
    /// Transfer Syntax UID, where it is said.
    pub transfer_syntax: Option<String>,
}

/// Values by the address that metadata have for them.
pub type BulkParts = BTreeMap<String, BulkPart>;

/// Writes the file of one data set.
///
/// # Errors
/// The data set is none, a value is missing, or the disk says no.
pub fn compose(
    set: Map<String, Value>,
    bulk: &BulkParts,
    mut out: Incoming,
) -> Result<Incoming, Box<Refused>> {
    let set = Dataset::from_map(set);
    let text = |tag: u32| set.text(tag).unwrap_or_default();
    let names = Names {
        sop_class: text(0x0008_0016),
        sop: text(0x0008_0018),
        study: text(0x0020_000D),
        series: text(0x0020_000E),
        patient: text(0x0010_0020),
    };
    match written(&set, &names, bulk, &mut out) {
        Ok(()) => Ok(out),
        Err(reason) => Err(Box::new(Refused { names, reason })),
    }
}

fn written(
    set: &Dataset,
    names: &Names,
    bulk: &BulkParts,
    out: &mut Incoming,
) -> Result<(), Reason> {
    let pixels = set.bulk_data_uri(PIXEL_DATA).and_then(|uri| bulk.get(uri));
    let syntax = match pixels {
        Some(part) => syntax_of(part)?,
        None => sniff::EXPLICIT_LITTLE_ENDIAN.to_owned(),
    };
    let is_one_frame = set.whole(0x0028_0008).unwrap_or(1) <= 1;
    if !sniff::is_native(&syntax) && !is_one_frame {
        // Where one frame ends and the next begins is not said.
        return Err(Reason::TransferSyntax);
    }
    let mut head = Vec::new();
    put(&mut head, 0x0002_0001, *b"OB", &[0, 1])?;
    put(&mut head, 0x0002_0002, *b"UI", &padded(&names.sop_class, 0))?;
    put(&mut head, 0x0002_0003, *b"UI", &padded(&names.sop, 0))?;
    put(&mut head, 0x0002_0010, *b"UI", &padded(&syntax, 0))?;
    put(&mut head, 0x0002_0012, *b"UI", &padded(IMPLEMENTATION, 0))?;
    let length = u32::try_from(head.len()).map_err(|_| Reason::NotUnderstood)?;
    out.write_all(&[0; PREAMBLE as usize])?;
    out.write_all(b"DICM")?;
    put(out, 0x0002_0000, *b"UL", &length.to_le_bytes())?;
    out.write_all(&head)?;
    let mut writer = Writer {
        out,
        bulk,
        is_native: sniff::is_native(&syntax),
        is_wide: set.whole(0x0028_0100).unwrap_or(0) > 8,
    };
    writer.data_set(set.as_map(), 0)
}

/// The transfer syntax of pixels that came on their own.
fn syntax_of(part: &BulkPart) -> Result<String, Reason> {
    if part.media_type == OCTET_STREAM {
        // Bytes of frames as they are; what the sender had them in says nothing here but their order.
        return match part.transfer_syntax.as_deref() {
            None | Some(sniff::EXPLICIT_LITTLE_ENDIAN | sniff::IMPLICIT_LITTLE_ENDIAN) => {
                Ok(sniff::EXPLICIT_LITTLE_ENDIAN.to_owned())
            }
            Some(_) => Err(Reason::TransferSyntax),
        };
    }
    let default = default_transfer_syntax(&part.media_type).map(str::to_owned);
    let syntax = part.transfer_syntax.clone().or(default);
    let syntax = syntax.filter(|it| !sniff::is_native(it));
    syntax.ok_or(Reason::TransferSyntax)
}

struct Writer<'a> {
    out: &'a mut Incoming,
    bulk: &'a BulkParts,
    /// Pixels go out as they are, and not as a fragment.
    is_native: bool,
    /// A value of a pixel takes more than 8 bits.
    is_wide: bool,
}

impl Writer<'_> {
    /// Elements in the order of their tags, which is that of their names.
    fn data_set(&mut self, set: &Map<String, Value>, depth: u32) -> Result<(), Reason> {
        if depth > DEEPEST {
            return Err(Reason::NotUnderstood);
        }
        let mut elements = BTreeMap::new();
        for (name, element) in set {
            let tag = u32::from_str_radix(name, 16).map_err(|_| Reason::NotUnderstood)?;
            let vr = element["vr"].as_str().unwrap_or_default().as_bytes();
            let vr: [u8; 2] = vr.try_into().map_err(|_| Reason::NotUnderstood)?;
            if name.len() != 8 || !sniff::is_vr(vr) {
                return Err(Reason::NotUnderstood);
            }
            // The head is written anew, and lengths of groups mean nothing here.
            if tag >> 16 > 2 && tag & 0xFFFF != 0 {
                elements.insert(tag, (vr, element));
            }
        }
        let utf8 = serde_json::json!({ "Value": ["ISO_IR 192"] });
        if depth == 0 {
            // JSON is UTF-8, whatever the values were before.
            elements.insert(0x0008_0005, (*b"CS", &utf8));
        }
        for (tag, (vr, element)) in elements {
            // Metadata may be those of compressed pixels, which are OB always (PS3.5 A.2, A.4).
            let is_words = tag == PIXEL_DATA && depth == 0 && self.is_native && self.is_wide;
            let vr = if is_words { *b"OW" } else { vr };
            self.element(tag, vr, element, depth)?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        tag: u32,
        vr: [u8; 2],
        element: &Value,
        depth: u32,
    ) -> Result<(), Reason> {
        if vr == *b"SQ" {
            return self.sequence(tag, element, depth);
        }
        if let Some(uri) = element.get("BulkDataURI") {
            let uri = uri.as_str().ok_or(Reason::NotUnderstood)?;
            return self.bulk(tag, vr, uri, depth);
        }
        let value = match element.get("InlineBinary") {
            Some(text) => {
                let text = text.as_str().ok_or(Reason::NotUnderstood)?;
                let mut bytes = STANDARD.decode(text).map_err(|_| Reason::NotUnderstood)?;
                if bytes.len() % 2 == 1 {
                    bytes.push(0);
                }
                bytes
            }
            None => encoded(vr, element.get("Value").and_then(Value::as_array))?,
        };
        put(self.out, tag, vr, &value)
    }

    fn sequence(&mut self, tag: u32, element: &Value, depth: u32) -> Result<(), Reason> {
        header(self.out, tag, *b"SQ", u32::MAX)?;
        for item in element
            .get("Value")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let item = item.as_object().ok_or(Reason::NotUnderstood)?;
            self.out
                .write_all(&[0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF])?;
            self.data_set(item, depth + 1)?;
            self.out.write_all(&[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0])?;
        }
        Ok(self.out.write_all(&SEQUENCE_END)?)
    }

    fn bulk(&mut self, tag: u32, vr: [u8; 2], uri: &str, depth: u32) -> Result<(), Reason> {
        let part = self.bulk.get(uri).ok_or(Reason::NotUnderstood)?;
        let is_pixels = tag == PIXEL_DATA && depth == 0;
        let length = part.incoming.length();
        let padded = length.next_multiple_of(2);
        let stated = u32::try_from(padded).map_err(|_| Reason::TooLarge)?;
        let mut file = File::open(part.incoming.path())?;
        if is_pixels && !self.is_native {
            // An empty offset table, and the frame as one fragment.
            header(self.out, tag, *b"OB", u32::MAX)?;
            self.out
                .write_all(&[0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0, 0xE0])?;
            self.out.write_all(&stated.to_le_bytes())?;
        } else {
            header(self.out, tag, vr, stated)?;
        }
        io::copy(&mut file, self.out)?;
        if padded > length {
            self.out.write_all(&[0])?;
        }
        if is_pixels && !self.is_native {
            self.out.write_all(&SEQUENCE_END)?;
        }
        Ok(())
    }
}

const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

/// Tag, VR and length of an element.
fn header(out: &mut impl Write, tag: u32, vr: [u8; 2], length: u32) -> Result<(), Reason> {
    let [group_high, group_low, high, low] = tag.to_be_bytes();
    out.write_all(&[group_low, group_high, low, high, vr[0], vr[1]])?;
    if sniff::has_long_length(vr) {
        out.write_all(&[0, 0])?;
        out.write_all(&length.to_le_bytes())?;
    } else {
        let length = u16::try_from(length).map_err(|_| Reason::NotUnderstood)?;
        out.write_all(&length.to_le_bytes())?;
    }
    Ok(())
}

fn put(out: &mut impl Write, tag: u32, vr: [u8; 2], value: &[u8]) -> Result<(), Reason> {
    let length = u32::try_from(value.len()).map_err(|_| Reason::TooLarge)?;
    header(out, tag, vr, length)?;
    Ok(out.write_all(value)?)
}

/// Text of an even length.
fn padded(text: &str, pad: u8) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(pad);
    }
    bytes
}

/// Values as bytes, little endian.
fn encoded(vr: [u8; 2], values: Option<&Vec<Value>>) -> Result<Vec<u8>, Reason> {
    let Some(values) = values else {
        return Ok(Vec::new());
    };
    let mut bytes = Vec::new();
    for (index, value) in values.iter().enumerate() {
        match &vr {
            b"US" => bytes.extend(whole::<u16>(value)?.to_le_bytes()),
            b"SS" => bytes.extend(whole::<i16>(value)?.to_le_bytes()),
            b"UL" => bytes.extend(whole::<u32>(value)?.to_le_bytes()),
            b"SL" => bytes.extend(whole::<i32>(value)?.to_le_bytes()),
            b"UV" => bytes.extend(whole::<u64>(value)?.to_le_bytes()),
            b"SV" => bytes.extend(whole::<i64>(value)?.to_le_bytes()),
            b"FD" => bytes.extend(number(value)?.to_le_bytes()),
            #[expect(clippy::cast_possible_truncation, reason = "FL has 32 bits")]
            b"FL" => bytes.extend((number(value)? as f32).to_le_bytes()),
            b"AT" => {
                let text = value.as_str().filter(|it| it.len() == 8);
                let tag = text.and_then(|it| u32::from_str_radix(it, 16).ok());
                let [a, b, c, d] = tag.ok_or(Reason::NotUnderstood)?.to_be_bytes();
                bytes.extend([b, a, d, c]);
            }
            b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" => {
                return Err(Reason::NotUnderstood);
            }
            _ => {
                if index > 0 {
                    bytes.push(b'\\');
                }
                bytes.extend(text(vr, value)?.into_bytes());
            }
        }
    }
    if bytes.len() % 2 == 1 {
        bytes.push(if vr == *b"UI" { 0 } else { b' ' });
    }
    Ok(bytes)
}

fn text(vr: [u8; 2], value: &Value) -> Result<String, Reason> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if matches!(&vr, b"IS" | b"DS") => Ok(decimal(number)),
        Value::Object(groups) if vr == *b"PN" => {
            let group = |name: &str| groups.get(name).and_then(Value::as_str).unwrap_or_default();
            let all = ["Alphabetic", "Ideographic", "Phonetic"]
                .map(group)
                .join("=");
            Ok(all.trim_end_matches('=').to_owned())
        }
        _ => Err(Reason::NotUnderstood),
    }
}

/// A number of 16 characters at most, as exact as these allow.
fn decimal(number: &serde_json::Number) -> String {
    let plain = number.to_string();
    if plain.len() <= 16 {
        return plain;
    }
    let number = number.as_f64().unwrap_or_default();
    let digits = (0..=16).rev().map(|digits| format!("{number:.digits$e}"));
    digits
        .into_iter()
        .find(|text| text.len() <= 16)
        .unwrap_or(plain)
}

fn number(value: &Value) -> Result<f64, Reason> {
    let parsed = value.as_str().and_then(|text| text.trim().parse().ok());
    value.as_f64().or(parsed).ok_or(Reason::NotUnderstood)
}

fn whole<T: TryFrom<i128>>(value: &Value) -> Result<T, Reason> {
    let parsed: Option<i128> = match value {
        Value::Number(number) => number.to_string().parse().ok(),
        // 64 bits may be text: not every reader of JSON has so many.
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let parsed = parsed.and_then(|it| T::try_from(it).ok());
    parsed.ok_or(Reason::NotUnderstood)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(vr: &[u8; 2], values: Value) -> Result<Vec<u8>, Reason> {
        encoded(*vr, values.as_array())
    }

    #[test]
    fn values_are_written_as_ps3_5_has_them() {
        for (vr, values, expected) in [
            (b"US", json!([1, 65535]), b"\x01\x00\xFF\xFF".to_vec()),
            (b"SS", json!([-2]), b"\xFE\xFF".to_vec()),
            (b"SV", json!(["-1"]), vec![0xFF; 8]),
            (b"FL", json!([1.0]), b"\x00\x00\x80\x3F".to_vec()),
            (b"FD", json!([-2.0]), b"\0\0\0\0\0\0\0\xC0".to_vec()),
            (b"AT", json!(["00280030"]), b"\x28\x00\x30\x00".to_vec()),
            (b"UI", json!(["1.2"]), b"1.2\0".to_vec()),
            (b"CS", json!(["A", null, "BC"]), b"A\\\\BC ".to_vec()),
            (b"CS", json!([null, "B"]), b"\\B".to_vec()),
            (b"IS", json!([12, "-3"]), b"12\\-3 ".to_vec()),
            (b"DS", json!([0.5]), b"0.5 ".to_vec()),
            (b"DS", json!([1.0 / 3.0]), b"3.33333333333e-1".to_vec()),
            (
                b"PN",
                json!([{ "Alphabetic": "Yamada^Tarou", "Phonetic": "x" }]),
                b"Yamada^Tarou==x ".to_vec(),
            ),
        ] {
            assert_eq!(bytes(vr, values).unwrap(), expected, "{vr:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (vr, values) in [
            (b"US", json!([65536])),
            (b"US", json!([1.5])),
            (b"US", json!(["x"])),
            (b"AT", json!(["28"])),
            (b"LO", json!([1])),
            (b"LO", json!([{}])),
            (b"OB", json!(["00"])),
        ] {
            assert_eq!(bytes(vr, values), Err(Reason::NotUnderstood));
        }
    }
}
