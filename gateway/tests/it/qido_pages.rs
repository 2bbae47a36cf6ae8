//! Pages of answers to searches, and what is said beside them: PS3.18 8.3.4.4, and warnings of 8.3.4.2.

use crate::files::ct;
use crate::qido_matching::{found, store};
use crate::server::{Answer, Server};

fn many() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for study in 1..=7 {
        let study = format!("1.{study}");
        ct(&study, &format!("{study}.1"), 1).write(folder.path(), &study);
    }
    let server = Server::over(folder.path());
    (folder, server)
}

fn warnings(answer: &Answer) -> Vec<&str> {
    let all = answer.headers.iter();
    all.filter(|(name, _)| name == "warning")
        .map(|(_, value)| value.as_str())
        .collect()
}

#[test]
fn pages_follow_each_other_without_gaps_and_say_what_is_left() {
    let (_folder, server) = many();
    let all = found(&server, "studies", "0020000D");
    assert_eq!(all.len(), 7);
    let mut pages = Vec::new();
    for (offset, left) in [(0, 4), (3, 1), (6, 0)] {
        let path = format!("studies?limit=3&offset={offset}");
        pages.extend(found(&server, &path, "0020000D"));
        let answer = server.get(&format!("/dicomweb/{path}"));
        assert_eq!(answer.header("x-total-count"), Some("7"));
        let expected = format!(
            "299 /dicomweb/local: \"There are {left} additional results that can be requested\""
        );
        let expected: Vec<&str> = match left {
            0 => Vec::new(),
            _ => vec![&expected],
        };
        assert_eq!(warnings(&answer), expected, "{path}");
    }
    assert_eq!(pages, all);
}

#[test]
fn a_page_of_nothing_says_what_there_is() {
    let (_folder, server) = many();
    for (query, left) in [
        ("limit=0", 7),
        ("limit=0&offset=5", 2),
        ("limit=5&offset=9", 0),
    ] {
        let answer = server.get(&format!("/dicomweb/studies?{query}"));
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, &b"[]"[..]),
            "{query}"
        );
        assert_eq!(answer.header("x-total-count"), Some("7"), "{query}");
        let text = format!("There are {left} additional");
        let told = warnings(&answer)
            .iter()
            .any(|warning| warning.contains(&text));
        assert_eq!(told, left > 0, "{query}");
    }
}

#[test]
fn a_total_that_was_counted_is_counted_again_once_files_come() {
    let (folder, server) = many();
    let total = |server: &Server| {
        let answer = server.get("/dicomweb/studies?limit=1");
        answer.header("x-total-count").unwrap().to_owned()
    };
    assert_eq!(total(&server), "7");
    assert_eq!(total(&server), "7");
    ct("2", "2.1", 1).write(folder.path(), "more");
    server.wait_until(|server| total(server) == "8");
}

#[test]
fn what_was_passed_over_is_said() {
    let (_folder, server) = store();
    let answer = server.get("/dicomweb/studies?multiplevaluematching=true");
    let words = "299 /dicomweb/local: \"The multiplevaluematching parameter is not supported. \
        Multiple Value Matching has not been performed.\"";
    assert_eq!(warnings(&answer), [words]);
    let answer = server.get("/dicomweb/studies?includefield=PatientAge,Patientage,NewerKeyword");
    let words = "299 /dicomweb/local: \"No attributes are named Patientage, NewerKeyword: they were passed over.\"";
    assert_eq!(warnings(&answer), [words]);
    let understood = "fuzzymatching=true&emptyvaluematching=true&PatientName=doe&includefield=all";
    let answer = server.get(&format!("/dicomweb/studies?{understood}"));
    assert_eq!(warnings(&answer), [""; 0]);
}

#[test]
fn answers_are_ordered_by_any_attribute_with_what_has_none_last() {
    let (_folder, server) = store();
    for (order, expected) in [
        ("StudyDate", "1.1 1.2 1.3"),
        ("-StudyDate", "1.2 1.3 1.1"),
        ("PatientName", "1.3 1.1 1.2"),
        ("-PatientName", "1.2 1.1 1.3"),
        ("AccessionNumber", "1.1 1.2 1.3"),
        ("-AccessionNumber", "1.2 1.1 1.3"),
        ("ModalitiesInStudy", "1.1 1.2 1.3"),
    ] {
        let uids = found(&server, &format!("studies?orderby={order}"), "0020000D");
        assert_eq!(uids.join(" "), expected, "{order}");
    }
}
