//! What the index knows of studies and series: columns that searches compare, and the attributes themselves.

use protocol::dicomweb::json::Dataset;
use rusqlite::{Transaction, params};

use super::entry::{all_folded, compared_day, compared_requests, compared_time, folded};
use super::index::IndexError;

/// Writes what is known of a study, as searches compare it and as answers have it.
pub(super) fn insert_study(
    transaction: &Transaction,
    uid: &str,
    set: &Dataset,
    attributes: &str,
) -> Result<(), IndexError> {
    let text = |tag| set.text(tag).unwrap_or_default();
    let [name, patient, accession, study_id, description, referring] = [
        0x0010_0010,
        0x0010_0020,
        0x0008_0050,
        0x0020_0010,
        0x0008_1030,
        0x0008_0090,
    ]
    .map(|tag| folded(set, tag));
    let id: i64 = transaction
        .prepare_cached(
            "INSERT INTO studies (uid, name, patient_id, issuer, birth_date, sex, accession,
                study_id, date, time, description, referring)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (uid) DO UPDATE SET (name, patient_id, issuer, birth_date, sex, accession,
                study_id, date, time, description, referring)
                = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             RETURNING id",
        )?
        .query_row(
            params![
                uid,
                name,
                patient,
                all_folded(set, 0x0010_0021),
                compared_day(set, 0x0010_0030),
                text(0x0010_0040),
                accession,
                study_id,
                compared_day(set, 0x0008_0020),
                compared_time(set, 0x0008_0030),
                description,
                referring,
            ],
            |row| row.get(0),
        )?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO study_sets (id, attributes) VALUES (?1, ?2)")?
        .execute(params![id, attributes])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO study_text (rowid, name, patient_id, accession, study_id,
                description, referring) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            name,
            patient,
            accession,
            study_id,
            description,
            referring
        ])?;
    Ok(())
}

/// Writes what is known of a series.
pub(super) fn insert_series(
    transaction: &Transaction,
    [study, uid]: [&String; 2],
    set: &Dataset,
    attributes: &str,
) -> Result<(), IndexError> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO series (study, uid, modality, number, description, body_part,
                date, time, laterality, protocol, manufacturer, model, institution, department,
                station, performing, operators, step_date, step_time, requests, attributes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21)",
        )?
        .execute(params![
            study,
            uid,
            set.text(0x0008_0060).unwrap_or_default(),
            set.integer(0x0020_0011),
            all_folded(set, 0x0008_103E),
            all_folded(set, 0x0018_0015),
            compared_day(set, 0x0008_0021),
            compared_time(set, 0x0008_0031),
            set.text(0x0020_0060).unwrap_or_default(),
            all_folded(set, 0x0018_1030),
            all_folded(set, 0x0008_0070),
            all_folded(set, 0x0008_1090),
            all_folded(set, 0x0008_0080),
            all_folded(set, 0x0008_1040),
            all_folded(set, 0x0008_1010),
            all_folded(set, 0x0008_1050),
            all_folded(set, 0x0008_1070),
            compared_day(set, 0x0040_0244),
            compared_time(set, 0x0040_0245),
            compared_requests(set),
            attributes,
        ])?;
    Ok(())
}

/// Takes out what stands beside a study's row.
pub(super) fn remove_study(transaction: &Transaction, id: i64) -> Result<(), IndexError> {
    for sql in [
        "DELETE FROM study_sets WHERE id = ?1",
        "DELETE FROM study_text WHERE rowid = ?1",
    ] {
        transaction.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}
