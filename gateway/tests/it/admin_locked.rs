//! A locked account: nobody comes in with it, whichever way, and whoever was in is out.

use gateway::auth::admin;
use gateway::auth::asker::now_s;
use serde_json::json;

use crate::admin::{events, get, refused};
use crate::launch;
use crate::login::{self, WORD};
use crate::server::Server;

/// Locks a user as an administrator does.
pub fn lock(server: &Server, name: &str) {
    let database = &server.state.login.as_ref().unwrap().database;
    admin::lock(database, name, now_s(), &|_, _, _| Ok(())).unwrap();
}

/// Opens the account again.
pub fn unlock(server: &Server, name: &str) {
    let database = &server.state.login.as_ref().unwrap().database;
    admin::unlock(database, name, &|_, _, _| Ok(())).unwrap();
}

#[test]
fn t11_a_locked_user_is_out_at_once_and_does_not_come_in_by_password() {
    let (folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    let ada = login::user(&server, "ada", "radiologist");
    assert_eq!(get(&server, &ada, "/dicomweb/studies").status, 200);
    let act = |what: &str| {
        let path = format!("/api/admin/users/ada/{what}");
        assert_eq!(server.json(&path, Some(&root), "").status, 204, "{what}");
    };
    act("lock");
    assert_eq!(get(&server, &ada, "/dicomweb/studies").status, 401);
    let login = |word: &str| {
        let fields = [("name", "ada"), ("password", word)];
        server.form("/auth/login", None, &fields)
    };
    let right = login(WORD);
    assert_eq!((right.status, right.cookie()), (429, None));
    let text = String::from_utf8(right.body).unwrap();
    assert!(text.contains("This account is locked."), "{text}");
    // Only the right password tells of the lock: a wrong one looks as for anybody.
    let fields = [("name", "nobody"), ("password", "wrong wrong wrong")];
    let nobody = server.form("/auth/login", None, &fields);
    let wrong = login("wrong wrong wrong");
    let words = |body: &[u8]| String::from_utf8_lossy(body).replace("nobody", "ada");
    assert_eq!(
        (wrong.status, words(&wrong.body)),
        (nobody.status, words(&nobody.body))
    );
    let users = get(&server, &root, "/api/admin/users").json();
    let row = &users["users"][0];
    assert_eq!(
        (&row["name"], &row["locked"]),
        (&json!("ada"), &json!(true))
    );
    act("unlock");
    assert_eq!(login(WORD).status, 303);
    for what in ["locked", "unlocked"] {
        let all = events(&folder, "rights_changed", "user ada");
        assert!(all.iter().any(|event| event["reason"] == what), "{what}");
    }
}

#[test]
fn t11_a_locked_user_does_not_come_in_by_a_code() {
    let (_folder, server) = login::server("optional");
    let root = login::user(&server, "root", "admin");
    login::user(&server, "ada", "radiologist");
    let reset = server.json("/api/admin/users/ada/reset", Some(&root), "");
    let code = reset.json()["code"].as_str().unwrap().to_owned();
    lock(&server, "ada");
    let first = || {
        let fields = [("name", "ada"), ("code", &*code), ("password", WORD)];
        server.form("/auth/first", None, &fields)
    };
    let answer = first();
    assert_eq!((answer.status, answer.cookie()), (429, None));
    // The code is not used up by that.
    unlock(&server, "ada");
    assert_eq!(first().status, 303);
}

#[test]
fn t11_a_locked_user_does_not_come_in_between_password_and_second_factor() {
    use gateway::auth::accounts;
    let (_folder, server) = login::server("optional");
    login::user(&server, "root", "admin");
    login::user(&server, "ada", "radiologist");
    let database = &server.state.login.as_ref().unwrap().database;
    let ada = accounts::by_name(database, "ada").unwrap().unwrap();
    let typed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let code = login::oathtool(typed, "now");
    let key = b"12345678901234567890";
    accounts::set_totp(database, &ada, key, &code, now_s()).unwrap();
    let fields = [("name", "ada"), ("password", WORD)];
    let half = server.form("/auth/login", None, &fields).cookie().unwrap();
    lock(&server, "ada");
    let next = login::oathtool(typed, "now + 30 seconds");
    let done = server.form("/auth/mfa", Some(&half), &[("code", &next)]);
    assert_eq!((done.status, done.cookie()), (303, None));
    assert_eq!(login::location(&done), "/auth/login");
}

#[test]
fn t11_a_locked_user_does_not_come_in_by_a_ticket() {
    let (_folder, server) = launch::server();
    login::user(&server, "root", "admin");
    login::user(&server, "ada", "radiologist");
    let wanted = json!({"user": "ada", "study": "1", "parent": launch::PARENT});
    let ticket = launch::ticket(&server, &wanted);
    let frame = launch::redeem(&server, &launch::ticket(&server, &wanted), launch::PARENT);
    let frame = frame.cookie().unwrap();
    let metadata = "/dicomweb/studies/1/metadata";
    let in_frame = || launch::under(&server, &frame, launch::PARENT, metadata).status;
    assert_eq!(in_frame(), 200);
    lock(&server, "ada");
    assert_eq!(in_frame(), 401);
    let late = launch::redeem(&server, &ticket, launch::PARENT);
    assert_eq!(refused(&late), (401, "ticket_unknown".into()));
    let answer = launch::launch(&server, &wanted);
    assert_eq!(refused(&answer), (404, "user_unknown".into()));
    unlock(&server, "ada");
    assert_eq!(launch::launch(&server, &wanted).status, 201);
}
