//! Links: made, listed and taken back by whoever may; looked at and opened by whoever has one.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use protocol::account::{ShareListed, ShareMade, ShareWanted};
use protocol::dicomweb::json;
use protocol::dicomweb::query::QidoQuery;
use protocol::gateway::Opened;
use serde::{Deserialize, Serialize};
use viewer_core::model::{Series, SeriesId, Study};
use viewer_core::state::{Action as ViewerAction, SavedView, ViewerState};

use super::given::{Given, Named};
use super::login::Asking;
use super::share_link::{Root, qr};
use crate::audit::event::{Event, Kind, Outcome};
use crate::auth::Login;
use crate::auth::access::{LoggedIn, permitted, visible_by_link, with_patient};
use crate::auth::asker::{Asker, LINK_COOKIE, OpenedLink, now_s};
use crate::auth::policy::Action;
use crate::auth::secret::Secret;
use crate::auth::shares::{self, NewShare, Share, ShareError};
use crate::error::ApiError;
use crate::source::folder::search::{Level, Within};
use crate::state::{LOCAL, Shared, blocking};

fn listed(share: Share, now_s: i64) -> ShareListed {
    let state = share.state(now_s);
    ShareListed {
        id: share.id,
        study: share.studies.into_iter().collect(),
        made: share.made_s,
        ends: share.ends_s,
        uses: share.uses,
        most_uses: share.most_uses,
        pin: share.has_pin,
        download: share.may_download,
        note: share.note,
        state: state.to_owned(),
    }
}

async fn work<T: Send + 'static>(
    state: &Shared,
    work: impl FnOnce(&Login) -> Result<T, ShareError> + Send + 'static,
) -> Result<T, ApiError> {
    let state = Arc::clone(state);
    let done = tokio::task::spawn_blocking(move || {
        let login = state.login.as_ref().ok_or_else(ApiError::login_needed)?;
        work(login).map_err(|error| ApiError::from_share(&error))
    });
    done.await.map_err(|_| ApiError::internal())?
}

async fn record(state: &Shared, event: Event) -> Result<(), ApiError> {
    let login = state.login.as_ref().ok_or_else(ApiError::login_needed)?;
    login.audit.add(event).await.map_err(ApiError::unrecorded)
}

/// Makes a link.
pub async fn create(
    State(state): State<Shared>,
    LoggedIn { session, address }: LoggedIn,
    Root(root): Root,
    Given(Json(wanted)): Given<Json<ShareWanted>>,
) -> Result<Response, ApiError> {
    let source = wanted.source.as_deref().unwrap_or(LOCAL).to_owned();
    if state.upstream(Some(&source))?.is_some() && wanted.download {
        let message = "the files of this source cannot be given away with a link";
        return Err(ApiError::bad_request("share_invalid", message));
    }
    let asker = Asker::User(Arc::clone(&session));
    let (action, study) = (Action::Share, wanted.study.clone());
    let event = permitted(&state, &asker, address, action, &source, &study, false).await?;
    if wanted.download {
        // Nobody gives away what he may not take.
        let address = event.actor.address.clone();
        let has_reason = !wanted.note.trim().is_empty();
        let action = Action::Download;
        permitted(&state, &asker, address, action, &source, &study, has_reason).await?;
    }
    let event = with_patient(&state, event).await?;
    let new = NewShare {
        source,
        studies: BTreeSet::from([study]),
        series: wanted.series,
        view: wanted.view,
        days: wanted.days,
        most_uses: wanted.uses,
        has_pin: wanted.pin,
        may_download: wanted.download,
        note: wanted.note,
    };
    let user = session.user.id;
    let made = work(&state, move |login| {
        shares::create(&login.database, user, &new, now_s())
    });
    let made = made.await?;
    let mut event = Event {
        kind: Kind::ShareMade,
        ..event
    };
    event.object.other = format!("share {}", made.id);
    if let Err(error) = record(&state, event).await {
        // What is not on record does not happen.
        let id = made.id;
        work(&state, move |login| {
            shares::revoke(&login.database, user, &id)
        })
        .await?;
        return Err(error);
    }
    let path = format!("s#v1.{}.{}", made.id, made.secret.text());
    let link = format!("{root}/{path}");
    let (qr, qr_side) = qr(&link).ok_or_else(ApiError::internal)?;
    let answer = ShareMade {
        path,
        link,
        qr,
        qr_side,
        id: made.id,
        pin: made.pin,
        ends: made.ends_s,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The links of whoever asks.
pub async fn list(
    State(state): State<Shared>,
    LoggedIn { session, .. }: LoggedIn,
) -> Result<Json<Vec<ShareListed>>, ApiError> {
    let user = session.user.id;
    let all = work(&state, move |login| shares::list(&login.database, user)).await?;
    let now_s = now_s();
    let all = all.into_iter().map(|share| listed(share, now_s));
    Ok(Json(all.collect()))
}

/// Takes a link back.
pub async fn revoke(
    State(state): State<Shared>,
    LoggedIn { session, address }: LoggedIn,
    Named(Path(id)): Named<Path<String>>,
) -> Result<StatusCode, ApiError> {
    let mut event = Event::new(Kind::ShareRevoked, Outcome::Success);
    event.actor = Asker::User(Arc::clone(&session)).actor(address);
    event.object.other = format!("share {id}");
    let user = session.user.id;
    work(&state, move |login| {
        shares::revoke(&login.database, user, &id)
    })
    .await?;
    record(&state, event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Both halves of a link, and its PIN.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halves {
    id: String,
    secret: String,
    #[serde(default)]
    pin: Option<String>,
}

/// What whoever has a link sees before it is opened: nothing of patient or study.
#[derive(Debug, Serialize)]
pub struct Before {
    /// Who shared it.
    from: String,
    /// Until when it opens.
    ends: i64,
    /// A PIN is asked for.
    pin: bool,
    /// Wrong PINs that are left before the link is locked.
    tries: u32,
    /// Seconds until a PIN is looked at again, after wrong ones.
    wait: i64,
}

/// Looks at a link; that burns nothing.
pub async fn look(
    State(state): State<Shared>,
    Given(Json(halves)): Given<Json<Halves>>,
) -> Result<Json<Before>, ApiError> {
    let share = work(&state, move |login| {
        let secret = Secret::from_text(&halves.secret).ok_or(shares::Closed::Unknown)?;
        shares::look(&login.database, &halves.id, &secret, now_s())
    });
    let share = share.await?;
    Ok(Json(Before {
        from: share.shown,
        ends: share.ends_s,
        pin: share.has_pin,
        tries: share.tries_left,
        wait: (share.wait_until_s - now_s()).max(0),
    }))
}

impl From<Share> for Opened {
    fn from(share: Share) -> Self {
        Self {
            id: share.id,
            source: share.source,
            studies: share.studies.into_iter().collect(),
            series: share.series,
            first: None,
            view: share.view,
            note: share.note,
            download: share.may_download,
            from: share.shown,
            ends: share.ends_s,
        }
    }
}

/// What the link opened that the sender's session came from, for as long as both live.
pub async fn opened(State(state): State<Shared>, link: OpenedLink) -> Json<Opened> {
    // Without the hint the app asks for the list first.
    let first = first_series(&state, &link).await.ok().flatten();
    Json(Opened {
        first,
        ..link.share.into()
    })
}

/// The series that the app will show first: it is a hint that saves a slow line one way there and back. Other servers are not asked
/// for it.
async fn first_series(state: &Shared, link: &OpenedLink) -> Result<Option<String>, ApiError> {
    let share = &link.share;
    let study = match (share.studies.len(), share.studies.first()) {
        (1, Some(study)) if share.source == LOCAL && share.series.is_none() => study.clone(),
        _ => return Ok(None),
    };
    let visible = visible_by_link(state, link, LOCAL, &study).await?;
    let view = share.view.clone();
    blocking(state, move |state| {
        let within = Within {
            level: Level::Series,
            study: Some(study.clone()),
            series: None,
        };
        let query = QidoQuery::default();
        let found = state.store.search(within, &query, &visible, "")?;
        let text = serde_json::to_string(&found.results).unwrap_or_default();
        let sets = json::parse(&text).unwrap_or_default();
        let listed = sets.iter().zip(1..);
        let listed = listed.filter_map(|(set, id)| Series::from_dataset(SeriesId(id), 0, set));
        let mut viewer = ViewerState::default();
        let studies = vec![Study {
            uid: study,
            ..Study::default()
        }];
        viewer.apply(ViewerAction::Open { studies });
        viewer.apply(ViewerAction::SeriesListed(listed.collect()));
        let view = view.as_deref().and_then(SavedView::from_text);
        let actions = view.map(|view| view.single().hang(&viewer));
        for action in actions.into_iter().flatten() {
            viewer.apply(action);
        }
        let shown = viewer.viewports.first().and_then(|it| it.series);
        Ok(shown.and_then(|id| Some(viewer.series(id)?.uid.clone())))
    })
    .await
}

/// Opens a link.
pub async fn redeem(
    State(state): State<Shared>,
    asking: Asking,
    Given(Json(halves)): Given<Json<Halves>>,
) -> Result<Response, ApiError> {
    let mut event = Event::new(Kind::ShareUsed, Outcome::Success);
    event.actor.address = asking.address().to_owned();
    event.actor.user = format!("share:{}", halves.id.chars().take(32).collect::<String>());
    let opened = work(&state, move |login| {
        let secret = Secret::from_text(&halves.secret).ok_or(shares::Closed::Unknown)?;
        let pin = halves.pin.as_deref();
        shares::redeem(&login.database, &halves.id, &secret, pin, now_s())
    });
    match opened.await {
        Ok((share, session)) => {
            event.actor.session = session.hash().short();
            event.object.source.clone_from(&share.source);
            event.object.study = share.studies.iter().next().cloned().unwrap_or_default();
            record(&state, event).await?;
            let mut response = Json(Opened::from(share)).into_response();
            let cookie = format!(
                "{LINK_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
                session.text()
            );
            if let Ok(cookie) = cookie.parse() {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(error) => {
            event.kind = Kind::ShareRefused;
            event.outcome = Outcome::Refused;
            event.reason = error.code.to_owned();
            record(&state, event).await?;
            Err(error)
        }
    }
}
