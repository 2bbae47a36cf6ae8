//! The provider says that someone logged out there: those sessions end here. Source: OpenID Connect Back-Channel Logout 1.0, 2.6.

use serde_json::Value;

use super::token::{Opened, Purpose, SKEW_S, TokenError, open};
use super::{KEPT, OidcError, Provider, SOONEST};

/// The member of `events` that makes a token one for logging out.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old such a token may be.
const OLDEST_S: i64 = 300;
/// How long it may say to be good.
const LONGEST_S: i64 = 3600;

/// Whose sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The provider.
    pub issuer: String,
    /// The person, where the token names one.
    pub subject: Option<String>,
    /// The session at the provider, where the token names one.
    pub sid: Option<String>,
    /// The token's own name: it is taken once.
    pub jti: String,
    /// When it is over, in seconds since 1970.
    pub ends_s: i64,
}

impl Provider {
    /// Checks a token by which the provider ends sessions.
    ///
    /// # Errors
    /// It is none, or not the provider's.
    pub async fn ending(&self, token: &str, now_s: i64) -> Result<Ending, OidcError> {
        let opened = open(token, Purpose::Logout)?;
        opened.check_origin(self.issuer.as_str(), self.client.as_str(), now_s)?;
        let known = self.metadata(KEPT).await?;
        match opened.check_signature(known.jwks()) {
            Err(TokenError::Key) => {
                let fresh = self.metadata(SOONEST).await?;
                opened.check_signature(fresh.jwks())?;
            }
            done => done?,
        }
        Ok(read(self.issuer.as_str(), &opened, now_s)?)
    }
}

fn read(issuer: &str, opened: &Opened, now_s: i64) -> Result<Ending, TokenError> {
    let event = opened.claims.get("events").and_then(|it| it.get(EVENT));
    if !event.is_some_and(Value::is_object) || opened.claims.contains_key("nonce") {
        return Err(TokenError::Purpose);
    }
    let ends_s = opened.seconds("exp")?;
    if now_s - opened.seconds("iat")? > OLDEST_S + SKEW_S || ends_s > now_s + LONGEST_S {
        return Err(TokenError::Time);
    }
    let text = |name: &str| match opened.claims.get(name) {
        None => Ok(None),
        Some(_) => opened.text(name).map(|text| Some(text.to_owned())),
    };
    let (subject, sid) = (text("sub")?, text("sid")?);
    if subject.is_none() && sid.is_none() {
        return Err(TokenError::Missing);
    }
    Ok(Ending {
        issuer: issuer.to_owned(),
        subject,
        sid,
        jti: opened.text("jti")?.to_owned(),
        ends_s,
    })
}
