//! The table of roles, and what can be told of a study before its server is asked.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use super::*;

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

fn user(role: Role) -> Principal {
    Principal::User {
        name: "ada".into(),
        roles: BTreeSet::from([role]),
        sites: set(&["local"]),
        referrers: set(&["doe^jane"]),
        labels: set(&["tumour board"]),
        opened_in_emergency: set(&["9.9"]),
    }
}

fn link() -> Principal {
    Principal::Link {
        id: "k".into(),
        source: "local".into(),
        studies: set(&["1.2"]),
        may_download: false,
    }
}

fn study(source: &str, uid: &str, referrers: &[&str], labels: &[&str]) -> Resource {
    Resource::Study(StudyFacts {
        source: source.into(),
        uid: uid.into(),
        referrers: set(referrers),
        labels: set(labels),
    })
}

const USUAL: Circumstances = Circumstances {
    is_fresh: false,
    has_reason: false,
};
const FRESH: Circumstances = Circumstances {
    is_fresh: true,
    has_reason: true,
};

fn allowed(principal: &Principal, resource: &Resource, how: Circumstances) -> Vec<Action> {
    let policies = Policies::read(None).unwrap();
    Action::ON_STUDIES
        .into_iter()
        .filter(|action| policies.permit(principal, *action, resource, how))
        .collect()
}

/// The table of roles, line by line: what each may do with a study of the site that it has nothing else to do with,
/// without and with a fresh login and a reason.
#[test]
fn t12_roles_may_do_what_their_table_says_and_nothing_else() {
    use Action::{Annotate, BreakGlass, Download, Reject, Search, Share, Store, View};
    let of_the_site = study("local", "1.1", &["roe^richard"], &[]);
    let rows: [(Role, &[Action], &[Action]); 6] = [
        (Role::Admin, &[], &[]),
        (
            Role::Radiologist,
            &[Search, View, Annotate, Store, Reject, BreakGlass],
            &[
                Search, View, Annotate, Store, Reject, Download, Share, BreakGlass,
            ],
        ),
        (Role::Referrer, &[], &[BreakGlass]),
        (
            Role::Technologist,
            &[Search, View, Store, Reject],
            &[Search, View, Store, Reject],
        ),
        (Role::Ai, &[], &[]),
        (Role::Auditor, &[], &[]),
    ];
    for (role, usual, fresh) in rows {
        assert_eq!(allowed(&user(role), &of_the_site, USUAL), usual, "{role:?}");
        assert_eq!(allowed(&user(role), &of_the_site, FRESH), fresh, "{role:?}");
    }
    assert_eq!(allowed(&link(), &of_the_site, FRESH), []);
}

#[test]
fn t12_referrers_see_what_is_theirs_or_labelled_for_them() {
    use Action::{Search, View};
    let who = user(Role::Referrer);
    for (resource, expected) in [
        (study("local", "1", &["doe^jane"], &[]), true),
        (study("north", "1", &["doe^jane", "x"], &[]), true),
        (study("local", "1", &["doe^john"], &["tumour board"]), true),
        (study("local", "1", &["doe^john"], &["other"]), false),
        (study("local", "1", &[], &[]), false),
    ] {
        let found = allowed(&who, &resource, USUAL);
        let wanted: &[Action] = if expected { &[Search, View] } else { &[] };
        assert_eq!(found, wanted, "{resource:?}");
    }
    // Opened in an emergency: seen, and not in lists.
    assert_eq!(
        allowed(&who, &study("local", "9.9", &[], &[]), USUAL),
        [View]
    );
}

#[test]
fn t12_a_link_opens_its_own_study_at_its_own_source() {
    assert_eq!(
        allowed(&link(), &study("local", "1.2", &[], &[]), USUAL),
        [Action::View]
    );
    assert_eq!(
        allowed(&link(), &study("north", "1.2", &[], &[]), USUAL),
        []
    );
    assert_eq!(
        allowed(&link(), &study("local", "1.3", &[], &[]), USUAL),
        []
    );
}

#[test]
fn t12_another_sites_studies_are_no_ones_here() {
    let elsewhere = study("north", "1.1", &[], &[]);
    for role in [Role::Radiologist, Role::Technologist] {
        assert_eq!(allowed(&user(role), &elsewhere, FRESH), [], "{role:?}");
    }
}

#[test]
fn only_administrators_with_a_fresh_login_manage() {
    let policies = Policies::read(None).unwrap();
    for role in Role::ALL {
        for how in [USUAL, FRESH] {
            let may = policies.permit(&user(role), Action::Manage, &Resource::Gateway, how);
            assert_eq!(may, role == Role::Admin && how == FRESH, "{role:?}");
            let reads = policies.permit(&user(role), Action::ReadAudit, &Resource::Gateway, how);
            assert_eq!(reads, role == Role::Auditor, "{role:?}");
        }
    }
}

#[test]
fn policies_that_speak_of_what_there_is_not_stop_the_start() {
    for text in [
        "permit (principal, action, resource",
        "permit (principal in Role::\"radiologist\", action == Action::\"lock\", resource);",
        "permit (principal is User, action == Action::\"view\", resource) when { principal.age > 3 };",
    ] {
        let error = Policies::of(text, Path::new("mine.cedar")).unwrap_err();
        let words = error.to_string();
        assert!(
            words.contains("mine.cedar") && !words.contains('\n'),
            "{words}"
        );
    }
}

#[test]
fn t12_whoever_referred_a_study_counts_only_where_a_policy_asks() {
    let mut who = user(Role::Referrer);
    let told = |who: &Principal, policies: &Policies, labels: &[&str]| {
        let Resource::Study(facts) = study("local", "1", &[], labels) else {
            unreachable!()
        };
        policies.permit_whoever_referred(who, Action::View, &facts, USUAL)
    };
    let policies = Policies::read(None).unwrap();
    for role in Role::ALL {
        let expected = match role {
            Role::Radiologist | Role::Technologist => Some(true),
            Role::Referrer => None,
            Role::Admin | Role::Ai | Role::Auditor => Some(false),
        };
        assert_eq!(told(&user(role), &policies, &[]), expected, "{role:?}");
    }
    assert_eq!(
        told(&user(Role::Ai), &policies, &["tumour board"]),
        Some(true)
    );
    assert_eq!(told(&link(), &policies, &[]), Some(false));
    // Another role of the same user decides.
    if let Principal::User { roles, .. } = &mut who {
        roles.insert(Role::Radiologist);
    }
    assert_eq!(told(&who, &policies, &[]), Some(true));
    // What is forbidden by the referrer cannot be told, nor what is asked in another way.
    let all = "permit (principal, action == Action::\"view\", resource);";
    for (more, expected) in [
        ("", Some(true)),
        (
            "forbid (principal, action == Action::\"view\", resource) when { resource.referrers.contains(\"x\") };",
            None,
        ),
        (
            "forbid (principal, action == Action::\"view\", resource) when { resource has referrers && resource.referrers == [\"x\"] };",
            None,
        ),
        (
            "forbid (principal, action == Action::\"view\", resource) when { resource.labels.contains(\"x\") };",
            Some(true),
        ),
    ] {
        let policies = Policies::of(&format!("{all}{more}"), Path::new("x.cedar")).unwrap();
        assert_eq!(told(&who, &policies, &[]), expected, "{more}");
    }
}
