//! Addresses at a source: what may be asked of it, and which of the addresses that it names are its own.
//!
//! Nothing outside its root is ever asked for, whatever an answer says.

use protocol::dicomweb::path;
use reqwest::Url;

/// What is asked for: a study, or something within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: Option<String>,
    /// SOP Instance UID.
    pub instance: Option<String>,
}

impl Place {
    /// Its path below a DICOMweb root; `None` where a UID is none that another server is asked for.
    pub fn path(&self) -> Option<String> {
        let uids = [
            Some(&self.study),
            self.series.as_ref(),
            self.instance.as_ref(),
        ];
        if !uids.into_iter().flatten().all(|uid| is_uid(uid)) {
            return None;
        }
        match (&self.series, &self.instance) {
            (None, None) => Some(path::study(&self.study)),
            (Some(series), None) => Some(path::one_series(&self.study, series)),
            (Some(series), Some(instance)) => Some(path::instance(&self.study, series, instance)),
            (None, Some(_)) => None,
        }
    }
}

/// Whether a text can be a UID in another server's path. Archives hold UIDs that break the rules (letters, too many
/// characters), but nothing that a server could take for more than a name is sent to one.
pub fn is_uid(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && text.bytes().any(|byte| byte != b'.')
}

/// An address that a source names, where it is one of its own.
///
/// It is read relative to the address whose answer it is in. The root's scheme, host, port and path must be the same. Escapes
/// by which a server could be led out of its path are not taken.
pub fn own(root: &Url, answered: &Url, text: &str) -> Option<Url> {
    let mut url = answered.join(text.trim()).ok()?;
    url.set_fragment(None);
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_ours = url.scheme() == root.scheme()
        && url.host_str() == root.host_str()
        && url.port_or_known_default() == root.port_or_known_default();
    let path = url.path().to_ascii_lowercase();
    let is_odd = ["%2e", "%2f", "%5c", "%25", "%00", "\\", ";", "//"]
        .iter()
        .any(|odd| path.contains(odd));
    let below = url
        .path()
        .strip_prefix(root.path().trim_end_matches('/'))
        .is_some_and(|rest| rest.starts_with('/'));
    (is_plain && is_ours && below && !is_odd && text.len() <= 4096).then_some(url)
}

/// The place below the root that an address of another host stands for: servers behind a proxy name hosts that they are not
/// reached at. Only what it says of the study is taken, and the host never.
pub fn at_home(root: &Url, study: &str, text: &str) -> Option<Url> {
    if !is_uid(study) || !text.contains("://") {
        return None;
    }
    let at = text.find(&format!("/studies/{study}/"))?;
    let home = format!("{}{}", root.as_str().trim_end_matches('/'), text.get(at..)?);
    let url = own(root, root, &home)?;
    let below = format!("{}/studies/{study}/", root.path().trim_end_matches('/'));
    url.path().starts_with(&below).then_some(url)
}

/// Whether an address that names an instance, as parts of an answer may, names this one.
pub fn names(place: &Place, url: &Url) -> bool {
    let segments: Vec<&str> = url.path().split('/').collect();
    let is_same = |kind: &str, uid: Option<&String>| {
        let named = segments.iter().position(|segment| *segment == kind);
        let named = named.and_then(|at| segments.get(at + 1));
        match (named, uid) {
            (Some(named), Some(uid)) => *named == uid.as_str(),
            _ => true,
        }
    };
    is_same("studies", Some(&place.study))
        && is_same("series", place.series.as_ref())
        && is_same("instances", place.instance.as_ref())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn t13_only_addresses_below_the_root_are_a_sources_own() {
        let root = Url::parse("https://pacs.example.org/dicom-web").unwrap();
        let answered = root.join("/dicom-web/studies/1/metadata").unwrap();
        for (text, expected) in [
            (
                "https://pacs.example.org/dicom-web/studies/1/bulk/2",
                Some("https://pacs.example.org/dicom-web/studies/1/bulk/2"),
            ),
            (
                "https://PACS.example.org:443/dicom-web/b?offset=1#x",
                Some("https://pacs.example.org/dicom-web/b?offset=1"),
            ),
            (
                "bulk/7",
                Some("https://pacs.example.org/dicom-web/studies/1/bulk/7"),
            ),
            ("../../b", Some("https://pacs.example.org/dicom-web/b")),
            ("../../../b", None),
            ("https://pacs.example.org/dicom-web/../b", None),
            ("https://pacs.example.org/dicom-web/%2e%2e/b", None),
            ("https://pacs.example.org/dicom-web/..%2fb", None),
            ("https://pacs.example.org/dicom-web/a%252e", None),
            ("https://pacs.example.org/dicom-web/..;/b", None),
            ("https://pacs.example.org/dicom-web//b", None),
            ("https://pacs.example.org/dicom-web-2/b", None),
            ("https://pacs.example.org/dicom-web", None),
            ("http://pacs.example.org/dicom-web/b", None),
            ("https://pacs.example.org:8443/dicom-web/b", None),
            ("https://pacs.example.org.evil.example/dicom-web/b", None),
            ("https://pacs.example.org@evil.example/dicom-web/b", None),
            ("https://u@pacs.example.org/dicom-web/b", None),
            ("//evil.example/dicom-web/b", None),
            ("\\\\evil.example\\dicom-web\\b", None),
            ("file:///etc/passwd", None),
            ("data:,x", None),
            ("https://[", None),
        ] {
            let found = own(&root, &answered, text);
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{text}");
        }
    }

    #[test]
    fn t13_an_address_of_another_host_stands_for_a_place_of_the_same_study_below_the_root() {
        let root = Url::parse("https://pacs.example.org/dicom-web").unwrap();
        let home = |text: &str| at_home(&root, "1.2", text).map(String::from);
        assert_eq!(
            home("http://10.0.0.1:8042/other/studies/1.2/series/3/bulk/4?part=5").as_deref(),
            Some("https://pacs.example.org/dicom-web/studies/1.2/series/3/bulk/4?part=5")
        );
        for text in [
            "http://10.0.0.1/other/studies/1.3/bulk/4",
            "http://10.0.0.1/other/studies/1.2",
            "http://10.0.0.1/studies/1.2/../../../secret",
            "http://10.0.0.1/studies/1.2/%2e%2e/secret",
            "http://10.0.0.1/studies/1.2/..%2fsecret",
            "/studies/1.2/bulk/4",
        ] {
            assert_eq!(home(text), None, "{text}");
        }
    }

    #[test]
    fn uids_cannot_lead_out_of_their_place() {
        for good in ["1.2.840.10008", "odd-uid_A", "1..2"] {
            assert!(is_uid(good), "{good}");
        }
        for bad in [
            "", ".", "..", "a/b", "a%2Fb", "a?b", "a b", "ä", "1,2", "1\\2", "a;b",
        ] {
            assert!(!is_uid(bad), "{bad}");
        }
        let place = |study: &str| Place {
            study: study.into(),
            series: Some("2".into()),
            instance: None,
        };
        assert_eq!(place("1").path().as_deref(), Some("studies/1/series/2"));
        assert_eq!(place("..").path(), None);
    }

    #[test]
    fn t24_a_part_may_not_name_another_instance() {
        let place = Place {
            study: "1".into(),
            series: Some("2".into()),
            instance: Some("3".into()),
        };
        let named = |path: &str| {
            names(
                &place,
                &Url::parse("http://a/").unwrap().join(path).unwrap(),
            )
        };
        assert!(named("dicom-web/studies/1/series/2/instances/3/frames/1"));
        assert!(named("instances/3/frames/1"));
        assert!(named("frames/1"));
        assert!(!named("studies/1/series/2/instances/4/frames/1"));
        assert!(!named("studies/9/series/2/instances/3"));
        assert!(!named("instances/33/frames/1"));
    }
}
