//! All routes, in order. The table is what is served and what the OpenAPI document says: neither can lack a route of the other.
//!
//! Every answer passes through `headers::add` and has the name that `requests::observe` gives; no handler runs before
//! `headers::check_host`.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;
use crate::headers;
use crate::openapi::usual::{
    CSS, SCRIPT, SVG, app_file, app_page, audit_queries, drawn_queries, file, form, invoke_queries,
    operators, wado_queries,
};
use crate::openapi::{
    Body, Content, Costs, Operation, Table, Who, delete, document, get, options, post, put,
};
use crate::requests;
use crate::routes::{
    admin, admin_page, audit, audit_export, audit_page, bulk, capabilities, config_json, emergency,
    files, frames, health, invoke, launch, login, metadata, oidc, operators, pages, passkeys,
    query, recipient, rendered, retrieve, session, shares, stow, thumbnail, wado_uri, wide,
};
use crate::state::Shared;

/// The whole application.
pub fn app(state: Shared) -> Router {
    let (router, operations) = table().finish();
    let costs = Arc::new(Costs::new(&operations));
    let described = document(&operations, &state.base_path).to_string();
    // Another router of the same state says the same.
    let _ = state.document.set(described.into());
    let bugs = Arc::clone(&state);
    let panicked = move |_: Box<dyn std::any::Any + Send>| -> Response {
        // A bug in a handler concerns its own request only; where it was is in the log.
        bugs.metrics.panicked();
        ApiError::internal().into_response()
    };
    router
        .fallback(pages::file)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(64 << 10))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::check_origin))
        .layer(from_fn_with_state(state.clone(), headers::check_host))
        .layer(from_fn_with_state((state.clone(), costs), requests::limit))
        .layer(from_fn_with_state(state.clone(), headers::add))
        .layer(from_fn_with_state(state.clone(), requests::observe))
        .with_state(state)
}

/// Every route with its handler.
pub fn table() -> Table {
    let mut table = Table::default();
    public(&mut table);
    login_pages(&mut table);
    api(&mut table);
    administration(&mut table);
    for root in ["/dicomweb", "/dicomweb/{source}"] {
        dicomweb(&mut table, root);
        retrieved(&mut table, root);
    }
    let described = options("/dicomweb", "What the service can do").fails(&[406]);
    let described = described.answers(200, Content::Media(capabilities::WADL));
    table.add(described, capabilities::options);
    let wado = get("/wado", "One instance, as older systems link to it").who(Who::Session);
    let wado = wado_queries(wado)
        .answers(304, Content::Nothing)
        .fails(&[403, 404, 406]);
    table.add(wado, wado_uri::wado);
    table
}

/// Pages and files of the app, and what operators ask.
fn public(table: &mut Table) {
    let inside = |path| app_page(path, "The study list and the reader, after a login").leads_on();
    table.add(inside("/"), pages::inside);
    table.add(inside("/viewer"), pages::inside);
    table.add(
        get("/s", "The page behind a shared link").page(),
        recipient::page,
    );
    table.add(file("/s/recipient.css", CSS), recipient::style);
    table.add(file("/s/icon.svg", SVG), recipient::icon);
    table.add(file("/s/recipient.js", SCRIPT), recipient::script);
    table.add(
        app_page("/shared", "The reader of an opened link"),
        pages::index,
    );
    table.add(
        app_page("/embed", "The reader in a frame of another system's page"),
        pages::index,
    );
    table.add(app_file("/embed.js", SCRIPT), pages::file);
    table.add(
        app_file("/embed.d.ts", Content::Media("text/plain")),
        pages::file,
    );
    table.add(
        app_file("/bench.html", Content::Media("text/html")),
        pages::file,
    );
    table.add(file("/auth/wide.css", CSS), wide::style);
    table.add(file("/auth/wide.js", SCRIPT), wide::script);
    let page = get("/admin", "The page of administration").page();
    table.add(page.leads_on().fails(&[401, 403, 404]), admin_page::page);
    table.add(file("/admin.js", SCRIPT), admin_page::script);
    let record = get("/audit", "The audit record, searched").page();
    table.add(record.leads_on().fails_on_a_page(&[404]), audit_page::page);
    table.add(file("/audit/audit.css", CSS), audit_page::style);
    table.add(file("/audit/audit.js", SCRIPT), audit_page::script);
    let any = Content::Media("*/*");
    table.add(app_file("/assets/{file}", any), pages::file);
    let invoked = get("/IHEInvokeImageDisplay", "Opens studies, IHE RAD-106");
    table.add(
        invoke_queries(invoked).leads_on().fails(&[401, 404]),
        invoke::invoke,
    );
    let config = get("/config.json", "Where the app may read from");
    table.add(
        config.answers(200, Content::Json("Config")),
        config_json::config,
    );
    let health = get("/healthz", "Requests are answered").free();
    table.add(
        health.answers(200, Content::Json("Health")),
        health::healthz,
    );
    let ready = operators("/readyz", "Store and users can be read").free();
    let ready = ready
        .answers(200, Content::Json("Readiness"))
        .answers(503, Content::Json("Readiness"));
    table.add(ready, operators::readyz);
    let numbers = Content::Media("application/openmetrics-text");
    let metrics = operators("/metrics", "Numbers for operators").answers(200, numbers);
    table.add(metrics, operators::metrics);
    let described = operators("/openapi.json", "This document");
    table.add(
        described.answers(200, Content::Json("OpenApi")),
        operators::openapi,
    );
}

/// Logging in and out.
fn login_pages(table: &mut Table) {
    let page = |path, summary| get(path, summary).page().leads_on().fails(&[401, 404]);
    table.add(page("/auth/login", "The login page"), login::login_page);
    table.add(
        form("/auth/login", "Name and password", "Credentials"),
        login::login,
    );
    table.add(file("/auth/login.css", CSS), login::style);
    table.add(file("/auth/password.js", SCRIPT), login::script);
    table.add(
        page("/auth/mfa", "The page of the second factor"),
        login::second_page,
    );
    table.add(
        form("/auth/mfa", "A code of the second factor", "Code"),
        login::second,
    );
    table.add(
        page("/auth/enrol", "The page that sets a second factor up"),
        login::enrol_page,
    );
    table.add(
        form("/auth/enrol", "The first code of a new key", "Code"),
        login::enrol,
    );
    table.add(
        file("/auth/enrol.svg", SVG).who(Who::Session),
        login::enrol_picture,
    );
    table.add(
        page("/auth/first", "The page of a first password"),
        login::first_page,
    );
    table.add(
        form("/auth/first", "A first password, by a code", "First"),
        login::first,
    );
    table.add(
        page("/auth/next", "Goes on with what waited for the login").fails(&[400, 403]),
        login::next,
    );
    table.add(
        page("/auth/unlock", "The page of a locked session"),
        login::unlock_page,
    );
    table.add(
        form("/auth/unlock", "Goes on with a locked session", "Password"),
        login::unlock,
    );
    table.add(
        post("/auth/logout", "Ends the session").leads_on(),
        login::logout,
    );
    let everywhere = post("/auth/logout-everywhere", "Ends all of one's sessions");
    table.add(
        everywhere.leads_on().who(Who::Session),
        login::logout_everywhere,
    );
    let begun = page("/auth/oidc", "Leads to the provider").query("again", "text");
    table.add(begun, oidc::begin);
    let back = page("/auth/callback", "Comes back from the provider");
    let back = back.query("code", "text").query("state", "text");
    let back = back.query("iss", "text").query("error", "text");
    table.add(
        back.fails_on_a_page(&[400, 401, 403, 404, 503]),
        oidc::callback,
    );
    let told = post("/auth/backchannel", "The provider ends sessions");
    let told = told.takes(Body::Form("LogoutToken")).fails(&[404]);
    table.add(told.answers(200, Content::Nothing), oidc::back_channel);
    table.add(
        page("/auth/left", "The page after a logout"),
        oidc::left_page,
    );
    table.add(
        page("/auth/oidc/logout", "Leads to the provider's own logout"),
        oidc::logout,
    );
    table.add(file("/auth/passkey.js", SCRIPT), passkeys::script);
    table.add(
        page("/auth/passkeys", "One's passkeys").fails_on_a_page(&[400, 403, 404, 409]),
        passkeys::page,
    );
    let removed = form("/auth/passkeys/remove", "Removes one", "PasskeyRemoved");
    let removed = removed.fails_on_a_page(&[400, 403, 404, 409]);
    table.add(removed, passkeys::remove);
    let renewed = post("/auth/recovery", "Fresh recovery codes")
        .page()
        .guess();
    table.add(
        renewed.who(Who::Session).fails_on_a_page(&[403, 409]),
        passkeys::recovery,
    );
    let of_keys = |path, summary, content| {
        let operation = post(path, summary).guess().answers(200, content);
        operation.fails(&[400, 401, 404, 409])
    };
    let (options, next) = (Content::Json("PasskeyOptions"), Content::Json("Next"));
    table.add(
        of_keys(
            "/auth/webauthn/add/begin",
            "Begins to add a passkey",
            options,
        ),
        passkeys::begin_adding,
    );
    let added = of_keys("/auth/webauthn/add", "Adds a passkey", next);
    table.add(added.takes(Body::Json("PasskeyAdded")), passkeys::add);
    table.add(
        of_keys(
            "/auth/webauthn/begin",
            "Begins a login by a passkey",
            options,
        ),
        passkeys::begin_proving,
    );
    let proved = of_keys("/auth/webauthn/prove", "Logs in by a passkey", next);
    table.add(proved.takes(Body::Json("Passkey")), passkeys::prove);
}

/// The gateway's own JSON.
fn api(table: &mut Table) {
    let done = Content::Nothing;
    let state = get("/api/session", "Who is logged in").who(Who::Session);
    table.add(
        state.answers(200, Content::Json("SessionState")),
        session::session,
    );
    let ended = delete("/api/session", "Ends the session").who(Who::Session);
    table.add(ended.answers(204, done), session::end);
    let locked = post("/api/session/lock", "Locks the session").who(Who::Session);
    table.add(locked.answers(204, done), session::lock);
    let unlocked = post("/api/session/unlock", "Goes on with a locked session");
    let unlocked = unlocked.takes(Body::Json("Unlock")).guess();
    table.add(
        unlocked
            .who(Who::Session)
            .answers(204, done)
            .fails(&[404, 409]),
        session::unlock,
    );
    let issued = post("/api/launch", "A ticket for a frame");
    let issued = issued.takes(Body::Json("LaunchWanted"));
    let issued = issued.who(Who::LaunchClient).fails(&[404, 409, 502, 504]);
    table.add(issued.answers(201, Content::Json("Ticket")), launch::issue);
    let own = post(
        "/api/launch/own",
        "A ticket for the frame beside this window",
    );
    let own = own
        .who(Who::Session)
        .answers(201, Content::Json("OwnTicket"));
    table.add(own, launch::issue_own);
    let redeemed = post("/api/launch/redeem", "Takes a ticket");
    let redeemed = redeemed
        .takes(Body::Json("TicketTaken"))
        .fails(&[401, 404, 410]);
    table.add(
        redeemed.answers(200, Content::Json("TicketOpened")),
        launch::redeem,
    );
    let record = get("/api/audit", "The audit record").who(Who::Session);
    let record = audit_queries(record)
        .query("older", "older")
        .query("limit", "limit");
    table.add(
        record
            .answers(200, Content::Json("AuditPage"))
            .fails(&[403, 404]),
        audit::audit,
    );
    let export = get("/api/audit/export", "The audit record as a file").who(Who::Session);
    let export = audit_queries(export).query("format", "audit_format");
    let forms = [
        "application/fhir+json",
        "application/fhir+ndjson",
        "application/xml",
        "application/jsonl",
    ];
    let export = forms.iter().fold(export, |export, form| {
        export.answers(200, Content::Media(form))
    });
    table.add(export.fails(&[403, 404]), audit_export::export);
    let emergency = post("/api/emergency", "Opens a study in an emergency");
    let emergency = emergency.takes(Body::Json("Emergency")).who(Who::Session);
    table.add(
        emergency.answers(204, done).fails(&[404, 502, 504]),
        emergency::break_glass,
    );
    for path in [
        "/api/studies/{study}/files",
        "/api/studies/{source}/{study}/files",
    ] {
        let archive = get(path, "A study's files as a ZIP archive").who(Who::Session);
        let archive = archive.query("reason", "text").fails(&[403, 404]);
        let archive = archive.answers(200, Content::Media("application/zip"));
        table.add(archive, files::download);
    }
    let all = get("/api/shares", "One's links")
        .who(Who::Session)
        .fails(&[403]);
    table.add(
        all.answers(200, Content::Json("SharesListed")),
        shares::list,
    );
    let made = post("/api/shares", "Makes a link").who(Who::Session);
    let made = made
        .takes(Body::Json("ShareWanted"))
        .fails(&[404, 502, 504]);
    table.add(
        made.answers(201, Content::Json("ShareMade")),
        shares::create,
    );
    let of_a_link = |path, summary, name| {
        let operation = post(path, summary).guess();
        let operation = operation.takes(Body::Json("LinkHalves"));
        let operation = operation.answers(200, Content::Json(name));
        operation.fails(&[401, 403, 404, 410])
    };
    table.add(
        of_a_link("/api/shares/look", "Looks at a link", "LinkBefore"),
        shares::look,
    );
    table.add(
        of_a_link("/api/shares/redeem", "Opens a link", "LinkOpened"),
        shares::redeem,
    );
    let opened = get("/api/shares/opened", "What a link opened").who(Who::Link);
    table.add(
        opened.answers(200, Content::Json("LinkOpened")),
        shares::opened,
    );
    let revoked = delete("/api/shares/{id}", "Takes a link back").who(Who::Session);
    table.add(
        revoked.answers(204, done).fails(&[400, 404]),
        shares::revoke,
    );
}

/// What administrators do: each handler asks for one in its signature.
fn administration(table: &mut Table) {
    let look = |path, summary, name| {
        let look = get(path, summary).who(Who::Administrator);
        look.answers(200, Content::Json(name))
    };
    let done = Content::Nothing;
    table.add(
        look("/api/admin/users", "All users", "AdminUsers"),
        admin::users,
    );
    let added = post("/api/admin/users", "Makes a user").who(Who::Administrator);
    let added = added.takes(Body::Json("AdminWanted"));
    table.add(
        added.answers(201, Content::Json("AdminCode")).fails(&[409]),
        admin::add,
    );
    let user = "/api/admin/users/{name}";
    let edited = put(user, "Gives a user other rights").who(Who::Administrator);
    let edited = edited.takes(Body::Json("AdminWanted"));
    table.add(edited.answers(204, done).fails(&[409]), admin::edit);
    let removed = delete(user, "Removes a user").who(Who::Administrator);
    table.add(removed.answers(204, done).fails(&[409]), admin::remove);
    let about = |path: &str, summary| {
        let about = post(format!("{user}/{path}"), summary);
        about.who(Who::Administrator).fails(&[400, 409])
    };
    let reset = about("reset", "Gives a code for another password");
    table.add(reset.answers(200, Content::Json("AdminCode")), admin::reset);
    let locked = about("lock", "Locks an account");
    table.add(locked.answers(204, done), admin::lock);
    let unlocked = about("unlock", "Opens a locked account");
    table.add(unlocked.answers(204, done), admin::unlock);
    let ended = delete(format!("{user}/sessions"), "Ends a user's sessions");
    table.add(
        ended
            .who(Who::Administrator)
            .answers(200, Content::Json("AdminEnded")),
        admin::end_sessions,
    );
    table.add(
        look("/api/admin/sessions", "All sessions", "AdminSessions"),
        admin::sessions,
    );
    let ended = delete("/api/admin/sessions/{id}", "Ends a session").who(Who::Administrator);
    table.add(ended.answers(204, done), admin::end_session);
    table.add(
        look("/api/admin/shares", "All links", "AdminShares"),
        admin::shares,
    );
    let revoked = delete("/api/admin/shares/{id}", "Takes a link back").who(Who::Administrator);
    table.add(revoked.answers(204, done), admin::revoke);
    table.add(
        look(
            "/api/admin/sources",
            "How sources are doing",
            "AdminSources",
        ),
        admin::sources,
    );
}

/// One DICOMweb root.
fn dicomweb(table: &mut Table, root: &str) {
    let study = format!("{root}/studies/{{study}}");
    let series = format!("{study}/series/{{series}}");
    let instance = format!("{series}/instances/{{instance}}");
    let read = |path: String, summary| {
        let read = get(path, summary).who(Who::Session);
        read.fails(&[400, 404, 406, 502, 504])
    };
    let search = |path: String, summary| {
        let search = read(path, summary).answers(200, Content::DicomJson);
        search
            .query("limit", "limit")
            .query("offset", "offset")
            .query("includefield", "text")
            .query("fuzzymatching", "boolean")
            .query("PatientID", "text")
            .query("PatientName", "text")
            .query("StudyDate", "date")
            .query("AccessionNumber", "text")
            .query("ModalitiesInStudy", "text")
            .query("StudyInstanceUID", "uid")
    };
    let whole = |path: String| {
        let whole = read(path, "All attributes").answers(200, Content::DicomJson);
        let whole = whole.answers(200, Content::Media("multipart/related"));
        whole.query("accept", "text").answers(304, Content::Nothing)
    };
    let pixels = |path: String, summary, kinds: &[&'static str]| {
        kinds.iter().fold(read(path, summary), |operation, kind| {
            operation.answers(200, Content::Media(kind))
        })
    };
    let octets = [
        "multipart/related",
        "application/octet-stream",
        "image/*",
        "video/*",
    ];
    let studies = search(format!("{root}/studies"), "Searches studies");
    table.add(studies, query::studies);
    for (path, summary) in [
        (format!("{root}/studies"), "Stores instances"),
        (study.clone(), "Stores instances of one study"),
    ] {
        table.add(stored(path, summary), stow::store);
    }
    for path in [format!("{root}/series"), format!("{study}/series")] {
        table.add(search(path, "Searches series"), query::series);
    }
    for path in [
        format!("{root}/instances"),
        format!("{study}/instances"),
        format!("{series}/instances"),
    ] {
        table.add(search(path, "Searches instances"), query::instances);
    }
    for level in [&study, &series, &instance] {
        table.add(whole(format!("{level}/metadata")), metadata::metadata);
    }
    let frames = format!("{instance}/frames/{{list}}");
    let frames = pixels(frames, "Frames", &octets).answers(304, Content::Nothing);
    table.add(frames.query("accept", "text"), frames::frames);
    let value = format!("{instance}/bulk/{{tag_path}}");
    let value = pixels(value, "A value that metadata left out", &octets);
    let part = Content::Media("application/octet-stream");
    let value = value
        .query("accept", "text")
        .answers(206, part)
        .answers(416, Content::Nothing);
    table.add(value, bulk::bulk);
}

/// What is drawn, and what is taken away, of one DICOMweb root.
fn retrieved(table: &mut Table, root: &str) {
    let study = format!("{root}/studies/{{study}}");
    let series = format!("{study}/series/{{series}}");
    let instance = format!("{series}/instances/{{instance}}");
    let frames = format!("{instance}/frames/{{list}}");
    let read = |path: String, summary| {
        let read = get(path, summary).who(Who::Session);
        read.fails(&[400, 404, 406, 502, 504])
            .query("accept", "text")
    };
    let files = |level: &str| {
        let files = read(level.to_owned(), "Instances as files").query("reason", "text");
        let files = files.answers(200, Content::Media("multipart/related"));
        let files = files.answers(200, Content::Media("application/dicom"));
        files.fails(&[403])
    };
    for level in [&study, &series, &instance] {
        table.add(files(level), retrieve::retrieve);
    }
    let drawn = |path: String, summary| {
        let kinds = ["image/png", "image/jpeg", "image/gif", "multipart/related"];
        let drawn = read(path, summary).answers(304, Content::Nothing);
        kinds.iter().fold(drawn, |drawn, kind| {
            drawn.answers(200, Content::Media(kind))
        })
    };
    let small = |level: &str| {
        let small = drawn(format!("{level}/thumbnail"), "A small picture");
        small.query("size", "size").query("viewport", "text")
    };
    table.add(small(&study), thumbnail::study);
    table.add(small(&series), thumbnail::series);
    table.add(small(&instance), thumbnail::instance);
    table.add(small(&frames), thumbnail::frame);
    let picture = |level: &str| drawn_queries(drawn(format!("{level}/rendered"), "A picture"));
    table.add(picture(&study), rendered::study);
    table.add(picture(&series), rendered::series);
    let of_instance = picture(&instance).answers(200, Content::Media("application/pdf"));
    table.add(of_instance, rendered::instance);
    table.add(picture(&frames), rendered::frames);
}

/// STOW-RS, PS3.18 10.5.
fn stored(path: String, summary: &'static str) -> Operation {
    let stored = post(path, summary).who(Who::Session).takes(Body::Instances);
    let stored = [200, 202, 409].into_iter().fold(stored, |stored, status| {
        stored.answers(status, Content::StoreReport)
    });
    stored.fails(&[404, 405, 406, 408, 507])
}

async fn method_not_allowed() -> ApiError {
    let message = "this address is not asked in this way";
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}
