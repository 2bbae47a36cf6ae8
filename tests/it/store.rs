//! The study list on screen: search, filters, order, keys, and what it says when there is little to list.

use crate::made::Made;
use crate::shown::wait_until_is;
use crate::stage::Stage;
use sagitta_tests::{Backend, Browser, Gateway, TempFolder};
use serde_json::{Value, json};
use std::time::Instant;

/// Patient IDs of the rows in the page, in their order.
const IDS: &str =
    "[...document.querySelectorAll('tbody tr[aria-selected] .c-id')].map((it) => it.textContent)";
/// Patient IDs of the selected rows.
const SELECTED: &str = "[...document.querySelectorAll('tbody tr[aria-selected=true] .c-id')].map((it) => it.textContent)";
/// The count in the footer.
const FOOT: &str = "document.querySelector('.foot [role=status]').textContent";

fn write(folder: &TempFolder, made: &Made) {
    let name = format!("{}/{}-{}.dcm", made.study, made.series, made.instance);
    folder.write(&name, &made.bytes()).unwrap();
}

/// Days before today at noon, `YYYYMMDD`, by the browser's calendar.
fn day(stage_page: &sagitta_tests::Page, back: u32) -> String {
    let script = format!(
        "(() => {{ const day = new Date(); day.setHours(12); day.setDate(day.getDate() - {back});
           const two = (n) => String(n).padStart(2, '0');
           return day.getFullYear() + two(day.getMonth() + 1) + two(day.getDate()); }})()"
    );
    stage_page
        .eval(&script)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// A page over five studies of different days: IDs A to E, newest first.
fn five_studies() -> (Stage, TempFolder) {
    let folder = TempFolder::new("list").unwrap();
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    // Wide enough for all columns.
    page.set_viewport(1920, 1080, 1.0, false).unwrap();
    let studies = [
        ("A", 0, "Young^Zoe", "CT", "Chest routine"),
        ("B", 1, "Old^Adam", "MR", "Brain tumour"),
        ("C", 5, "Middle^Mia", "CT", "Abdomen"),
        ("D", 20, "Early^Bea", "US", "Renal"),
        ("E", 200, "Late^Carl", "CT", "Chest follow-up"),
    ];
    for (place, (id, back, name, modality, description)) in studies.into_iter().enumerate() {
        write(
            &folder,
            &Made {
                id: id.into(),
                name: name.into(),
                modality,
                study_description: description.into(),
                date: day(&page, back),
                ..Made::of_study(place + 1)
            },
        );
    }
    let gateway = Gateway::start(&[folder.path()]).unwrap();
    gateway.wait_until_indexed(60).unwrap();
    let stage = Stage {
        page,
        browser,
        gateway,
    };
    stage.go("");
    wait_until_is(&stage, IDS, &json!(["A", "B", "C", "D", "E"]));
    (stage, folder)
}

/// Clicks the button with this text.
fn press(stage: &Stage, group: &str, text: &str) {
    let script = format!(
        "(() => {{ const all = [...document.querySelectorAll('{group}')];
           const one = all.find((it) => it.textContent.trim().startsWith('{text}'));
           if (!one) return 0; const box = one.getBoundingClientRect();
           return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
    );
    stage.page.wait_for(&script, 10).unwrap();
    let place = stage.eval(&script);
    stage
        .page
        .click(place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
        .unwrap();
}

/// Writes into the search field, then waits for the rows.
fn search(stage: &Stage, text: &str, expected: &Value) {
    stage.page.key("/").unwrap();
    stage.page.text(text).unwrap();
    wait_until_is(stage, IDS, expected);
    stage.page.key("Escape").unwrap();
    wait_until_is(stage, IDS, &json!(["A", "B", "C", "D", "E"]));
}

#[test]
fn searches_chips_and_columns_choose_and_order_the_rows() {
    let (stage, _folder) = five_studies();
    assert_eq!(stage.eval(FOOT), "5 studies");
    for (text, expected) in [
        ("zoe", json!(["A"])),
        ("adam old", json!(["B"])),
        ("ACC0003", json!(["C"])),
        ("chest", json!(["A", "E"])),
    ] {
        search(&stage, text, &expected);
    }
    for (chip, expected) in [
        ("Today", json!(["A"])),
        ("Yesterday", json!(["B"])),
        ("7 days", json!(["A", "B", "C"])),
        ("30 days", json!(["A", "B", "C", "D"])),
        ("Any date", json!(["A", "B", "C", "D", "E"])),
    ] {
        press(&stage, ".chip", chip);
        wait_until_is(&stage, IDS, &expected);
    }
    press(&stage, ".chip", "CT");
    wait_until_is(&stage, IDS, &json!(["A", "C", "E"]));
    wait_until_is(&stage, FOOT, &json!("3 studies match"));
    press(&stage, ".chip", "US");
    wait_until_is(&stage, IDS, &json!(["A", "C", "D", "E"]));
    stage.page.key("Escape").unwrap();
    wait_until_is(&stage, IDS, &json!(["A", "B", "C", "D", "E"]));
    for (column, expected) in [
        ("Patient", json!(["D", "E", "C", "B", "A"])),
        ("Patient", json!(["A", "B", "C", "E", "D"])),
        ("ID", json!(["A", "B", "C", "D", "E"])),
        ("ID", json!(["E", "D", "C", "B", "A"])),
    ] {
        press(&stage, "th .sort", column);
        wait_until_is(&stage, IDS, &expected);
    }
    let sorted = "document.querySelector('th.c-id').getAttribute('aria-sort')";
    assert_eq!(stage.eval(sorted), "descending");
    stage.expect_no_problems();
}

#[test]
fn no_match_is_said_and_all_filters_are_cleared_by_one_button() {
    let (stage, _folder) = five_studies();
    press(&stage, ".chip", "7 days");
    wait_until_is(&stage, IDS, &json!(["A", "B", "C"]));
    stage.page.key("/").unwrap();
    stage.page.text("nobody").unwrap();
    let text = "document.querySelector('.none')?.textContent ?? ''";
    let is_said = format!("({text}).includes('No study matches these filters')");
    stage.page.wait_for(&is_said, 10).unwrap();
    let said = stage.eval(text).as_str().unwrap().to_owned();
    assert!(said.contains("nobody"), "{said}");
    press(&stage, ".none .btn", "Clear all filters");
    wait_until_is(&stage, IDS, &json!(["A", "B", "C", "D", "E"]));
    assert_eq!(
        stage.eval("document.querySelector('#list-search').value"),
        ""
    );
    stage.expect_no_problems();
}

#[test]
fn t24_the_preview_shows_series_of_the_selected_study_alone() {
    let (stage, _folder) = five_studies();
    let page = &stage.page;
    for _ in 0..3 {
        for key in ["ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown"] {
            page.key(key).unwrap();
            page.wait_for(
                "!!document.querySelector('.preview .thumb img')?.complete",
                10,
            )
            .unwrap();
        }
        page.key("Home").unwrap();
    }
    let asked: Vec<String> = page
        .requests()
        .into_iter()
        .filter(|url| url.contains("/thumbnail"))
        .collect();
    assert!(asked.len() > 1, "{asked:?}");
    for url in asked {
        let uid = |name: &str| {
            let rest = url.split_once(name).unwrap().1;
            rest.split('/').next().unwrap().to_owned()
        };
        // UIDs of series begin with those of their studies here.
        let (study, series) = (uid("/studies/"), uid("/series/"));
        assert!(series.starts_with(&format!("{study}.")), "{url}");
    }
}

#[test]
fn t24_the_marked_row_is_the_study_that_the_preview_shows() {
    let (stage, _folder) = five_studies();
    let page = &stage.page;
    for row in [3, 0, 4, 1] {
        page.click_on(&format!("#row-{row} .c-name")).unwrap();
        let same = format!(
            "document.querySelector('tr.sel')?.id === 'row-{row}' \
             && document.querySelectorAll('tr.sel').length === 1 \
             && document.querySelector('tr.sel .c-name b').textContent \
                === document.querySelector('.preview h2').textContent"
        );
        page.wait_for(&same, 5).unwrap();
    }
}

#[test]
fn keys_select_open_and_come_back_to_the_same_row() {
    let (stage, _folder) = five_studies();
    let page = &stage.page;
    let is_open = |id: &str| {
        let shows = format!(
            "window.sagitta.viewports()[0]?.state === 'final' && \
             document.querySelector('.patient')?.textContent.includes('{id}')"
        );
        page.wait_for(&shows, 30).unwrap();
    };
    let is_back = |id: &str| {
        page.wait_for("!!document.querySelector('.list')", 10)
            .unwrap();
        wait_until_is(&stage, SELECTED, &json!([id]));
    };
    page.key("Home").unwrap();
    wait_until_is(&stage, SELECTED, &json!(["A"]));
    page.key("ArrowDown").unwrap();
    page.key("ArrowDown").unwrap();
    wait_until_is(&stage, SELECTED, &json!(["C"]));
    page.key("Enter").unwrap();
    is_open("Mia");
    page.key("q").unwrap();
    is_back("C");
    page.key("Enter").unwrap();
    is_open("Mia");
    stage.eval("history.back()");
    is_back("C");
    page.key("Enter").unwrap();
    is_open("Mia");
    // The list goes on in the reader.
    page.key("]").unwrap();
    is_open("Bea");
    page.key("[").unwrap();
    is_open("Mia");
    page.key("[").unwrap();
    is_open("Adam");
    page.key("[").unwrap();
    is_open("Zoe");
    let ends = "[...document.querySelectorAll('[aria-label^=\"Previous study\"], [aria-label^=\"Next study\"]')].map((it) => it.disabled)";
    wait_until_is(&stage, ends, &json!([true, false]));
    page.key("q").unwrap();
    page.wait_for("!!document.querySelector('.list')", 10)
        .unwrap();
    wait_until_is(&stage, IDS, &json!(["A", "B", "C", "D", "E"]));
    println!("after the neighbours: {} is selected", stage.eval(SELECTED));
    stage.expect_no_problems();
}

#[test]
fn an_empty_folder_is_said_and_what_is_put_there_appears() {
    let folder = TempFolder::new("list").unwrap();
    let stage = Stage::list(Backend::Cpu, folder.path());
    let says = "document.querySelector('.none')?.textContent.includes('No studies yet')";
    stage.page.wait_for(says, 20).unwrap();
    for number in [1, 2] {
        let began = Instant::now();
        write(
            &folder,
            &Made {
                date: format!("2026030{number}"),
                ..Made::of_study(number)
            },
        );
        let expected = format!("({IDS}).length === {number}");
        stage.page.wait_for(&expected, 20).unwrap();
        println!(
            "file {number} was on screen after {:.1} s",
            began.elapsed().as_secs_f64()
        );
    }
    assert_eq!(stage.eval(IDS), json!(["EX-0002", "EX-0001"]));
    stage.expect_no_problems();
}

#[test]
fn a_long_list_keeps_few_rows_in_the_page() {
    let folder = TempFolder::new("list").unwrap();
    for number in 1..=600 {
        write(&folder, &Made::of_study(number));
    }
    let stage = Stage::list(Backend::Cpu, folder.path());
    let page = &stage.page;
    page.wait_for(&format!("({IDS}).length > 10"), 30).unwrap();
    wait_until_is(&stage, FOOT, &json!("600 studies"));
    // By name, so that the order is known: backwards, then forwards.
    for first in ["EX-0001", "EX-0600", "EX-0001"] {
        press(&stage, "th .sort", "Patient");
        let is_ordered = format!(
            "document.querySelector('#list-grid').ariaBusy === 'false' && ({IDS})[0] === '{first}'"
        );
        page.wait_for(&is_ordered, 10).unwrap();
    }
    let rows = "document.querySelectorAll('tbody tr[aria-rowindex]').length";
    let check = || {
        let count = stage.eval(rows).as_u64().unwrap();
        assert!((10..=60).contains(&count), "{count} rows in the page");
    };
    check();
    page.key("End").unwrap();
    wait_until_is(&stage, SELECTED, &json!(["EX-0600"]));
    check();
    let place = "document.querySelector('.pager').textContent";
    page.wait_for(&format!("({place}).endsWith('600 of 600')"), 10)
        .unwrap();
    page.key("Home").unwrap();
    wait_until_is(&stage, SELECTED, &json!(["EX-0001"]));
    for _ in 0..10 {
        page.wheel(400.0, 400.0, 0.0, 900.0).unwrap();
    }
    // What comes into sight has its text, and the head stays above it.
    let in_sight = "(() => { const box = document.querySelector('.tbl').getBoundingClientRect();
        const row = document.elementFromPoint(box.x + 60, box.y + 300).closest('tr');
        return row?.querySelector('.c-id')?.textContent ?? ''; })()";
    page.wait_for(&format!("Number(({in_sight}).slice(3)) > 60"), 10)
        .unwrap();
    check();
    stage.expect_no_problems();
}

#[test]
fn a_folder_that_is_still_read_shows_how_far_it_is() {
    const FILES: usize = 12_000;
    let folder = TempFolder::new("list").unwrap();
    for number in 0..FILES {
        // 100 files a study.
        write(
            &folder,
            &Made {
                instance: number % 100 + 1,
                ..Made::of_study(number / 100 + 1)
            },
        );
    }
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let gateway = Gateway::start(&[folder.path()]).unwrap();
    let stage = Stage {
        page,
        browser,
        gateway,
    };
    stage
        .page
        .init_script(
            "window.__said = []; addEventListener('DOMContentLoaded', () => { new MutationObserver(() => {
               const band = document.querySelector('.band')?.textContent; const foot = document.querySelector('.foot [role=status]')?.textContent;
               const said = band && band + '|' + foot;
               if (said && said !== window.__said.at(-1)) window.__said.push(said);
             }).observe(document.body, { childList: true, subtree: true, characterData: true }); })",
        )
        .unwrap();
    stage.go("");
    // Reading so many files takes its time.
    stage
        .page
        .wait_for(&format!("{FOOT} === '120 studies'"), 60)
        .unwrap();
    stage
        .page
        .wait_for("!document.querySelector('.band')", 60)
        .unwrap();
    let said = stage.eval("window.__said");
    let said = said.as_array().unwrap();
    println!("said while indexing: {said:?}");
    assert!(
        said.iter().any(|one| {
            let one = one.as_str().unwrap();
            one.contains("Indexing the folder") && one.contains("of 12,000 files read")
        }),
        "{said:?}"
    );
    stage.expect_no_problems();
}
