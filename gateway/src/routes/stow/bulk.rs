//! Metadata and bulk data: data sets in JSON or XML, and values that come as parts of their own.
//!
//! Source: DICOM PS3.18 sections 8.6.1.2.2 and 10.5.1.

use std::sync::Arc;

use protocol::dicomweb::media_type::{MediaType, OCTET_STREAM};
use serde_json::{Map, Value};

use super::intake::{Coming, Intake, MOST_PARTS, Part, broken, ended};
use super::parts::{Head, Parts, Piece};
use super::{Text, too_large, unreadable, xml};
use crate::error::ApiError;
use crate::source::folder::store::check::{Names, Refused};
use crate::source::folder::store::compose::{BulkPart, BulkParts, compose};
use crate::source::folder::store::{Reason, StoreFolder};
use crate::state::blocking;

/// Longest metadata of a body.
const MOST_TEXT: usize = 16 << 20;

/// A part of such a body.
enum Open {
    Text(Vec<u8>),
    Value(Head, Part),
}

impl Intake<'_> {
    /// A body that is metadata alone.
    pub(super) async fn metadata(
        &mut self,
        coming: &mut Coming,
        form: Text,
    ) -> Result<(), ApiError> {
        let mut text = Vec::new();
        while let Some(bytes) = coming.next().await? {
            add(&mut text, &bytes)?;
        }
        self.composed(data_sets(form, &[text])?, BulkParts::new())
            .await
    }

    /// A body of metadata and values.
    pub(super) async fn bulk(
        &mut self,
        coming: &mut Coming,
        form: Text,
        mut parts: Parts,
    ) -> Result<(), ApiError> {
        let (mut texts, mut values) = (Vec::new(), BulkParts::new());
        let mut length = 0;
        let (mut open, mut count) = (None, 0);
        while let Some(bytes) = coming.next().await? {
            parts.push(&bytes);
            while let Some(piece) = parts.next().map_err(|error| unreadable(&error))? {
                match (piece, open.take()) {
                    (Piece::Begins(head), _) => {
                        count += 1;
                        if count > MOST_PARTS {
                            return Err(too_large());
                        }
                        let is_text =
                            media_of(&head).is_some_and(|it| it.essence == form.media_type());
                        open = Some(match is_text || count == 1 {
                            true => Open::Text(Vec::new()),
                            false => {
                                Open::Value(head, self.begin_by(StoreFolder::begin_value).await?)
                            }
                        });
                    }
                    (Piece::Bytes(bytes), Some(Open::Text(mut text))) => {
                        length += bytes.len();
                        if length > MOST_TEXT {
                            return Err(too_large());
                        }
                        text.extend_from_slice(&bytes);
                        open = Some(Open::Text(text));
                    }
                    (Piece::Ends, Some(Open::Text(text))) => texts.push(text),
                    (Piece::Bytes(bytes), Some(Open::Value(head, part))) => {
                        open = Some(Open::Value(head, self.more(part, &bytes).await?));
                    }
                    (Piece::Ends, Some(Open::Value(head, part))) => {
                        // A value that could not be kept is missing where it belongs; a full disk is said at once.
                        match ended(part).await? {
                            Ok(incoming) => {
                                let media = media_of(&head);
                                let syntax = media
                                    .as_ref()
                                    .and_then(|it| it.parameter("transfer-syntax"));
                                let value = BulkPart {
                                    incoming,
                                    transfer_syntax: syntax.map(str::to_owned),
                                    media_type: media
                                        .map_or(OCTET_STREAM.to_owned(), |it| it.essence),
                                };
                                let location = head.line("content-location").unwrap_or_default();
                                values.insert(location.to_owned(), value);
                            }
                            Err(reason) => {
                                self.report.fail(Names::default(), reason);
                                return Ok(());
                            }
                        }
                    }
                    (Piece::Ends, _) | (Piece::Bytes(_), None) => {}
                }
            }
        }
        if !parts.is_whole() {
            return Err(broken());
        }
        self.composed(data_sets(form, &texts)?, values).await
    }

    async fn composed(
        &mut self,
        all: Vec<Map<String, Value>>,
        values: BulkParts,
    ) -> Result<(), ApiError> {
        let values = Arc::new(values);
        for set in all {
            let values = Arc::clone(&values);
            let made = blocking(self.state, move |state| {
                let folder = state.store.store_folder();
                let begun = folder.map_or(Err(Reason::Unwritable), StoreFolder::begin);
                let nameless = |reason| {
                    Box::new(Refused {
                        names: Names::default(),
                        reason,
                    })
                };
                let begun = begun.map_err(nameless);
                Ok(begun.and_then(|incoming| compose(set, &values, incoming)))
            });
            match made.await? {
                Ok(incoming) => self.examined(incoming).await?,
                Err(refused) => self.report.fail(refused.names, refused.reason),
            }
        }
        Ok(())
    }
}

/// The data sets of texts: lists of some or one in each of JSON, one in each of XML.
fn data_sets(form: Text, texts: &[Vec<u8>]) -> Result<Vec<Map<String, Value>>, ApiError> {
    let invalid = |message: String| ApiError::bad_request("metadata_invalid", message);
    let mut all = Vec::new();
    for text in texts {
        match (form, text.trim_ascii_start().first()) {
            (Text::Xml, _) => {
                all.push(xml::read(text).map_err(|error| invalid(error.to_string()))?);
            }
            (Text::Json, first) => {
                let sets = match first {
                    Some(b'{') => serde_json::from_slice(text).map(|one| vec![one]),
                    _ => serde_json::from_slice(text),
                };
                let message =
                    "the metadata cannot be read: they are one data set or a list of some";
                all.extend(sets.map_err(|_| invalid(message.to_owned()))?);
            }
        }
    }
    Ok(all)
}

fn media_of(head: &Head) -> Option<MediaType> {
    head.line("content-type").and_then(MediaType::parse)
}

fn add(text: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ApiError> {
    if text.len() + bytes.len() > MOST_TEXT {
        return Err(too_large());
    }
    text.extend_from_slice(bytes);
    Ok(())
}
