//! A request from outside, whatever it asks for: its name, where it comes from, how many there may be, and what metrics and
//! log say of it. None of these knows an address's path, its query, or anything of its body.

pub mod address;
mod counted;
pub mod id;
pub mod limits;
pub mod log;
pub mod metrics;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::auth::secret::SecretHash;
use crate::openapi::Costs;
use crate::state::Shared;
use counted::Counted;
use id::{RequestId, X_REQUEST_ID};
use log::{Line, Method, Template};

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// What is known of the request that is being answered.
#[derive(Debug)]
pub struct Current {
    id: RequestId,
    address: IpAddr,
    session: OnceLock<SecretHash>,
}

impl Current {
    /// Its name.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Where it comes from.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// It belongs to a session that lives, or to an opened link.
    pub fn belongs_to(&self, session: SecretHash) {
        // The first that was found is the one that counts.
        let _ = self.session.set(session);
    }
}

/// Name of the request that is being answered on this task; empty where none is.
pub fn current_id() -> String {
    CURRENT
        .try_with(|current| current.id().to_owned())
        .unwrap_or_default()
}

/// What is said of a request when its answer has gone, or has broken off.
struct Said {
    state: Shared,
    current: Arc<Current>,
    begun: Instant,
    method: Method,
    route: Template,
    /// None until there is an answer.
    status: Option<u16>,
    bytes: u64,
}

impl Drop for Said {
    fn drop(&mut self) {
        let line = Line::new(self);
        self.state.metrics.answered(&line);
        if let Some(log) = &self.state.log
            && !log.add(&line)
        {
            self.state.metrics.left_out();
        }
    }
}

/// Gives each request its name, and says of it what may be said.
pub async fn observe(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.0.ip().to_canonical());
    let given = match state.proxies.trust(peer) {
        true => RequestId::of_proxy(request.headers()),
        false => None,
    };
    let current = Arc::new(Current {
        id: given.unwrap_or_default(),
        address: state.proxies.origin(peer, request.headers()),
        session: OnceLock::new(),
    });
    request.extensions_mut().insert(Arc::clone(&current));
    let _under_way = state.metrics.under_way();
    let mut said = Said {
        method: Method::of(request.method()),
        route: Template::of(&request),
        begun: Instant::now(),
        current: Arc::clone(&current),
        state,
        status: None,
        bytes: 0,
    };
    let header = current.id.header();
    let mut response = CURRENT.scope(current, next.run(request)).await;
    said.status = Some(response.status().as_u16());
    if let Some(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    response.map(|body| Body::new(Counted::new(body, said)))
}

/// Answers 429 or 503 where too much is asked for.
pub async fn limit(
    State((state, costs)): State<(Shared, Arc<Costs>)>,
    request: Request,
    next: Next,
) -> Response {
    let address = address_of(request.extensions());
    let cost = costs.of(&request);
    let limited = match state.senders.take(cost, address, request.headers()) {
        // The permit is held until there is an answer.
        Ok(_permit) => return next.run(request).await,
        Err(limited) => limited,
    };
    state.metrics.limited(limited);
    limited.answer()
}

/// Where a request comes from, as a trusted proxy says or as it is seen here.
pub fn address_of(extensions: &axum::http::Extensions) -> IpAddr {
    let current = extensions.get::<Arc<Current>>();
    current.map_or(Ipv4Addr::UNSPECIFIED.into(), |current| current.address())
}
