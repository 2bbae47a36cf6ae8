//! Requests of other systems that wait until someone has logged in: kept here, so that what they name is in no address and in no
//! browser meanwhile.

use super::once::Once;

/// What someone wanted before the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Another system's request to show something (IHE RAD-106): its pairs.
    Invoke(Vec<(String, String)>),
    /// A page of the app: path and query below the gateway's root.
    Page(String),
}

/// What waits.
pub type Detours = Once<Waiting>;
