//! Small DICOM files, made up.

use std::path::{Path, PathBuf};

use dicom_core::value::{PixelFragmentSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
pub const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
pub const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

/// What differs from file to file.
pub struct Made {
    pub study: String,
    pub series: String,
    pub instance: String,
    pub transfer_syntax: &'static str,
    pub set: InMemDicomObject,
}

/// A CT slice of 4 x 3 pixels with the values 0 to 11 plus 100 times its number.
pub fn ct(study: &str, series: &str, number: u16) -> Made {
    let mut made = empty(study, series, &format!("{series}.{number}"));
    made.text(tags::MODALITY, VR::CS, "CT");
    made.text(tags::PATIENT_NAME, VR::PN, "Doe^Jane");
    made.text(tags::PATIENT_ID, VR::LO, "P1");
    made.text(tags::STUDY_DATE, VR::DA, "20240229");
    made.text(tags::STUDY_TIME, VR::TM, "073015");
    made.text(tags::STUDY_DESCRIPTION, VR::LO, "Thorax");
    made.text(tags::ACCESSION_NUMBER, VR::SH, "A7");
    made.text(tags::SERIES_NUMBER, VR::IS, "2");
    made.text(tags::INSTANCE_NUMBER, VR::IS, &number.to_string());
    made.text(tags::PIXEL_SPACING, VR::DS, "0.5\\0.5");
    made.image(3, 4, 16);
    let values: Vec<u16> = (0..12).map(|value| value + 100 * number).collect();
    made.put(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(values.into()));
    made
}

/// A data set with UIDs and nothing else.
pub fn empty(study: &str, series: &str, instance: &str) -> Made {
    let mut made = Made {
        study: study.into(),
        series: series.into(),
        instance: instance.into(),
        transfer_syntax: EXPLICIT,
        set: InMemDicomObject::new_empty(),
    };
    made.text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.7");
    made.text(tags::SOP_INSTANCE_UID, VR::UI, instance);
    made.text(tags::STUDY_INSTANCE_UID, VR::UI, study);
    made.text(tags::SERIES_INSTANCE_UID, VR::UI, series);
    made
}

impl Made {
    pub fn text(&mut self, tag: Tag, vr: VR, text: &str) {
        self.put(tag, vr, PrimitiveValue::from(text));
    }

    pub fn put(&mut self, tag: Tag, vr: VR, value: PrimitiveValue) {
        self.set.put(DataElement::new(tag, vr, value));
    }

    pub fn image(&mut self, rows: u16, columns: u16, bits: u16) {
        self.put(tags::ROWS, VR::US, rows.into());
        self.put(tags::COLUMNS, VR::US, columns.into());
        self.put(tags::SAMPLES_PER_PIXEL, VR::US, 1u16.into());
        self.put(tags::BITS_ALLOCATED, VR::US, bits.into());
        self.put(tags::BITS_STORED, VR::US, bits.into());
        self.put(tags::HIGH_BIT, VR::US, (bits - 1).into());
        self.put(tags::PIXEL_REPRESENTATION, VR::US, 0u16.into());
        self.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    }

    /// Puts fragments in place of pixels.
    pub fn fragments(&mut self, syntax: &'static str, table: Vec<u32>, fragments: Vec<Vec<u8>>) {
        self.transfer_syntax = syntax;
        let sequence = PixelFragmentSequence::new(table, fragments);
        self.set.put(DataElement::new(
            tags::PIXEL_DATA,
            VR::OB,
            Value::PixelSequence(sequence),
        ));
    }

    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(self.transfer_syntax)
            .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.7")
            .media_storage_sop_instance_uid(&self.instance);
        let mut bytes = Vec::new();
        let file = self.set.clone().with_meta(meta).unwrap();
        file.write_all(&mut bytes).unwrap();
        bytes
    }

    /// Writes the set without its pixels, and after it these bytes.
    pub fn write_with(&mut self, folder: &Path, name: &str, rest: &[u8]) -> PathBuf {
        self.set.remove_element(tags::PIXEL_DATA);
        let path = self.write(folder, name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(rest);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Address of the instance below a DICOMweb root.
    pub fn address(&self) -> String {
        let path = protocol::dicomweb::path::instance(&self.study, &self.series, &self.instance);
        format!("/dicomweb/{path}")
    }
}

/// An item of a sequence of fragments.
pub fn item(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    [&[0xFE, 0xFF, 0x00, 0xE0], &length[..], bytes].concat()
}

/// Pixel Data of undefined length up to its first item.
pub const PIXELS_IN_FRAGMENTS: [u8; 12] = [
    0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
];
/// The sequence delimiter.
pub const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

/// Pixel Data with a basic offset table and fragments.
pub fn encapsulated(table: &[u32], fragments: &[&[u8]]) -> Vec<u8> {
    let table: Vec<u8> = table
        .iter()
        .flat_map(|offset| offset.to_le_bytes())
        .collect();
    let items: Vec<u8> = fragments.iter().flat_map(|bytes| item(bytes)).collect();
    [
        &PIXELS_IN_FRAGMENTS[..],
        &item(&table),
        &items,
        &SEQUENCE_END,
    ]
    .concat()
}

/// Bodies of a multipart answer, with the content type of each part.
pub fn parts(answer: &crate::server::Answer) -> Vec<(String, Vec<u8>)> {
    let content_type = answer.header("content-type").unwrap();
    protocol::dicomweb::multipart::parse(content_type, &answer.body)
        .unwrap()
        .into_iter()
        .map(|part| {
            let kind = part.content_type.unwrap_or_default();
            let syntax = part.transfer_syntax.unwrap_or_default();
            (format!("{kind} {syntax}"), part.body.to_vec())
        })
        .collect()
}
