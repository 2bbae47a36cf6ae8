//! What an address says: which study, which image, and which backend.
//!
//! Small, versioned by its names, and without patient data. Source: PS3.18 names where there are any.

use super::SavedView;

/// The part of the state that an address carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ViewLink {
    /// Study Instance UIDs, the first one hung first.
    pub studies: Vec<String>,
    /// Only these series, where there are any.
    pub series: Vec<String>,
    /// The instance to show first.
    pub instance: Option<String>,
    /// Its frame, from 1.
    pub frame: Option<u32>,
    /// Id of the source; `None` = the first one.
    pub source: Option<String>,
    /// How it was shown where the link was made; no address carries it.
    pub view: Option<SavedView>,
}

impl ViewLink {
    /// Reads the decoded pairs of a query; `None` without a study.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut link = Self::default();
        let list = |value: &str| -> Vec<String> {
            value
                .split([',', ';'])
                .filter(|uid| !uid.is_empty())
                .map(str::to_owned)
                .collect()
        };
        for (name, value) in pairs {
            match name {
                "StudyInstanceUIDs" | "StudyInstanceUID" => link.studies.extend(list(value)),
                "SeriesInstanceUIDs" | "SeriesInstanceUID" => link.series.extend(list(value)),
                "SOPInstanceUID" => link.instance = Some(value.to_owned()),
                "frame" => link.frame = value.parse().ok(),
                "source" => link.source = Some(value.to_owned()),
                _ => {}
            }
        }
        (!link.studies.is_empty()).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_studies_series_image_and_source() {
        let pairs = [
            ("StudyInstanceUIDs", "1.2,1.3"),
            ("SOPInstanceUID", "9"),
            ("frame", "2"),
            ("source", "north"),
        ];
        let link = ViewLink::from_pairs(pairs).unwrap();
        assert_eq!(link.studies, ["1.2", "1.3"]);
        assert_eq!((link.instance.as_deref(), link.frame), (Some("9"), Some(2)));
        assert_eq!(link.source.as_deref(), Some("north"));
    }

    #[test]
    fn an_address_without_a_study_shows_the_list() {
        assert_eq!(ViewLink::from_pairs([("frame", "1")]), None);
    }
}
