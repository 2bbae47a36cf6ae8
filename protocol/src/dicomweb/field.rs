//! Attributes that can be searched: their keywords, tags, and how their values are compared.
//!
//! Source: DICOM PS3.18 table 10.6.1-5 (required matching attributes), PS3.6 (keywords), PS3.4 section C.2.2.2 (matching).

/// An attribute that can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is named after its PS3.6 keyword")]
pub enum Field {
    StudyInstanceUid,
    SeriesInstanceUid,
    SopInstanceUid,
    SopClassUid,
    PatientName,
    PatientId,
    IssuerOfPatientId,
    PatientBirthDate,
    PatientSex,
    AccessionNumber,
    StudyId,
    StudyDate,
    StudyTime,
    StudyDescription,
    ModalitiesInStudy,
    SopClassesInStudy,
    ReferringPhysicianName,
    NumberOfStudyRelatedSeries,
    NumberOfStudyRelatedInstances,
    Modality,
    SeriesNumber,
    SeriesDescription,
    SeriesDate,
    SeriesTime,
    BodyPartExamined,
    Laterality,
    ProtocolName,
    Manufacturer,
    ManufacturerModelName,
    InstitutionName,
    InstitutionalDepartmentName,
    StationName,
    PerformingPhysicianName,
    OperatorsName,
    PerformedProcedureStepStartDate,
    PerformedProcedureStepStartTime,
    ScheduledProcedureStepId,
    RequestedProcedureId,
    NumberOfSeriesRelatedInstances,
    InstanceNumber,
    NumberOfFrames,
}

/// How a field's value is compared, PS3.4 C.2.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// A list of UIDs, one of which must be equal.
    Uids,
    /// `*` and `?` stand for any text and any character.
    Text,
    /// The same for names, each group of which may match.
    Name,
    /// A day, or a range of days.
    Date,
    /// A time, or a range of times.
    Time,
    /// A code string, or a list of them; with `*` and `?` as in text.
    Code,
    /// A whole number.
    Number,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The field.
    pub field: Field,
    /// PS3.6 keyword; in a sequence keywords with dots between them.
    pub keyword: &'static str,
    /// Its tag, after those of the sequences around it.
    pub path: &'static [u32],
    /// How its values are compared.
    pub matching: Matching,
}

const fn attribute(
    field: Field,
    keyword: &'static str,
    path: &'static [u32],
    matching: Matching,
) -> Attribute {
    Attribute {
        field,
        keyword,
        path,
        matching,
    }
}

/// All attributes that can be searched.
pub const ATTRIBUTES: [Attribute; 41] = [
    attribute(
        Field::StudyInstanceUid,
        "StudyInstanceUID",
        &[0x0020_000D],
        Matching::Uids,
    ),
    attribute(
        Field::SeriesInstanceUid,
        "SeriesInstanceUID",
        &[0x0020_000E],
        Matching::Uids,
    ),
    attribute(
        Field::SopInstanceUid,
        "SOPInstanceUID",
        &[0x0008_0018],
        Matching::Uids,
    ),
    attribute(
        Field::SopClassUid,
        "SOPClassUID",
        &[0x0008_0016],
        Matching::Uids,
    ),
    attribute(
        Field::PatientName,
        "PatientName",
        &[0x0010_0010],
        Matching::Name,
    ),
    attribute(
        Field::PatientId,
        "PatientID",
        &[0x0010_0020],
        Matching::Text,
    ),
    attribute(
        Field::IssuerOfPatientId,
        "IssuerOfPatientID",
        &[0x0010_0021],
        Matching::Text,
    ),
    attribute(
        Field::PatientBirthDate,
        "PatientBirthDate",
        &[0x0010_0030],
        Matching::Date,
    ),
    attribute(
        Field::PatientSex,
        "PatientSex",
        &[0x0010_0040],
        Matching::Code,
    ),
    attribute(
        Field::AccessionNumber,
        "AccessionNumber",
        &[0x0008_0050],
        Matching::Text,
    ),
    attribute(Field::StudyId, "StudyID", &[0x0020_0010], Matching::Text),
    attribute(
        Field::StudyDate,
        "StudyDate",
        &[0x0008_0020],
        Matching::Date,
    ),
    attribute(
        Field::StudyTime,
        "StudyTime",
        &[0x0008_0030],
        Matching::Time,
    ),
    attribute(
        Field::StudyDescription,
        "StudyDescription",
        &[0x0008_1030],
        Matching::Text,
    ),
    attribute(
        Field::ModalitiesInStudy,
        "ModalitiesInStudy",
        &[0x0008_0061],
        Matching::Code,
    ),
    attribute(
        Field::SopClassesInStudy,
        "SOPClassesInStudy",
        &[0x0008_0062],
        Matching::Uids,
    ),
    attribute(
        Field::ReferringPhysicianName,
        "ReferringPhysicianName",
        &[0x0008_0090],
        Matching::Name,
    ),
    attribute(
        Field::NumberOfStudyRelatedSeries,
        "NumberOfStudyRelatedSeries",
        &[0x0020_1206],
        Matching::Number,
    ),
    attribute(
        Field::NumberOfStudyRelatedInstances,
        "NumberOfStudyRelatedInstances",
        &[0x0020_1208],
        Matching::Number,
    ),
    attribute(Field::Modality, "Modality", &[0x0008_0060], Matching::Code),
    attribute(
        Field::SeriesNumber,
        "SeriesNumber",
        &[0x0020_0011],
        Matching::Number,
    ),
    attribute(
        Field::SeriesDescription,
        "SeriesDescription",
        &[0x0008_103E],
        Matching::Text,
    ),
    attribute(
        Field::SeriesDate,
        "SeriesDate",
        &[0x0008_0021],
        Matching::Date,
    ),
    attribute(
        Field::SeriesTime,
        "SeriesTime",
        &[0x0008_0031],
        Matching::Time,
    ),
    attribute(
        Field::BodyPartExamined,
        "BodyPartExamined",
        &[0x0018_0015],
        Matching::Text,
    ),
    attribute(
        Field::Laterality,
        "Laterality",
        &[0x0020_0060],
        Matching::Code,
    ),
    attribute(
        Field::ProtocolName,
        "ProtocolName",
        &[0x0018_1030],
        Matching::Text,
    ),
    attribute(
        Field::Manufacturer,
        "Manufacturer",
        &[0x0008_0070],
        Matching::Text,
    ),
    attribute(
        Field::ManufacturerModelName,
        "ManufacturerModelName",
        &[0x0008_1090],
        Matching::Text,
    ),
    attribute(
        Field::InstitutionName,
        "InstitutionName",
        &[0x0008_0080],
        Matching::Text,
    ),
    attribute(
        Field::InstitutionalDepartmentName,
        "InstitutionalDepartmentName",
        &[0x0008_1040],
        Matching::Text,
    ),
    attribute(
        Field::StationName,
        "StationName",
        &[0x0008_1010],
        Matching::Text,
    ),
    attribute(
        Field::PerformingPhysicianName,
        "PerformingPhysicianName",
        &[0x0008_1050],
        Matching::Name,
    ),
    attribute(
        Field::OperatorsName,
        "OperatorsName",
        &[0x0008_1070],
        Matching::Name,
    ),
    attribute(
        Field::PerformedProcedureStepStartDate,
        "PerformedProcedureStepStartDate",
        &[0x0040_0244],
        Matching::Date,
    ),
    attribute(
        Field::PerformedProcedureStepStartTime,
        "PerformedProcedureStepStartTime",
        &[0x0040_0245],
        Matching::Time,
    ),
    attribute(
        Field::ScheduledProcedureStepId,
        "RequestAttributesSequence.ScheduledProcedureStepID",
        &[0x0040_0275, 0x0040_0009],
        Matching::Text,
    ),
    attribute(
        Field::RequestedProcedureId,
        "RequestAttributesSequence.RequestedProcedureID",
        &[0x0040_0275, 0x0040_1001],
        Matching::Text,
    ),
    attribute(
        Field::NumberOfSeriesRelatedInstances,
        "NumberOfSeriesRelatedInstances",
        &[0x0020_1209],
        Matching::Number,
    ),
    attribute(
        Field::InstanceNumber,
        "InstanceNumber",
        &[0x0020_0013],
        Matching::Number,
    ),
    attribute(
        Field::NumberOfFrames,
        "NumberOfFrames",
        &[0x0028_0008],
        Matching::Number,
    ),
];

impl Field {
    /// Finds a field by its keyword or its tag, eight hexadecimal digits; in a sequence with dots between them.
    pub fn find(name: &str) -> Option<&'static Attribute> {
        ATTRIBUTES.iter().find(|attribute| {
            let mut asked = name.split('.');
            let mut known = attribute.keyword.split('.').zip(attribute.path);
            known.all(|(keyword, tag)| {
                let part = asked.next().unwrap_or_default();
                part == keyword || tag_of(part) == Some(*tag)
            }) && asked.next().is_none()
        })
    }

    fn attribute(self) -> &'static Attribute {
        let found = ATTRIBUTES.iter().find(|attribute| attribute.field == self);
        // Each field has its attribute, as a test says.
        found.unwrap_or(&ATTRIBUTES[0])
    }

    /// PS3.6 keyword; in a sequence keywords with dots between them.
    pub fn keyword(self) -> &'static str {
        self.attribute().keyword
    }

    /// Its tag, after those of the sequences around it.
    pub fn path(self) -> &'static [u32] {
        self.attribute().path
    }

    /// How its values are compared.
    pub fn matching(self) -> Matching {
        self.attribute().matching
    }
}

fn tag_of(name: &str) -> Option<u32> {
    let is_tag = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_tag.then(|| u32::from_str_radix(name, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_attribute_with_as_many_tags_as_keywords() {
        for (index, attribute) in ATTRIBUTES.iter().enumerate() {
            // Variants and attributes stand in one order.
            assert_eq!(attribute.field as usize, index);
            assert_eq!(attribute.field.attribute(), attribute);
            assert_eq!(attribute.keyword.split('.').count(), attribute.path.len());
        }
    }

    #[test]
    fn attributes_of_sequences_are_found_by_keywords_tags_and_both() {
        let field = |name| Field::find(name).map(|attribute| attribute.field);
        for name in [
            "RequestAttributesSequence.ScheduledProcedureStepID",
            "00400275.00400009",
            "RequestAttributesSequence.00400009",
            "00400275.ScheduledProcedureStepID",
        ] {
            assert_eq!(field(name), Some(Field::ScheduledProcedureStepId), "{name}");
        }
        for name in [
            "RequestAttributesSequence",
            "ScheduledProcedureStepID",
            "00400275.00400009.00400009",
            "00400275.",
            ".00400009",
            "+0100010",
            "",
        ] {
            assert_eq!(field(name), None, "{name}");
        }
        assert_eq!(field("0008103e"), Some(Field::SeriesDescription));
    }
}
