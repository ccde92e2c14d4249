//! The provider: what it says of itself, its keys, and how a code becomes proved claims.
//!
//! Nothing that the provider answers is ever logged or shown as it is: it may be a token.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, Client, ClientId,
    ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdToken, IdTokenFields,
    IdTokenVerifier, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _,
};
use tokio::sync::Mutex;

use super::flow::Flow;
use super::{Claims, Others};
use crate::config::oidc::Oidc;
use crate::config::secret::SecretText;
use crate::egress::{Egress, Failure, Policy};

/// How long what the provider says of itself, and its keys, are believed.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// After a failure nobody is asked again for so long.
pub(crate) const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Between two times that keys are asked for because of an unknown one.
pub(crate) const KEYS_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Of one exchange.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;

/// Signatures that prove something: with a key that only the provider has. Never `none`, and
/// nothing that is made with a secret both sides know.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Others,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Token =
    IdToken<Others, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

type Refusal = StandardErrorResponse<CoreErrorResponseType>;

type Ours = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    Refusal,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why nobody is signed in. What is said here may be shown to whoever tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// It may work later; an administrator has to look when it does not.
    #[error("the provider of identities {0}")]
    Unavailable(String),
    /// Of ours or of the provider: it never works before an administrator changes it.
    #[error("signing in is not set up right: {0}")]
    Unfit(String),
    /// The provider does not take the code.
    #[error("the provider of identities does not take this sign-in any more")]
    Stale,
    /// What the provider gave proves nothing.
    #[error("what the provider of identities said is not proved: {0}")]
    Unproved(&'static str),
    /// Signed with a key that the provider did not show, and it was asked a moment ago.
    #[error("the provider of identities signs with a key that it does not show yet")]
    UnknownKey,
}

/// What a provider says of itself, with its keys.
#[derive(Debug)]
pub(crate) struct Provider {
    metadata: CoreProviderMetadata,
    /// What it was asked by.
    issuer: String,
    allow_private: bool,
    asked_at: Timestamp,
}

/// The provider that was asked last.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    known: Option<Arc<Provider>>,
    /// Of which issuer, when, and why.
    failed: Option<(String, Timestamp, Problem)>,
    keys_at: Option<Timestamp>,
}

impl Provider {
    fn is_of(&self, oidc: &Oidc) -> bool {
        self.issuer == oidc.issuer && self.allow_private == oidc.allow_private
    }

    fn with_keys(&self, keys: CoreJsonWebKeySet) -> Self {
        Self {
            metadata: self.metadata.clone().set_jwks(keys),
            issuer: self.issuer.clone(),
            allow_private: self.allow_private,
            asked_at: self.asked_at,
        }
    }
}

impl Providers {
    /// As it is known, or asked now. One asks, all others wait for its answer.
    pub(crate) async fn get(
        &self,
        egress: &Egress,
        oidc: &Oidc,
        now: Timestamp,
    ) -> Result<Arc<Provider>, Problem> {
        let mut last = self.last.lock().await;
        if let Some(known) = &last.known
            && known.is_of(oidc)
            && now.duration_since(known.asked_at) < FRESH
        {
            return Ok(Arc::clone(known));
        }
        if let Some((issuer, at, problem)) = &last.failed
            && *issuer == oidc.issuer
            && now.duration_since(*at) < PAUSE
        {
            return Err(problem.clone());
        }
        match discover(egress, oidc, now).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                *last = Last {
                    known: Some(Arc::clone(&provider)),
                    failed: None,
                    keys_at: last.keys_at,
                };
                Ok(provider)
            }
            Err(problem) => {
                tracing::warn!(issuer = oidc.issuer, %problem, "the provider cannot be asked");
                // Those who waited meanwhile do not ask one after the other.
                last.failed = Some((oidc.issuer.clone(), crate::clock::wall(), problem.clone()));
                Err(problem)
            }
        }
    }

    /// With the keys that it shows now; `seen` is what lacks one. Asked at most every 30 s.
    async fn with_new_keys(
        &self,
        egress: &Egress,
        oidc: &Oidc,
        seen: &Arc<Provider>,
        now: Timestamp,
    ) -> Result<Arc<Provider>, Problem> {
        let mut last = self.last.lock().await;
        if let Some(known) = &last.known
            && known.is_of(oidc)
            && !Arc::ptr_eq(known, seen)
        {
            return Ok(Arc::clone(known));
        }
        if last.keys_at.is_some_and(|at| now.duration_since(at) < KEYS_AGAIN) {
            return Err(Problem::UnknownKey);
        }
        last.keys_at = Some(now);
        let ask = by(egress, oidc);
        let keys = CoreJsonWebKeySet::fetch_async(seen.metadata.jwks_uri(), &ask).await;
        let keys = keys.map_err(undiscovered)?;
        tracing::info!(issuer = oidc.issuer, keys = keys.keys().len(), "the provider's keys anew");
        let provider = Arc::new(seen.with_keys(keys));
        last.known = Some(Arc::clone(&provider));
        Ok(provider)
    }
}

/// Why there is no answer that could be read.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the provider answers {0}")]
    Broken(u16),
}

/// The one way out, as the library wants it.
fn by(
    egress: &Egress,
    oidc: &Oidc,
) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, Silence>> + Send + Sync + 'static
{
    let (egress, allow_private) = (egress.clone(), oidc.allow_private);
    move |request| {
        let egress = egress.clone();
        Box::pin(async move {
            let policy = Policy { allow_private, timeout: PATIENCE, max_bytes: LARGEST };
            let answer = egress.send(request, &policy).await?;
            let status = answer.status();
            // Whatever it says then was not made for us.
            if status.is_server_error() {
                return Err(Silence::Broken(status.as_u16()));
            }
            Ok(answer)
        })
    }
}

async fn discover(egress: &Egress, oidc: &Oidc, now: Timestamp) -> Result<Provider, Problem> {
    let issuer = IssuerUrl::new(oidc.issuer.clone())
        .map_err(|_| Problem::Unfit("`issuer` is no address".to_owned()))?;
    let ask = by(egress, oidc);
    let metadata = CoreProviderMetadata::discover_async(issuer, &ask).await;
    let metadata = metadata.map_err(undiscovered)?;
    let token = metadata.token_endpoint().map(|url| url.url());
    let Some(token) = token else {
        return Err(Problem::Unfit("the provider exchanges no codes".to_owned()));
    };
    for url in [token, metadata.jwks_uri().url()] {
        if !is_safe(url, oidc) {
            let problem = "the provider wants to be asked without TLS, which is for one on this \
                           machine or its networks, with `allow_private: true`";
            return Err(Problem::Unfit(problem.to_owned()));
        }
    }
    if !matches!(metadata.authorization_endpoint().url().scheme(), "http" | "https") {
        return Err(Problem::Unfit("the provider's page is none of the web".to_owned()));
    }
    let (issuer, allow_private) = (oidc.issuer.clone(), oidc.allow_private);
    Ok(Provider { metadata, issuer, allow_private, asked_at: now })
}

fn is_safe(url: &Url, oidc: &Oidc) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && oidc.allow_private)
}

fn undiscovered(error: DiscoveryError<Silence>) -> Problem {
    match error {
        DiscoveryError::Request(silence) => unreached(&silence),
        DiscoveryError::Response(status, _, _) => {
            Problem::Unavailable(format!("answers {} where it describes itself", status.as_u16()))
        }
        DiscoveryError::Validation(_) => {
            Problem::Unfit("the provider calls itself otherwise than `issuer` does".to_owned())
        }
        DiscoveryError::Parse(error) => {
            let path = error.path().to_string();
            Problem::Unavailable(format!("describes itself in a way nobody understands: `{path}`"))
        }
        _ => Problem::Unavailable("could not be asked for its description".to_owned()),
    }
}

fn unreached(silence: &Silence) -> Problem {
    let failure = match silence {
        Silence::Broken(status) => {
            tracing::warn!(status, "the provider is broken");
            return Problem::Unavailable(format!("is broken (it answers {status})"));
        }
        Silence::Failure(failure) => failure,
    };
    match failure {
        Failure::Private { .. } | Failure::Never { .. } | Failure::Url { .. } => {
            Problem::Unfit(failure.to_string())
        }
        Failure::Unresolved { .. }
        | Failure::Unreached { .. }
        | Failure::Tls { .. }
        | Failure::Slow { .. }
        | Failure::Large { .. }
        | Failure::Broken { .. }
        | Failure::Client { .. } => {
            tracing::warn!(code = failure.code(), cause = %failure, "no answer of the provider");
            Problem::Unavailable(format!("did not answer ({})", failure.code()))
        }
    }
}

/// Where the browser is sent to.
pub(crate) fn authorization(provider: &Provider, oidc: &Oidc, flow: &Flow) -> Result<Url, Problem> {
    let client = client(provider, oidc, None, &flow.redirect)?;
    let (state, nonce) = (flow.state.clone(), flow.nonce.clone());
    let verifier = PkceCodeVerifier::new(flow.verifier.clone());
    let request = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(oidc.scopes.iter().cloned().map(Scope::new));
    Ok(request.url().0)
}

fn client(
    provider: &Provider,
    oidc: &Oidc,
    secret: Option<&SecretText>,
    redirect: &str,
) -> Result<Ours, Problem> {
    let redirect = RedirectUrl::new(redirect.to_owned())
        .map_err(|_| Problem::Unfit("`public_url` is no address".to_owned()))?;
    let ways = provider.metadata.token_endpoint_auth_methods_supported();
    let basic = ways.is_none_or(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let post = ways.is_some_and(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretPost));
    let auth = if post && !basic { AuthType::RequestBody } else { AuthType::BasicAuth };
    let secret = secret.map(|secret| ClientSecret::new(secret.expose().to_owned()));
    let id = ClientId::new(oidc.client_id.clone());
    let client = Ours::from_provider_metadata(provider.metadata.clone(), id, secret);
    Ok(client.set_redirect_uri(redirect).set_auth_type(auth))
}

/// The claims that this code stands for, proved.
pub(crate) async fn claims(
    providers: &Providers,
    egress: &Egress,
    (oidc, secret): (&Oidc, Option<&SecretText>),
    (flow, code): (&Flow, String),
    now: Timestamp,
) -> Result<Claims, Problem> {
    let provider = providers.get(egress, oidc, now).await?;
    let token = exchange(&provider, egress, (oidc, secret), (flow, code)).await?;
    let nonce = Nonce::new(flow.nonce.clone());
    let first = verified(&provider, oidc, &token, &nonce);
    let Err(ClaimsVerificationError::SignatureVerification(
        SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
    )) = &first
    else {
        return first.map_err(unproved);
    };
    // It may have a new key, also under the old name.
    let provider = providers.with_new_keys(egress, oidc, &provider, now).await?;
    verified(&provider, oidc, &token, &nonce).map_err(unproved)
}

async fn exchange(
    provider: &Provider,
    egress: &Egress,
    (oidc, secret): (&Oidc, Option<&SecretText>),
    (flow, code): (&Flow, String),
) -> Result<Token, Problem> {
    let client = client(provider, oidc, secret, &flow.redirect)?;
    let request = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|_| Problem::Unfit("the provider exchanges no codes".to_owned()))?
        .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
    let ask = by(egress, oidc);
    let tokens = request.request_async(&ask).await.map_err(|error| not_exchanged(&error))?;
    tokens.id_token().cloned().ok_or(Problem::Unproved("it gave no ID token"))
}

fn not_exchanged(error: &RequestTokenError<Silence, Refusal>) -> Problem {
    match error {
        RequestTokenError::ServerResponse(refusal) => match refusal.error() {
            CoreErrorResponseType::InvalidGrant => Problem::Stale,
            other => {
                let word = word(other.as_ref());
                tracing::warn!(error = word, "the provider refuses this server");
                Problem::Unfit(format!("the provider refuses this server ({word})"))
            }
        },
        RequestTokenError::Request(silence) => unreached(silence),
        // What could not be understood may be a token.
        RequestTokenError::Parse(error, _) => {
            let path = error.path().to_string();
            tracing::warn!(path, "an answer of the provider could not be understood");
            Problem::Unproved("its answer could not be understood")
        }
        RequestTokenError::Other(_) => {
            Problem::Unavailable("gave an answer without content".to_owned())
        }
    }
}

/// A word of a protocol, or nothing of what came in its place.
pub(crate) fn word(text: &str) -> &str {
    let is_word =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { text } else { "an error" }
}

fn verified(
    provider: &Provider,
    oidc: &Oidc,
    token: &Token,
    nonce: &Nonce,
) -> Result<Claims, ClaimsVerificationError> {
    let verifier = IdTokenVerifier::new_public_client(
        ClientId::new(oidc.client_id.clone()),
        provider.metadata.issuer().clone(),
        provider.metadata.jwks().clone(),
    );
    let verifier = verifier.set_allowed_algs(ALGORITHMS);
    let claims = token.claims(&verifier, nonce)?;
    let party = claims.authorized_party();
    if party.is_some_and(|party| party.as_str() != oidc.client_id) {
        return Err(ClaimsVerificationError::InvalidAudience("for another party".to_owned()));
    }
    Ok(claims.clone())
}

fn unproved(error: ClaimsVerificationError) -> Problem {
    let what = match &error {
        ClaimsVerificationError::Expired(_) => "the ID token has expired",
        ClaimsVerificationError::InvalidAudience(_) => "the ID token is for somebody else",
        ClaimsVerificationError::InvalidIssuer(_) => "the ID token is of somebody else",
        ClaimsVerificationError::InvalidNonce(_) => "the ID token is of another sign-in",
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoSignature
            | SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::UnsupportedAlg(_),
        ) => "the ID token is not signed in a way that proves anything",
        ClaimsVerificationError::SignatureVerification(_) => "the ID token's signature is wrong",
        _ => "the ID token is not valid",
    };
    tracing::warn!(what, "a sign-in was not proved");
    Problem::Unproved(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_protocol_are_repeated() {
        assert_eq!(word("invalid_client"), "invalid_client");
        for other in ["", "Bearer eyJ", "<script>", &"a".repeat(65)] {
            assert_eq!(word(other), "an error");
        }
    }
}
