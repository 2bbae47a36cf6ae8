//! A provider that answers with whatever token a test made, and the keys to make them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub const SECRET: &str = "a secret of the gateway and the provider";

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Keys of the provider, or of a forger.
pub struct Keys {
    pub rsa: RsaKeyPair,
    pub ec: EcdsaKeyPair,
    pub ed: Ed25519KeyPair,
}

impl Keys {
    pub fn new() -> Self {
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            ed: Ed25519KeyPair::generate().unwrap(),
        }
    }

    /// As the provider publishes them.
    pub fn public(&self) -> Value {
        // RSAPublicKey of 2048 bits in DER: the modulus is at 9, after a zero byte; the exponent is 65537.
        let rsa = self.rsa.public_key().as_ref();
        let point = self.ec.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "n": b64(&rsa[9..265]), "e": "AQAB"},
            {"kty": "EC", "kid": "e", "use": "sig", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])},
            {"kty": "OKP", "kid": "d", "use": "sig", "crv": "Ed25519", "x": b64(self.ed.public_key().as_ref())},
        ]})
    }

    /// Signs by the algorithm that the header names; `secret` is the key of the symmetric one.
    pub fn sign(&self, algorithm: &str, text: &str, secret: &[u8]) -> Vec<u8> {
        let (random, text) = (SystemRandom::new(), text.as_bytes());
        let rsa = |padding: &'static dyn aws_lc_rs::signature::RsaEncoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa
                .sign(padding, &random, text, &mut signature)
                .unwrap();
            signature
        };
        match algorithm {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "ES256" => self.ec.sign(&random, text).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(text).as_ref().to_vec(),
            "HS256" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, text).as_ref().to_vec()
            }
            _ => Vec::new(),
        }
    }
}

/// What the provider does next.
#[derive(Default)]
pub struct Next {
    /// The token that it gives for a code.
    pub token: String,
    /// The challenge that came with the request for the code.
    pub challenge: String,
    /// The address that a request for tokens is sent on to.
    pub elsewhere: Option<String>,
    /// The name that it gives itself, if it is not its own.
    pub issuer: Option<String>,
    /// How often each path was asked for.
    pub asked: BTreeMap<&'static str, usize>,
}

pub struct FakeProvider {
    pub issuer: String,
    pub keys: Keys,
    pub next: Arc<Mutex<Next>>,
    _runtime: Runtime,
}

#[derive(Clone)]
struct Shared {
    issuer: String,
    keys: Value,
    next: Arc<Mutex<Next>>,
}

impl FakeProvider {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let (keys, issuer) = (Keys::new(), format!("http://{address}"));
        let next = Arc::new(Mutex::new(Next::default()));
        let shared = Shared {
            issuer: issuer.clone(),
            keys: keys.public(),
            next: Arc::clone(&next),
        };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/elsewhere", get(elsewhere).post(elsewhere))
            .with_state(shared);
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            issuer,
            keys,
            next,
            _runtime: runtime,
        }
    }

    /// A token of the provider as it should be.
    pub fn claims(&self, nonce: &str) -> Value {
        let now = gateway::auth::asker::now_s();
        json!({
            "iss": self.issuer, "aud": "viewer", "sub": "7", "name": "Ada Example", "roles": ["rad"],
            "nonce": nonce, "iat": now, "exp": now + 300, "sid": "s1",
        })
    }

    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        signed_by(&self.keys, header, &claims.to_string(), SECRET.as_bytes())
    }

    pub fn asked(&self, path: &str) -> usize {
        self.next
            .lock()
            .unwrap()
            .asked
            .get(path)
            .copied()
            .unwrap_or(0)
    }
}

/// A token from its parts.
pub fn signed_by(keys: &Keys, header: &Value, claims: &str, secret: &[u8]) -> String {
    let text = format!("{}.{}", b64(header.to_string()), b64(claims));
    let algorithm = header["alg"].as_str().unwrap_or_default();
    let signature = b64(keys.sign(algorithm, &text, secret));
    format!("{text}.{signature}")
}

fn count(shared: &Shared, path: &'static str) {
    *shared.next.lock().unwrap().asked.entry(path).or_default() += 1;
}

async fn discovery(State(shared): State<Shared>) -> Json<Value> {
    count(&shared, "discovery");
    let issuer = &shared.issuer;
    let named = shared.next.lock().unwrap().issuer.clone();
    Json(json!({
        "issuer": named.as_ref().unwrap_or(issuer),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "none"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(State(shared): State<Shared>) -> Json<Value> {
    count(&shared, "jwks");
    Json(shared.keys)
}

async fn elsewhere(State(shared): State<Shared>) -> StatusCode {
    count(&shared, "elsewhere");
    StatusCode::OK
}

async fn token(
    State(shared): State<Shared>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    count(&shared, "token");
    let next = shared.next.lock().unwrap();
    if let Some(elsewhere) = &next.elsewhere {
        return Redirect::temporary(elsewhere).into_response();
    }
    // RFC 7636, 4.6.
    let verifier = fields.get("code_verifier").cloned().unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
    if verifier.len() < 43 || b64(hash) != next.challenge {
        let error = json!({"error": "invalid_grant"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    Json(json!({"access_token": "x", "token_type": "Bearer", "id_token": next.token}))
        .into_response()
}
