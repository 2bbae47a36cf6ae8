//! Who may do what: policies in files, in the language Cedar, checked against their schema when the gateway starts.
//!
//! What no policy permits is refused, and so is what cannot be decided.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Effect, Entities, Entity, EntityId,
    EntityTypeName, EntityUid, PolicySet, Request, Response, RestrictedExpression, Schema,
    ValidationMode, Validator,
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
    /// Take objects out of use by a rejection note.
    Reject,
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
    pub const ON_STUDIES: [Self; 8] = [
        Self::Search,
        Self::View,
        Self::Annotate,
        Self::Store,
        Self::Reject,
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
            Self::Reject => "reject",
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
    /// A policy asks whether it is known who referred a study, which it always is in the end.
    asks_for_referrers: bool,
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
        let shape = set.clone().to_json();
        let shape = shape.map_err(|error| invalid(error.to_string()))?;
        let named =
            |name: &str| EntityTypeName::from_str(name).map_err(|error| invalid(error.to_string()));
        Ok(Self {
            set,
            authorizer: Authorizer::new(),
            asks_for_referrers: asks_for(&shape, REFERRERS),
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
        let resource = self.resource(resource, true);
        self.decide(principal, action, resource, circumstances)
            .is_some_and(|response| response.decision() == Decision::Allow)
    }

    /// As [`Policies::permit`], as far as that can be told without knowing who referred the study: `None` where it cannot.
    ///
    /// The study is judged without that attribute. A policy that reads it ends in an error; where such a policy could have
    /// changed the decision, the decision does not count.
    pub fn permit_whoever_referred(
        &self,
        principal: &Principal,
        action: Action,
        study: &StudyFacts,
        circumstances: Circumstances,
    ) -> Option<bool> {
        if self.asks_for_referrers {
            return None;
        }
        let resource = self.resource(&Resource::Study(study.clone()), false);
        let response = self.decide(principal, action, resource, circumstances)?;
        let is_allowed = response.decision() == Decision::Allow;
        // What permits cannot take away what others permit, and what forbids cannot give what nobody does.
        let harmless = if is_allowed {
            Effect::Permit
        } else {
            Effect::Forbid
        };
        let is_certain = response.diagnostics().errors().all(|error| {
            let AuthorizationError::PolicyEvaluationError(error) = error;
            let policy = self.set.policy(error.policy_id());
            policy.is_some_and(|policy| policy.effect() == harmless)
        });
        is_certain.then_some(is_allowed)
    }

    /// `None` where it cannot be decided.
    fn decide(
        &self,
        principal: &Principal,
        action: Action,
        resource: Option<Entity>,
        circumstances: Circumstances,
    ) -> Option<Response> {
        let who = self.principal(principal)?;
        let what = resource?;
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
        Some((self.authorizer).is_authorized(&request.ok()?, &self.set, &entities))
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

    fn resource(&self, resource: &Resource, with_referrers: bool) -> Option<Entity> {
        let Resource::Study(study) = resource else {
            let gateway = uid(&self.types.gateway, "gateway");
            return Some(Entity::with_uid(gateway));
        };
        let text = |text: &String| RestrictedExpression::new_string(text.clone());
        let mut attributes = HashMap::from([
            ("source".to_owned(), text(&study.source)),
            ("uid".to_owned(), text(&study.uid)),
            ("labels".to_owned(), texts(&study.labels)),
        ]);
        if with_referrers {
            attributes.insert(REFERRERS.to_owned(), texts(&study.referrers));
        }
        // Two sources may have a study of the same UID.
        let name = format!("{} {}", study.source, study.uid);
        Entity::new(uid(&self.types.study, &name), attributes, HashSet::new()).ok()
    }
}

/// The attribute that only a study's own server may know.
const REFERRERS: &str = "referrers";

/// Whether policies, as JSON, ask somewhere if something has an attribute: that would be answered wrongly without it.
fn asks_for(policies: &serde_json::Value, attribute: &str) -> bool {
    use serde_json::Value;
    match policies {
        Value::Object(members) => members.iter().any(|(name, value)| {
            (name == "has" && value.to_string().contains(attribute)) || asks_for(value, attribute)
        }),
        Value::Array(all) => all.iter().any(|it| asks_for(it, attribute)),
        _ => false,
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
mod tests;
