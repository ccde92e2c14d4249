//! A provider of identities on loopback that says what a test wants it to say, and a browser.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json as Body, Router};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::url::Url;
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use p256::ecdsa::signature::Signer as _;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::{CryptoRng, Error, RngCore};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::bench::Bench;

pub(crate) const CLIENT: &str = "orchestrate";
pub(crate) const SECRET: &str = "the-clients-own-secret";

/// What is about to be signed.
pub(crate) struct Token {
    pub(crate) claims: Json,
    pub(crate) algorithm: &'static str,
    /// With the secret that both sides know.
    pub(crate) by_secret: bool,
    /// The signature is of something else.
    pub(crate) forged: bool,
    /// Instead of a token.
    pub(crate) raw: Option<Json>,
}

pub(crate) type Twist = fn(&mut Token);

enum Key {
    Rsa(Box<CoreRsaPrivateSigningKey>),
    Elliptic(Box<p256::ecdsa::SigningKey>),
}

pub(crate) struct Said {
    pub(crate) person: Json,
    pub(crate) twist: Twist,
    pub(crate) asked: BTreeMap<&'static str, u32>,
    /// What the last code was exchanged with.
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) authorization: String,
    /// Answers nothing but 500 at these places.
    pub(crate) broken: Vec<&'static str>,
    key: (String, Key),
    shown: Vec<Json>,
    codes: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    said: Arc<Mutex<Said>>,
}

struct Chance;

impl RngCore for Chance {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Chance {}

/// Small: a test only has to tell right from wrong.
fn rsa_key(kid: &str) -> Key {
    let key = rsa::RsaPrivateKey::new(&mut Chance, 768).unwrap();
    let pem = key.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap();
    let kid = Some(JsonWebKeyId::new(kid.to_owned()));
    Key::Rsa(Box::new(CoreRsaPrivateSigningKey::from_pem(&pem, kid).unwrap()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let whole = chunk.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |at| DIGITS[(whole >> (18 - 6 * at)) as usize & 63] as char)
    });
    digits.collect()
}

impl Key {
    fn shown(&self, kid: &str) -> Json {
        match self {
            Self::Rsa(key) => serde_json::to_value(key.as_verification_key()).unwrap(),
            Self::Elliptic(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let bytes = point.as_bytes();
                json!({
                    "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256",
                    "x": base64(&bytes[1..33]), "y": base64(&bytes[33..]),
                })
            }
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                key.sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, text.as_bytes()).unwrap()
            }
            Self::Elliptic(key) => {
                let signature: p256::ecdsa::Signature = key.sign(text.as_bytes());
                signature.to_bytes().to_vec()
            }
        }
    }
}

fn by_secret(text: &str) -> Vec<u8> {
    let key = openidconnect::core::CoreHmacKey::new(SECRET);
    key.sign(&CoreJwsSigningAlgorithm::HmacSha256, text.as_bytes()).unwrap()
}

pub(crate) fn now() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

impl Provider {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = rsa_key("k1");
        let said = Said {
            person: json!({"sub": "7", "preferred_username": "bo"}),
            twist: |_| {},
            asked: BTreeMap::new(),
            form: BTreeMap::new(),
            authorization: String::new(),
            broken: Vec::new(),
            shown: vec![key.shown("k1")],
            key: ("k1".to_owned(), key),
            codes: BTreeMap::new(),
        };
        let provider = Self { issuer, said: Arc::new(Mutex::new(said)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap()
    }

    /// How often it was asked there.
    pub(crate) fn asked(&self, place: &str) -> u32 {
        self.said().asked.get(place).copied().unwrap_or_default()
    }

    /// Signs with another key from now on, and shows only that one.
    pub(crate) fn rotate(&self, kid: &str, elliptic: bool) {
        let key = match elliptic {
            true => {
                let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
                Key::Elliptic(Box::new(key))
            }
            false => rsa_key(kid),
        };
        let mut said = self.said();
        said.shown = vec![key.shown(kid)];
        said.key = (kid.to_owned(), key);
    }

    /// Somebody signs in on its page: the path on which their browser comes back.
    pub(crate) fn authorize(&self, location: &str) -> String {
        let asked: BTreeMap<String, String> =
            Url::parse(location).unwrap().query_pairs().into_owned().collect();
        let mut said = self.said();
        let code = format!("code-{}", said.codes.len());
        let redirect = Url::parse(&asked["redirect_uri"]).unwrap();
        let state = asked["state"].clone();
        said.codes.insert(code.clone(), asked);
        format!("{}?code={code}&state={state}&session_state=x", redirect.path())
    }

    fn answer(&self, place: &'static str, answer: impl FnOnce(&mut Said) -> Response) -> Response {
        let mut said = self.said();
        *said.asked.entry(place).or_default() += 1;
        if said.broken.contains(&place) {
            return (StatusCode::INTERNAL_SERVER_ERROR, "hush-hush").into_response();
        }
        answer(&mut said)
    }
}

async fn discovery(State(provider): State<Provider>) -> Response {
    let issuer = &provider.issuer;
    provider.answer("discovery", |_| {
        Body(json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        }))
        .into_response()
    })
}

async fn keys(State(provider): State<Provider>) -> Response {
    provider.answer("keys", |said| Body(json!({ "keys": said.shown })).into_response())
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> Response {
    let pairs = openidconnect::url::form_urlencoded::parse(body.as_bytes());
    let form: BTreeMap<String, String> = pairs.into_owned().collect();
    let issuer = provider.issuer.clone();
    provider.answer("token", |said| {
        let authorization = headers.get("authorization").map(|value| value.to_str().unwrap());
        said.authorization = authorization.unwrap_or_default().to_owned();
        said.form = form.clone();
        let asked = form.get("code").and_then(|code| said.codes.remove(code));
        let verifier = form.get("code_verifier").cloned().unwrap_or_default();
        let challenge = base64(&Sha256::digest(verifier.as_bytes()));
        let fits = |asked: &BTreeMap<String, String>| {
            asked["code_challenge"] == challenge && asked["redirect_uri"] == form["redirect_uri"]
        };
        let Some(asked) = asked.filter(fits) else {
            let refusal = json!({"error": "invalid_grant", "error_description": "hush-hush"});
            return (StatusCode::BAD_REQUEST, Body(refusal)).into_response();
        };
        Body(said.tokens(&issuer, &asked)).into_response()
    })
}

impl Said {
    fn tokens(&mut self, issuer: &str, asked: &BTreeMap<String, String>) -> Json {
        let mut claims = json!({
            "iss": issuer, "aud": CLIENT, "nonce": asked["nonce"],
            "iat": now(), "exp": now() + 300,
        });
        let own = self.person.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(own);
        let algorithm = match self.key.1 {
            Key::Rsa(_) => "RS256",
            Key::Elliptic(_) => "ES256",
        };
        let mut token = Token { claims, algorithm, by_secret: false, forged: false, raw: None };
        (self.twist)(&mut token);
        let header = json!({"alg": token.algorithm, "kid": self.key.0, "typ": "JWT"});
        let part = |json: &Json| base64(json.to_string().as_bytes());
        let text = format!("{}.{}", part(&header), part(&token.claims));
        let signature = match (token.algorithm, token.by_secret) {
            ("none", _) => Vec::new(),
            (_, true) => by_secret(&text),
            (_, false) if token.forged => self.key.1.sign("something else"),
            (_, false) => self.key.1.sign(&text),
        };
        let id_token = json!(format!("{text}.{}", base64(&signature)));
        let mut answer = json!({"access_token": "hush-hush", "token_type": "Bearer"});
        answer["id_token"] = token.raw.unwrap_or(id_token);
        if answer["id_token"].is_null() {
            answer.as_object_mut().unwrap().remove("id_token");
        }
        answer
    }
}

/// Keeps cookies and follows nothing.
pub(crate) struct Browser<'b> {
    bench: &'b Bench,
    pub(crate) cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// It has to be this problem, and begins no session.
    pub(crate) fn refused(self, status: u16, code: &str) -> Json {
        assert_eq!(self.status, status, "{}", self.text);
        let problem: Json = serde_json::from_str(&self.text).unwrap();
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["hints"].as_array().is_some_and(|hints| !hints.is_empty()), "{problem}");
        assert!(!self.text.contains("hush-hush"), "{problem}");
        assert!(!self.cookies().iter().any(|cookie| cookie.contains("session_")), "no session");
        problem
    }
}

impl<'b> Browser<'b> {
    pub(crate) fn new(bench: &'b Bench) -> Self {
        Self { bench, cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "application/json", Json::Null).await
    }

    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        accept: &str,
        body: Json,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", "application/json");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let (head, body) = self.bench.router().oneshot(request).await.unwrap().into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        let answer = Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(text.to_vec()).unwrap(),
        };
        for cookie in answer.cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match rest.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        answer
    }

    /// To the provider: where it is sent, and where it comes back.
    pub(crate) async fn start(&mut self, provider: &Provider) -> String {
        let started = self.get("/api/session/oidc/start").await;
        assert_eq!(started.status, 303, "{}", started.text);
        provider.authorize(started.location())
    }

    /// There and back.
    pub(crate) async fn sign_in(&mut self, provider: &Provider) -> Answer {
        let back = self.start(provider).await;
        self.get(&back).await
    }
}
