//! Requests of other systems that wait until someone has logged in: kept here, so that what they name is in no address and in no
//! browser meanwhile.

use super::once::Once;

/// Requests as names and values.
pub type Detours = Once<Vec<(String, String)>>;
