//! What accounts do with right and wrong answers.

use super::super::admin::{self, Change};
use super::super::sessions::{self, Lifetimes, Stage};
use super::attempts::FREE_FAILURES;
use super::*;

const WORD: &str = "correct horse battery";

fn ada(database: &Database) -> User {
    let roles = BTreeSet::from([Role::Radiologist]);
    let code = add(database, "ada", "Ada Example", &roles, 0).unwrap();
    set_password(database, "ada", &code, WORD, 10).unwrap()
}

fn refused(result: Result<User>) -> Refused {
    match result {
        Err(AccountError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn t11_a_user_sets_the_password_by_a_code_that_works_once_and_for_a_day() {
    let database = Database::in_memory().unwrap();
    assert!(is_empty(&database).unwrap());
    let roles = BTreeSet::from([Role::Admin]);
    let code = add(&database, "root", "Root", &roles, 0).unwrap();
    assert!(!is_empty(&database).unwrap());
    // Without a password nobody comes in.
    assert_eq!(
        refused(check_password(&database, "root", "", 0)),
        Refused::Wrong
    );
    assert_eq!(
        refused(set_password(&database, "root", "AAAAA-BBBBB", WORD, 1)),
        Refused::Wrong
    );
    let other = add(&database, "late", "Late", &roles, 0).unwrap();
    let late = set_password(&database, "late", &other, WORD, CODE_S + 1);
    assert_eq!(refused(late), Refused::Wrong);
    let user = set_password(&database, "root", &code.to_lowercase(), WORD, 2).unwrap();
    assert_eq!(user.roles, roles);
    assert_eq!(
        check_password(&database, "ROOT", WORD, 3).unwrap().id,
        user.id
    );
    let again = set_password(&database, "root", &code, "another password", 4);
    assert_eq!(refused(again), Refused::Wrong);
}

#[test]
fn t11_wrong_answers_are_slowed_down_and_a_hundred_lock() {
    let database = Database::in_memory().unwrap();
    ada(&database);
    let mut now = 100;
    let mut answered = 0;
    for _ in 0..100 {
        match refused(check_password(&database, "ada", "wrong wrong wrong", now)) {
            Refused::Wrong => answered += 1,
            Refused::Wait(seconds) => now += seconds,
            Refused::Locked => break,
        }
    }
    assert!(answered < MOST_FAILURES, "{answered}");
    assert_eq!(
        refused(check_password(&database, "ada", WORD, now)),
        Refused::Locked
    );
    // Time does not help; an administrator does.
    assert_eq!(
        refused(check_password(&database, "ada", WORD, now + 1_000_000)),
        Refused::Locked
    );
    let code = reset(&database, "ada", now).unwrap();
    set_password(&database, "ada", &code, WORD, now).unwrap();
    check_password(&database, "ada", WORD, now).unwrap();
}

#[test]
fn t11_a_right_answer_that_comes_too_soon_is_not_looked_at() {
    let database = Database::in_memory().unwrap();
    ada(&database);
    for _ in 0..=FREE_FAILURES {
        assert_eq!(
            refused(check_password(&database, "ada", "wrong wrong wrong", 100)),
            Refused::Wrong
        );
    }
    assert_eq!(
        refused(check_password(&database, "ada", WORD, 100)),
        Refused::Wait(2)
    );
    let user = check_password(&database, "ada", WORD, 102).unwrap();
    // After a whole login counting begins anew.
    sessions::start(&database, &user, Stage::Whole, Lifetimes::default(), 102).unwrap();
    assert_eq!(
        refused(check_password(&database, "ada", "wrong wrong wrong", 103)),
        Refused::Wrong
    );
    check_password(&database, "ada", WORD, 103).unwrap();
}

/// Whoever has the password guesses at codes no more often than anybody at passwords.
#[test]
fn t11_a_right_password_ends_no_count_of_wrong_codes() {
    let database = Database::in_memory().unwrap();
    let user = ada(&database);
    // RFC 6238, appendix B.
    set_totp(&database, &user, b"12345678901234567890", "287082", 59).unwrap();
    let (mut now, mut guesses) = (100, 0);
    loop {
        let tried = check_password(&database, "ada", WORD, now).and_then(|user| {
            sessions::start(&database, &user, Stage::Second, Lifetimes::default(), now)?;
            guesses += 1;
            check_totp(&database, &user, "000000", now)
        });
        match refused(tried.map(|()| user.clone())) {
            Refused::Wrong => {}
            Refused::Wait(seconds) => now += seconds,
            Refused::Locked => break,
        }
        assert!(guesses <= MOST_FAILURES, "{guesses}");
    }
    assert_eq!(guesses, MOST_FAILURES);
}

#[test]
fn t11_a_code_by_time_is_taken_once_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.db");
    let key = b"12345678901234567890";
    let database = Database::open(&path).unwrap();
    let user = ada(&database);
    // RFC 6238, appendix B.
    let codes = set_totp(&database, &user, key, "287082", 59).unwrap();
    assert_eq!(codes.len(), RECOVERY_CODES);
    assert!(check_totp(&database, &user, "287082", 59).is_err());
    check_totp(&database, &user, "081804", 1_111_111_109).unwrap();
    drop(database);
    let database = Database::open(&path).unwrap();
    let again = check_totp(&database, &user, "081804", 1_111_111_110);
    assert!(matches!(again, Err(AccountError::Refused(Refused::Wrong))));
    check_totp(&database, &user, "050471", 1_111_111_111).unwrap();
    check_recovery(&database, &user, &codes[3], 1_111_111_111).unwrap();
    assert!(check_recovery(&database, &user, &codes[3], 1_111_111_111).is_err());
    check_recovery(&database, &user, &codes[4], 1_111_111_111).unwrap();
}

/// Whoever tries a name that there is not sees the same answers as for one that there is.
#[test]
fn t11_nothing_tells_who_exists() {
    let database = Database::in_memory().unwrap();
    ada(&database);
    let answers = |name: &str| -> Vec<Refused> {
        (0..30)
            .map(|round| {
                refused(check_password(
                    &database,
                    name,
                    "wrong wrong wrong",
                    100 + 40 * round,
                ))
            })
            .collect()
    };
    assert_eq!(answers("ada"), answers("bob"));
}

#[test]
fn one_administrator_stays() {
    let database = Database::in_memory().unwrap();
    let admin = BTreeSet::from([Role::Admin]);
    let reader = BTreeSet::from([Role::Radiologist]);
    add(&database, "root", "Root", &admin, 0).unwrap();
    let demote = || {
        let change = Change {
            roles: Some(reader.clone()),
            ..Change::default()
        };
        admin::change(&database, "root", &change, &|_, _, _| Ok(()))
    };
    let error = demote().unwrap_err();
    assert!(matches!(error, AccountError::LastAdmin), "{error}");
    let code = add(&database, "second", "Second", &admin, 0).unwrap();
    // One who has not come in yet may never do so.
    let error = demote().unwrap_err();
    assert!(matches!(error, AccountError::LastAdmin), "{error}");
    set_password(&database, "second", &code, "correct horse battery", 0).unwrap();
    demote().unwrap();
    let names: Vec<String> = list(&database)
        .unwrap()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["root", "second"]);
}

#[test]
fn names_are_plain_and_taken_once() {
    let database = Database::in_memory().unwrap();
    let none = BTreeSet::new();
    for name in ["", "a b", "a\"b", "ä", &"x".repeat(65)] {
        assert!(add(&database, name, "", &none, 0).is_err(), "{name}");
    }
    add(&database, "ada.example@site-1", "", &none, 0).unwrap();
    assert!(add(&database, "ADA.example@site-1", "", &none, 0).is_err());
}
