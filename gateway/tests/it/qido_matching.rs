//! Searches, line by line: which studies, series and instances match. PS3.4 C.2.2.2, PS3.18 8.3.4.1 and 10.6.1.

use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use tempfile::TempDir;

use crate::files::{Made, ct};
use crate::server::Server;

/// PS3.5 H.3.1, in ISO 2022 IR 87: Yamada^Tarou=山田^太郎=やまだ^たろう.
const YAMADA: &[u8] =
    b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B";

/// Scheduled Procedure Step ID and Requested Procedure ID of each item.
fn requests(made: &mut Made, items: &[[&str; 2]]) {
    let item = |[step, procedure]: &[&str; 2]| {
        let mut item = InMemDicomObject::new_empty();
        for (tag, text) in [
            (tags::SCHEDULED_PROCEDURE_STEP_ID, step),
            (tags::REQUESTED_PROCEDURE_ID, procedure),
            (tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, &"Step"),
        ] {
            let value = PrimitiveValue::from(*text);
            item.put(DataElement::new(tag, VR::SH, value));
        }
        item
    };
    let items: Vec<InMemDicomObject> = items.iter().map(item).collect();
    made.set.put(DataElement::new(
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
        VR::SQ,
        Value::Sequence(DataSetSequence::from(items)),
    ));
}

fn texts(made: &mut Made, texts: &[(Tag, VR, &str)]) {
    for (tag, vr, text) in texts {
        made.text(*tag, *vr, text);
    }
}

/// Three studies: one in the evening of New Year's Day, two on the day after.
pub fn store() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let mut made = ct("1.1", "1.1.1", number);
        texts(
            &mut made,
            &[
                (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
                (
                    tags::PATIENT_NAME,
                    VR::PN,
                    "M\u{fc}ller^D\u{e9}sir\u{e9}e^^Dr.",
                ),
                (tags::PATIENT_ID, VR::LO, "P-100"),
                (tags::ISSUER_OF_PATIENT_ID, VR::LO, "NORTH"),
                (tags::PATIENT_BIRTH_DATE, VR::DA, "19650412"),
                (tags::PATIENT_SEX, VR::CS, "F"),
                (tags::STUDY_DATE, VR::DA, "20240101"),
                (tags::STUDY_TIME, VR::TM, "2330"),
                (tags::STUDY_ID, VR::SH, "S1"),
                (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Ferrer^Ana"),
                (tags::SERIES_NUMBER, VR::IS, "1"),
                (tags::SERIES_DATE, VR::DA, "20240101"),
                (tags::SERIES_TIME, VR::TM, "234501.25"),
                (tags::SERIES_DESCRIPTION, VR::LO, "Lung 1.0"),
                (tags::BODY_PART_EXAMINED, VR::CS, "CHEST"),
                (tags::INSTITUTION_NAME, VR::LO, "North Hospital"),
                (tags::STATION_NAME, VR::SH, "CT7"),
                (tags::OPERATORS_NAME, VR::PN, "Opal^Ida\\Reed^Bo"),
                (
                    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
                    VR::DA,
                    "20240101",
                ),
                (tags::PERFORMED_PROCEDURE_STEP_START_TIME, VR::TM, "234000"),
            ],
        );
        requests(&mut made, &[["SPS1", "RP1"], ["SPS2", "RP2"]]);
        made.write(folder.path(), &format!("a{number}"));
    }
    let mut made = ct("1.1", "1.1.2", 1);
    texts(
        &mut made,
        &[
            (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
            (
                tags::PATIENT_NAME,
                VR::PN,
                "M\u{fc}ller^D\u{e9}sir\u{e9}e^^Dr.",
            ),
            (tags::PATIENT_ID, VR::LO, "P-100"),
            (tags::STUDY_DATE, VR::DA, "20240101"),
            (tags::STUDY_TIME, VR::TM, "2330"),
            (tags::MODALITY, VR::CS, "SR"),
            (tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.88.22"),
            (tags::SERIES_DESCRIPTION, VR::LO, "Report"),
        ],
    );
    made.write(folder.path(), "b");
    let mut made = ct("1.2", "1.2.1", 1);
    made.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "\\ISO 2022 IR 87");
    let name = PrimitiveValue::U8(YAMADA.to_vec().into());
    made.put(tags::PATIENT_NAME, VR::PN, name);
    texts(
        &mut made,
        &[
            (tags::PATIENT_ID, VR::LO, "P-200"),
            (tags::STUDY_DATE, VR::DA, "20240102"),
            (tags::STUDY_TIME, VR::TM, "120000"),
            (tags::ACCESSION_NUMBER, VR::SH, "B2"),
            (tags::MODALITY, VR::CS, "MR"),
        ],
    );
    made.write(folder.path(), "c");
    let mut made = ct("1.3", "1.3.1", 1);
    texts(
        &mut made,
        &[
            (tags::PATIENT_NAME, VR::PN, "Doe^Jane"),
            (tags::PATIENT_ID, VR::LO, "P-300"),
            (tags::STUDY_DATE, VR::DA, "20240102"),
            (tags::STUDY_TIME, VR::TM, "015959.999"),
            (tags::ACCESSION_NUMBER, VR::SH, ""),
            (tags::STUDY_DESCRIPTION, VR::LO, "Abdomen"),
            (tags::MODALITY, VR::CS, "US"),
        ],
    );
    made.write(folder.path(), "d");
    let server = Server::over(folder.path());
    (folder, server)
}

/// UIDs of what is found, in their order.
pub fn found(server: &Server, path: &str, tag: &str) -> Vec<String> {
    let answer = server.get(&format!("/dicomweb/{path}"));
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{path}: {text}");
    let json = answer.json();
    let uid = |set: &serde_json::Value| set[tag]["Value"][0].as_str().unwrap().to_owned();
    json.as_array().unwrap().iter().map(uid).collect()
}

fn check_studies(cases: &[(&str, &str)]) {
    let (_folder, server) = store();
    for (query, expected) in cases {
        let uids = found(&server, &format!("studies?{query}"), "0020000D");
        assert_eq!(uids.join(" "), *expected, "{query}");
    }
}

fn check_below(tag: &str, cases: &[(&str, &str)]) {
    let (_folder, server) = store();
    for (path, expected) in cases {
        assert_eq!(found(&server, path, tag).join(" "), *expected, "{path}");
    }
}

#[test]
fn a_single_value_matches_what_is_equal() {
    check_studies(&[
        ("PatientID=P-200", "1.2"),
        ("PatientID=P-20", ""),
        ("AccessionNumber=B2", "1.2"),
        ("StudyID=S1", "1.1"),
        ("StudyDate=20240101", "1.1"),
        ("StudyDate=20240103", ""),
        ("PatientBirthDate=19650412", "1.1"),
        ("PatientSex=F", "1.1"),
        ("IssuerOfPatientID=NORTH", "1.1"),
        ("StudyDescription=Abdomen", "1.3"),
        ("NumberOfStudyRelatedSeries=2", "1.1"),
        ("NumberOfStudyRelatedInstances=4", "1.1"),
        // By meaning: what is written as 2330 is that minute's beginning.
        ("StudyTime=2330", "1.1"),
        ("StudyTime=233000", "1.1"),
        ("StudyTime=12", "1.2"),
        ("StudyTime=015959", "1.3"),
        ("StudyTime=015959.999", "1.3"),
        ("StudyTime=015959.998", ""),
        ("0020000D=1.2", "1.2"),
        ("00100020=P-300&0008103E=", "1.3"),
    ]);
}

#[test]
fn wild_cards_stand_for_any_text_and_any_character() {
    check_studies(&[
        ("PatientID=P-*", "1.2 1.3 1.1"),
        ("PatientID=P-%3F00", "1.2 1.3 1.1"),
        ("PatientID=*00", "1.2 1.3 1.1"),
        ("PatientID=P-1*0", "1.1"),
        ("PatientID=P-%3F", ""),
        ("AccessionNumber=%3F2", "1.2"),
        ("StudyDescription=*dom*", "1.3"),
        ("StudyDescription=*Thorax*", "1.2 1.1"),
        ("StudyDescription=Ab*n", "1.3"),
        ("ModalitiesInStudy=%3FR", "1.2 1.1"),
        ("ModalitiesInStudy=M*", "1.2"),
        ("PatientName=*", "1.2 1.3 1.1"),
        ("AccessionNumber=*", "1.2 1.3 1.1"),
    ]);
}

#[test]
fn lists_of_uids_match_each_of_them() {
    check_studies(&[
        ("StudyInstanceUID=1.1,1.3", "1.3 1.1"),
        ("StudyInstanceUID=1.1%5C1.2", "1.2 1.1"),
        ("StudyInstanceUID=1.1,9.9", "1.1"),
        ("SeriesInstanceUID=1.2.1,1.3.1", "1.2 1.3"),
        ("SOPInstanceUID=1.1.1.3,1.2.1.1", "1.2 1.1"),
        ("SOPClassesInStudy=1.2.840.10008.5.1.4.1.1.88.22", "1.1"),
    ]);
}

#[test]
fn an_empty_value_matches_everything() {
    check_studies(&[
        ("PatientName=&StudyDate=&StudyInstanceUID=", "1.2 1.3 1.1"),
        ("PatientID=P-100&ModalitiesInStudy=", "1.1"),
    ]);
}

#[test]
fn two_quotation_marks_match_what_has_no_value() {
    check_studies(&[
        ("AccessionNumber=%22%22&emptyvaluematching=true", "1.3"),
        ("PatientSex=%22%22&emptyvaluematching=true", "1.2 1.3"),
        ("AccessionNumber=%22%22", ""),
    ]);
}

#[test]
fn dates_match_within_ranges_both_ends_included() {
    check_studies(&[
        ("StudyDate=20240101-20240102", "1.2 1.3 1.1"),
        ("StudyDate=20231231-20240101", "1.1"),
        ("StudyDate=20240102-", "1.2 1.3"),
        ("StudyDate=-20240101", "1.1"),
        ("StudyDate=-20231231", ""),
        ("StudyDate=20240102-20240102", "1.2 1.3"),
        ("PatientBirthDate=19600101-19691231", "1.1"),
    ]);
}

#[test]
fn times_match_within_ranges_both_ends_included() {
    check_studies(&[
        ("StudyTime=0000-0200", "1.3"),
        ("StudyTime=2330-", "1.1"),
        ("StudyTime=2331-", ""),
        ("StudyTime=-120000", "1.2 1.3"),
        ("StudyTime=-115959", "1.3"),
        // What is cut short ends with its last moment.
        ("StudyTime=00-01", "1.3"),
        ("StudyTime=00-015959", "1.3"),
    ]);
}

/// The example of PS3.4 C.2.2.2.5.4, with other days.
#[test]
fn ranges_of_date_and_time_are_one_range() {
    check_studies(&[
        // From one evening to the next morning: as two ranges this would be no time at all.
        ("StudyDate=20240101-20240102&StudyTime=2300-0200", "1.3 1.1"),
        ("StudyTime=2300-0200&StudyDate=20240101-20240102", "1.3 1.1"),
        ("StudyDate=20240101-20240102&StudyTime=0000-0100", "1.1"),
        ("StudyDate=20240101-&StudyTime=2345-", "1.2 1.3"),
        ("StudyDate=-20240102&StudyTime=-0200", "1.3 1.1"),
        // Other forms stay two ranges.
        ("StudyDate=20240101-20240102&StudyTime=2300-", "1.1"),
        ("StudyDate=20240101-20240102&StudyTime=12", "1.2"),
        ("StudyDate=20240102&StudyTime=0000-0200", "1.3"),
    ]);
    check_below(
        "0020000E",
        &[
            (
                "series?SeriesDate=20231231-20240102&SeriesTime=2350-0000",
                "1.1.1",
            ),
            (
                "series?SeriesDate=20240101-20240102&SeriesTime=2350-0000",
                "",
            ),
            (
                "series?PerformedProcedureStepStartDate=20240101-20240102\
                 &PerformedProcedureStepStartTime=2340-0000",
                "1.1.1",
            ),
        ],
    );
}

#[test]
fn names_match_without_case_and_accents() {
    check_studies(&[
        (
            "PatientName=M%C3%BCller%5ED%C3%A9sir%C3%A9e%5E%5EDr.",
            "1.1",
        ),
        ("PatientName=MULLER%5EDESIREE%5E%5EDR.", "1.1"),
        ("PatientName=muller*", "1.1"),
        ("PatientName=M%C3%9CLLER*", "1.1"),
        ("PatientName=Muller", ""),
        ("PatientName=doe%5Ejane", "1.3"),
        // Empty components at the end mean nothing.
        ("PatientName=doe%5Ejane%5E%5E", "1.3"),
        ("PatientName=D*e", "1.3"),
        ("PatientName=do%3F%5E*", "1.3"),
        ("ReferringPhysicianName=ferrer*", "1.1"),
    ]);
}

#[test]
fn ideographic_and_phonetic_groups_match_alone_and_together() {
    check_studies(&[
        ("PatientName=Yamada*", "1.2"),
        ("PatientName=%E5%B1%B1%E7%94%B0*", "1.2"),
        ("PatientName=%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E", "1.2"),
        ("PatientName=*%E5%A4%AA%3F", "1.2"),
        ("PatientName=%E3%82%84%E3%81%BE%E3%81%A0*", "1.2"),
        (
            "PatientName=Yamada%5ETarou=%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E",
            "1.2",
        ),
        ("PatientName=*=%E5%B1%B1*", "1.2"),
        ("PatientName=%E5%B1%B1*=*", ""),
    ]);
}

#[test]
fn fuzzy_matching_finds_words_by_their_beginnings_in_any_order() {
    check_studies(&[
        ("PatientName=jane%20doe&fuzzymatching=true", "1.3"),
        ("PatientName=JAN&fuzzymatching=true", "1.3"),
        ("PatientName=jane%20doe&fuzzymatching=false", ""),
        ("PatientName=desi,mull&fuzzymatching=true", "1.1"),
        ("PatientName=oe&fuzzymatching=true", ""),
        // Literal matching finds what it always does.
        ("PatientName=*oe%5EJ*&fuzzymatching=true", "1.3"),
        // Names alone are matched so.
        ("StudyDescription=Abdo&fuzzymatching=true", ""),
    ]);
}

#[test]
fn modalities_of_a_study_match_by_any_of_them() {
    check_studies(&[
        ("ModalitiesInStudy=CT", "1.1"),
        ("ModalitiesInStudy=SR", "1.1"),
        ("ModalitiesInStudy=MR,US", "1.2 1.3"),
        ("ModalitiesInStudy=MR%5CUS", "1.2 1.3"),
        ("ModalitiesInStudy=MR&ModalitiesInStudy=US", "1.2 1.3"),
        ("ModalitiesInStudy=C", ""),
        ("Modality=SR", "1.1"),
    ]);
}

#[test]
fn a_series_of_images_and_reports_is_of_both_modalities() {
    let folder = tempfile::tempdir().unwrap();
    ct("1", "1.1", 1).write(folder.path(), "a");
    let mut report = ct("1", "1.1", 2);
    report.text(tags::MODALITY, VR::CS, "SR");
    report.write(folder.path(), "b");
    let server = Server::over(folder.path());
    for (path, tag, expected) in [
        ("studies?ModalitiesInStudy=CT", "0020000D", "1"),
        ("studies?ModalitiesInStudy=SR", "0020000D", "1"),
        ("series?Modality=CT", "0020000E", "1.1"),
        ("series?Modality=SR", "0020000E", "1.1"),
        ("instances?Modality=SR", "00080018", "1.1.2"),
        ("series?Modality=MR", "0020000E", ""),
    ] {
        assert_eq!(found(&server, path, tag).join(" "), expected, "{path}");
    }
    std::fs::remove_file(folder.path().join("b")).unwrap();
    server
        .wait_until(|server| found(server, "studies?ModalitiesInStudy=SR", "0020000D").is_empty());
    assert_eq!(
        found(&server, "studies?ModalitiesInStudy=CT", "0020000D"),
        ["1"]
    );
}

#[test]
fn attributes_of_series_and_instances_match_studies_and_series_around_them() {
    check_studies(&[
        ("Modality=CT&SeriesDescription=Lung*", "1.1"),
        // Of one series, not of two.
        ("Modality=SR&SeriesDescription=Lung*", ""),
        ("SOPClassUID=1.2.840.10008.5.1.4.1.1.88.22", "1.1"),
        ("Modality=CT&SOPClassUID=1.2.840.10008.5.1.4.1.1.88.22", ""),
        ("InstanceNumber=3", "1.1"),
        ("StationName=CT7", "1.1"),
    ]);
    check_below(
        "0020000E",
        &[
            ("series?InstanceNumber=3", "1.1.1"),
            ("series?SOPInstanceUID=1.2.1.1", "1.2.1"),
            ("series?PatientName=doe*", "1.3.1"),
            ("studies/1.1/series?PatientName=doe*", ""),
            ("studies/1.1/series?StudyInstanceUID=1.2", ""),
        ],
    );
}

#[test]
fn series_match_by_all_keys_of_their_table() {
    check_below(
        "0020000E",
        &[
            ("series", "1.2.1 1.3.1 1.1.1 1.1.2"),
            ("studies/1.1/series", "1.1.1 1.1.2"),
            ("studies/1.1/series?Modality=SR", "1.1.2"),
            ("studies/1.1/series?SeriesNumber=1", "1.1.1"),
            ("studies/1.1/series?SeriesNumber=01", "1.1.1"),
            ("series?SeriesInstanceUID=1.1.2,1.3.1", "1.3.1 1.1.2"),
            ("series?PerformedProcedureStepStartDate=20240101", "1.1.1"),
            ("series?PerformedProcedureStepStartTime=2300-2359", "1.1.1"),
            ("series?00400245=2341-", ""),
            ("series?SeriesDescription=*1.0", "1.1.1"),
            ("series?SeriesDate=20240101", "1.1.1"),
            ("series?SeriesTime=234501.25", "1.1.1"),
            ("series?BodyPartExamined=CHEST", "1.1.1"),
            ("series?InstitutionName=north%20hosp*", "1.1.1"),
            ("series?StationName=CT%3F", "1.1.1"),
            ("series?NumberOfSeriesRelatedInstances=3", "1.1.1"),
            ("series?Modality=C*", "1.1.1"),
        ],
    );
}

#[test]
fn any_of_several_values_may_match() {
    check_below(
        "0020000E",
        &[
            ("series?OperatorsName=opal*", "1.1.1"),
            ("series?OperatorsName=Reed%5EBo", "1.1.1"),
            ("series?OperatorsName=Opal*Bo", ""),
            ("series?OperatorsName=bo%20reed&fuzzymatching=true", "1.1.1"),
        ],
    );
}

#[test]
fn one_item_of_a_sequence_must_match_in_all_keys() {
    let (step, procedure) = (
        "RequestAttributesSequence.ScheduledProcedureStepID",
        "RequestAttributesSequence.RequestedProcedureID",
    );
    let both = |one: &str, other: &str| format!("series?{step}={one}&{procedure}={other}");
    let (same, other, wild) = (
        both("SPS2", "RP2"),
        both("SPS1", "RP2"),
        both("SPS*", "RP2"),
    );
    check_below(
        "0020000E",
        &[
            (&format!("series?{step}=SPS1"), "1.1.1"),
            ("series?00400275.00400009=SPS2", "1.1.1"),
            ("series?00400275.00401001=RP%3F", "1.1.1"),
            ("series?RequestAttributesSequence.00401001=RP3", ""),
            (&same, "1.1.1"),
            (&other, ""),
            (&wild, "1.1.1"),
        ],
    );
    check_studies(&[("00400275.00400009=SPS2", "1.1")]);
}

#[test]
fn instances_match_by_all_keys_of_their_table_below_and_across_studies() {
    check_below(
        "00080018",
        &[
            (
                "instances",
                "1.2.1.1 1.3.1.1 1.1.1.1 1.1.1.2 1.1.1.3 1.1.2.1",
            ),
            ("studies/1.1/instances", "1.1.1.1 1.1.1.2 1.1.1.3 1.1.2.1"),
            ("studies/1.1/series/1.1.2/instances", "1.1.2.1"),
            ("studies/1.1/series/1.2.1/instances", ""),
            ("studies/1.1/instances?InstanceNumber=2", "1.1.1.2"),
            ("studies/1.1/instances?Modality=SR", "1.1.2.1"),
            (
                "instances?SOPInstanceUID=1.1.1.2,1.2.1.1",
                "1.2.1.1 1.1.1.2",
            ),
            (
                "instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.88.22",
                "1.1.2.1",
            ),
            ("instances?PatientID=P-300", "1.3.1.1"),
            (
                "instances?00400275.00400009=SPS1&InstanceNumber=3",
                "1.1.1.3",
            ),
            (
                "instances?NumberOfFrames=1&StudyDate=20240102",
                "1.2.1.1 1.3.1.1",
            ),
        ],
    );
}

#[test]
fn what_is_unknown_or_malformed_is_refused_in_words() {
    let (_folder, server) = store();
    for (query, words) in [
        ("Colour=red", "cannot search by \"Colour\""),
        ("00231001=x", "cannot search by \"00231001\""),
        ("RequestAttributesSequence=x", "cannot search by"),
        ("OtherPatientIDsSequence.PatientID=x", "cannot search by"),
        ("patientname=x", "cannot search by \"patientname\""),
        ("TimezoneOffsetFromUTC=%2B0100", "cannot search by"),
        ("StudyDate=2024", "StudyDate must be YYYYMMDD"),
        (
            "StudyDate=20240101-20240102-20240103",
            "StudyDate must be YYYYMMDD",
        ),
        (
            "StudyDate=20240102-20240101",
            "StudyDate must be a range that does not end",
        ),
        (
            "StudyTime=2300-0200",
            "StudyTime must be a range that does not end",
        ),
        ("StudyTime=24", "StudyTime must be HH"),
        ("SeriesNumber=1-3", "SeriesNumber must be a whole number"),
        ("PatientName=a&PatientName=b", "PatientName is given twice"),
        ("limit=1&limit=2", "limit is given twice"),
        ("limit=all", "limit must be a whole number"),
        ("fuzzymatching=1", "fuzzymatching must be true or false"),
        ("includefield=Patient%20Name", "includefield must be"),
        ("orderby=Colour", "orderby must be"),
        ("accept=json", "accept must be a media type"),
    ] {
        for path in ["studies", "studies/1.1/series", "instances"] {
            let answer = server.get(&format!("/dicomweb/{path}?{query}"));
            assert_eq!(answer.status, 400, "{path}?{query}");
            assert_eq!(answer.error_code(), "query_invalid");
            let message = answer.json()["error"]["message"].to_string();
            assert!(
                message.replace("\\\"", "\"").contains(words),
                "{query}: {message}"
            );
        }
    }
}

#[test]
fn odd_text_in_a_filter_is_text_and_nothing_else() {
    let (_folder, server) = store();
    for value in [
        "%22",
        "%27",
        "a%22%20OR%20name",
        "%00abc",
        "abc%00def",
        "%25",
        "_",
        "NEAR(abc%20def)",
        "abc*%22def%22*",
        "%5C",
        "===",
        "%5E%5E%5E",
        "***",
        "%3F%3F%3F",
    ] {
        for field in [
            "PatientName",
            "PatientID",
            "StudyDescription",
            "OperatorsName",
        ] {
            for fuzzy in ["", "&fuzzymatching=true"] {
                let answer = server.get(&format!("/dicomweb/studies?{field}={value}{fuzzy}"));
                assert_eq!(answer.status, 200, "{field}={value}");
            }
        }
    }
}
