//! Queries as clients write them, and what is made of them.

use super::*;

fn parse(pairs: &[(&str, &str)]) -> Result<QidoQuery, QueryError> {
    QidoQuery::parse(pairs.iter().copied())
}

#[test]
fn a_query_survives_the_round_trip() {
    let query = parse(&[
        ("PatientName", "DOE*&x"),
        ("StudyDate", "20240101-"),
        ("ModalitiesInStudy", "ct,mr"),
        ("00100020", "4 2"),
        ("limit", "50"),
        ("offset", "100"),
        ("orderby", "-PatientName"),
        ("fuzzymatching", "true"),
        ("includefield", "all"),
    ])
    .unwrap();
    assert_eq!(
        query.to_query_string(),
        "PatientName=DOE*%26x&StudyDate=20240101-&ModalitiesInStudy=CT,MR&PatientID=4%202\
         &limit=50&offset=100&includefield=all&fuzzymatching=true&orderby=-PatientName"
    );
}

#[test]
fn dates_are_days_and_ranges_of_days() {
    let range = |from: Option<&str>, to: Option<&str>| Filter::Range {
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
    };
    for (value, expected) in [
        ("20240229", range(Some("20240229"), Some("20240229"))),
        ("-20240229", range(None, Some("20240229"))),
        (
            "20240101-20241231",
            range(Some("20240101"), Some("20241231")),
        ),
    ] {
        let query = parse(&[("StudyDate", value)]).unwrap();
        assert_eq!(query.filter(Field::StudyDate), Some(&expected), "{value}");
    }
}

#[test]
fn nonsense_is_refused_in_words() {
    for (name, value, words) in [
        ("StudyDate", "yesterday", "StudyDate must be YYYYMMDD"),
        ("StudyDate", "20230229", "StudyDate must be YYYYMMDD"),
        ("StudyDate", "-", "StudyDate must be YYYYMMDD"),
        ("StudyDate", "2024-01-01", "StudyDate must be YYYYMMDD"),
        ("StudyTime", "2500", "StudyTime must be HH"),
        ("limit", "-1", "limit must be a whole number"),
        ("limit", "ten", "limit must be a whole number"),
        ("offset", "1.5", "offset must be a whole number"),
        (
            "fuzzymatching",
            "maybe",
            "fuzzymatching must be true or false",
        ),
        ("orderby", "Colour", "orderby must be"),
        ("Favourite", "x", "cannot search by \"Favourite\""),
        ("00990099", "x", "cannot search by \"00990099\""),
        ("SeriesNumber", "two", "SeriesNumber must be a whole number"),
        ("includefield", "<b>", "includefield must be"),
        ("emptyvaluematching", "", "emptyvaluematching must be"),
        ("StudyInstanceUID", ",", "StudyInstanceUID must be a value"),
        ("StudyTime", "07.5", "StudyTime must be HH"),
        ("ScheduledProcedureStepID", "S", "cannot search by"),
    ] {
        let error = parse(&[(name, value)]).unwrap_err().to_string();
        assert!(error.starts_with(words), "{name}={value}: {error}");
    }
}

#[test]
fn an_empty_value_and_a_bare_star_match_everything_and_ask_for_the_attribute() {
    let query = parse(&[("PatientName", "*"), ("00080050", "")]).unwrap();
    let expected = QidoQuery {
        include_fields: vec!["PatientName".into(), "AccessionNumber".into()],
        ..QidoQuery::default()
    };
    assert_eq!(query, expected);
}

#[test]
fn two_quotation_marks_are_no_value_where_that_is_asked_for() {
    let pairs = [("PatientSex", "\"\""), ("emptyvaluematching", "true")];
    let query = parse(&pairs).unwrap();
    assert_eq!(query.filter(Field::PatientSex), Some(&Filter::Empty));
    let text = "PatientSex=%22%22&emptyvaluematching=true";
    assert_eq!(query.to_query_string(), text);
    let literal = parse(&[("StudyDescription", "\"\"")]).unwrap();
    let expected = Filter::Text("\"\"".into());
    assert_eq!(literal.filter(Field::StudyDescription), Some(&expected));
    assert!(parse(&[("StudyDate", "\"\"")]).is_err());
}

#[test]
fn ranges_of_a_date_and_its_time_are_one_where_both_have_one_form() {
    for (date, time, expected) in [
        ("20060705-20060707", "1000-1800", 1),
        ("20060705-20060707", "2300-0200", 1),
        ("20060705-", "1000-", 1),
        ("-20060707", "-1800", 1),
        ("20060705-", "1000-1800", 0),
        ("20060705-20060707", "1000", 0),
    ] {
        let query = parse(&[("StudyDate", date), ("StudyTime", time)]).unwrap();
        assert_eq!(query.combined().len(), expected, "{date} {time}");
        // Another server gets both as they were.
        let text = format!("StudyDate={date}&StudyTime={time}");
        assert_eq!(query.to_query_string(), text);
    }
    let apart = parse(&[("StudyDate", "20060705-"), ("SeriesTime", "1000-")]);
    assert_eq!(apart.unwrap().combined(), []);
}

#[test]
fn ranges_that_end_before_they_begin_are_refused() {
    for pairs in [
        &[("StudyDate", "20240102-20240101")][..],
        &[("StudyTime", "2300-0200")],
        &[("StudyTime", "2300-0200"), ("StudyDate", "20240101")],
        &[
            ("StudyTime", "2300-0200"),
            ("StudyDate", "20240101-20240101"),
        ],
        &[
            ("StudyTime", "1000-1100"),
            ("StudyDate", "20240102-20240101"),
        ],
    ] {
        let error = parse(pairs).unwrap_err().to_string();
        assert!(
            error.ends_with("a range that does not end before it begins"),
            "{error}"
        );
    }
    assert!(parse(&[("StudyTime", "0801-08")]).is_ok());
}

#[test]
fn an_attribute_of_a_sequence_is_written_by_its_keywords() {
    let query = parse(&[("00400275.00401001", "R7")]).unwrap();
    let text = "RequestAttributesSequence.RequestedProcedureID=R7";
    assert_eq!(query.to_query_string(), text);
}

#[test]
fn a_uid_list_may_be_repeated_and_a_name_may_not() {
    let query = parse(&[("StudyInstanceUID", "1.2,3"), ("0020000D", "4\\5")]).unwrap();
    let uids = ["1.2", "3", "4", "5"].map(str::to_owned).to_vec();
    assert_eq!(
        query.filter(Field::StudyInstanceUid),
        Some(&Filter::AnyOf(uids))
    );
    let twice = parse(&[("PatientName", "A"), ("PatientName", "B")]);
    assert_eq!(
        twice,
        Err(QueryError::Twice {
            name: "PatientName"
        })
    );
}

#[test]
fn times_may_be_cut_short() {
    for value in ["07", "0730", "073015.5", "07-08", "07 - 08", "-2359"] {
        assert!(parse(&[("StudyTime", value)]).is_ok(), "{value}");
    }
}

#[test]
fn an_option_is_given_once() {
    let twice = parse(&[("limit", "1"), ("limit", "2")]);
    assert_eq!(twice, Err(QueryError::Twice { name: "limit" }));
}
