//! `/config.json`: the DICOMweb roots that the app may use.

use axum::Json;
use axum::extract::State;
use protocol::gateway::{Config, Source};

use crate::state::{LOCAL, Shared};

/// Lists the sources; their roots are relative to this address.
pub async fn config(State(state): State<Shared>) -> Json<Config> {
    Json(Config {
        sources: vec![Source {
            id: LOCAL.to_owned(),
            label: "This computer".to_owned(),
            dicomweb: format!("dicomweb/{LOCAL}"),
        }],
        gateway: true,
        embed: state.parents.framing(),
    })
}
