//! IHE Invoke Image Display over a socket, with and without a login.

use crate::files::ct;
use crate::login;
use crate::server::Server;

fn location(server: &Server, path: &str, cookies: &[&str]) -> (u16, String) {
    let cookie = cookies.join("; ");
    let headers: Vec<(&str, &str)> = (!cookie.is_empty())
        .then_some(("Cookie", cookie.as_str()))
        .into_iter()
        .collect();
    let answer = server.request("GET", path, &headers);
    let location = answer.header("location").unwrap_or_default();
    (answer.status, location.to_owned())
}

#[test]
fn lesson_25_a_request_passes_through_the_login_and_names_nobody_meanwhile() {
    let (folder, server) = login::server("optional");
    login::user(&server, "rad", "radiologist");
    let path = "/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1";
    let answer = server.get(path);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/auth/login"))
    );
    let next = answer.cookie().unwrap();
    assert!(next.starts_with("__Host-next="));
    let fields = [("name", "rad"), ("password", login::WORD)];
    let entered = server.form("/auth/login", Some(&next), &fields);
    assert_eq!(entered.header("location"), Some("/auth/next"));
    let session = entered.cookie().unwrap();
    let (status, viewer) = location(&server, "/auth/next", &[&session, &next]);
    assert_eq!(
        (status, viewer.as_str()),
        (303, "/viewer?StudyInstanceUIDs=1")
    );
    // Once: the way back leads to the list.
    let again = location(&server, "/auth/next", &[&session, &next]);
    assert_eq!(again, (303, "/".to_owned()));
    // With a session there is no detour; a bad address is bad for everybody.
    assert_eq!(location(&server, path, &[&session]), (303, viewer));
    for cookies in [vec![], vec![session.as_str()]] {
        let bad = "/IHEInvokeImageDisplay?requestType=STUDY";
        assert_eq!(location(&server, bad, &cookies).0, 400);
    }
    let unknown = "/IHEInvokeImageDisplay?requestType=STUDY&studyUID=9.9";
    assert_eq!(location(&server, unknown, &[&session]).0, 404);
    let admin = login::user(&server, "root", "admin");
    assert_eq!(location(&server, path, &[&admin]).0, 404);
    drop(folder);
}

#[test]
fn a_page_of_the_app_is_gone_on_with_after_the_login() {
    let (folder, server) = login::server("optional");
    login::user(&server, "rad", "radiologist");
    let path = "/viewer?StudyInstanceUIDs=1&source=local";
    let answer = server.get(path);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/auth/login"))
    );
    let next = answer.cookie().unwrap();
    let fields = [("name", "rad"), ("password", login::WORD)];
    let entered = server.form("/auth/login", Some(&next), &fields);
    let session = entered.cookie().unwrap();
    let gone_on = location(&server, "/auth/next", &[&session, &next]);
    assert_eq!(gone_on, (303, path.to_owned()));
    // A page that names nothing leaves nothing waiting.
    let plain = server.get("/");
    assert_eq!(plain.header("location"), Some("/auth/login"));
    assert_eq!(plain.cookie(), None);
    drop(folder);
}

#[test]
fn patients_and_accession_numbers_find_their_studies_the_newest_first() {
    use dicom_core::VR;
    use dicom_dictionary_std::tags;
    let folder = tempfile::tempdir().unwrap();
    let days = ["20260101", "20260301", "20260201"];
    for (index, date) in days.into_iter().enumerate() {
        let study = format!("1.{}", index + 1);
        let mut made = ct(&study, &format!("{study}.1"), 1);
        made.text(tags::PATIENT_ID, VR::LO, "P-1");
        made.text(tags::PATIENT_BIRTH_DATE, VR::DA, "19650314");
        made.text(tags::PATIENT_NAME, VR::PN, "Example^Ada");
        made.text(tags::ACCESSION_NUMBER, VR::SH, &format!("A{index}"));
        made.text(tags::STUDY_DATE, VR::DA, date);
        made.text(tags::STUDY_TIME, VR::TM, "120000");
        made.write(folder.path(), &format!("{study}.dcm"));
    }
    let server = Server::over(folder.path());
    let viewer = |query: &str| {
        let path = format!("/IHEInvokeImageDisplay?requestType={query}");
        let (status, at) = location(&server, &path, &[]);
        let studies = at.strip_prefix("/viewer?StudyInstanceUIDs=");
        (status, studies.unwrap_or_default().to_owned())
    };
    let found = |studies: &str| (303, studies.to_owned());
    let nothing = (404, String::new());
    assert_eq!(viewer("STUDY&accessionNumber=A2"), found("1.3"));
    assert_eq!(viewer("STUDY&accessionNumber=a0;A1"), found("1.2,1.1"));
    assert_eq!(viewer("STUDY&studyUID=1.3,9.9,1.1,1.3"), found("1.3,1.1"));
    assert_eq!(viewer("PATIENT&patientID=P-1"), found("1.2,1.3,1.1"));
    assert_eq!(
        viewer("PATIENT&patientID=P-1^^^North&mostRecentResults=1"),
        found("1.2")
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&lowerDateTime=2026-01-15"),
        found("1.2,1.3")
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&upperDateTime=2026-02-01T12:00:00"),
        found("1.3,1.1")
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&upperDateTime=2026-02-01T11:59:59"),
        found("1.1")
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&modalitiesInStudy=MR"),
        nothing
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&modalitiesInStudy=MR,CT&mostRecentResults=2"),
        found("1.2,1.3")
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&patientBirthDate=1965-03-14&mostRecentResults=1"),
        found("1.2")
    );
    // Another person's number.
    assert_eq!(
        viewer("PATIENT&patientID=P-1&patientBirthDate=1970-01-01"),
        nothing
    );
    assert_eq!(
        viewer("PATIENT&patientID=P-1&patientName=Other^Ada"),
        nothing
    );
    assert_eq!(viewer("PATIENT&patientID=P-*"), nothing);
}
