//! What links do, and histories of them against a model.

use super::super::accounts;
use super::super::policy::Role;
use super::*;

fn user(database: &Database, name: &str) -> i64 {
    let roles = [Role::Radiologist].into();
    accounts::add(database, name, name, &roles, 0).unwrap();
    let users = accounts::list(database).unwrap();
    users.iter().find(|it| it.name == name).unwrap().id
}

fn new(days: i64, most_uses: Option<u32>, has_pin: bool) -> NewShare {
    NewShare {
        source: "local".into(),
        studies: ["1.2".to_owned()].into(),
        series: None,
        view: None,
        days,
        most_uses,
        has_pin,
        may_download: false,
        note: "Look at segment 6".into(),
    }
}

fn closed<T: std::fmt::Debug>(result: Result<T>) -> Closed {
    match result {
        Err(ShareError::Closed(closed)) => closed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn t08_a_link_needs_its_secret_its_pin_and_time() {
    let database = Database::in_memory().unwrap();
    let ada = user(&database, "ada");
    let made = create(&database, ada, &new(7, Some(2), true), 1000).unwrap();
    assert_eq!((made.id.len(), made.secret.text().len()), (32, 43));
    let pin = made.pin.clone().unwrap();
    assert!(pin.len() == 6 && pin.bytes().all(|it| it.is_ascii_digit()));
    let other = Secret::new().unwrap();
    assert_eq!(
        closed(look(&database, &made.id, &other, 1001)),
        Closed::Unknown
    );
    assert_eq!(
        closed(look(&database, "00", &made.secret, 1001)),
        Closed::Unknown
    );
    // A scanner of mails may look as often as it likes.
    for _ in 0..10 {
        let share = look(&database, &made.id, &made.secret, 1001).unwrap();
        assert_eq!((share.uses, share.has_pin), (0, true));
    }
    let open = |pin: Option<&str>, now| redeem(&database, &made.id, &made.secret, pin, now);
    assert_eq!(closed(open(None, 1002)), Closed::WrongPin);
    let (share, session) = open(Some(&pin), 1003).unwrap();
    assert_eq!(share.uses, 1);
    let of = |now| of_session(&database, &session.hash(), now).unwrap();
    assert_eq!(of(1004).unwrap().studies, ["1.2".to_owned()].into());
    assert_eq!(of(1003 + SESSION_S), None);
    assert_eq!(closed(open(Some(&pin), made.ends_s)), Closed::Expired);
    // Setting the clock back opens nothing again.
    assert_eq!(closed(open(Some(&pin), 1005)), Closed::Expired);
}

#[test]
fn t08_wrong_pins_lock_a_link_and_revoking_ends_its_sessions() {
    let database = Database::in_memory().unwrap();
    let (ada, bob) = (user(&database, "ada"), user(&database, "bob"));
    let made = create(&database, ada, &new(7, None, true), 1000).unwrap();
    let pin = made.pin.clone().unwrap();
    let (_, session) = redeem(&database, &made.id, &made.secret, Some(&pin), 1000).unwrap();
    assert_eq!(closed(revoke(&database, bob, &made.id)), Closed::Unknown);
    assert!(
        of_session(&database, &session.hash(), 1001)
            .unwrap()
            .is_some()
    );
    revoke(&database, ada, &made.id).unwrap();
    assert!(
        of_session(&database, &session.hash(), 1001)
            .unwrap()
            .is_none()
    );
    let opened = redeem(&database, &made.id, &made.secret, Some(&pin), 1001);
    assert_eq!(closed(opened), Closed::Revoked);
    let made = create(&database, ada, &new(7, None, true), 2000).unwrap();
    let (mut now, mut wrong) = (2000, 0);
    let wrong_pin = if made.pin.as_deref() == Some("000000") {
        "1"
    } else {
        "000000"
    };
    loop {
        match closed(redeem(
            &database,
            &made.id,
            &made.secret,
            Some(wrong_pin),
            now,
        )) {
            Closed::WrongPin => wrong += 1,
            Closed::Wait(seconds) => now += seconds,
            Closed::Locked => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(wrong + 1, MOST_FAILURES);
    let right = redeem(
        &database,
        &made.id,
        &made.secret,
        made.pin.as_deref(),
        now + 10_000,
    );
    assert_eq!(closed(right), Closed::Locked);
    assert_eq!(list(&database, ada).unwrap().len(), 2);
    assert_eq!(list(&database, bob).unwrap(), []);
}

#[test]
fn t08_what_is_no_link_is_refused() {
    let database = Database::in_memory().unwrap();
    let ada = user(&database, "ada");
    for share in [
        new(0, None, false),
        new(31, None, false),
        new(7, Some(0), false),
        NewShare {
            studies: BTreeSet::new(),
            ..new(7, None, false)
        },
    ] {
        assert!(matches!(
            create(&database, ada, &share, 0),
            Err(ShareError::Invalid(_))
        ));
    }
}

/// A small generator of our own: the same histories each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Marsaglia, Xorshift RNGs, 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What a link must do, in a few lines.
struct Model {
    ends: i64,
    most_uses: Option<u32>,
    uses: u32,
    is_revoked: bool,
}

impl Model {
    fn closed(&self, now: i64) -> Option<Closed> {
        if self.is_revoked {
            Some(Closed::Revoked)
        } else if now >= self.ends {
            Some(Closed::Expired)
        } else if self.most_uses.is_some_and(|most| self.uses >= most) {
            Some(Closed::UsedUp)
        } else {
            None
        }
    }
}

/// Ten thousand histories of links without PINs (argon2id makes those slow; their own test has them): made, looked at,
/// opened, taken back, with clocks that jump and gateways that start anew.
#[test]
fn t08_ten_thousand_histories_agree_with_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.db");
    let mut database = Database::open_without_sync(&path).unwrap();
    let ada = user(&database, "ada");
    let mut dice = Dice(0x5a61_7469_7461);
    let (mut latest, mut clock) = (0, 1_700_000_000_i64);
    for history in 0..10_000 {
        let days = 1 + dice.roll(30).cast_signed();
        let most_uses = (dice.roll(2) == 0).then(|| 1 + u32::try_from(dice.roll(3)).unwrap());
        latest = clock.max(latest);
        let made = create(&database, ada, &new(days, most_uses, false), clock).unwrap();
        let mut model = Model {
            ends: latest + days * DAY_S,
            most_uses,
            uses: 0,
            is_revoked: false,
        };
        assert_eq!(made.ends_s, model.ends);
        let mut sessions: Vec<(Secret, i64)> = Vec::new();
        for _ in 0..dice.roll(8) {
            match dice.roll(6) {
                // Forwards by up to 20 days, or back by up to two, as when a clock is set or a zone changes.
                0 => clock += dice.roll(20 * 86_400).cast_signed(),
                1 => clock -= dice.roll(2 * 86_400).cast_signed(),
                2 => {
                    revoke(&database, ada, &made.id).unwrap();
                    model.is_revoked = true;
                }
                3 if history % 50 == 0 => {
                    drop(database);
                    database = Database::open_without_sync(&path).unwrap();
                }
                _ => {
                    latest = clock.max(latest);
                    let opened = redeem(&database, &made.id, &made.secret, None, clock);
                    match model.closed(latest) {
                        Some(expected) => assert_eq!(closed(opened), expected),
                        None => {
                            let (share, session) = opened.unwrap();
                            model.uses += 1;
                            assert_eq!(share.uses, model.uses);
                            sessions.push((session, model.ends.min(latest + SESSION_S)));
                        }
                    }
                }
            }
            for (session, ends) in &sessions {
                latest = clock.max(latest);
                let lives = of_session(&database, &session.hash(), clock)
                    .unwrap()
                    .is_some();
                assert_eq!(lives, !model.is_revoked && latest < *ends);
            }
        }
    }
}
