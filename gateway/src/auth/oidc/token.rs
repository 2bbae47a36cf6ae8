//! Signed tokens (RFC 7519), looked at before any library does: one form, a few algorithms, no key that a token brings along.
//!
//! Whoever forges a token tries what readers disagree about: two claims of one name, another type of token, a header that names
//! a key. None of it is in honest tokens, so all of it is refused. Source: RFC 8725.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm as Algorithm};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Longest token that is looked at.
const LONGEST: usize = 32 << 10;
/// How far the provider's clock may be off.
pub const SKEW_S: i64 = 60;
/// Algorithms that are taken: signatures alone, so that the provider's public key is never a secret.
pub const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPssSha256,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EdDsa,
];
/// What an honest header has; keys and addresses of keys are not among it.
const HEADER: [&str; 5] = ["alg", "kid", "typ", "x5t", "x5t#S256"];

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It says who logged in.
    Login,
    /// It says whose sessions end.
    Logout,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not three parts of base64url, or no JSON, or a name twice.
    #[error("it cannot be read")]
    Form,
    /// An algorithm that is not taken.
    #[error("its algorithm is not taken")]
    Algorithm,
    /// A header that has more than it should.
    #[error("its header is not taken")]
    Header,
    /// A token for something else.
    #[error("it is for something else")]
    Purpose,
    /// The signature.
    #[error("its signature is wrong")]
    Signature,
    /// A key that the provider does not have.
    #[error("its key is unknown")]
    Key,
    /// Another provider's.
    #[error("it is of another provider")]
    Issuer,
    /// For someone else.
    #[error("it is for someone else")]
    Audience,
    /// Over, or not yet.
    #[error("its time is over or has not come")]
    Time,
    /// An answer to another request.
    #[error("it belongs to another login")]
    Nonce,
    /// Something is missing.
    #[error("something is missing in it")]
    Missing,
    /// It was used before.
    #[error("it was used before")]
    Used,
}

/// A token that has the right form. Nothing in it is proved yet.
#[derive(Debug)]
pub struct Opened {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: String,
    signature: Vec<u8>,
    /// What it says.
    pub claims: Map<String, Value>,
}

/// Opens a token.
///
/// # Errors
/// It is none, or none that is taken.
pub fn open(token: &str, purpose: Purpose) -> Result<Opened, TokenError> {
    if token.len() > LONGEST {
        return Err(TokenError::Form);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err(TokenError::Form);
    };
    let object = |part: &str| -> Option<Map<String, Value>> {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        let Strict(Value::Object(object)) = serde_json::from_slice(&bytes).ok()? else {
            return None;
        };
        Some(object)
    };
    let signed = format!("{header}.{claims}");
    let header = object(header).ok_or(TokenError::Form)?;
    let claims = object(claims).ok_or(TokenError::Form)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok();
    let signature = signature.ok_or(TokenError::Form)?;
    let algorithm = header.get("alg").cloned().unwrap_or_default();
    let algorithm = serde_json::from_value(algorithm).map_err(|_| TokenError::Algorithm)?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(TokenError::Algorithm);
    }
    if header.keys().any(|name| !HEADER.contains(&name.as_str())) {
        return Err(TokenError::Header);
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err(TokenError::Header),
    };
    let kind = match header.get("typ") {
        None => None,
        Some(Value::String(kind)) => Some(kind.to_ascii_lowercase()),
        Some(_) => return Err(TokenError::Header),
    };
    let is_logout = claims.contains_key("events");
    let fits = match (kind.as_deref(), purpose) {
        (None | Some("jwt"), Purpose::Login) => !is_logout,
        (None | Some("jwt" | "logout+jwt"), Purpose::Logout) => is_logout,
        _ => false,
    };
    if !fits {
        return Err(TokenError::Purpose);
    }
    Ok(Opened {
        algorithm,
        kid,
        signed,
        signature,
        claims,
    })
}

impl Opened {
    /// Checks the signature by the provider's own keys.
    ///
    /// # Errors
    /// There is no such key, or another one signed it.
    pub fn check_signature(&self, keys: &CoreJsonWebKeySet) -> Result<(), TokenError> {
        let kid = self.kid.as_deref();
        let named: Vec<_> = keys
            .keys()
            .iter()
            .filter(|key| kid.is_none() || key.key_id().map(|it| it.as_str()) == kid)
            .collect();
        if named.is_empty() {
            return Err(TokenError::Key);
        }
        let message = self.signed.as_bytes();
        let fits = named.iter().any(|key| {
            let checked = key.verify_signature(&self.algorithm, message, &self.signature);
            checked.is_ok()
        });
        if fits {
            Ok(())
        } else {
            Err(TokenError::Signature)
        }
    }

    /// Checks whom it is of and for, and its time.
    ///
    /// # Errors
    /// One of them is wrong, or missing.
    pub fn check_origin(&self, issuer: &str, client: &str, now_s: i64) -> Result<(), TokenError> {
        if self.text("iss")? != issuer {
            return Err(TokenError::Issuer);
        }
        let audience = self.claims.get("aud").ok_or(TokenError::Missing)?;
        let is_for_us = match audience {
            Value::String(one) => one == client,
            // Others that are meant, too, could use it here.
            Value::Array(all) => all.as_slice() == [Value::from(client)],
            _ => false,
        };
        let party = self.claims.get("azp");
        if !is_for_us || party.is_some_and(|party| party != client) {
            return Err(TokenError::Audience);
        }
        let (ends, made) = (self.seconds("exp")?, self.seconds("iat")?);
        let begins = match self.claims.get("nbf") {
            None => None,
            Some(_) => Some(self.seconds("nbf")?),
        };
        let latest = now_s + SKEW_S;
        if ends <= now_s || made > latest || begins.is_some_and(|begins| begins > latest) {
            return Err(TokenError::Time);
        }
        Ok(())
    }

    /// A claim that is text.
    ///
    /// # Errors
    /// It is missing.
    pub fn text(&self, name: &str) -> Result<&str, TokenError> {
        let value = self.claims.get(name).and_then(Value::as_str);
        value
            .filter(|text| !text.is_empty())
            .ok_or(TokenError::Missing)
    }

    /// A claim that is a time in seconds since 1970.
    ///
    /// # Errors
    /// It is missing.
    pub fn seconds(&self, name: &str) -> Result<i64, TokenError> {
        let value = self.claims.get(name).ok_or(TokenError::Missing)?;
        let whole = value.as_i64();
        // Some providers write 1.7e9; what is beyond the whole numbers of a double is no time.
        let float = || value.as_f64().filter(|it| it.abs() < 9e15);
        #[expect(clippy::cast_possible_truncation, reason = "its size is checked above")]
        let float = || float().map(|it| it as i64);
        whole.or_else(float).ok_or(TokenError::Missing)
    }
}

/// JSON in which no object has a name twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without a name twice")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = all.next_element()? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = all.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(serde::de::Error::custom("a name twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3: ES256.
    const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    #[test]
    fn the_signature_of_the_rfcs_example_is_right_and_no_other() {
        let keys: CoreJsonWebKeySet = serde_json::from_str(KEY).unwrap();
        let token = open(TOKEN, Purpose::Login).unwrap();
        assert_eq!(token.check_signature(&keys), Ok(()));
        assert_eq!(token.text("iss"), Ok("joe"));
        assert_eq!(token.seconds("exp"), Ok(1_300_819_380));
        let (head, signature) = TOKEN.rsplit_once('.').unwrap();
        let other = format!("{head}.{}", signature.replacen('D', "E", 1));
        let other = open(&other, Purpose::Login).unwrap();
        assert_eq!(other.check_signature(&keys), Err(TokenError::Signature));
    }

    #[test]
    fn no_name_stands_twice_anywhere() {
        let strict = |text: &str| serde_json::from_str::<Strict>(text).is_ok();
        assert!(strict(r#"{"a":1,"b":[{"a":2.5},null,true,"x",-1]}"#));
        assert!(!strict(r#"{"a":1,"a":1}"#));
        assert!(!strict(r#"{"b":[{"a":{"c":1,"c":2}}]}"#));
        assert!(!strict(r#"{"a":1,"\u0061":2}"#));
    }
}
