//! Tickets for frames in other systems' pages: asked for by their servers, taken by the app in the frame.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use protocol::dicomweb::query::{Field, Filter, QidoQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::asking::{Asking, no_login, record, work};
use super::given::Given;
use crate::audit::event::{Event, Kind, Outcome};
use crate::auth::access::{LoggedIn, visible_to};
use crate::auth::accounts::{self, User};
use crate::auth::asker::{FRAME_COOKIE, now_s};
use crate::auth::launch::{self, Context, LaunchError, NewTicket, Redeemed, Stopped, TICKET_S};
use crate::auth::policy::Action;
use crate::auth::secret::Secret;
use crate::auth::sessions;
use crate::auth::visible::Studies;
use crate::error::ApiError;
use crate::requests::Current;
use crate::source::folder::entry::fold;
use crate::source::folder::search::Level;
use crate::state::{LOCAL, Shared, blocking};

/// Most studies of one ticket.
const MOST_STUDIES: usize = 64;

/// What is to be opened, and for whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// User name.
    user: String,
    /// Study Instance UID; or else:
    #[serde(default)]
    study: Option<String>,
    /// Accession Number; or else:
    #[serde(default)]
    accession: Option<String>,
    /// Patient ID: all studies of the patient that the user may find.
    #[serde(default)]
    patient: Option<String>,
    /// Source.
    #[serde(default)]
    source: Option<String>,
    /// Origin of the page that will hold the frame.
    #[serde(default)]
    parent: Option<String>,
}

/// A ticket, and what it opens.
#[derive(Debug, Serialize)]
pub struct TicketAnswer {
    ticket: String,
    /// Address of the frame, relative to the gateway's root. What stands behind `#` goes to no server.
    path: String,
    expires_in_s: i64,
    source: String,
    studies: BTreeSet<String>,
}

/// Makes a ticket for a system that has proved who it is.
pub async fn issue(
    State(state): State<Shared>,
    Extension(current): Extension<Arc<Current>>,
    headers: HeaderMap,
    body: Result<Json<Wanted>, axum::extract::rejection::JsonRejection>,
) -> Result<Response, ApiError> {
    let login = state.login.as_ref().ok_or_else(no_login)?;
    let address = current.address().to_string();
    let mut event = Event::new(Kind::Login, Outcome::Refused);
    event.actor.address.clone_from(&address);
    let client = match login.clients.who(&headers, &address, now_s()) {
        Ok(client) => client,
        Err(stopped) => {
            event.actor.user = "(unknown)".into();
            event.reason = "launch client refused".into();
            record(&state, event).await?;
            return Ok(refuse(stopped));
        }
    };
    event.actor.user = format!("launch:{client}");
    let Json(wanted) =
        body.map_err(|_| bad("the body must be JSON as docs/embedding.md has it"))?;
    match make(&state, &client, &wanted).await {
        Ok(answer) => Ok((StatusCode::CREATED, Json(answer)).into_response()),
        Err(error) => {
            event.reason = error.code.to_owned();
            record(&state, event).await?;
            Err(error)
        }
    }
}

fn bad(message: &str) -> ApiError {
    ApiError::bad_request("launch_invalid", message)
}

fn refuse(stopped: Stopped) -> Response {
    match stopped {
        Stopped::Unknown => {
            let message = "name and secret of this system are not known here";
            let error = ApiError::new(StatusCode::UNAUTHORIZED, "client_refused", message);
            let mut response = error.into_response();
            let scheme = HeaderValue::from_static("Basic realm=\"launch\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
            response
        }
        Stopped::Wait(seconds) => {
            let message = format!("too many tries: wait {seconds} s");
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = ApiError::new(status, "client_slowed", message).into_response();
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            response
        }
    }
}

async fn make(state: &Shared, client: &str, wanted: &Wanted) -> Result<TicketAnswer, ApiError> {
    let parent = wanted.parent.clone();
    if parent.as_ref().is_some_and(|it| !state.parents.allow(it)) {
        return Err(ApiError::parent_refused());
    }
    let source = wanted.source.as_deref().unwrap_or(LOCAL).to_owned();
    state.root(Some(&source))?;
    let name = wanted.user.clone();
    let user = work(state, move |login| {
        accounts::by_name(&login.database, &name)
    })
    .await?;
    let user = user.map_err(|error| ApiError::from_account(&error))?;
    let user = user
        .filter(|user| !user.is_locked)
        .ok_or_else(|| ApiError::not_found("user_unknown", "there is no such user here"))?;
    let studies = find(state, &user, &source, wanted).await?;
    let context = Context { source, studies };
    let new = NewTicket {
        user: user.id,
        client: client.to_owned(),
        context: Some(context.clone()),
        parent,
        replaces: None,
    };
    let ticket = issue_one(state, new).await?;
    Ok(TicketAnswer {
        path: format!("embed#ticket={}", ticket.text()),
        ticket: ticket.text(),
        expires_in_s: TICKET_S,
        source: context.source,
        studies: context.studies,
    })
}

async fn issue_one(state: &Shared, new: NewTicket) -> Result<Secret, ApiError> {
    let made = work(state, move |login| {
        launch::issue(&login.database, &new, now_s())
    });
    made.await?.map_err(|error| ApiError::from_account(&error))
}

/// The studies that a ticket opens, of those that its user may have.
async fn find(
    state: &Shared,
    user: &User,
    source: &str,
    wanted: &Wanted,
) -> Result<BTreeSet<String>, ApiError> {
    let (field, value, action) = match (&wanted.study, &wanted.accession, &wanted.patient) {
        (Some(uid), None, None) => (Field::StudyInstanceUid, uid.clone(), Action::View),
        (None, Some(number), None) => (Field::AccessionNumber, fold(number), Action::Search),
        (None, None, Some(id)) => (Field::PatientId, fold(id), Action::Search),
        _ => return Err(bad("give one of study, accession and patient")),
    };
    if value.trim().is_empty() {
        return Err(bad("study, accession or patient is empty"));
    }
    let study = wanted.study.as_deref();
    let visible = visible_to(state, user, source, action, study).await?;
    if state.upstream(Some(source))?.is_some() {
        let study = study.ok_or_else(|| bad("of another server's studies give the study"))?;
        return match visible.studies_at(source) {
            Studies::Nothing => Err(study_unknown()),
            _ => Ok(BTreeSet::from([study.to_owned()])),
        };
    }
    let query = QidoQuery {
        filters: vec![(field, Filter::AnyOf(vec![value]))],
        ..QidoQuery::default()
    };
    let found = blocking(state, move |state| {
        state.store.search(Level::Study, &query, &visible, "")
    });
    let found = found.await?.results;
    let text = |set: &Value, tag: &str| {
        let text = set[tag]["Value"][0].as_str();
        text.unwrap_or_default().to_owned()
    };
    let patients: BTreeSet<String> = found.iter().map(|set| text(set, "00100020")).collect();
    if patients.len() > 1 {
        let message = "this is of more than one patient: name the study";
        return Err(ApiError::new(StatusCode::CONFLICT, "ambiguous", message));
    }
    let studies = found.iter().take(MOST_STUDIES);
    let studies: BTreeSet<String> = studies.map(|set| text(set, "0020000D")).collect();
    if studies.is_empty() {
        return Err(study_unknown());
    }
    Ok(studies)
}

fn study_unknown() -> ApiError {
    let message = "there is no such study here, or none that this user may see";
    ApiError::not_found("study_unknown", message)
}

/// Makes a ticket for the frame that opened a window of ours, in which its user has logged in.
pub async fn issue_own(
    State(state): State<Shared>,
    LoggedIn { session, .. }: LoggedIn,
) -> Result<Response, ApiError> {
    let new = NewTicket {
        user: session.user.id,
        client: String::new(),
        context: None,
        parent: None,
        replaces: None,
    };
    let ticket = issue_one(&state, new).await?;
    let answer = serde_json::json!({ "ticket": ticket.text(), "expires_in_s": TICKET_S });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// A ticket, and where it is taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taking {
    ticket: String,
    /// Origin of the page around the frame.
    parent: String,
}

/// What a ticket opened.
#[derive(Debug, Serialize)]
pub struct Opened {
    user: String,
    /// The studies it is for; absent where it is for all that its user may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
    /// For a frame that finds its cookie gone: a ticket for a session without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<String>,
    /// That session's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    bearer: Option<String>,
}

/// Takes a ticket: the frame gets a session.
pub async fn redeem(
    State(state): State<Shared>,
    asking: Asking,
    Given(Json(taking)): Given<Json<Taking>>,
) -> Result<Response, ApiError> {
    let lifetimes = state.login.as_ref().ok_or_else(no_login)?.lifetimes;
    let is_allowed = state.parents.allow(&taking.parent);
    let taken = work(&state, move |login| {
        // Whoever gives one twice, or from a page that may not, has lost it.
        let ticket = Secret::from_text(&taking.ticket);
        Ok(ticket.ok_or(LaunchError::Unknown).and_then(|ticket| {
            let done =
                launch::redeem(&login.database, &ticket, &taking.parent, lifetimes, now_s())?;
            if is_allowed {
                return Ok(done);
            }
            sessions::end(&login.database, &done.secret.hash())?;
            Err(LaunchError::Parent)
        }))
    });
    let taken = taken
        .await?
        .map_err(|error| ApiError::from_account(&error))?;
    let mut event = Event::new(Kind::Login, Outcome::Refused);
    event.actor.address = asking.address().to_owned();
    match taken {
        Ok(redeemed) => {
            event.outcome = Outcome::Success;
            event.actor.user.clone_from(&redeemed.user.name);
            event.actor.session = redeemed.secret.hash().short();
            event.reason = how(&redeemed);
            if let Some(context) = &redeemed.launched.context {
                event.object.source.clone_from(&context.source);
            }
            if let Err(error) = record(&state, event).await {
                // What is not on record does not happen.
                let hash = redeemed.secret.hash();
                let _ = work(&state, move |login| sessions::end(&login.database, &hash)).await?;
                return Err(error);
            }
            Ok(opened(redeemed))
        }
        Err(error) => {
            let error = ApiError::from_launch(&error);
            event.actor.user = "(unknown)".into();
            event.reason = format!("launch: {}", error.code);
            record(&state, event).await?;
            Err(error)
        }
    }
}

/// In the audit record: by whose request the session began.
fn how(redeemed: &Redeemed) -> String {
    let launched = &redeemed.launched;
    let by = match launched.client.as_str() {
        "" => "launch by the user".to_owned(),
        client => format!("launch client {client}"),
    };
    let form = if launched.is_bearer {
        ", without a cookie"
    } else {
        ""
    };
    format!("{by}, in a page of {}{form}", launched.parent)
}

fn opened(redeemed: Redeemed) -> Response {
    let Redeemed {
        user,
        launched,
        secret,
        again,
    } = redeemed;
    let answer = Opened {
        user: user.name,
        context: launched.context,
        again: again.map(|again| again.text()),
        bearer: launched.is_bearer.then(|| secret.text()),
    };
    let mut response = Json(answer).into_response();
    if !launched.is_bearer {
        let cookie = format!(
            "{FRAME_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
            secret.text()
        );
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

impl ApiError {
    /// 403: a page that may not frame the viewer.
    fn parent_refused() -> Self {
        let message = "pages of this origin may not frame the viewer: see embed.allowed_parents";
        Self::new(StatusCode::FORBIDDEN, "parent_refused", message)
    }
}
