//! Another hospital's server behind the gateway: a real Orthanc, whose answers are laid beside the gateway's.

use std::collections::BTreeMap;

use phantom::dicom::Encoding;
use protocol::dicomweb::multipart;
use sagitta_tests::{Answer, Gateway, Orthanc, TempFolder};
use serde_json::Value;

struct Pair {
    orthanc: Orthanc,
    gateway: Gateway,
    _folder: TempFolder,
}

impl Pair {
    fn start() -> Self {
        let orthanc = Orthanc::start().unwrap();
        for encoding in [Encoding::ExplicitLittle, Encoding::Rle] {
            // Those of another seed are other studies.
            let seed = if encoding == Encoding::Rle { 8 } else { 7 };
            for (_, file) in phantom::three(seed, encoding).unwrap() {
                orthanc.store(&file).unwrap();
            }
        }
        let folder = TempFolder::new("sources").unwrap();
        let text = format!(
            "[[source]]\nid = \"north\"\nlabel = \"North\"\ndicomweb = \"http://127.0.0.1:{}/dicom-web\"\n",
            orthanc.port()
        );
        let config = folder.write("gateway.toml", text.as_bytes()).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let gateway =
            Gateway::start_with(&[&data], &["--config", config.to_str().unwrap()]).unwrap();
        Self {
            orthanc,
            gateway,
            _folder: folder,
        }
    }

    /// Orthanc's own answer and the gateway's.
    fn both(&self, path: &str, accept: &str) -> [Answer; 2] {
        // Orthanc's helper accepts everything; for other forms the port is asked as the gateway is.
        let headers = [("accept", accept)];
        let theirs =
            sagitta_tests::request(self.orthanc.port(), &format!("/dicom-web/{path}"), &headers);
        let ours = self
            .gateway
            .request("GET", &format!("/dicomweb/north/{path}"), &headers);
        [theirs.unwrap(), ours.unwrap()]
    }

    fn json(&self, path: &str) -> [Value; 2] {
        let answers = self.both(path, "application/dicom+json");
        answers.map(|answer| {
            assert_eq!(answer.status, 200, "{path}");
            serde_json::from_slice(&answer.body).unwrap()
        })
    }
}

/// Takes addresses out of data sets and returns them by the tags that lead to them.
fn addresses(sets: &mut Value) -> BTreeMap<String, String> {
    fn walk(set: &mut Value, path: &str, found: &mut BTreeMap<String, String>) {
        let Some(elements) = set.as_object_mut() else {
            return;
        };
        elements.retain(|_, element| element["vr"] != "UR");
        for (tag, element) in elements {
            let path = format!("{path}{tag}");
            if let Some(address) = element.get_mut("BulkDataURI") {
                found.insert(path.clone(), address.as_str().unwrap().to_owned());
                *address = "somewhere".into();
            }
            let values = element.get_mut("Value").and_then(Value::as_array_mut);
            for (index, item) in values.into_iter().flatten().enumerate() {
                walk(item, &format!("{path}.{index}."), found);
            }
        }
    }
    let mut found = BTreeMap::new();
    for (index, set) in sets.as_array_mut().unwrap().iter_mut().enumerate() {
        walk(set, &format!("{index}/"), &mut found);
    }
    found
}

fn text(set: &Value, tag: &str) -> String {
    set[tag]["Value"][0].as_str().unwrap().to_owned()
}

fn bodies(answer: &Answer) -> Vec<Vec<u8>> {
    let content_type = answer.header("content-type").unwrap();
    let parts = multipart::parse(content_type, &answer.body).unwrap();
    parts.into_iter().map(|part| part.body.to_vec()).collect()
}

#[test]
fn an_orthanc_behind_the_gateway_gives_what_it_gives_by_itself() {
    let pair = Pair::start();
    for path in [
        "studies",
        "studies?PatientName=Example*&limit=2",
        "studies?ModalitiesInStudy=CT",
        "series?Modality=CT",
    ] {
        let [mut theirs, mut ours] = pair.json(path);
        addresses(&mut theirs);
        // What was not asked for is more, and what was is the same.
        addresses(&mut ours);
        let count = theirs.as_array().unwrap().len();
        assert!(count > 0, "{path}");
        assert_eq!(ours.as_array().unwrap().len(), count, "{path}");
        for (theirs, ours) in theirs
            .as_array()
            .unwrap()
            .iter()
            .zip(ours.as_array().unwrap())
        {
            for (tag, element) in theirs.as_object().unwrap() {
                assert_eq!(&ours[tag], element, "{path} {tag}");
            }
        }
    }
    let [studies, _] = pair.json("studies");
    let (mut frames, mut values) = (0, 0);
    for study in studies.as_array().unwrap() {
        let study = text(study, "0020000D");
        let [mut theirs, mut ours] = pair.json(&format!("studies/{study}/metadata"));
        let their_addresses = addresses(&mut theirs);
        let our_addresses = addresses(&mut ours);
        assert_eq!(ours, theirs, "{study}");
        assert!(our_addresses.keys().eq(their_addresses.keys()));
        for (path, address) in &our_addresses {
            assert!(address.starts_with("/dicomweb/north/studies/"), "{address}");
            let theirs = &their_addresses[path];
            let theirs = &theirs[theirs.find("/dicom-web/").unwrap()..];
            let accept = [("accept", "*/*")];
            let theirs = sagitta_tests::request(pair.orthanc.port(), theirs, &accept).unwrap();
            let ours = pair.gateway.request("GET", address, &accept).unwrap();
            assert_eq!((theirs.status, ours.status), (200, 200), "{path}");
            assert_eq!(bodies(&ours), bodies(&theirs), "{path}");
            values += 1;
        }
        for set in theirs.as_array().unwrap() {
            let place = format!(
                "studies/{study}/series/{}/instances/{}",
                text(set, "0020000E"),
                text(set, "00080018")
            );
            let count = set["00280008"]["Value"][0].as_u64().unwrap_or(1);
            let all: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
            for accept in [
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
                "*/*",
            ] {
                let path = format!("{place}/frames/{}", all.join(","));
                let [theirs, ours] = pair.both(&path, accept);
                assert_eq!((theirs.status, ours.status), (200, 200), "{path} {accept}");
                let (theirs, ours) = (bodies(&theirs), bodies(&ours));
                assert_eq!(theirs.len(), all.len());
                assert!(ours == theirs, "{path} {accept}");
                frames += ours.len();
            }
            let path = format!("/dicomweb/north/{place}/thumbnail?size=64");
            let picture = pair.gateway.get(&path).unwrap();
            assert_eq!(picture.status, 200, "{path} {}", picture.text());
            assert!(
                picture
                    .header("content-type")
                    .unwrap()
                    .starts_with("image/")
            );
        }
    }
    println!("{frames} frames and {values} values");
    assert!(frames > 20 && values > 0);
    let nothing = pair
        .gateway
        .get("/dicomweb/north/studies/9.9/metadata")
        .unwrap();
    assert_eq!(nothing.status, 404, "{}", nothing.text());
}
