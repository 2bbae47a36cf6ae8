//! What a request brings, with our own errors where it cannot be read: a status, a code, and a sentence that repeats nothing.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;

use crate::error::ApiError;
use crate::state::Shared;

/// A body.
#[derive(Debug)]
pub struct Given<E>(pub E);

impl<E> FromRequest<Shared> for Given<E>
where
    E: FromRequest<Shared>,
    E::Rejection: IntoResponse,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        let found = E::from_request(request, state).await;
        found.map(Self).map_err(unreadable)
    }
}

/// A part of the address.
#[derive(Debug)]
pub struct Named<E>(pub E);

impl<E> FromRequestParts<Shared> for Named<E>
where
    E: FromRequestParts<Shared>,
    E::Rejection: IntoResponse,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let found = E::from_request_parts(parts, state).await;
        found.map(Self).map_err(unreadable)
    }
}

fn unreadable(rejection: impl IntoResponse) -> ApiError {
    let status = rejection.into_response().status();
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body is not of the media type that is taken",
        StatusCode::UNPROCESSABLE_ENTITY => {
            "a field of the body is missing, unknown or of another kind"
        }
        _ => "the request cannot be read",
    };
    ApiError::new(status, "request_invalid", message)
}
