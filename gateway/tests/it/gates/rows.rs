//! What every route answers to everybody, written down by hand. A new route gets a row here: its method, its address as the
//! document has it, and the status for each asker.

/// A status for each of [`ALL`](super::ALL); 0 where there is nothing to ask, as the address names no series. The last one holds
/// for an instance of another series, too.
pub type Row = [u16; 13];

/// Nobody, every user, both links; a revoked link is nobody.
const fn row(nobody: u16, user: u16, link: u16) -> Row {
    let u = user;
    [nobody, u, u, u, u, u, u, u, u, link, link, nobody, 0]
}

const fn everybody(status: u16) -> Row {
    row(status, status, status)
}

/// The login has to come first, for users of the gateway.
const USERS: Row = row(401, 200, 401);
//                             -   adm  rad  ref  ref* tech ai   ai*  aud  link link* rev mixed
const STUDY: Row = [
    401, 404, 200, 200, 404, 200, 200, 404, 404, 200, 404, 401, 0,
];
const SERIES: Row = [
    401, 404, 200, 200, 404, 200, 200, 404, 404, 200, 404, 401, 404,
];
/// Lists leave out what may not be seen, and are never refused to someone with a session.
const LIST: Row = row(401, 200, 200);
pub const LIST_OF_SERIES: Row = [
    401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 401, 200,
];
const FILES: Row = [
    401, 404, 200, 404, 404, 404, 200, 404, 404, 200, 404, 401, 0,
];
/// The same of a series, and of one file.
const FILES_OF_SERIES: Row = [
    401, 404, 200, 404, 404, 404, 200, 404, 404, 200, 404, 401, 404,
];
const SHARE: Row = [
    401, 404, 201, 404, 404, 404, 404, 404, 404, 401, 401, 401, 0,
];
const EMERGENCY: Row = [
    401, 404, 204, 204, 204, 404, 404, 404, 404, 401, 401, 401, 0,
];
const AUDIT: Row = [
    401, 404, 200, 200, 200, 404, 404, 404, 200, 401, 401, 401, 0,
];
/// Its page; who has not logged in is led there.
const AUDIT_PAGE: Row = [
    303, 404, 200, 200, 200, 404, 404, 404, 200, 303, 303, 303, 0,
];
const EXPORT: Row = [
    401, 404, 404, 404, 404, 404, 404, 404, 200, 401, 401, 401, 0,
];
/// Who takes in: of the site, or what is labelled.
const STORE: Row = [
    401, 403, 200, 403, 403, 200, 200, 403, 403, 401, 401, 401, 0,
];
/// Where nobody but administrators is: what they get.
const fn admin(status: u16) -> Row {
    let a = 404;
    [401, status, a, a, a, a, a, a, a, 401, 401, 401, 0]
}
const ADMIN_PAGE: Row = [
    303, 200, 404, 404, 404, 404, 404, 404, 404, 303, 303, 303, 0,
];
const OPENED: Row = [
    401, 401, 401, 401, 401, 401, 401, 401, 401, 200, 200, 401, 0,
];
/// Who has not logged in is led there; others find what they may search.
const INVOKE: Row = [
    303, 404, 303, 303, 404, 303, 404, 404, 404, 404, 404, 303, 0,
];

/// The rows; `{root}` stands for both DICOMweb roots.
pub const ROWS: &[(&str, &str, Row)] = &[
    ("GET", "/", row(303, 200, 303)),
    ("GET", "/viewer", row(303, 200, 303)),
    ("GET", "/s", everybody(200)),
    ("GET", "/s/recipient.css", everybody(200)),
    ("GET", "/s/icon.svg", everybody(200)),
    ("GET", "/s/recipient.js", everybody(200)),
    ("GET", "/shared", everybody(200)),
    ("GET", "/embed", everybody(200)),
    ("GET", "/embed.js", everybody(200)),
    ("GET", "/embed.d.ts", everybody(200)),
    ("GET", "/bench.html", everybody(200)),
    ("GET", "/assets/{file}", everybody(200)),
    ("GET", "/IHEInvokeImageDisplay", INVOKE),
    ("GET", "/config.json", everybody(200)),
    ("GET", "/healthz", everybody(200)),
    ("GET", "/readyz", everybody(200)),
    // With a login they are on the operators' own listener alone.
    ("GET", "/metrics", everybody(404)),
    ("GET", "/openapi.json", everybody(200)),
    ("GET", "/auth/login", row(200, 303, 200)),
    ("POST", "/auth/login", everybody(401)),
    ("GET", "/auth/login.css", everybody(200)),
    ("GET", "/auth/password.js", everybody(200)),
    ("GET", "/auth/wide.css", everybody(200)),
    ("GET", "/auth/wide.js", everybody(200)),
    ("GET", "/admin", ADMIN_PAGE),
    ("GET", "/admin.js", everybody(200)),
    ("GET", "/api/admin/users", admin(200)),
    ("POST", "/api/admin/users", admin(201)),
    ("PUT", "/api/admin/users/{name}", admin(204)),
    ("DELETE", "/api/admin/users/{name}", admin(204)),
    ("POST", "/api/admin/users/{name}/reset", admin(200)),
    ("POST", "/api/admin/users/{name}/lock", admin(204)),
    ("POST", "/api/admin/users/{name}/unlock", admin(204)),
    ("DELETE", "/api/admin/users/{name}/sessions", admin(200)),
    ("GET", "/api/admin/sessions", admin(200)),
    // One that there is not.
    ("DELETE", "/api/admin/sessions/{id}", admin(404)),
    ("GET", "/api/admin/shares", admin(200)),
    ("DELETE", "/api/admin/shares/{id}", admin(404)),
    ("GET", "/api/admin/sources", admin(200)),
    ("GET", "/audit", AUDIT_PAGE),
    ("GET", "/audit/audit.css", everybody(200)),
    ("GET", "/audit/audit.js", everybody(200)),
    ("GET", "/auth/mfa", everybody(303)),
    ("POST", "/auth/mfa", everybody(303)),
    ("GET", "/auth/enrol", everybody(303)),
    ("POST", "/auth/enrol", everybody(303)),
    ("GET", "/auth/enrol.svg", everybody(401)),
    ("GET", "/auth/first", everybody(200)),
    ("POST", "/auth/first", everybody(401)),
    ("GET", "/auth/next", everybody(303)),
    ("GET", "/auth/unlock", row(303, 200, 303)),
    ("POST", "/auth/unlock", everybody(303)),
    ("POST", "/auth/logout", everybody(303)),
    ("POST", "/auth/logout-everywhere", row(401, 303, 401)),
    // There is no provider.
    ("GET", "/auth/oidc", everybody(404)),
    ("GET", "/auth/callback", everybody(404)),
    ("POST", "/auth/backchannel", everybody(404)),
    ("GET", "/auth/left", everybody(404)),
    ("GET", "/auth/oidc/logout", everybody(404)),
    ("GET", "/auth/passkey.js", everybody(200)),
    ("GET", "/auth/passkeys", row(303, 200, 303)),
    // The passkey that is named is none.
    ("POST", "/auth/passkeys/remove", row(401, 400, 401)),
    ("POST", "/auth/recovery", USERS),
    ("POST", "/auth/webauthn/add/begin", USERS),
    // A body that is no passkey's is read before anybody is asked who he is.
    ("POST", "/auth/webauthn/add", everybody(422)),
    ("POST", "/auth/webauthn/begin", everybody(200)),
    ("POST", "/auth/webauthn/prove", everybody(422)),
    ("GET", "/api/session", USERS),
    ("DELETE", "/api/session", row(401, 204, 401)),
    ("POST", "/api/session/lock", row(401, 204, 401)),
    ("POST", "/api/session/unlock", row(401, 204, 401)),
    // Of a system, which says its name and its secret.
    ("POST", "/api/launch", everybody(401)),
    ("POST", "/api/launch/own", row(401, 201, 401)),
    ("POST", "/api/launch/redeem", everybody(401)),
    ("GET", "/api/audit", AUDIT),
    // All of it, so for auditors alone.
    ("GET", "/api/audit/export", EXPORT),
    ("POST", "/api/emergency", EMERGENCY),
    ("GET", "/api/studies/{study}/files", FILES),
    ("GET", "/api/studies/{source}/{study}/files", FILES),
    ("GET", "/api/shares", USERS),
    ("POST", "/api/shares", SHARE),
    ("POST", "/api/shares/look", everybody(404)),
    ("POST", "/api/shares/redeem", everybody(404)),
    ("GET", "/api/shares/opened", OPENED),
    // A link that is not one's own is none that one can take back.
    ("DELETE", "/api/shares/{id}", row(401, 404, 401)),
    // Names of routes, which are no secret.
    ("OPTIONS", "/dicomweb", everybody(200)),
    ("GET", "{root}/studies", LIST),
    ("POST", "{root}/studies", STORE),
    ("POST", "{root}/studies/{study}", STORE),
    ("GET", "{root}/series", LIST),
    ("GET", "{root}/instances", LIST),
    ("GET", "{root}/studies/{study}/series", LIST),
    ("GET", "{root}/studies/{study}/instances", LIST),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances",
        LIST_OF_SERIES,
    ),
    ("GET", "{root}/studies/{study}/metadata", STUDY),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/metadata",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/metadata",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/frames/{list}",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/bulk/{tag_path}",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/thumbnail",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/rendered",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/frames/{list}/thumbnail",
        SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}/frames/{list}/rendered",
        SERIES,
    ),
    ("GET", "{root}/studies/{study}/thumbnail", STUDY),
    ("GET", "{root}/studies/{study}/rendered", STUDY),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/rendered",
        SERIES,
    ),
    ("GET", "{root}/studies/{study}", FILES),
    (
        "GET",
        "{root}/studies/{study}/series/{series}",
        FILES_OF_SERIES,
    ),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/instances/{instance}",
        FILES_OF_SERIES,
    ),
    // A picture, as through the other routes.
    ("GET", "/wado", STUDY),
    (
        "GET",
        "{root}/studies/{study}/series/{series}/thumbnail",
        SERIES,
    ),
];
