//! Values that may stand beside the metadata: tables, overlays, profiles.
//!
//! Small ones come inline, as numbers or base64; large ones by an address that is asked later. Until then
//! whoever needs one says so by [`BulkValue::address`].
//! Source: DICOM PS3.18 F.2.2, F.2.7 (InlineBinary, BulkDataURI).

use crate::pixel::{Lut, LutDescriptor, LutError, palette};
use protocol::dicomweb::json::{Dataset, Tag};
use std::sync::Arc;

/// A binary value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkValue {
    /// Here: little endian bytes.
    Here(Arc<[u8]>),
    /// To be fetched from an address that the server named.
    Elsewhere(String),
    /// It could not be fetched, in words.
    Lost(String),
}

impl BulkValue {
    /// Reads a value of bytes or 16-bit words; `None` where it is absent or empty.
    pub fn of(set: &Dataset, tag: Tag) -> Option<Self> {
        if let Some(bytes) = set.inline_binary(tag) {
            return Some(Self::Here(bytes.into()));
        }
        if let Some(address) = set.bulk_data_uri(tag) {
            return Some(Self::Elsewhere(address.to_owned()));
        }
        // US and SS values are numbers; negative ones are the same 16 bits.
        let words: Option<Vec<u16>> = set
            .numbers(tag)?
            .into_iter()
            .map(|number| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked to be 16 bits of either sign"
                )]
                (-32_768.0..65_536.0)
                    .contains(&number)
                    .then_some(number as i32 as u16)
            })
            .collect();
        let bytes: Vec<u8> = words?.into_iter().flat_map(u16::to_le_bytes).collect();
        Some(Self::Here(bytes.into()))
    }

    /// The bytes, where they are here.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Here(bytes) => Some(bytes),
            Self::Elsewhere(_) | Self::Lost(_) => None,
        }
    }

    /// The address that is to be asked.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Elsewhere(address) => Some(address),
            Self::Here(_) | Self::Lost(_) => None,
        }
    }

    /// Takes what came from an address; true where it is this value's.
    pub fn supply(&mut self, address: &str, answer: &Result<Arc<[u8]>, String>) -> bool {
        if self.address() != Some(address) {
            return false;
        }
        *self = match answer {
            Ok(bytes) => Self::Here(Arc::clone(bytes)),
            Err(reason) => Self::Lost(reason.clone()),
        };
        true
    }
}

/// A table: what its descriptor says, and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSource {
    /// Length, first input and bits; an error where it is impossible.
    pub descriptor: Result<LutDescriptor, LutError>,
    /// The entries.
    pub data: BulkValue,
    /// How the data are read.
    pub kind: TableKind,
}

/// What a table is for: palettes have forms of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// A modality, VOI or presentation LUT: entries are what their bits say.
    Grey,
    /// A channel of a palette (C.7.6.3.1.6).
    Palette,
    /// A channel of a palette, as segments (C.7.9.2).
    SegmentedPalette,
}

/// What is known of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// It is here.
    Ready(Lut),
    /// Its data are on their way.
    Awaited,
    /// It cannot be used, in words.
    Broken(String),
}

impl TableSource {
    /// Reads descriptor and data of a table; `None` where either is absent.
    pub fn of(set: &Dataset, descriptor: Tag, data: Tag, input_is_signed: bool) -> Option<Self> {
        let data = BulkValue::of(set, data)?;
        Some(Self {
            descriptor: descriptor_of(set, descriptor, input_is_signed)?,
            data,
            kind: TableKind::Grey,
        })
    }

    /// The table, as far as it is known.
    pub fn table(&self) -> Table {
        let descriptor = match &self.descriptor {
            Ok(descriptor) => descriptor,
            Err(error) => return Table::Broken(error.to_string()),
        };
        match &self.data {
            BulkValue::Here(bytes) => {
                let read = match self.kind {
                    TableKind::Grey => descriptor.read(bytes),
                    TableKind::Palette => palette::channel(descriptor, bytes, false),
                    TableKind::SegmentedPalette => palette::channel(descriptor, bytes, true),
                };
                match read {
                    Ok(lut) => Table::Ready(lut),
                    Err(error) => Table::Broken(error.to_string()),
                }
            }
            BulkValue::Elsewhere(_) => Table::Awaited,
            BulkValue::Lost(reason) => Table::Broken(reason.clone()),
        }
    }
}

/// A LUT Descriptor of three numbers; `None` where it is absent.
pub(super) fn descriptor_of(
    set: &Dataset,
    tag: Tag,
    input_is_signed: bool,
) -> Option<Result<LutDescriptor, LutError>> {
    let numbers = set.numbers(tag)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "descriptors are refused where these are no 16-bit numbers"
    )]
    let whole: Vec<i64> = numbers.iter().map(|number| *number as i64).collect();
    Some(
        <[i64; 3]>::try_from(whole)
            .map_err(|_| LutError::Descriptor)
            .and_then(|values| LutDescriptor::new(values, input_is_signed)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    const DATA: Tag = 0x0028_3006;

    fn value(element: &str) -> Option<BulkValue> {
        let set = json::parse(&format!(r#"[{{"00283006":{element}}}]"#)).unwrap();
        BulkValue::of(&set[0], DATA)
    }

    #[test]
    fn words_come_as_numbers_as_base64_or_from_an_address() {
        let expected = BulkValue::Here([1, 0, 255, 255].to_vec().into());
        assert_eq!(
            value(r#"{"vr":"US","Value":[1,65535]}"#),
            Some(expected.clone())
        );
        assert_eq!(
            value(r#"{"vr":"SS","Value":[1,-1]}"#),
            Some(expected.clone())
        );
        assert_eq!(
            value(r#"{"vr":"OW","InlineBinary":"AQD//w=="}"#),
            Some(expected)
        );
        let address = value(r#"{"vr":"OW","BulkDataURI":"bulk/7"}"#).unwrap();
        assert_eq!(address.address(), Some("bulk/7"));
        assert_eq!(value(r#"{"vr":"OW","InlineBinary":"%%"}"#), None);
        assert_eq!(value(r#"{"vr":"US","Value":[70000]}"#), None);
    }

    /// PS3.3 C.11.2.1.1: a table of 16 bits is scaled by 16 bits, however small its entries are. Only palettes
    /// of small entries are 8-bit ones by a writer's mistake.
    #[test]
    fn small_entries_of_a_grey_table_keep_their_bits() {
        let full_scale = |kind| {
            let source = TableSource {
                descriptor: LutDescriptor::new([2, 0, 16], false),
                data: BulkValue::Here([0, 0, 200, 0].to_vec().into()),
                kind,
            };
            match source.table() {
                Table::Ready(lut) => Some(lut.full_scale()),
                Table::Awaited | Table::Broken(_) => None,
            }
        };
        assert_eq!(full_scale(TableKind::Grey), Some(65_535.0));
        assert_eq!(full_scale(TableKind::Palette), Some(255.0));
    }

    #[test]
    fn an_answer_reaches_only_its_own_value() {
        let mut bulk = BulkValue::Elsewhere("a".into());
        assert!(!bulk.supply("b", &Ok([1].to_vec().into())));
        assert!(bulk.supply("a", &Err("gone".into())));
        assert_eq!(bulk, BulkValue::Lost("gone".into()));
        assert!(!bulk.supply("a", &Ok([1].to_vec().into())));
    }
}
