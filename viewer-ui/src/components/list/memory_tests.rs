//! Tests of the list's memory, with made-up studies.

use super::*;

fn study(uid: usize) -> Study {
    Study {
        source: "local".into(),
        uid: uid.to_string(),
        ..Study::default()
    }
}

fn dated(uid: usize, date: &str) -> Study {
    Study {
        date: date.into(),
        ..study(uid)
    }
}

fn page(page: usize) -> Vec<Study> {
    (page * PAGE..(page + 1) * PAGE).map(study).collect()
}

fn filled(total: usize) -> ListMemory {
    let memory = ListMemory::default();
    memory.change(|m| {
        let first = (0..total.min(PAGE)).map(study).collect();
        m.page_came(0, first, u32::try_from(total).ok(), true);
    });
    memory
}

#[test]
fn neighbours_stop_at_the_ends() {
    let memory = filled(2);
    let second = Some(("local".to_owned(), "1".to_owned()));
    assert_eq!(memory.neighbour("local", "0", 1), second);
    assert_eq!(memory.neighbour("local", "0", -1), None);
    assert_eq!(memory.neighbour("local", "1", 1), None);
    assert_eq!(memory.neighbour("north", "0", 1), None);
}

#[test]
fn neighbours_follow_the_order_on_screen() {
    let memory = ListMemory::default();
    let rows = vec![
        dated(0, "20260312"),
        dated(1, "20260314"),
        dated(2, "20260313"),
    ];
    memory.change(|m| m.page_came(0, rows, Some(3), false));
    let uid = |from: &str| memory.neighbour("local", from, 1).map(|(_, uid)| uid);
    assert_eq!(uid("1").as_deref(), Some("2"));
    assert_eq!(uid("2").as_deref(), Some("0"));
}

#[test]
fn a_page_is_asked_for_once() {
    filled(250).change(|m| {
        assert_eq!(m.next_page(90, 110), Some(1));
        assert_eq!(m.next_page(90, 110), None);
    });
}

#[test]
fn a_page_that_failed_is_not_asked_for_by_scrolling_until_it_came() {
    filled(250).change(|m| {
        assert_eq!(m.next_page(90, 110), Some(1));
        m.page_failed(1, Trouble::Unreachable);
        assert_eq!(m.next_page(90, 110), None);
        assert_eq!(m.failed_page(), 1);
        m.page_came(1, page(1), Some(250), true);
        assert_eq!((m.failures, m.next_page(190, 210)), (0, Some(2)));
    });
}

#[test]
fn without_a_total_a_full_page_promises_another() {
    ListMemory::default().change(|m| {
        m.page_came(0, page(0), None, true);
        assert_eq!(m.row_count(), 2 * PAGE);
        m.page_came(1, Vec::new(), None, true);
        assert_eq!(m.row_count(), PAGE);
    });
}

#[test]
fn a_server_that_gives_fewer_at_once_is_asked_in_its_own_pages() {
    ListMemory::default().change(|m| {
        m.page_came(0, (0..50).map(study).collect(), Some(120), true);
        assert_eq!(m.row_count(), 120);
        assert_eq!(m.next_page(40, 60), Some(1));
        assert_eq!(m.span(1), (50, 50));
        m.page_came(1, (50..100).map(study).collect(), Some(120), true);
        assert_eq!(m.row(60).map(|row| row.uid.as_str()), Some("60"));
    });
}

#[test]
fn rows_of_the_old_question_stay_until_the_new_one_is_answered() {
    filled(2).change(|m| {
        m.ask_anew();
        assert!(m.is_old && m.row_count() == 2);
        m.page_came(0, vec![study(7)], Some(1), true);
        assert!(!m.is_old);
        assert_eq!(m.row_count(), 1);
        assert_eq!(m.selected.as_ref().map(|it| it.1.as_str()), Some("7"));
    });
}

#[test]
fn a_quiet_look_keeps_every_row_and_asks_again_for_those_in_sight() {
    filled(250).change(|m| {
        m.page_came(1, page(1), Some(250), true);
        m.select(150);
        m.look_again();
        assert_eq!(m.next_page(0, 30), Some(0));
        assert_eq!(m.next_page(0, 30), None);
        m.page_came(0, page(0), Some(250), true);
        assert_eq!(m.selected_place(), Some(150));
        assert_eq!(m.next_page(0, 30), None);
        assert_eq!(m.next_page(100, 130), Some(1));
    });
}

#[test]
fn a_study_that_comes_above_moves_what_is_in_sight() {
    filled(50).change(|m| {
        m.scroll = 320.0;
        m.in_sight = (10, 30);
        m.look_again();
        let mut rows: Vec<Study> = (0..50).map(study).collect();
        rows.insert(0, study(900));
        assert_eq!(m.page_came(0, rows, Some(51), true), 1);
    });
}

#[test]
fn pages_beyond_the_end_are_forgotten() {
    filled(250).change(|m| {
        m.page_came(2, (200..250).map(study).collect(), Some(250), true);
        m.page_came(0, page(0), Some(150), true);
        assert_eq!(m.place("local", "210"), None);
    });
}

#[test]
fn what_a_server_does_not_order_is_ordered_as_far_as_it_is_here() {
    ListMemory::default().change(|m| {
        let rows = |first: usize, days: &[&str]| -> Vec<Study> {
            days.iter()
                .enumerate()
                .map(|(place, day)| dated(first + place, day))
                .collect()
        };
        m.page_size = 2;
        m.page_came(0, rows(0, &["20260301", "20260303"]), Some(4), false);
        assert_eq!(m.row(0).map(|row| row.uid.as_str()), Some("1"));
        assert_eq!(m.next_page(0, 1), None);
        assert_eq!(m.next_page(1, 2), Some(1));
        m.page_came(1, rows(2, &["20260302", "20260304"]), Some(4), false);
        let uids: Vec<&str> = (0..4)
            .filter_map(|place| m.row(place))
            .map(|row| row.uid.as_str())
            .collect();
        assert_eq!(uids, ["3", "1", "2", "0"]);
    });
}

#[test]
fn a_row_chosen_before_it_is_here_is_selected_when_it_comes() {
    filled(250).change(|m| {
        m.select(249);
        assert_eq!((m.goal(), m.selected_place()), (Some(249), Some(0)));
        m.page_came(2, (200..250).map(study).collect(), Some(250), true);
        assert_eq!(m.selected_place(), Some(249));
        m.select(250);
        assert_eq!(m.goal(), Some(249));
    });
}
