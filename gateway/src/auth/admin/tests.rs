//! What administrators do to users and sessions.

use super::super::sessions;
use super::*;

const WORD: &str = "correct horse battery";
const LIFE: Lifetimes = Lifetimes {
    idle_s: 900,
    absolute_s: 43_200,
};

fn make(database: &Database, name: &str, role: Role) -> User {
    let roles = BTreeSet::from([role]);
    let code = accounts::add(database, name, name, &roles, 0).unwrap();
    accounts::set_password(database, name, &code, WORD, 10).unwrap()
}

fn told(_: &Connection, _: &str, _: &str) -> Result<()> {
    Ok(())
}

/// What is not on record does not happen.
fn untold(_: &Connection, _: &str, _: &str) -> Result<()> {
    Err(AccountError::Ended)
}

#[test]
fn t22_what_cannot_be_put_on_record_does_not_happen() {
    let database = Database::in_memory().unwrap();
    make(&database, "root", Role::Admin);
    let ada = make(&database, "ada", Role::Radiologist);
    let secret = sessions::start(&database, &ada, Stage::Whole, LIFE, 1000).unwrap();
    let before = users(&database, 1000).unwrap();
    let other = Change {
        roles: Some(BTreeSet::from([Role::Auditor])),
        ..Change::default()
    };
    let id = secret.hash().name();
    let tries: [Result<()>; 5] = [
        change(&database, "ada", &other, &untold),
        lock(&database, "ada", 1000, &untold),
        remove(&database, "ada", &untold),
        end_session(&database, &id, &untold),
        end_all(&database, "ada", &untold).map(|_| ()),
    ];
    assert!(tries.iter().all(Result::is_err));
    assert_eq!(users(&database, 1000).unwrap(), before);
    let found = sessions::find(&database, &secret.hash(), LIFE, 1001).unwrap();
    assert!(found.is_some());
    lock(&database, "ada", 1000, &told).unwrap();
    let locked = users(&database, 1000).unwrap();
    assert!(unlock(&database, "ada", &untold).is_err());
    assert_eq!(users(&database, 1000).unwrap(), locked);
}

#[test]
fn t12_of_all_administrators_one_who_can_log_in_stays() {
    let database = Database::in_memory().unwrap();
    make(&database, "root", Role::Admin);
    let second = make(&database, "second", Role::Admin);
    let is_last = |result: Result<()>| matches!(result, Err(AccountError::LastAdmin));
    let both_ways = || {
        let demoted = Change {
            roles: Some(BTreeSet::new()),
            ..Change::default()
        };
        [
            is_last(change(&database, "root", &demoted, &untold)),
            is_last(lock(&database, "root", 0, &untold)),
            is_last(remove(&database, "root", &untold)),
        ]
    };
    assert_eq!(both_ways(), [false; 3]);
    // The other one is locked, has no password yet, or has given too many wrong answers.
    lock(&database, "second", 0, &told).unwrap();
    assert_eq!(both_ways(), [true; 3]);
    unlock(&database, "second", &told).unwrap();
    assert_eq!(both_ways(), [false; 3]);
    accounts::reset(&database, "second", 0).unwrap();
    assert_eq!(both_ways(), [true; 3]);
    let set = "UPDATE user SET password = 'x' WHERE id = ?1";
    database.lock().execute(set, [second.id]).unwrap();
    assert_eq!(both_ways(), [false; 3]);
    let shut = "INSERT INTO attempt (name, failures, wait_until) VALUES ('SECOND', 20, 0)";
    database.lock().execute(shut, []).unwrap();
    assert_eq!(both_ways(), [true; 3]);
}

#[test]
fn t11_no_session_begins_for_a_locked_user() {
    let database = Database::in_memory().unwrap();
    make(&database, "root", Role::Admin);
    let ada = make(&database, "ada", Role::Radiologist);
    let half = sessions::start(&database, &ada, Stage::Second, LIFE, 1000).unwrap();
    let half = sessions::find(&database, &half.hash(), LIFE, 1000)
        .unwrap()
        .unwrap();
    // Locked in the moment between two steps.
    let locked = "UPDATE user SET locked = 1000 WHERE id = ?1";
    database.lock().execute(locked, [ada.id]).unwrap();
    let is_refused = |result: Result<super::super::secret::Secret>| {
        let error = result.unwrap_err();
        matches!(error, AccountError::Refused(accounts::Refused::Locked))
    };
    for stage in [Stage::Second, Stage::Enrol, Stage::Whole] {
        assert!(is_refused(sessions::start(
            &database, &ada, stage, LIFE, 1000
        )));
    }
    assert!(is_refused(sessions::complete(&database, &half, LIFE, 1000)));
    let launched = super::super::launch::Launched {
        client: String::new(),
        parent: "https://ehr.example.org".into(),
        context: None,
        is_bearer: false,
    };
    let frame = sessions::start_launched(&database, &ada, &launched, LIFE, 1000);
    assert!(is_refused(frame));
    assert!(
        sessions::find(&database, &half.hash, LIFE, 1000)
            .unwrap()
            .is_none()
    );
}

#[test]
fn rights_are_read_as_they_are_compared() {
    let names = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let found = referrers(&names(&[" Doe^Jane ", "MÜLLER^Ä"])).unwrap();
    assert_eq!(
        found,
        BTreeSet::from(["doe^jane".into(), "muller^a".into()])
    );
    assert!(labels(&names(&["  "])).is_err());
    assert!(labels(&names(&["a\nb"])).is_err());
    let known = |id: &str| id == "local";
    assert!(sites(&names(&["local", "*"]), &known).is_ok());
    let error = sites(&names(&["north"]), &known).unwrap_err();
    assert_eq!(error.to_string(), "there is no source north");
}

#[test]
fn a_removed_user_leaves_nothing_behind() {
    let database = Database::in_memory().unwrap();
    make(&database, "root", Role::Admin);
    let ada = make(&database, "ada", Role::Radiologist);
    let secret = sessions::start(&database, &ada, Stage::Whole, LIFE, 1000).unwrap();
    remove(&database, "ADA", &told).unwrap();
    assert!(
        sessions::find(&database, &secret.hash(), LIFE, 1001)
            .unwrap()
            .is_none()
    );
    let names: Vec<String> = users(&database, 0)
        .unwrap()
        .into_iter()
        .map(|it| it.user.name)
        .collect();
    assert_eq!(names, ["root"]);
    let error = remove(&database, "ada", &told).unwrap_err();
    assert!(matches!(error, AccountError::Unknown(_)), "{error}");
}
