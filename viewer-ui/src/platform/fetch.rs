//! Requests. Text answers go through gloo-net; frames stay in the JavaScript heap as `ArrayBuffer`s.

use gloo_net::http::Request;

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or the server is not there.
    #[error("the server could not be reached")]
    Unreachable,
    /// The server answered with an error.
    #[error("the server refused ({status})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's own words, where it sent any.
        message: Option<String>,
    },
    /// We aborted it.
    #[error("the request was aborted")]
    Aborted,
}

/// A text answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextAnswer {
    /// The body.
    pub text: String,
    /// `X-Total-Count`, where the server says it: all matches of a query.
    pub total: Option<u32>,
}

/// Gets text, for example DICOM JSON.
pub async fn get_text(url: &str, accept: &str) -> Result<TextAnswer, FetchError> {
    let response = Request::get(url)
        .header("Accept", accept)
        .send()
        .await
        .map_err(|_| FetchError::Unreachable)?;
    let total = response.headers().get("x-total-count").and_then(|count| count.parse().ok());
    let text = response.text().await.map_err(|_| FetchError::Unreachable)?;
    if !response.ok() {
        return Err(FetchError::Refused { status: response.status(), message: message_of(&text) });
    }
    Ok(TextAnswer { text, total })
}

/// The words in `{"error":{"message":"..."}}`, as our gateway answers.
fn message_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value.get("error")?.get("message")?.as_str()?.to_owned())
}
