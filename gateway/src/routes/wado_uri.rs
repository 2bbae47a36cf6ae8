//! WADO-URI: one instance by the parameters of a query, as older systems link to it.
//!
//! A picture is seen as through the other routes; a file is taken away, with the right and the record that this has there.
//! Source: DICOM PS3.18 chapter 9.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::dicomweb::media_type::{EXPLICIT_LITTLE_ENDIAN, MediaType, parse_list};
use viewer_core::pixel::Window;

use super::accepted::Accepted;
use super::rendered::{Choice, choose, chosen, refused};
use super::retrieve::{self, DICOM};
use super::stated::State as Stated;
use super::{Pairs, Target};
use crate::audit::event::Kind;
use crate::auth::access::Anybody;
use crate::auth::policy::Action;
use crate::drawing::encode::Format;
use crate::drawing::wish::{self, MOST_EDGE, Size, Wanted, Wish};
use crate::error::ApiError;
use crate::state::{Shared, blocking};

/// One instance.
pub async fn wado(
    State(state): State<Shared>,
    anybody: Anybody,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, ApiError> {
    let asked = Asked { pairs: &pairs };
    let target = asked.target()?;
    let (wish, number) = (asked.wish()?, asked.frame()?);
    let presentation = asked.presentation()?;
    let [series, sop] = target.series_and_instance()?;
    let ranges = parse_list(asked.text("contentType").unwrap_or_default());
    let reason = asked.text("reason").unwrap_or_default();
    let takes_picture = ranges.is_empty() || asked.picture(&ranges).is_some();
    if takes_picture {
        let study = anybody
            .pass(&state, Action::View, Kind::FramesServed, &target, "")
            .await?;
        let (series, sop) = (series.clone(), sop.clone());
        let pass = study.clone();
        let instance = blocking(&state, move |state| {
            state.store.instance(&pass, &series, &sop)
        })
        .await?;
        // PS3.18 table 8.7.2-1: of one frame a picture is the default, of anything else the file. A presentation state asks for
        // a picture.
        let is_picture = instance.pixels.place.is_some() && instance.pixels.frame_count == 1;
        let is_meant = is_picture || number.is_some() || presentation.is_some();
        let choice = match ranges.is_empty() {
            true => is_meant.then_some(Choice {
                format: Format::Jpeg,
                multipart: false,
            }),
            false => asked.picture(&ranges),
        };
        if let Some(choice) = choice {
            if let Some([series, sop]) = presentation {
                // It is looked for in the study that was permitted, where the standard has it.
                let found = blocking(&state, move |state| {
                    state.store.instance(&study, &series, &sop)
                });
                let own = Stated::of(&state, &found.await?).await?.ok_or_else(|| {
                    let message = "presentationUID names no presentation state";
                    ApiError::bad_request("presentation_invalid", message)
                })?;
                return own
                    .on(&state, instance, number, &wish, choice, &headers)
                    .await;
            }
            if instance.pixels.place.is_none()
                && number.is_none()
                && let Some(own) = Stated::of(&state, &instance).await?
            {
                return own.alone(&state, study, &wish, choice, &headers).await;
            }
            return chosen(&state, instance, number, wish, choice, &headers).await;
        }
    }
    let takes_file = ranges.is_empty() || ranges.iter().any(is_file);
    if !takes_file {
        return Err(refused());
    }
    if number.is_some() {
        let message = "frameNumber is for pictures: a file has all of its frames";
        return Err(ApiError::bad_request("frame_invalid", message));
    }
    if presentation.is_some() {
        let message = "presentationUID is for pictures: a file is as it is";
        return Err(ApiError::bad_request("presentation_invalid", message));
    }
    let study = anybody
        .pass(&state, Action::Download, Kind::Exported, &target, reason)
        .await?;
    let chosen_files = blocking(&state, move |state| {
        state.store.chosen(&study, Some(&series), Some(&sop))
    })
    .await?;
    let syntax = asked
        .text("transferSyntax")
        .unwrap_or(EXPLICIT_LITTLE_ENDIAN);
    let wanted = MediaType {
        essence: DICOM.to_owned(),
        parameters: vec![("transfer-syntax".to_owned(), syntax.to_owned())],
    };
    let ranges = vec![wanted];
    retrieve::send(state, chosen_files, &Accepted { ranges }).await
}

fn is_file(media: &MediaType) -> bool {
    matches!(media.essence.as_str(), DICOM | "application/*" | "*/*")
}

/// The parameters of a query.
struct Asked<'a> {
    pairs: &'a [(String, String)],
}

impl Asked<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|text| !text.is_empty())
    }

    /// PS3.18 section 9.1.2.1: what has to be there.
    fn target(&self) -> Result<Target, ApiError> {
        if self.text("requestType") != Some("WADO") {
            let message = "requestType has to be WADO";
            return Err(ApiError::bad_request("request_type_unknown", message));
        }
        let uid = |name: &str| {
            let uid = self.text(name).map(str::to_owned);
            uid.ok_or_else(|| ApiError::bad_request("uid_missing", format!("{name} is missing")))
        };
        if self.text("anonymize").is_some() {
            let message = "files go out as they are: anonymize is not done here";
            return Err(ApiError::bad_request("parameter_unknown", message));
        }
        Ok(Target {
            study: Some(uid("studyUID")?),
            series: Some(uid("seriesUID")?),
            instance: Some(uid("objectUID")?),
            ..Target::default()
        })
    }

    /// Series and instance of the presentation state that is to be applied; they are named together.
    fn presentation(&self) -> Result<Option<[String; 2]>, ApiError> {
        let names = ["presentationSeriesUID", "presentationUID"];
        match names.map(|name| self.text(name).map(str::to_owned)) {
            [None, None] => Ok(None),
            [Some(series), Some(instance)] => Ok(Some([series, instance])),
            _ => {
                let message = "presentationUID and presentationSeriesUID come together";
                Err(ApiError::bad_request("presentation_invalid", message))
            }
        }
    }

    /// PS3.18 section 9.1.2.2: how the picture is to be.
    fn wish(&self) -> Result<Wish, ApiError> {
        let mut wish = Wish::default();
        if let Some(text) = self.text("annotation") {
            wish.annotation = wish::annotation(text)?;
        }
        if let Some(text) = self.text("imageQuality") {
            wish.quality = wish::quality(text)?;
        }
        let edge = |name: &str| match self.text(name) {
            None => Ok(None),
            Some(text) => {
                let edge = text
                    .parse()
                    .ok()
                    .filter(|edge| (1..=MOST_EDGE).contains(edge));
                let message = format!("{name} is a whole number from 1 to {MOST_EDGE}");
                edge.map(Some)
                    .ok_or_else(|| ApiError::bad_request("viewport_invalid", message))
            }
        };
        let (rows, columns) = (edge("rows")?, edge("columns")?);
        if rows.is_some() || columns.is_some() {
            wish.size = Size::Within {
                width: columns.unwrap_or(MOST_EDGE),
                height: rows.unwrap_or(MOST_EDGE),
                enlarges: true,
            };
        }
        if let Some(text) = self.text("region") {
            wish.part = Some(region(text)?);
        }
        let bad = || {
            let message = "windowCenter and windowWidth are numbers, and come together";
            ApiError::bad_request("window_invalid", message)
        };
        wish.window = match (self.text("windowCenter"), self.text("windowWidth")) {
            (None, None) => None,
            (Some(center), Some(width)) => {
                let center = wish::number(center).ok_or_else(bad)?;
                let width = wish::number(width).filter(|width| *width > 0.0);
                let width = width.ok_or_else(bad)?;
                Some((Window { center, width }, None))
            }
            _ => return Err(bad()),
        };
        Ok(wish)
    }

    fn frame(&self) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.text("frameNumber") else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(Some).ok_or_else(|| {
            let message = "frameNumber is a whole number from 1";
            ApiError::bad_request("frame_invalid", message)
        })
    }

    /// The format of the picture, where one is the best that is taken.
    fn picture(&self, ranges: &[MediaType]) -> Option<Choice> {
        let images = ranges.iter().take_while(|media| media.essence != DICOM);
        let ranges = images.cloned().collect();
        choose(&Accepted { ranges }, Format::Jpeg, false)
    }
}

/// `region=0.25,0.25,0.75,0.75`: left, top, right, bottom, from 0 to 1.
fn region(text: &str) -> Result<Wanted, ApiError> {
    let edges: Option<Vec<f64>> = text
        .split(',')
        .map(|text| wish::number(text.trim()))
        .collect();
    let edges: Option<[f64; 4]> = edges.and_then(|edges| edges.try_into().ok());
    let is_inside = |edges: &[f64; 4]| {
        let [left, top, right, bottom] = *edges;
        edges.iter().all(|edge| (0.0..=1.0).contains(edge)) && left < right && top < bottom
    };
    edges
        .filter(is_inside)
        .map(Wanted::Fractions)
        .ok_or_else(|| {
            let message = "region is left,top,right,bottom, each from 0 to 1";
            ApiError::bad_request("region_invalid", message)
        })
}
