//! Who may do what: policies in files, in the language Cedar, checked against their schema when the gateway starts.
//!
//! What no policy permits is refused, and so is what cannot be decided.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

/// The policies that come with the program.
const DEFAULT: &str = include_str!("../../policies/default.cedar");
const SCHEMA: &str = include_str!("../../policies/schema.cedarschema");

/// What a user is. Each has its policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Manages users; sees no images.
    Admin,
    /// Reads the studies of the site.
    Radiologist,
    /// Sees what he or she referred.
    Referrer,
    /// Takes in studies.
    Technologist,
    /// A program.
    Ai,
    /// Reads the audit record.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::Radiologist,
        Self::Referrer,
        Self::Technologist,
        Self::Ai,
        Self::Auditor,
    ];

    /// As it stands in policies, in the database and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Radiologist => "radiologist",
            Self::Referrer => "referrer",
            Self::Technologist => "technologist",
            Self::Ai => "ai",
            Self::Auditor => "auditor",
        }
    }

    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What someone wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Find a study in a list.
    Search,
    /// See it.
    View,
    /// Add annotations and save the state.
    Annotate,
    /// Take objects in.
    Store,
    /// Take its files away.
    Download,
    /// Make a link to it.
    Share,
    /// Open it in an emergency.
    BreakGlass,
    /// Change users, roles, sessions.
    Manage,
    /// Read the audit record.
    ReadAudit,
    /// Read what it says of oneself.
    ReadOwnAudit,
}

impl Action {
    /// Actions on studies.
    pub const ON_STUDIES: [Self; 7] = [
        Self::Search,
        Self::View,
        Self::Annotate,
        Self::Store,
        Self::Download,
        Self::Share,
        Self::BreakGlass,
    ];

    /// As it stands in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::View => "view",
            Self::Annotate => "annotate",
            Self::Store => "store",
            Self::Download => "download",
            Self::Share => "share",
            Self::BreakGlass => "break_glass",
            Self::Manage => "manage",
            Self::ReadAudit => "read_audit",
            Self::ReadOwnAudit => "read_own_audit",
        }
    }
}

/// Who wants to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Someone who has logged in.
    User {
        /// User name.
        name: String,
        /// Roles.
        roles: BTreeSet<Role>,
        /// Sources of the user's own site; `*` stands for all.
        sites: BTreeSet<String>,
        /// Names under which the user refers patients, in lower case.
        referrers: BTreeSet<String>,
        /// Labels of studies that were given to the user.
        labels: BTreeSet<String>,
        /// Studies that were opened in an emergency in this session.
        opened_in_emergency: BTreeSet<String>,
    },
    /// Whoever holds a link.
    Link {
        /// Its public half.
        id: String,
        /// Source of its studies.
        source: String,
        /// Study Instance UIDs.
        studies: BTreeSet<String>,
        /// Files may be taken away.
        may_download: bool,
    },
}

/// What it is to be done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A study.
    Study(StudyFacts),
    /// The gateway itself: users, sessions, the audit record.
    Gateway,
}

/// What policies know of a study.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StudyFacts {
    /// Source.
    pub source: String,
    /// Study Instance UID.
    pub uid: String,
    /// Names of the referring physicians, in lower case.
    pub referrers: BTreeSet<String>,
    /// Labels.
    pub labels: BTreeSet<String>,
}

/// What else counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Circumstances {
    /// The user logged in within the last minutes.
    pub is_fresh: bool,
    /// The user gave a reason.
    pub has_reason: bool,
}

/// Why policies cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// No such file.
    #[error("the policies in {0} cannot be read")]
    Unreadable(PathBuf),
    /// Not Cedar, or it speaks of what there is not.
    #[error("the policies in {path} cannot be used: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why, on one line.
        reason: String,
    },
}

/// All policies.
#[derive(Debug)]
pub struct Policies {
    set: PolicySet,
    authorizer: Authorizer,
    types: Types,
}

#[derive(Debug)]
struct Types {
    user: EntityTypeName,
    link: EntityTypeName,
    role: EntityTypeName,
    study: EntityTypeName,
    gateway: EntityTypeName,
    action: EntityTypeName,
}

impl Policies {
    /// From a file, or those that come with the program.
    ///
    /// # Errors
    /// The file cannot be read or used.
    pub fn read(path: Option<&Path>) -> Result<Self, PolicyError> {
        let Some(path) = path else {
            return Self::of(DEFAULT, Path::new("default.cedar"));
        };
        let text =
            std::fs::read_to_string(path).map_err(|_| PolicyError::Unreadable(path.to_owned()))?;
        Self::of(&text, path)
    }

    fn of(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let invalid = |reason: String| PolicyError::Invalid {
            path: path.to_owned(),
            reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let set = PolicySet::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let (schema, _) =
            Schema::from_cedarschema_str(SCHEMA).map_err(|error| invalid(error.to_string()))?;
        let found = Validator::new(schema).validate(&set, ValidationMode::Strict);
        if let Some(error) = found.validation_errors().next() {
            return Err(invalid(error.to_string()));
        }
        let named =
            |name: &str| EntityTypeName::from_str(name).map_err(|error| invalid(error.to_string()));
        Ok(Self {
            set,
            authorizer: Authorizer::new(),
            types: Types {
                user: named("User")?,
                link: named("Link")?,
                role: named("Role")?,
                study: named("Study")?,
                gateway: named("Gateway")?,
                action: named("Action")?,
            },
        })
    }

    /// Whether it is permitted.
    pub fn permit(
        &self,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        circumstances: Circumstances,
    ) -> bool {
        self.decide(principal, action, resource, circumstances)
            .is_some_and(|decision| decision == Decision::Allow)
    }

    /// `None` where it cannot be decided.
    fn decide(
        &self,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        circumstances: Circumstances,
    ) -> Option<Decision> {
        let who = self.principal(principal)?;
        let what = self.resource(resource)?;
        let context = Context::from_pairs([
            (
                "is_fresh".to_owned(),
                RestrictedExpression::new_bool(circumstances.is_fresh),
            ),
            (
                "has_reason".to_owned(),
                RestrictedExpression::new_bool(circumstances.has_reason),
            ),
        ]);
        let request = Request::new(
            who.uid(),
            uid(&self.types.action, action.name()),
            what.uid(),
            context.ok()?,
            None,
        );
        let entities = Entities::from_entities([who, what], None).ok()?;
        let answer = self
            .authorizer
            .is_authorized(&request.ok()?, &self.set, &entities);
        Some(answer.decision())
    }

    fn principal(&self, principal: &Principal) -> Option<Entity> {
        match principal {
            Principal::User {
                name,
                roles,
                sites,
                referrers,
                labels,
                opened_in_emergency,
            } => {
                let attributes = HashMap::from([
                    ("sites".to_owned(), texts(sites)),
                    ("referrers".to_owned(), texts(referrers)),
                    ("labels".to_owned(), texts(labels)),
                    ("opened_in_emergency".to_owned(), texts(opened_in_emergency)),
                ]);
                let roles: HashSet<EntityUid> = roles
                    .iter()
                    .map(|role| uid(&self.types.role, role.name()))
                    .collect();
                Entity::new(uid(&self.types.user, name), attributes, roles).ok()
            }
            Principal::Link {
                id,
                source,
                studies,
                may_download,
            } => {
                let attributes = HashMap::from([
                    (
                        "source".to_owned(),
                        RestrictedExpression::new_string(source.clone()),
                    ),
                    ("studies".to_owned(), texts(studies)),
                    (
                        "may_download".to_owned(),
                        RestrictedExpression::new_bool(*may_download),
                    ),
                ]);
                Entity::new(uid(&self.types.link, id), attributes, HashSet::new()).ok()
            }
        }
    }

    fn resource(&self, resource: &Resource) -> Option<Entity> {
        let Resource::Study(study) = resource else {
            let gateway = uid(&self.types.gateway, "gateway");
            return Some(Entity::with_uid(gateway));
        };
        let text = |text: &String| RestrictedExpression::new_string(text.clone());
        let attributes = HashMap::from([
            ("source".to_owned(), text(&study.source)),
            ("uid".to_owned(), text(&study.uid)),
            ("referrers".to_owned(), texts(&study.referrers)),
            ("labels".to_owned(), texts(&study.labels)),
        ]);
        // Two sources may have a study of the same UID.
        let name = format!("{} {}", study.source, study.uid);
        Entity::new(uid(&self.types.study, &name), attributes, HashSet::new()).ok()
    }
}

fn uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

fn texts(texts: &BTreeSet<String>) -> RestrictedExpression {
    let texts = texts.iter().cloned();
    RestrictedExpression::new_set(texts.map(RestrictedExpression::new_string))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
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
        use Action::{Annotate, BreakGlass, Download, Search, Share, Store, View};
        let of_the_site = study("local", "1.1", &["roe^richard"], &[]);
        let rows: [(Role, &[Action], &[Action]); 6] = [
            (Role::Admin, &[], &[]),
            (
                Role::Radiologist,
                &[Search, View, Annotate, Store, BreakGlass],
                &[Search, View, Annotate, Store, Download, Share, BreakGlass],
            ),
            (Role::Referrer, &[], &[BreakGlass]),
            (
                Role::Technologist,
                &[Search, View, Store],
                &[Search, View, Store],
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
                let reads =
                    policies.permit(&user(role), Action::ReadAudit, &Resource::Gateway, how);
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
}
