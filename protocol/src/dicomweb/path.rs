//! Paths of DICOMweb resources, relative to a root, without a slash at the front.
//!
//! Source: DICOM PS3.18 sections 10.4.1 (retrieve) and 10.6.1 (search).

use crate::uid::percent_encode;

/// All studies; takes a query.
pub fn studies() -> String {
    "studies".to_owned()
}

/// One study.
pub fn study(study: &str) -> String {
    format!("studies/{}", percent_encode(study))
}

/// The series of a study.
pub fn series(study: &str) -> String {
    format!("studies/{}/series", percent_encode(study))
}

/// One series.
pub fn one_series(study: &str, series: &str) -> String {
    format!("{}/{}", self::series(study), percent_encode(series))
}

/// The instances of a series.
pub fn instances(study: &str, series: &str) -> String {
    format!("{}/instances", one_series(study, series))
}

/// One instance.
pub fn instance(study: &str, series: &str, instance: &str) -> String {
    format!("{}/{}", instances(study, series), percent_encode(instance))
}

/// Metadata of all instances of a study.
pub fn study_metadata(study: &str) -> String {
    format!("{}/metadata", self::study(study))
}

/// Metadata of all instances of a series.
pub fn series_metadata(study: &str, series: &str) -> String {
    format!("{}/metadata", one_series(study, series))
}

/// Metadata of one instance.
pub fn instance_metadata(study: &str, series: &str, instance: &str) -> String {
    format!("{}/metadata", self::instance(study, series, instance))
}

/// Frames of an instance; `frame_numbers` count from 1.
pub fn frames(study: &str, series: &str, instance: &str, frame_numbers: &[u32]) -> String {
    let list: Vec<String> = frame_numbers.iter().map(u32::to_string).collect();
    format!(
        "{}/frames/{}",
        self::instance(study, series, instance),
        list.join(",")
    )
}

/// A small picture of an instance.
pub fn thumbnail(study: &str, series: &str, instance: &str) -> String {
    format!("{}/thumbnail", self::instance(study, series, instance))
}

/// A small picture of a series, of its middle frame.
pub fn series_thumbnail(study: &str, series: &str) -> String {
    format!("{}/thumbnail", one_series(study, series))
}

/// A value that metadata left out, named by its tags, for example `00283010.0.00283006`.
pub fn bulk(study: &str, series: &str, instance: &str, tag_path: &str) -> String {
    format!(
        "{}/bulk/{}",
        self::instance(study, series, instance),
        percent_encode(tag_path)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_standard() {
        assert_eq!(studies(), "studies");
        assert_eq!(series("1.2"), "studies/1.2/series");
        assert_eq!(instances("1.2", "3"), "studies/1.2/series/3/instances");
        assert_eq!(series_metadata("1.2", "3"), "studies/1.2/series/3/metadata");
        assert_eq!(
            frames("1", "2", "3", &[1, 5]),
            "studies/1/series/2/instances/3/frames/1,5"
        );
        assert_eq!(
            thumbnail("1", "2", "3"),
            "studies/1/series/2/instances/3/thumbnail"
        );
        assert_eq!(series_thumbnail("1", "2"), "studies/1/series/2/thumbnail");
    }

    #[test]
    fn an_odd_uid_cannot_leave_its_segment() {
        assert_eq!(series("../a b"), "studies/..%2Fa%20b/series");
    }
}
