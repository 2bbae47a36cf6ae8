//! `/config.json`: the DICOMweb roots that the app may use.

use axum::Json;
use axum::extract::State;
use protocol::gateway::{Config, Source};

use crate::auth::access::Usable;
use crate::state::{LOCAL, Shared};

/// Lists the sources; their roots are relative to this address.
pub async fn config(State(state): State<Shared>, usable: Usable) -> Json<Config> {
    let source = |id: &str, label: &str| Source {
        id: id.to_owned(),
        label: label.to_owned(),
        dicomweb: format!("dicomweb/{id}"),
    };
    let mut sources = vec![source(LOCAL, "This computer")];
    for upstream in &state.upstreams {
        if usable.contains(upstream.id()) {
            sources.push(source(upstream.id(), upstream.label()));
        }
    }
    Json(Config {
        sources,
        gateway: true,
        embed: state.parents.framing(),
    })
}
