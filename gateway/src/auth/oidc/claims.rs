//! What a provider says of someone, held against what the configuration asks: how the login was done, and who it is here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::token::SKEW_S;
use crate::auth::policy::Role;
use crate::config::ConfigError;
use crate::config::oidc::OidcAuth;
use crate::source::folder::entry::fold;

/// Longest `sub`. Source: OpenID Connect Core 1.0, 2.
const LONGEST_SUBJECT: usize = 255;

/// What is asked of a login, and which claims say what.
#[derive(Debug)]
pub struct Rules {
    require_acr: Vec<String>,
    require_amr_any: Vec<String>,
    /// How long ago someone may have logged in there.
    pub max_age_s: Option<i64>,
    role_claim: String,
    roles: BTreeMap<String, Role>,
    sites_claim: Option<String>,
    labels_claim: Option<String>,
    referrers_claim: Option<String>,
}

/// What is lacking in a login that the provider let happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// `acr` is none of those that are asked for.
    Strength,
    /// `amr` has none of those that are asked for.
    Factor,
    /// The login there was too long ago, or it is not said when.
    Recency,
    /// No role of ours.
    Role,
    /// No subject, or one that is none.
    Subject,
}

/// Someone who logged in at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider.
    pub issuer: String,
    /// The key of the person there.
    pub subject: String,
    /// Name on screen.
    pub shown: String,
    /// Roles of ours.
    pub roles: BTreeSet<Role>,
    /// Sources of the person's own site.
    pub sites: BTreeSet<String>,
    /// Names under which the person refers patients, in lower case.
    pub referrers: BTreeSet<String>,
    /// Labels of studies that were given to the person.
    pub labels: BTreeSet<String>,
    /// The session there.
    pub sid: Option<String>,
    /// When the person proved there who he or she is, in seconds since 1970.
    pub proved_s: Option<i64>,
}

impl Rules {
    /// From the configuration.
    ///
    /// # Errors
    /// A role that there is not, or a time that is none.
    pub fn new(config: &OidcAuth) -> Result<Self, ConfigError> {
        Ok(Self {
            require_acr: config.require_acr.clone(),
            require_amr_any: config.require_amr_any.clone(),
            max_age_s: config.max_age_s()?,
            role_claim: config.role_claim.clone(),
            roles: config.roles()?,
            sites_claim: config.sites_claim.clone(),
            labels_claim: config.labels_claim.clone(),
            referrers_claim: config.referrers_claim.clone(),
        })
    }

    /// What `acr` to ask for.
    pub fn acr(&self) -> &[String] {
        &self.require_acr
    }

    /// Who it is. `not_before_s` is asked of a login that had to be done anew.
    ///
    /// # Errors
    /// Something is lacking.
    pub fn person(
        &self,
        issuer: &str,
        claims: &Map<String, Value>,
        not_before_s: Option<i64>,
        now_s: i64,
    ) -> Result<Person, Lacking> {
        let subject = claims
            .get("sub")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let is_subject = (1..=LONGEST_SUBJECT).contains(&subject.len())
            && subject
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !is_subject {
            return Err(Lacking::Subject);
        }
        let has_one_of = |claim: &str, wanted: &[String]| {
            let found = texts(claims, claim);
            wanted.is_empty() || wanted.iter().any(|it| found.contains(it))
        };
        let is_one = claims.get("acr").is_none_or(Value::is_string);
        if !is_one || !has_one_of("acr", &self.require_acr) {
            return Err(Lacking::Strength);
        }
        if !has_one_of("amr", &self.require_amr_any) {
            return Err(Lacking::Factor);
        }
        let proved_s = claims.get("auth_time").and_then(Value::as_i64);
        let latest = now_s + SKEW_S;
        let since = |oldest: i64| proved_s.is_some_and(|at| at + SKEW_S >= oldest && at <= latest);
        let is_recent = self.max_age_s.is_none_or(|age| since(now_s - age));
        if !is_recent || !not_before_s.is_none_or(since) {
            return Err(Lacking::Recency);
        }
        let theirs = texts(claims, &self.role_claim);
        let ours = theirs.iter().filter_map(|name| self.roles.get(name));
        let roles: BTreeSet<Role> = ours.copied().collect();
        if roles.is_empty() {
            return Err(Lacking::Role);
        }
        let of = |claim: &Option<String>| claim.as_ref().map(|claim| texts(claims, claim));
        let name = |claim: &str| claims.get(claim).and_then(Value::as_str);
        let shown = name("name").or_else(|| name("preferred_username"));
        let referrers = of(&self.referrers_claim).unwrap_or_default();
        Ok(Person {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            shown: shown.unwrap_or(subject).chars().take(128).collect(),
            roles,
            sites: of(&self.sites_claim).unwrap_or_else(|| BTreeSet::from(["local".to_owned()])),
            referrers: referrers.iter().map(|it| fold(it.trim())).collect(),
            labels: of(&self.labels_claim).unwrap_or_default(),
            sid: name("sid").map(str::to_owned),
            proved_s: proved_s.map(|at| at.min(now_s)),
        })
    }
}

impl Lacking {
    /// For the record.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Strength => "the provider did not confirm an acr that is required",
            Self::Factor => "the provider did not confirm an amr that is required",
            Self::Recency => "the login at the provider is too old, or of unknown age",
            Self::Role => "the provider gives no role that is known here",
            Self::Subject => "the provider names nobody",
        }
    }
}

/// The texts of a claim: one, or a list of them. A name that begins with a slash is a path (RFC 6901).
fn texts(claims: &Map<String, Value>, claim: &str) -> BTreeSet<String> {
    let found = match claim.strip_prefix('/') {
        None => claims.get(claim),
        Some(path) => {
            let (first, rest) = path
                .split_once('/')
                .map_or((path, ""), |(first, rest)| (first, rest));
            let inner = claims.get(first);
            match rest {
                "" => inner,
                rest => inner.and_then(|it| it.pointer(&format!("/{rest}"))),
            }
        }
    };
    match found {
        Some(Value::String(one)) => BTreeSet::from([one.clone()]),
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(more: &str) -> Rules {
        let text = format!(
            "issuer = \"https://i\"\nclient_id = \"v\"\nclient_secret_file = \"s\"\n\
             role_map = {{ rad = \"radiologist\", boss = \"admin\" }}\n{more}"
        );
        Rules::new(&toml::from_str(&text).unwrap()).unwrap()
    }

    fn person(more: &str, claims: Value) -> Result<Person, Lacking> {
        let claims = claims.as_object().unwrap();
        rules(more).person("https://i", claims, None, 10_000)
    }

    #[test]
    fn roles_are_those_of_the_map_and_nobody_is_let_in_without() {
        let of = |roles: Value| person("", json!({"sub": "7", "roles": roles})).map(|it| it.roles);
        assert_eq!(
            of(json!(["rad", "x"])),
            Ok(BTreeSet::from([Role::Radiologist]))
        );
        assert_eq!(of(json!("boss")), Ok(BTreeSet::from([Role::Admin])));
        // Names of ours are no names of theirs.
        for none in [
            json!(["radiologist", "admin"]),
            json!([]),
            json!({"rad": 1}),
            json!(null),
        ] {
            assert_eq!(of(none.clone()), Err(Lacking::Role), "{none}");
        }
        let nested = json!({"sub": "7", "realm_access": {"roles": ["rad"]}});
        assert!(person("role_claim = \"/realm_access/roles\"", nested).is_ok());
    }

    #[test]
    fn t10_how_the_login_was_done_must_be_said_and_be_enough() {
        let with = |more: &str, claims: Value| {
            let mut all = json!({"sub": "7", "roles": ["rad"]});
            all.as_object_mut()
                .unwrap()
                .extend(claims.as_object().unwrap().clone());
            person(more, all).map(|_| ())
        };
        let acr = "require_acr = [\"mfa\", \"gold\"]";
        assert_eq!(with(acr, json!({"acr": "gold"})), Ok(()));
        for claims in [
            json!({}),
            json!({"acr": "pwd"}),
            json!({"acr": ["mfa"]}),
            json!({"amr": ["mfa"]}),
        ] {
            assert_eq!(
                with(acr, claims.clone()),
                Err(Lacking::Strength),
                "{claims}"
            );
        }
        let amr = "require_amr_any = [\"otp\", \"hwk\"]";
        assert_eq!(with(amr, json!({"amr": ["pwd", "otp"]})), Ok(()));
        for claims in [
            json!({}),
            json!({"amr": ["pwd"]}),
            json!({"amr": []}),
            json!({"acr": "otp"}),
        ] {
            assert_eq!(with(amr, claims.clone()), Err(Lacking::Factor), "{claims}");
        }
        let age = "max_age = \"1h\"";
        assert_eq!(with(age, json!({"auth_time": 10_000 - 3600})), Ok(()));
        for claims in [
            json!({}),
            json!({"auth_time": 10_000 - 3600 - SKEW_S - 1}),
            json!({"auth_time": 10_000 + SKEW_S + 1}),
            json!({"auth_time": "9999"}),
        ] {
            assert_eq!(with(age, claims.clone()), Err(Lacking::Recency), "{claims}");
        }
    }

    #[test]
    fn someone_is_of_the_gateways_site_unless_the_provider_says_another() {
        let claims = json!({"sub": "7", "roles": "rad", "site": ["north"], "ref": ["Doe^Jane"], "lab": "board"});
        let person_of = |more: &str| person(more, claims.clone()).unwrap();
        assert_eq!(person_of("").sites, BTreeSet::from(["local".to_owned()]));
        let all = "sites_claim = \"site\"\nreferrers_claim = \"ref\"\nlabels_claim = \"lab\"";
        let person = person_of(all);
        assert_eq!(person.sites, BTreeSet::from(["north".to_owned()]));
        assert_eq!(person.referrers, BTreeSet::from(["doe^jane".to_owned()]));
        assert_eq!(person.labels, BTreeSet::from(["board".to_owned()]));
        // A claim that is asked for and missing gives nothing.
        assert!(person_of("sites_claim = \"none\"").sites.is_empty());
    }
}
