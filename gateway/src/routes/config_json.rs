//! `/config.json`: the DICOMweb roots that the app may use.

use axum::Json;
use axum::extract::State;
use protocol::gateway::{Config, Source};

use crate::auth::access::Usable;
use crate::auth::storing::CouldStore;
use crate::state::{LOCAL, Shared};

/// Lists the sources; their roots are relative to this address.
pub async fn config(
    State(state): State<Shared>,
    usable: Usable,
    storing: CouldStore,
) -> Json<Config> {
    let source = |id: &str, label: &str| Source {
        id: id.to_owned(),
        label: label.to_owned(),
        dicomweb: format!("dicomweb/{id}"),
        store: id == LOCAL && storing.0 && state.store.store_folder().is_some(),
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
