//! Login at a provider of the institution: OpenID Connect, code flow with PKCE, all of it on the server.
//!
//! A browser holds the secret of its cookie and carries a code across; tokens never reach it. Sources: OpenID Connect Core 1.0
//! and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 9700.

pub mod back_channel;
pub mod claims;
pub mod exchange;
pub mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClient, CoreClientAuthMethod, CoreGrantType, CoreIdToken, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::url::Url;
use openidconnect::{
    AdditionalProviderMetadata, AuthenticationContextClass, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndSessionUrl, HttpRequest,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope,
    SignatureVerificationError, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::once::Once;
use super::secret::{NoRandom, Secret};
use crate::config::oidc::OidcAuth;
use crate::config::{Config, ConfigError, read_password};
use claims::{Lacking, Person, Rules};
use exchange::{Exchange, ExchangeError};
use token::{ALGORITHMS, Purpose, TokenError};

/// How long addresses and keys of the provider are kept.
const KEPT: Duration = Duration::from_secs(600);
/// How soon they are asked for again where a token names a key that is not among them.
const SOONEST: Duration = Duration::from_secs(30);
/// How soon a provider that did not answer is asked again: meanwhile nobody waits for it.
const RETRY: Duration = Duration::from_secs(5);

/// What we want to know of the provider beside what the library reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct More {
    end_session_endpoint: Option<EndSessionUrl>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Why nobody is let in. What the provider sent is in none of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// No answer, or none of use.
    #[error("the provider does not answer, or not as a provider")]
    Provider,
    /// Something in the answer is not as it should be.
    #[error("the provider's answer does not belong to this login")]
    Answer,
    /// The provider let nobody in.
    #[error("the provider refused the login")]
    Refused,
    /// The token.
    #[error("the provider's token is refused: {0}")]
    Token(#[from] TokenError),
    /// The provider let someone in, and it is not enough here.
    #[error("{}", .0.reason())]
    Lacking(Lacking),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// A login on its way.
#[derive(Debug)]
pub struct Flow {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    begun_s: i64,
    is_anew: bool,
}

/// What the provider sends along with a browser that comes back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// The provider.
#[derive(Debug)]
pub struct Provider {
    /// What people call it.
    pub label: String,
    issuer: IssuerUrl,
    client: ClientId,
    secret: ClientSecret,
    redirect: RedirectUrl,
    home: String,
    scopes: Vec<String>,
    rules: Rules,
    exchange: Exchange,
    known: Mutex<Option<(Instant, Option<Arc<Metadata>>)>>,
    flows: Once<Flow>,
}

impl Provider {
    /// From the configuration; `home` is where browsers reach the gateway, without a slash at the end.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn new(config: &Config, oidc: &OidcAuth, home: &str) -> Result<Self, ConfigError> {
        let unusable = |error: ExchangeError| ConfigError::Provider(error.to_string());
        let authority = oidc.ca_file.as_ref().map(|path| config.beside(path));
        let exchange = Exchange::new(authority.as_deref(), oidc.is_on_this_computer());
        let redirect = RedirectUrl::new(format!("{home}/auth/callback"));
        Ok(Self {
            label: oidc.label.clone(),
            issuer: IssuerUrl::new(oidc.issuer.clone()).map_err(|_| ConfigError::Issuer)?,
            client: ClientId::new(oidc.client_id.clone()),
            secret: ClientSecret::new(read_password(&config.beside(&oidc.client_secret_file))?),
            redirect: redirect.map_err(|_| ConfigError::PublicUrl)?,
            home: home.to_owned(),
            scopes: oidc.scopes.clone(),
            rules: Rules::new(oidc)?,
            exchange: exchange.map_err(unusable)?,
            known: Mutex::default(),
            flows: Once::default(),
        })
    }

    /// Begins a login: where the browser goes, and the secret of its cookie. One that is to be done anew asks the provider for
    /// a proof of now, whatever session the browser has there.
    ///
    /// # Errors
    /// The provider cannot be asked.
    pub async fn begin(&self, is_anew: bool, now_s: i64) -> Result<(Url, Secret), OidcError> {
        let metadata = self.metadata(KEPT).await?;
        let client = CoreClient::from_provider_metadata(
            Metadata::clone(&metadata),
            self.client.clone(),
            Some(self.secret.clone()),
        )
        .set_redirect_uri(self.redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge)
            .add_scopes(self.scopes.iter().cloned().map(Scope::new));
        for acr in self.rules.acr() {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        if is_anew {
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(Duration::ZERO);
        } else if let Some(age) = self.rules.max_age_s {
            request = request.set_max_age(Duration::from_secs(age.unsigned_abs()));
        }
        let (url, state, nonce) = request.url();
        let flow = Flow {
            state,
            nonce,
            verifier,
            begun_s: now_s,
            is_anew,
        };
        Ok((url, self.flows.keep(flow, now_s)?))
    }

    /// Ends a login: who it is. The secret of the cookie is worth nothing after, however it ends.
    ///
    /// # Errors
    /// Nobody is let in.
    pub async fn finish(
        &self,
        secret: &Secret,
        answer: Answer,
        now_s: i64,
    ) -> Result<Person, OidcError> {
        let flow = self.flows.take(secret, now_s).ok_or(OidcError::Answer)?;
        let state = answer.state.unwrap_or_default();
        verify_slices_are_equal(state.as_bytes(), flow.state.secret().as_bytes())
            .map_err(|_| OidcError::Answer)?;
        let metadata = self.metadata(KEPT).await?;
        let says_issuer = metadata
            .additional_metadata()
            .authorization_response_iss_parameter_supported;
        match answer.iss.as_deref() {
            Some(issuer) if issuer == self.issuer.as_str() => {}
            None if !says_issuer => {}
            _ => return Err(OidcError::Answer),
        }
        if answer.error.is_some() {
            return Err(OidcError::Refused);
        }
        let code = answer.code.filter(|code| !code.is_empty());
        let code = AuthorizationCode::new(code.ok_or(OidcError::Answer)?);
        let client = CoreClient::from_provider_metadata(
            Metadata::clone(&metadata),
            self.client.clone(),
            Some(self.secret.clone()),
        )
        .set_redirect_uri(self.redirect.clone());
        let http = self.http();
        let request = client
            .exchange_code(code)
            .map_err(|_| OidcError::Provider)?;
        let request = request.set_pkce_verifier(flow.verifier);
        let response = request.request_async(&http).await;
        let response = response.map_err(|_| OidcError::Refused)?;
        let given = response.id_token().ok_or(TokenError::Missing)?;
        // Text and library read the same bytes: the library keeps what it was given.
        let opened = token::open(&given.to_string(), Purpose::Login)?;
        opened.check_origin(self.issuer.as_str(), self.client.as_str(), now_s)?;
        self.verify(&metadata, given, &flow.nonce).await?;
        let not_before_s = flow.is_anew.then_some(flow.begun_s);
        let person = self
            .rules
            .person(self.issuer.as_str(), &opened.claims, not_before_s, now_s);
        person.map_err(OidcError::Lacking)
    }

    /// The library's own check of the token. Where the key is unknown, the provider may have a new one.
    async fn verify(
        &self,
        metadata: &Metadata,
        given: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), OidcError> {
        match self.verify_by(metadata, given, nonce) {
            Err(TokenError::Key) => {
                let fresh = self.metadata(SOONEST).await?;
                Ok(self.verify_by(&fresh, given, nonce)?)
            }
            done => Ok(done?),
        }
    }

    fn verify_by(
        &self,
        metadata: &Metadata,
        given: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), TokenError> {
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            self.client.clone(),
            Some(self.secret.clone()),
        );
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        match given.claims(&verifier, nonce) {
            Ok(_) => Ok(()),
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => Err(TokenError::Key),
            Err(ClaimsVerificationError::InvalidNonce(_)) => Err(TokenError::Nonce),
            Err(ClaimsVerificationError::InvalidIssuer(_)) => Err(TokenError::Issuer),
            Err(ClaimsVerificationError::InvalidAudience(_)) => Err(TokenError::Audience),
            Err(ClaimsVerificationError::Expired(_)) => Err(TokenError::Time),
            Err(_) => Err(TokenError::Signature),
        }
    }

    /// Where a browser ends its session at the provider, where the provider has such a place. No token is kept for it: the
    /// provider asks the person.
    ///
    /// # Errors
    /// The provider cannot be asked.
    pub async fn logout_url(&self) -> Result<Option<Url>, OidcError> {
        let metadata = self.metadata(KEPT).await?;
        let place = &metadata.additional_metadata().end_session_endpoint;
        Ok(place.as_ref().map(|place| {
            let mut url = place.url().clone();
            url.query_pairs_mut()
                .append_pair("client_id", self.client.as_str())
                .append_pair(
                    "post_logout_redirect_uri",
                    &format!("{}/auth/login", self.home),
                );
            url
        }))
    }

    fn http(&self) -> impl Fn(HttpRequest) -> Sent + use<> {
        let exchange = self.exchange.clone();
        move |request| Box::pin(exchange.clone().send(request))
    }

    /// Addresses and keys, not older than `most`. Only the configured provider is asked, and it must call itself so.
    async fn metadata(&self, most: Duration) -> Result<Arc<Metadata>, OidcError> {
        let mut known = self.known.lock().await;
        match known.as_ref() {
            Some((at, Some(metadata))) if at.elapsed() < most => return Ok(Arc::clone(metadata)),
            Some((at, None)) if at.elapsed() < RETRY => return Err(OidcError::Provider),
            _ => {}
        }
        let http = self.http();
        let found = Metadata::discover_async(self.issuer.clone(), &http).await;
        let found = found.ok().map(Arc::new);
        *known = Some((Instant::now(), found.clone()));
        found.ok_or(OidcError::Provider)
    }
}

type Sent = std::pin::Pin<
    Box<dyn Future<Output = Result<openidconnect::HttpResponse, ExchangeError>> + Send>,
>;
