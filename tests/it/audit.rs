//! The page of the audit record in a browser: by keyboard, on a narrow screen, offline.

use sagitta_tests::run_program;

use crate::guest_stage::{Shared, WORD};

const ROWS: &str = "[...document.querySelectorAll('.events tbody tr:not(.detail)')]";

/// Makes an auditor; gives the code for a first password.
fn auditor(shared: &Shared) -> String {
    let config = shared.config();
    let added = ["user", "add", "watch", "--role", "auditor", "--config"];
    let said = run_program(&[&added[..], &[config.to_str().unwrap()]].concat()).unwrap();
    said.trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn an_auditor_searches_the_record_by_keyboard_and_on_a_narrow_screen() {
    let shared = Shared::new();
    let page = &shared.page;
    // What a search was for may be anything: it is shown as it stands.
    let cookie = [("cookie", shared.cookie.as_str())];
    let markup = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E";
    for path in [
        format!("/dicomweb/studies?PatientName={markup}"),
        format!("/dicomweb/studies/{}/metadata", shared.study),
    ] {
        let answer = shared.gateway.request("GET", &path, &cookie).unwrap();
        assert_eq!(answer.status, 200, "{path}");
    }
    let code = auditor(&shared);
    page.set_viewport(1366, 768, 1.0, false).unwrap();
    page.goto(&format!("{}auth/first", shared.gateway.url()))
        .unwrap();
    for (field, text) in [("name", "watch"), ("code", &code), ("password", WORD)] {
        page.click_on(&format!("[name={field}]")).unwrap();
        page.text(text).unwrap();
    }
    page.key("Enter").unwrap();
    page.wait_for("location.pathname === '/'", 30).unwrap();
    page.goto(&format!("{}audit", shared.gateway.url()))
        .unwrap();
    let shows = |script: &str| page.wait_for(script, 30).unwrap();
    shows(&format!("{ROWS}.length > 4"));
    let trouble = "getComputedStyle(document.querySelector('#trouble')).display";
    assert_eq!(shared.eval(trouble), "none");
    // The newest first: the reading of the record itself.
    assert_eq!(
        shared.eval(&format!("{ROWS}[0].cells[2].textContent")),
        "Record read"
    );
    let title = shared.eval(&format!("{ROWS}[0].querySelector('time').title"));
    assert!(title.as_str().unwrap().ends_with(" UTC"), "{title}");

    // Filters: the markup is text, and the address says nothing of what is searched for.
    page.eval("document.querySelector('#kind').value = 'search'")
        .unwrap();
    page.click_on("#user").unwrap();
    page.text("reader").unwrap();
    page.key("Enter").unwrap();
    shows(&format!(
        "{ROWS}.length === 1 && {ROWS}[0].cells[3].textContent.includes('<img src=x')"
    ));
    assert_eq!(
        shared.eval("document.querySelectorAll('.events img').length"),
        0
    );
    assert_eq!(shared.eval("location.search"), "");
    assert!(shared.words("#told").contains("One event"));

    // A row opens by keyboard and says what it does to a screen reader.
    page.eval("document.querySelector('.events .open').focus()")
        .unwrap();
    page.key("Enter").unwrap();
    shows("!document.querySelector('.events .detail').hidden");
    assert_eq!(
        shared.eval("document.querySelector('.events .open').getAttribute('aria-expanded')"),
        "true"
    );
    assert!(shared.words(".events .detail").contains("radiologist"));

    // A file of what matches.
    page.click_on("[data-format=fhir]").unwrap();
    shows("document.querySelector('#told').textContent.includes('written')");

    // On a narrow screen nothing has to be scrolled sideways.
    page.set_viewport(400, 800, 2.0, true).unwrap();
    shows("document.documentElement.scrollWidth <= 400");
    let small = "[...document.querySelectorAll('.filters button, .events .open')]\
        .filter((it) => it.offsetParent && it.getBoundingClientRect().height < 44).length";
    assert_eq!(shared.eval(small), 0);

    // Nothing matches; then the gateway cannot be reached, and then it can.
    page.eval("document.querySelector('#user').value = 'nobody'")
        .unwrap();
    page.click_on("#filters .primary").unwrap();
    shows("document.querySelector('#none').textContent === 'No event matches.'");
    shared.expect_no_problems();
    page.eval("document.querySelector('#user').value = 'reader'")
        .unwrap();
    page.offline(true).unwrap();
    page.click_on("#filters .primary").unwrap();
    shows("!document.querySelector('#trouble').hidden");
    assert!(shared.words("#trouble").contains("does not answer"));
    page.offline(false).unwrap();
    page.click_on("#trouble button").unwrap();
    shows("document.querySelector('#trouble').hidden");
    shows(&format!("{ROWS}.length === 1"));
}
