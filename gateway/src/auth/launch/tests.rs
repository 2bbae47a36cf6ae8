//! Tickets, and the systems that ask for them.

use super::super::policy::Role;
use super::*;

const LIFE: Lifetimes = Lifetimes {
    idle_s: 900,
    absolute_s: 43_200,
};
const PARENT: &str = "https://ehr.example.org";

fn ada(database: &Database) -> User {
    let roles = BTreeSet::from([Role::Radiologist]);
    accounts::add(database, "ada", "Ada Example", &roles, 0).unwrap();
    accounts::list(database).unwrap().remove(0)
}

fn ticket(database: &Database, user: &User, now_s: i64) -> Secret {
    let new = NewTicket {
        user: user.id,
        client: "ehr".into(),
        context: Some(Context {
            source: "local".into(),
            studies: BTreeSet::from(["1.2".to_owned()]),
        }),
        parent: Some(PARENT.into()),
        replaces: None,
    };
    issue(database, &new, now_s).unwrap()
}

#[test]
fn a_ticket_is_taken_once_within_a_minute_under_its_parent() {
    let database = Database::in_memory().unwrap();
    let user = ada(&database);
    let redeem =
        |ticket: &Secret, parent: &str, now_s| redeem(&database, ticket, parent, LIFE, now_s);
    let first = ticket(&database, &user, 1000);
    let done = redeem(&first, PARENT, 1059).unwrap();
    assert_eq!(done.user.name, "ada");
    let session = sessions::find(&database, &done.secret.hash(), LIFE, 1060).unwrap();
    let session = session.unwrap();
    assert_eq!(session.launched.as_ref(), Some(&done.launched));
    assert!(!session.is_fresh, "nobody gave a password");
    assert!(matches!(
        redeem(&first, PARENT, 1060),
        Err(LaunchError::Unknown)
    ));
    let late = ticket(&database, &user, 2000);
    assert!(matches!(
        redeem(&late, PARENT, 2060),
        Err(LaunchError::Unknown)
    ));
    // Neither a clock that was set back nor another page gives it a second chance.
    let early = ticket(&database, &user, 3000);
    assert!(matches!(
        redeem(&early, PARENT, 1500),
        Err(LaunchError::Unknown)
    ));
    assert!(matches!(
        redeem(&early, PARENT, 3001),
        Err(LaunchError::Unknown)
    ));
    let other = ticket(&database, &user, 4000);
    assert!(matches!(
        redeem(&other, "https://b.example", 4001),
        Err(LaunchError::Parent)
    ));
    assert!(matches!(
        redeem(&other, PARENT, 4001),
        Err(LaunchError::Unknown)
    ));
    assert!(matches!(
        redeem(&Secret::new().unwrap(), PARENT, 4001),
        Err(LaunchError::Unknown)
    ));
}

#[test]
fn a_frame_without_cookies_gets_another_session_in_place_of_the_first() {
    let database = Database::in_memory().unwrap();
    let user = ada(&database);
    let first = redeem(
        &database,
        &ticket(&database, &user, 1000),
        PARENT,
        LIFE,
        1000,
    )
    .unwrap();
    assert!(!first.launched.is_bearer);
    let again = first.again.unwrap();
    let second = redeem(&database, &again, PARENT, LIFE, 1001).unwrap();
    assert!(second.launched.is_bearer && second.again.is_none());
    assert_eq!(second.launched.context, first.launched.context);
    let alive = |secret: &Secret| {
        sessions::find(&database, &secret.hash(), LIFE, 1002)
            .unwrap()
            .is_some()
    };
    assert!(!alive(&first.secret) && alive(&second.secret));
}

#[test]
fn a_launched_session_ends_when_it_is_idle() {
    let database = Database::in_memory().unwrap();
    let user = ada(&database);
    let done = redeem(
        &database,
        &ticket(&database, &user, 1000),
        PARENT,
        LIFE,
        1000,
    )
    .unwrap();
    let find = |now_s| sessions::find(&database, &done.secret.hash(), LIFE, now_s).unwrap();
    // Requests keep it alive.
    for now_s in [1800, 2600, 3400] {
        assert!(find(now_s).is_some(), "{now_s}");
    }
    assert!(find(3400 + 901).is_none());
    assert!(find(3401).is_none(), "it has ended");
}

fn with(value: String) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value.parse().unwrap());
    headers
}

#[test]
fn systems_prove_who_they_are_and_are_slowed_down_when_they_cannot() {
    let client = |id: &str, secret: &str| Client {
        id: id.into(),
        secret: SecretHash::of(secret.as_bytes()),
    };
    let clients = Clients::new(vec![client("ehr", "one"), client("ris", "two")]);
    let basic = |id: &str, secret: &str| {
        with(format!(
            "Basic {}",
            STANDARD.encode(format!("{id}:{secret}"))
        ))
    };
    let who = |headers: &HeaderMap| clients.who(headers, "192.0.2.1", 1000);
    assert_eq!(who(&basic("ehr", "one")), Ok("ehr".into()));
    assert_eq!(who(&with("Bearer two".into())), Ok("ris".into()));
    for wrong in [
        basic("ehr", "two"),
        basic("ris", "one"),
        with("Bearer three".into()),
        with("Basic !!".into()),
        HeaderMap::new(),
    ] {
        assert_eq!(who(&wrong), Err(Stopped::Unknown));
    }
    // Five were wrong: even the right one waits, from this address, for the rest of the minute.
    assert_eq!(who(&basic("ehr", "one")), Err(Stopped::Wait(60)));
    let right = basic("ehr", "one");
    assert_eq!(clients.who(&right, "192.0.2.2", 1000), Ok("ehr".into()));
    assert_eq!(clients.who(&right, "192.0.2.1", 1060), Ok("ehr".into()));
    let all = (0..MOST_TICKETS).filter(|_| clients.who(&right, "192.0.2.3", 2000).is_ok());
    assert_eq!(u32::try_from(all.count()).unwrap(), MOST_TICKETS);
    assert_eq!(
        clients.who(&right, "192.0.2.3", 2000),
        Err(Stopped::Wait(60))
    );
}
